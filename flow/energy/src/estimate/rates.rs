//! Activity of the hardware per action, which turns exact counts into events.

use pecan_config::isa::counter::{Counter, Counters};
use pecan_emulator::Toggle;

use super::super::Events;

/// Toggles per count and shares that depend on activations, of a layer or a whole network.
///
/// Counts that do not depend on data are exact in every plan. The others are products: active lanes are a share of the
/// lane-cycles in which an entry is processed, scratchpad reads a number per processed entry, and every toggle a number
/// of bits per count of the counter that it grows with ([`Toggle::per`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Rates {
    /// Active lane-cycles per processed entry.
    active: Option<f64>,
    /// Scratchpad reads per processed entry.
    reads: Option<f64>,
    /// Toggles per count, in the order of [`Toggle::ALL`]; none where nothing was counted.
    toggles: Vec<Option<f64>>,
}

fn ratio(value: f64, per: f64) -> Option<f64> {
    (per > 0.0).then(|| value / per)
}

impl Rates {
    /// The rates of measured events.
    #[must_use]
    pub fn of(events: &Events) -> Self {
        let steps = events.count(Counter::PeSteps);
        let toggle = |t: &Toggle| ratio(events.toggle(*t), events.count(t.per()));
        Self {
            active: ratio(events.count(Counter::ActiveLanes), steps),
            reads: ratio(events.count(Counter::ScratchReads), steps),
            toggles: Toggle::ALL.iter().map(toggle).collect(),
        }
    }

    /// These rates, and those of `other` where nothing was counted.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        self.active = self.active.or(other.active);
        self.reads = self.reads.or(other.reads);
        self.toggles.iter_mut().zip(&other.toggles).for_each(|(own, other)| *own = own.or(*other));
        self
    }

    /// These rates with the given share of nonzero activations; toggles per count stay.
    ///
    /// Without zero gating no rate depends on it.
    #[must_use]
    pub fn with_activation_density(mut self, share: f64, lanes: usize, gating: bool) -> Self {
        let share = if gating { share } else { 1.0 };
        // A read per lane bank: one in ordinary layers, the only ones that shapes can describe.
        (self.active, self.reads) = (Some(share * lanes as f64), Some(share));
        self
    }

    /// Share of the lane-cycles with a multiplication.
    #[must_use]
    pub fn active_share(&self, lanes: usize) -> f64 {
        self.active.unwrap_or(0.0) / lanes as f64
    }

    /// The events for counts in which those that depend on activations are 0.
    #[must_use]
    pub fn events(&self, counts: &Counters) -> Events {
        let mut events = Events { counts: counts.0.map(|n| n as f64), ..Events::default() };
        let steps = events.count(Counter::PeSteps);
        events.counts[Counter::ActiveLanes as usize] = steps * self.active.unwrap_or(0.0);
        events.counts[Counter::ScratchReads as usize] = steps * self.reads.unwrap_or(0.0);
        for (toggle, rate) in Toggle::ALL.iter().zip(&self.toggles) {
            events.toggles[*toggle as usize] = events.count(toggle.per()) * rate.unwrap_or(0.0);
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_back_from_their_own_rates() {
        let mut events = Events::default();
        events.counts.iter_mut().enumerate().for_each(|(k, n)| *n = (100 + 7 * k) as f64);
        events.toggles.iter_mut().enumerate().for_each(|(k, n)| *n = (3 * k) as f64);
        let mut counts = Counters(events.counts.map(|n| n as u64));
        counts[Counter::ActiveLanes] = 0;
        counts[Counter::ScratchReads] = 0;
        let back = Rates::of(&events).events(&counts);
        let all = |e: &Events| [&e.counts[..], &e.toggles[..]].concat();
        assert!(all(&back).iter().zip(all(&events)).all(|(a, b)| (a - b).abs() < 1e-9));
    }

    #[test]
    fn what_was_never_counted_is_taken_from_elsewhere() {
        let nothing = Rates::of(&Events::default());
        let counts = [2.0; pecan_config::isa::counter::COUNT];
        let events = Events { counts, ..Events::default() };
        let known = Rates::of(&events);
        assert_eq!(nothing.clone().or(&known), known);
        assert_eq!(nothing.active_share(4), 0.0);
        let half = nothing.with_activation_density(0.5, 4, true);
        assert_eq!(half.active_share(4), 0.5);
    }
}
