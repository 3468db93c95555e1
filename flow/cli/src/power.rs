//! `pecan power`: power of a netlist by instance, from the activity of a SAIF file.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::process::ProcessArgs;
use super::{Context, Exit, Failure, RunArgs};
use pecan_gate::{Activity, GateDesign, GateError, GateOptions, Library, ScopeEnergy, Wire};
use pecan_liberty::LibertyError;
use pecan_text::table::Table;

/// Power of a netlist by instance, from the activity of a SAIF file
///
/// The netlist is what Yosys writes with `write_json`, of cells of the process; it need not be one of this program.
/// The SAIF file is of any simulator that ran that netlist: toggles and time at 1 of its nets. States of nets are taken
/// as independent of each other. Wires are the assumption of the process.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Netlist (Yosys JSON)
    #[arg(value_name = "NETLIST")]
    netlist: PathBuf,
    /// Activity of its nets
    #[arg(long, value_name = "FILE")]
    saif: PathBuf,
    #[command(flatten)]
    process: ProcessArgs,
    /// Clock period of the SAIF file, in ns [default: that of the process]
    #[arg(long, value_name = "NS")]
    period: Option<f64>,
    /// Name of the clock input
    #[arg(long, value_name = "NAME", default_value = "clock")]
    clock: String,
    #[command(flatten)]
    run: RunArgs,
}

/// Power of a netlist.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Metrics {
    /// Cells of the netlist.
    cells: usize,
    /// Its nets.
    nets: usize,
    /// Share of the nets whose activity the file has.
    coverage: f64,
    /// Time that the activity covers.
    time_ns: f64,
    /// The whole netlist.
    total: InstancePower,
    /// The instances of modules, each without the instances inside it.
    instances: Vec<InstancePower>,
}

/// Power of an instance, without the instances inside it.
#[derive(Debug, Serialize, JsonSchema)]
struct InstancePower {
    /// Path in the hierarchy; empty for the top module.
    path: String,
    /// Module.
    module: String,
    /// Charging of nets.
    switching_mw: f64,
    /// Inside cells.
    internal_mw: f64,
    /// Clock pins and clock nets.
    clock_mw: f64,
    /// Leakage.
    leakage_mw: f64,
    /// All of it.
    total_mw: f64,
}

impl From<GateError> for Failure {
    fn from(error: GateError) -> Self {
        let exit = Exit::from_code(error.exit_code()).unwrap_or(Exit::BadInput);
        Self::from_error(exit, error)
    }
}

impl From<LibertyError> for Failure {
    fn from(error: LibertyError) -> Self {
        Self::from_error(Exit::BadInput, error)
    }
}

pub(super) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let process = args.process.process()?;
    let files = process.find_liberty(&args.process.search())?;
    let library = Library::read(&files)?;
    let options = GateOptions {
        wire: Wire { fixed_ff: process.wire.fixed_ff, per_fanout_ff: process.wire.per_fanout_ff },
        slew_ns: process.timing.slew_ns,
        period_ns: args.period.unwrap_or(process.timing.period_ns),
        clock: args.clock.clone(),
        ..GateOptions::default()
    };
    let design = GateDesign::load(&args.netlist, &library, &options)?;
    let activity = Activity::read_saif(&design, &args.saif)?;
    let scopes = design.average(&library, &activity);
    let folder = args.run.open_plain(context)?;
    // Energies are of the whole time: pJ per ns are mW.
    let power = Power { nanoseconds: activity.cycles * options.period_ns };
    let mut total = ScopeEnergy { path: "all".into(), ..ScopeEnergy::default() };
    scopes.iter().for_each(|scope| total.add(scope));
    if !context.json() {
        context.print(&power.text(&scopes, &total))?;
    }
    let metrics = Metrics {
        cells: design.cells(),
        nets: design.nets(),
        coverage: activity.coverage,
        time_ns: power.nanoseconds,
        total: power.document(&total),
        instances: scopes.iter().map(|scope| power.document(scope)).collect(),
    };
    folder.finish(context, &metrics)?;
    Ok(Exit::Done)
}

/// Energies over a time as powers.
struct Power {
    nanoseconds: f64,
}

impl Power {
    fn milliwatts(&self, picojoules: f64) -> f64 {
        if self.nanoseconds > 0.0 { picojoules / self.nanoseconds } else { 0.0 }
    }

    /// Members of an instance, without the instances inside it, in mW.
    fn document(&self, scope: &ScopeEnergy) -> InstancePower {
        InstancePower {
            path: scope.path.clone(),
            module: scope.module.clone(),
            switching_mw: self.milliwatts(scope.switching_pj),
            internal_mw: self.milliwatts(scope.internal_pj),
            clock_mw: self.milliwatts(scope.clock_pj),
            leakage_mw: self.milliwatts(scope.leakage_pj),
            total_mw: self.milliwatts(scope.total_pj()),
        }
    }

    fn text(&self, scopes: &[ScopeEnergy], total: &ScopeEnergy) -> String {
        let head =
            ["instance", "module", "switching mW", "internal mW", "clock mW", "leakage mW", "mW"];
        let mut table = Table::new(&head);
        for scope in scopes.iter().chain([total]) {
            let path = if scope.path.is_empty() { "top" } else { &scope.path };
            let numbers = [
                scope.switching_pj,
                scope.internal_pj,
                scope.clock_pj,
                scope.leakage_pj,
                scope.total_pj(),
            ];
            let numbers = numbers.map(|energy| format!("{:.4}", self.milliwatts(energy)));
            table.row([path.to_owned(), scope.module.clone()].into_iter().chain(numbers));
        }
        table.render()
    }
}
