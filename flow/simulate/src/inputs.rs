//! Inputs of a simulation.

use pecan_config::Config;
use pecan_ir::memory::{DramTiming, MemoryModel};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The DRAM that a configuration describes.
#[must_use]
pub fn memory_model(config: &Config) -> MemoryModel {
    let (numerator, denominator) = config.memory.bytes_per_cycle.fraction();
    let latency = config.memory.latency_cycles as u64;
    MemoryModel::Dram(DramTiming { numerator, denominator, latency, window: DramTiming::WINDOW })
}

/// `count` samples of `size` values, uniform in -1 to below 1, determined by the seed.
#[must_use]
pub fn random_samples(count: usize, size: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| (0..size).map(|_| rng.random_range(-1.0..1.0)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_follow_the_seed() {
        let samples = random_samples(3, 5, 7);
        assert_eq!(samples, random_samples(3, 5, 7));
        assert_ne!(samples, random_samples(3, 5, 8));
        assert!(samples.iter().flatten().all(|v| (-1.0..1.0).contains(v)));
    }

    #[test]
    fn the_configured_memory_is_legal() {
        memory_model(&Config::default()).validate().unwrap();
    }
}
