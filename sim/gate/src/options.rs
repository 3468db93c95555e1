//! Options of a gate-level simulation.

use std::collections::BTreeMap;

use pecan_rtl::emit::MemorySize;

use super::error::{GateError, Result};

/// Wire capacitance before a layout is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wire {
    /// Capacitance of every driven net in fF.
    pub fixed_ff: f64,
    /// Capacitance for every pin that a net drives, in fF.
    pub per_fanout_ff: f64,
}

impl Wire {
    /// An assumption for 130 nm: 2 fF + 2.6 fF per driven pin.
    pub const NM130: Self = Self { fixed_ff: 2.0, per_fanout_ff: 2.6 };
    /// No wires.
    pub const NONE: Self = Self { fixed_ff: 0.0, per_fanout_ff: 0.0 };
}

/// Treatment of time within a clock cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Gates have no delay: every net toggles at most once per cycle, there are no glitches.
    ZeroDelay,
    /// Every output has its delay from the library; pulses shorter than it are swallowed.
    Inertial,
}

/// Options of [`super::GateDesign::load`].
#[derive(Debug, Clone, PartialEq)]
pub struct GateOptions {
    /// Wires.
    pub wire: Wire,
    /// Input slew in ns for all table look-ups.
    pub slew_ns: f64,
    /// Clock period in ns; the clock falls after half of it.
    pub period_ns: f64,
    /// Zero delay or glitch-aware.
    pub mode: Mode,
    /// Name of the top-level clock input.
    pub clock: String,
    /// Time of input changes after the clock edge, in ns.
    pub input_delay_ns: f64,
    /// Modules of the netlist that are synchronous memories, with their sizes; they are simulated by their behaviour.
    pub memories: BTreeMap<String, MemorySize>,
    /// Access time of memories in ns.
    pub memory_access_ns: f64,
    /// Capacitance of a memory's input pin in fF.
    pub memory_pin_ff: f64,
}

impl Default for GateOptions {
    /// 130 nm: 100 MHz, slew 0.1 ns, memories as in the SG13G2 macros (3.7 fF, 1 ns).
    fn default() -> Self {
        Self {
            wire: Wire::NM130,
            slew_ns: 0.1,
            period_ns: 10.0,
            mode: Mode::Inertial,
            clock: "clock".into(),
            input_delay_ns: 0.2,
            memories: BTreeMap::new(),
            memory_access_ns: 1.0,
            memory_pin_ff: 3.7,
        }
    }
}

impl GateOptions {
    /// Checks the ranges.
    pub(super) fn check(&self) -> Result<()> {
        let positive = |key, value: f64| check(key, value, f64::MIN_POSITIVE, "a number above 0");
        let not_negative = |key, value: f64| check(key, value, 0.0, "a number of at least 0");
        positive("period_ns", self.period_ns)?;
        not_negative("slew_ns", self.slew_ns)?;
        not_negative("input_delay_ns", self.input_delay_ns)?;
        not_negative("memory_access_ns", self.memory_access_ns)?;
        not_negative("memory_pin_ff", self.memory_pin_ff)?;
        not_negative("wire.fixed_ff", self.wire.fixed_ff)?;
        not_negative("wire.per_fanout_ff", self.wire.per_fanout_ff)
    }
}

fn check(key: &'static str, value: f64, least: f64, allowed: &str) -> Result<()> {
    if value.is_finite() && value >= least && value < 1e6 {
        return Ok(());
    }
    Err(GateError::Option { key, value: value.to_string(), allowed: allowed.into() })
}
