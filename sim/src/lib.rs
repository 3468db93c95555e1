//! Simulation of the accelerator: the quantized network, its integer reference, the emulator of the
//! command stream, and the Verilator model that runs the RTL.

pub mod cache;
pub mod child;
pub mod emulator;
pub mod error;
pub mod file;
pub mod gate;
pub mod harness;
pub mod housekeeping;
pub mod layer;
pub mod memory;
pub mod program;
pub mod reference;
pub mod tools;
pub mod verilator;
