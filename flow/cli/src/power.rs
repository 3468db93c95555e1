//! `pecan power`: power of a netlist by instance, from the activity of a SAIF or VCD file.

use std::path::PathBuf;

use serde_json::json;

use super::process::ProcessArgs;
use super::{Context, Exit, Failure, Metrics, RunArgs};
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

/// Where the activity of the nets comes from.
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
    /// The activity, and the kind of its source.
    fn activity(&self, design: &GateDesign) -> Result<(Activity, &'static str), Failure> {
        let scope = self.scope.as_deref();
        match (&self.source.saif, &self.source.vcd) {
            (Some(saif), None) => Ok((Activity::read_saif(design, saif, scope)?, "saif")),
            (None, Some(vcd)) => {
                let window = Window { from_ns: self.from, to_ns: self.to };
                Ok((Activity::read_vcd(design, vcd, scope, &window)?, "vcd"))
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
    let (activity, source) = args.activity(&design)?;
    let scopes = design.average(&library, &activity);
    let folder = args.run.open_plain(context)?;
    // Energies are of the whole time: pJ per ns are mW.
    let power = Power { nanoseconds: activity.cycles * options.period_ns };
    let mut total = ScopeEnergy { path: "all".into(), ..ScopeEnergy::default() };
    scopes.iter().for_each(|scope| total.add(scope));
    if !context.json() {
        context.print(&power.text(&scopes, &total))?;
    }
    let metrics = Metrics::new(context.command())
        .with("cells", design.cells())
        .with("nets", design.nets())
        .with("coverage", activity.coverage)
        .with(
            "activity",
            json!({ "source": source, "scope": activity.scope, "coverage": activity.coverage }),
        )
        .with("time_ns", power.nanoseconds)
        .with("total", power.json(&total))
        .with("instances", scopes.iter().map(|scope| power.json(scope)).collect::<Vec<_>>());
    folder.finish(context, metrics)?;
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
    fn json(&self, scope: &ScopeEnergy) -> serde_json::Value {
        json!({
            "path": scope.path, "module": scope.module,
            "switching_mw": self.milliwatts(scope.switching_pj),
            "internal_mw": self.milliwatts(scope.internal_pj),
            "clock_mw": self.milliwatts(scope.clock_pj),
            "leakage_mw": self.milliwatts(scope.leakage_pj),
            "total_mw": self.milliwatts(scope.total_pj()),
        })
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
