//! The accelerator: configuration schema, command set, RTL blocks and Verilog emitter.

pub mod config;
pub mod geometry;
pub mod isa;
