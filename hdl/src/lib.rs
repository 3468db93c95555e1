//! The accelerator: configuration schema, command set, RTL blocks and Verilog emitter.

pub mod blocks;
pub mod config;
pub mod emit;
pub mod generate;
pub mod geometry;
pub mod isa;
pub mod rtl;
pub mod text;
pub mod toml_limits;
#[doc(hidden)]
pub mod verification;
