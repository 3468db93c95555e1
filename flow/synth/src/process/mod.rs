//! Process profiles: assumptions of synthesis, timing and the energy model about a technology.
//!
//! A profile is the file `process.toml` of a technology's folder ([`pecan_technologies`]). It names its cell library
//! and the places to look for it; it contains no foreign data itself.

mod error;
mod keys;
mod load;
mod search;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

pub use self::error::ProcessError;
pub use self::search::LibertySearch;

/// A technology as used by the flow.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Process {
    /// Short name.
    pub name: String,
    /// Description, with corner, voltage and temperature.
    pub description: String,
    /// Feature size in nm.
    pub node_nm: f64,
    /// File names of the cell library.
    pub liberty: Vec<String>,
    /// Source of the files, for users who lack them; may be empty.
    #[serde(skip)]
    pub install: String,
    /// Folders with the files: absolute, or below the folder of the process design kits.
    pub folders: Vec<PathBuf>,
    /// The cell that gates clocks; without one, no clock is gated.
    pub clock_gate: Option<ClockGate>,
    /// The cells that drive constants; without them, constants stay in the netlist.
    pub tie: Option<Tie>,
    /// Capacitance of wires.
    pub wire: Wire,
    /// Clock and transitions.
    pub timing: Timing,
    /// Cells that synthesis must not use; entries may contain `*`.
    pub dont_use: Vec<String>,
    /// Driver and load that gates are sized for: without it, no gate is sized and no buffer inserted.
    pub sizing: Option<Sizing>,
    /// File names of the liberty files of memory macros.
    pub sram: Vec<String>,
    /// Folder of the profile's file; none if it is part of the program.
    #[serde(skip)]
    pub folder: Option<PathBuf>,
}

/// A clock gate and its pins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ClockGate {
    /// Cell name.
    pub cell: String,
    /// Pin that is 1 while the clock runs.
    pub enable: String,
    /// Clock input.
    pub clock: String,
    /// Gated clock.
    pub output: String,
    /// Further inputs, to be tied to 0, such as the test enable.
    pub tie_low: Vec<String>,
}

/// The cells that drive constants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tie {
    /// Cell for 1.
    pub high_cell: String,
    /// Its output.
    pub high_pin: String,
    /// Cell for 0.
    pub low_cell: String,
    /// Its output.
    pub low_pin: String,
}

/// Capacitance of a wire before layout: an assumption, which depends on its fanout only.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Wire {
    /// Of every wire, in fF.
    pub fixed_ff: f64,
    /// For each pin that it drives, in fF.
    pub per_fanout_ff: f64,
    /// Source of the figures.
    pub reason: String,
}

impl Wire {
    /// Capacitance in fF of a wire that drives so many pins.
    #[must_use]
    pub fn capacitance_ff(&self, fanout: usize) -> f64 {
        self.fixed_ff + self.per_fanout_ff * fanout as f64
    }
}

/// Assumptions that gates are sized for.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Sizing {
    /// Cell that is assumed to drive the inputs of every module.
    pub driver: String,
    /// Load of its outputs, in fF.
    pub load_ff: f64,
}

/// Clock and transitions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Timing {
    /// Clock period that synthesis aims at, in ns.
    pub period_ns: f64,
    /// Transition time of every signal in the energy model, in ns.
    pub slew_ns: f64,
}

#[cfg(test)]
mod tests;
