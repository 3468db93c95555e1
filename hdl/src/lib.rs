//! The accelerator: configuration schema, command set, RTL blocks and Verilog emitter.

pub mod emit;
pub mod rtl;
