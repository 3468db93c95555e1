//! Simulation of a quantized network: RTL, emulator and integer reference, compared on every image.
//!
//! [`run()`] compiles the network and executes all images on the RTL in Verilator and on the emulator. It compares both
//! with the integer reference, value by value, and the RTL's performance counters with the emulator's prediction.
//! Tensors between layers mostly stay inside the device. So they are checked by executing the network cut off behind
//! each layer, on the first image that shows a difference (the first image if none does).

mod agreement;
mod build;
mod compare;
mod device;
mod document;
mod error;
mod inputs;
mod layers;
mod report;
mod run;

pub use agreement::{Agreement, Distance};
pub use build::{simulator, verilog};
pub use compare::{Difference, Opinion};
pub use device::Device;
pub use document::{ResidentCycles, SimulatedLayer, Simulation, SimulatorDocument};
pub use error::SimulateError;
pub use inputs::{memory_model, random_samples};
pub use layers::{LayersError, Skipped, run_layers, run_networks};
pub use report::{Accuracy, LayerReport, Report, Total};
pub use run::{Task, run, waveform};
