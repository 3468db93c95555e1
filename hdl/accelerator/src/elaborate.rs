//! The Verilog modules of a configuration.

use pecan_config::Config;
use pecan_rtl::emit::{Design, EmitError, emit};

use crate::blocks::Accelerator;

/// Name of the top module where there is no [`Prefix`](crate::generate::Prefix).
pub const TOP: &str = "pecan";

/// The modules of a configuration, each after those that it instantiates.
///
/// # Errors
/// The design has no Verilog: a fault of the generator.
pub fn design(config: &Config) -> Result<Design, EmitError> {
    emit(&Accelerator::new(config), TOP)
}
