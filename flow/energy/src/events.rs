//! Events during the execution of a layer: the hardware's counters and the bits that toggle.

use pecan_config::isa::counter::{COUNT, Counter, Counters};
use pecan_emulator::{TOGGLES, Toggle, Toggles};

/// Counters and Hamming distances of a part of a program, as real numbers: measured, or expected where a layer has no
/// data.
#[derive(Clone, Debug, PartialEq)]
pub struct Events {
    /// By counter.
    pub counts: [f64; COUNT],
    /// By toggle.
    pub toggles: [f64; TOGGLES],
}

impl Default for Events {
    fn default() -> Self {
        Self { counts: [0.0; COUNT], toggles: [0.0; TOGGLES] }
    }
}

impl Events {
    /// Events that were counted.
    #[must_use]
    pub fn measured(counters: &Counters, toggles: &Toggles) -> Self {
        Self { counts: counters.0.map(|n| n as f64), toggles: toggles.0.map(|n| n as f64) }
    }

    /// Value of a counter.
    #[must_use]
    pub fn count(&self, counter: Counter) -> f64 {
        self.counts[counter as usize]
    }

    /// Number of bits that toggled.
    #[must_use]
    pub fn toggle(&self, toggle: Toggle) -> f64 {
        self.toggles[toggle as usize]
    }

    /// Adds events.
    pub fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(to, from)| *to += from);
        self.toggles.iter_mut().zip(&other.toggles).for_each(|(to, from)| *to += from);
    }
}
