//! `pecan power`: power of a netlist by instance, from the activity of a SAIF or VCD file.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::process::ProcessArgs;
use super::{Context, Exit, Failure, RunArgs};
use pecan_gate::{
    Activity, GateDesign, GateError, GateOptions, Library, ScopeEnergy, Window, Wire,
};
use pecan_liberty::LibertyError;
use pecan_text::table::Table;

/// Power of a netlist by instance, from the activity of a SAIF or VCD file
///
/// The netlist is what Yosys writes with `write_json`, of cells of the process; it need not be one of this program.
/// The SAIF or VCD file is of any simulator that ran that netlist under the same names: toggles and time at 1 of its
/// nets. Changes from or to x and z are no toggles, as in SAIF. States of nets are taken as independent of each other.
/// Wires are the assumption of the process.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Netlist (Yosys JSON)
    #[arg(value_name = "NETLIST")]
    netlist: PathBuf,
    #[command(flatten)]
    source: Source,
    /// Instance in the file that is the netlist's top, such as `bench.dut` [default: the one with the names of its
    /// nets]
    #[arg(long, value_name = "PATH")]
    scope: Option<String>,
    /// Begin of the time that counts, in ns of the VCD file [default: its first time]
    #[arg(long, value_name = "NS", conflicts_with = "saif")]
    from: Option<f64>,
    /// End of the time that counts, in ns of the VCD file [default: its last time]
    #[arg(long, value_name = "NS", conflicts_with = "saif")]
    to: Option<f64>,
    #[command(flatten)]
    process: ProcessArgs,
    /// Clock period of the simulation, in ns [default: that of the process]
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
    /// Where the activity comes from.
    activity: ActivitySource,
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

/// Where the activity of the nets comes from.
#[derive(Debug, Serialize, JsonSchema)]
struct ActivitySource {
    /// Format of the file.
    format: Format,
    /// Instance of the file that is the netlist's top module; empty where the file has no instances.
    scope: String,
}

/// Format of an activity file.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// Toggle counts and times.
    Saif,
    /// Changes of values.
    Vcd,
}

/// The file that has the activity of the nets.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// Activity of its nets: toggle counts and times
    #[arg(long, value_name = "FILE")]
    saif: Option<PathBuf>,
    /// Activity of its nets: changes of their values
    #[arg(long, value_name = "FILE")]
    vcd: Option<PathBuf>,
}

impl Args {
    /// The activity, and the format of its file.
    fn activity(&self, design: &GateDesign) -> Result<(Activity, Format), Failure> {
        let scope = self.scope.as_deref();
        match (&self.source.saif, &self.source.vcd) {
            (Some(saif), None) => Ok((Activity::read_saif(design, saif, scope)?, Format::Saif)),
            (None, Some(vcd)) => {
                let window = Window { from_ns: self.from, to_ns: self.to };
                Ok((Activity::read_vcd(design, vcd, scope, &window)?, Format::Vcd))
            }
            _ => Err(Failure::said(Exit::Usage, "either --saif or --vcd is needed")),
        }
    }
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
    let (activity, format) = args.activity(&design)?;
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
        activity: ActivitySource { format, scope: activity.scope.clone() },
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
