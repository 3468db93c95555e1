//! The accelerator: its RTL blocks, and the package of Verilog, bench, drivers and constraints of a configuration.

pub mod blocks;
pub mod elaborate;
pub mod generate;
#[cfg(any(test, feature = "verification"))]
#[doc(hidden)]
pub mod verification;
