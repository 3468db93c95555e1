//! Simulation of the accelerator: the quantized network, its integer reference, the emulator of the
//! command stream, and the Verilator model that runs the RTL.

pub mod layer;
pub mod reference;
