//! Builds an executable model of the RTL of a configuration.

use pecan_accelerator::elaborate::design;
use pecan_config::Config;
use pecan_config::isa::counter::COUNT;
use pecan_host::tools::Finder;
use pecan_rtl::emit::{EmitError, Module};
use pecan_verilator::{BuildOptions, Simulator, Verilator, VerilogFile};

use super::SimulateError;

/// The Verilog of a configuration, one file per module, each after those that it instantiates.
///
/// # Errors
/// The design has no Verilog: a fault of the generator.
pub fn verilog(config: &Config) -> Result<Vec<VerilogFile>, EmitError> {
    let design = design(config)?;
    let file =
        |module: Module| VerilogFile { name: format!("{}.v", module.name), text: module.text };
    Ok(design.modules.into_iter().map(file).collect())
}

/// Builds the Verilator model of a configuration, or loads it from the cache. A missing Verilator is installed,
/// announced through `say`, unless `offline`.
///
/// # Errors
/// A tool is missing or fails, the cache is not writable, or the design has no Verilog.
pub fn simulator(
    config: &Config,
    wave: bool,
    offline: bool,
    say: &dyn Fn(&str),
) -> Result<Simulator, SimulateError> {
    let finder = Finder::from_environment()?;
    if offline {
        finder.find("verilator")?;
    }
    let verilator = Verilator::locate(&finder, say)?;
    let options = BuildOptions { stream_bits: config.stream.bits as u32, counters: COUNT, wave };
    Ok(Simulator::build(&verilog(config)?, &options, &verilator)?)
}
