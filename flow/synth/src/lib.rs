//! External tools of the implementation flow: typed arguments in, typed reports out.
//!
//! A [`Process`] describes the available cells; [`synthesize`] maps a configuration to them with Yosys, [`timing`]
//! finds the worst path with OpenSTA, [`map_to_fpga`] counts the resources of an FPGA.

mod error;
mod fpga;
mod library;
mod process;
mod sram;
mod sta;
mod synth;
mod words;
mod yosys;

pub use error::ToolError;
pub use fpga::{Device, Family, FpgaReport, map_to_fpga};
pub use library::{CellInfo, CellKind, Library};
pub use process::{ClockGate, LibertySearch, Process, ProcessError, Sizing, Tie, Timing, Wire};
pub use sram::{Macro, Placement, macros, place};
pub use sta::{TimingReport, timing};
pub use synth::{
    CellCount, MemoryReport, ModuleReport, SynthOptions, SynthReport, Synthesis, synthesize,
};
pub use words::is_name;
pub use yosys::Yosys;

/// Result of a tool.
pub type Result<T, E = ToolError> = std::result::Result<T, E>;
