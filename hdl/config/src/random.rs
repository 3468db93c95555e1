//! Random legal configurations for tests, drawn from the schema.

use rand::Rng;
use rand::seq::IndexedRandom;

use super::domain::{Domain, Value};
use super::key::Key;
use super::{Config, Rate};

/// Bounds on the size of random configurations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most multipliers (rows x columns x lanes).
    pub multipliers: usize,
    /// No number is drawn above its value here. A value below the smallest legal one counts as the smallest legal one.
    pub upper: Config,
}

impl Limits {
    /// No bound but the schema's.
    #[must_use]
    pub fn none() -> Self {
        let mut upper = Config::default();
        for key in Config::keys() {
            // A key accepts its own largest value.
            let _ = key.set(&mut upper, key.domain.largest());
        }
        Self { multipliers: usize::MAX, upper }
    }

    /// Hardware that compiles and simulates in seconds: at most 32 multipliers, 8 KiB of global
    /// buffer, 512 weight entries, 50 cycles of memory latency.
    #[must_use]
    pub fn small() -> Self {
        let mut limits = Self::none();
        limits.multipliers = 32;
        limits.upper.array.rows = 6;
        limits.upper.array.cols = 6;
        limits.upper.pe.scratchpad_words = 16;
        limits.upper.pe.psum_depth = 16;
        limits.upper.buffers.global_kib = 8;
        limits.upper.buffers.weight_entries = 512;
        limits.upper.memory.latency_cycles = 50;
        limits
    }
}

impl Key {
    /// Legal values that tests should cover: all of them where they are few; of a range the ends,
    /// the powers of two and some numbers that are no power of two.
    #[must_use]
    pub fn samples(&self) -> Vec<Value> {
        match self.domain {
            Domain::Range { min, max, step } => {
                let powers = (0..=max.ilog2()).map(|bit| 1 << bit);
                let odd = [3, 5, 6, 7, 10, 12, 14, 24, 100];
                let ends = [min, min + step, max];
                let mut values: Vec<u64> = powers.chain(odd).chain(ends).collect();
                values.retain(|value| self.domain.accepts(Value::Integer(*value)));
                values.sort_unstable();
                values.dedup();
                values.into_iter().map(Value::Integer).collect()
            }
            Domain::Decimal { min, max } => {
                let inner = [1000, 1500, 5333, 8000].map(Rate::from_thousandths);
                let mut values: Vec<Rate> = [min, max].into_iter().chain(inner).collect();
                values.retain(|value| self.domain.accepts(Value::Decimal(*value)));
                values.sort_unstable();
                values.dedup();
                values.into_iter().map(Value::Decimal).collect()
            }
            _ => self.domain.candidates(),
        }
    }

    /// Draws a legal value that does not exceed `limit`: with equal chance one of [`Key::samples`], which include the
    /// corner cases, or any legal value.
    fn draw(&self, rng: &mut impl Rng, limit: Value) -> Value {
        let any = rng.random_bool(0.5);
        let value = match (self.domain, limit) {
            (Domain::Range { min, max, step }, Value::Integer(limit)) if any => {
                let steps = max.min(limit).saturating_sub(min) / step;
                Some(Value::Integer(min + step * rng.random_range(0..=steps)))
            }
            (Domain::Decimal { min, max }, Value::Decimal(limit)) if any => {
                let (min, max) = (min.thousandths(), max.min(limit).thousandths());
                let drawn = rng.random_range(min..=max.max(min));
                Some(Value::Decimal(Rate::from_thousandths(drawn)))
            }
            _ => {
                let mut samples = self.samples();
                samples.retain(|value| !value.exceeds(limit));
                samples.choose(rng).copied()
            }
        };
        value.unwrap_or_else(|| self.domain.smallest())
    }
}

impl Config {
    /// Draws a legal configuration within the limits. Every key is drawn on its own; then the keys
    /// of a broken rule are drawn again until none is broken.
    pub fn random(rng: &mut impl Rng, limits: &Limits) -> Self {
        let mut config = Self::default();
        let mut redraw: Vec<&'static Key> = Self::keys().collect();
        // Ends with probability one: the smallest values (with a psum depth of 4), which are always
        // drawn with positive probability, obey every rule (see the test below).
        while !redraw.is_empty() {
            for key in redraw {
                let value = key.draw(rng, key.get(&limits.upper));
                // A drawn value is legal for its key.
                let _ = key.set(&mut config, value);
            }
            redraw = config.keys_to_redraw(limits);
        }
        config
    }

    fn keys_to_redraw(&self, limits: &Limits) -> Vec<&'static Key> {
        if self.multipliers() > limits.multipliers.max(1) {
            return Self::keys().filter(|key| key.section == "array").collect();
        }
        self.violations().first().map(|rule| rule.schema_keys().collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
    use std::collections::HashSet;

    #[test]
    fn the_smallest_values_are_legal() {
        let mut config = Config::default();
        for key in Config::keys() {
            assert!(key.set(&mut config, key.domain.smallest()));
        }
        // Two partial sums (one in a bank) need more columns or lanes than the smallest.
        config.pe.psum_depth = 4;
        assert!(config.violations().is_empty());
    }

    #[test]
    fn drawn_configurations_are_legal_and_differ() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let limits = [Limits::none(), Limits::small()];
        for limits in limits {
            let mut seen = HashSet::new();
            for _ in 0..1000 {
                let config = Config::random(&mut rng, &limits);
                assert!(config.violations().is_empty(), "{config:?}");
                assert!(config.multipliers() <= limits.multipliers);
                for key in Config::keys() {
                    assert!(key.domain.accepts(key.get(&config)), "{}", key.path());
                    assert!(!key.get(&config).exceeds(key.get(&limits.upper)), "{}", key.path());
                }
                seen.insert(config.hash());
            }
            assert!(seen.len() > 990, "{}", seen.len());
        }
    }

    #[test]
    fn every_sample_is_drawn() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let drawn: Vec<_> =
            (0..20_000).map(|_| Config::random(&mut rng, &Limits::none())).collect();
        for key in Config::keys() {
            let values: HashSet<_> = drawn.iter().map(|config| key.get(config)).collect();
            for sample in key.samples() {
                assert!(values.contains(&sample), "{} = {sample}", key.path());
            }
        }
    }

    #[test]
    fn equal_seeds_draw_equal_configurations() {
        let draw = || Config::random(&mut ChaCha8Rng::seed_from_u64(7), &Limits::small());
        assert_eq!(draw(), draw());
    }

    #[test]
    fn limits_below_the_schema_give_the_smallest_values() {
        let mut limits = Limits::none();
        limits.multipliers = 0;
        limits.upper.numerics.accumulator_bits = 0;
        limits.upper.memory.bytes_per_cycle = Rate::from_thousandths(0);
        let config = Config::random(&mut ChaCha8Rng::seed_from_u64(7), &limits);
        assert_eq!(config.multipliers(), 1);
        assert_eq!(config.numerics.accumulator_bits, 12);
        assert_eq!(config.memory.bytes_per_cycle, Rate::from_thousandths(250));
    }
}
