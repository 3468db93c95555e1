//! The objective of the mapper.

use pecan_config::isa::counter::{COUNT, Counter, Counters};

/// Energy per event of the hardware's counters and per clock cycle, in pJ.
///
/// Transfers to and from DRAM are the events `beats_in` and `beats_out`. Leakage and clock belong to the cycle.
/// The events that depend on activations (`active_lane_cycles`, `scratchpad_reads`) are the same in every mapping
/// of a layer and count as 0 in the search.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionCosts {
    events: [f64; COUNT],
    cycle: f64,
}

/// Costs that are negative or not finite, all of them.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("energy per action must be finite and not negative: {}", .0.join(", "))]
pub struct CostError(Vec<String>);

impl ActionCosts {
    /// Energy per event (pJ) and per cycle (pJ).
    ///
    /// # Errors
    /// A value is negative or not finite: bounds of the search would not hold.
    pub fn new(event: impl Fn(Counter) -> f64, cycle: f64) -> Result<Self, CostError> {
        let mut events = [0.0; COUNT];
        for counter in Counter::ALL {
            // Both count cycles, which have a price of their own.
            if !matches!(counter, Counter::Cycles | Counter::RunCycles) {
                events[*counter as usize] = event(*counter);
            }
        }
        let named = Counter::ALL.iter().map(|c| (c.key(), events[*c as usize]));
        let wrong: Vec<String> = named
            .chain([("cycle", cycle)])
            .filter(|(_, value)| !(value.is_finite() && *value >= 0.0))
            .map(|(key, value)| format!("{key} = {value}"))
            .collect();
        if wrong.is_empty() { Ok(Self { events, cycle }) } else { Err(CostError(wrong)) }
    }

    /// Energy in pJ of these counts; the cycles are those of [`Counter::Cycles`].
    #[must_use]
    pub fn energy(&self, counts: &Counters) -> f64 {
        let events: f64 = self.events.iter().zip(&counts.0).map(|(pj, n)| pj * *n as f64).sum();
        events + self.cycle * counts[Counter::Cycles] as f64
    }
}

/// The objective of the mapper, minimized layer by layer.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Objective {
    /// Cycles.
    #[default]
    Delay,
    /// Energy in pJ.
    Energy(ActionCosts),
    /// Energy times cycles.
    Edp(ActionCosts),
}

impl Objective {
    /// Cost of a layer with these counts. It never falls if a count or the cycles rise.
    #[must_use]
    pub fn cost(&self, counts: &Counters) -> f64 {
        let cycles = counts[Counter::Cycles] as f64;
        match self {
            Self::Delay => cycles,
            Self::Energy(costs) => costs.energy(counts),
            Self::Edp(costs) => costs.energy(counts) * cycles,
        }
    }

    /// Whether counts other than cycles matter.
    pub(crate) fn counts(&self) -> bool {
        *self != Self::Delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_sums_and_products() {
        let costs = ActionCosts::new(|c| f64::from(u8::from(c == Counter::BeatsIn)) * 2.0, 0.5);
        let costs = costs.unwrap();
        let mut counts = Counters::default();
        counts[Counter::Cycles] = 10;
        counts[Counter::BeatsIn] = 3;
        assert_eq!(Objective::Delay.cost(&counts), 10.0);
        assert_eq!(Objective::Energy(costs.clone()).cost(&counts), 11.0);
        assert_eq!(Objective::Edp(costs).cost(&counts), 110.0);
    }

    #[test]
    fn every_wrong_cost_is_named() {
        let error = ActionCosts::new(|c| if c == Counter::BeatsIn { -1.0 } else { 0.0 }, f64::NAN);
        assert_eq!(
            error.unwrap_err().to_string(),
            "energy per action must be finite and not negative: beats_in = -1, cycle = NaN"
        );
    }
}
