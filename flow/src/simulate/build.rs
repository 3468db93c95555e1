//! From a configuration to an executable model of its RTL.

use pecan_hdl::blocks::Accelerator;
use pecan_hdl::config::Config;
use pecan_hdl::emit::{Design, EmitError, emit};
use pecan_hdl::isa::counter::COUNT;
use pecan_sim::tools::Finder;
use pecan_sim::verilator::{BuildOptions, Simulator, TOP, Verilator, VerilogFile};

use super::SimulateError;

/// The modules of a configuration, each after those that it instantiates.
///
/// # Errors
/// The design has no Verilog: a fault of the generator.
pub fn design(config: &Config) -> Result<Design, EmitError> {
    emit(&Accelerator::new(config), TOP)
}

/// The Verilog of a configuration, one file per module, each after those that it instantiates.
///
/// # Errors
/// The design has no Verilog: a fault of the generator.
pub fn verilog(config: &Config) -> Result<Vec<VerilogFile>, EmitError> {
    let design = design(config)?;
    let file = |module: pecan_hdl::emit::Module| VerilogFile {
        name: format!("{}.v", module.name),
        text: module.text,
    };
    Ok(design.modules.into_iter().map(file).collect())
}

/// Builds the Verilator model of a configuration, or takes it from the cache. A missing Verilator is
/// installed, announced through `say`, unless `offline`.
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
