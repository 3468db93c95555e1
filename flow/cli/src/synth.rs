//! `pecan synth`: cells, area and speed of the accelerator.

use crate::process::ProcessArgs;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use pecan_config::Config;
use pecan_host::tools::Finder;
use schemars::JsonSchema;
use serde::Serialize;

use super::metrics::Accelerator;
use super::{ConfigArgs, Context, Exit, Failure, RunArgs, RunFolder};
use pecan_synth::{
    Family, FpgaReport, Placement, Process, SynthOptions, SynthReport, Synthesis, TimingReport,
    ToolError, macros, map_to_fpga, place, synthesize, timing,
};
use pecan_text::format::grouped;
use pecan_text::table::Table;

/// Map the accelerator to standard cells or to an FPGA: cells, area, clock frequency
///
/// Standard cells: Yosys maps, OpenSTA (where it is installed) times, and the netlist is left in the output
/// folder. Everything is before layout. Memories are macros of their own and in no sum. A result that was
/// made before comes from the cache.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    accelerator: ConfigArgs,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    synthesis: SynthesisArgs,
}

/// What to map to, and how.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Synthesis")]
struct SynthesisArgs {
    /// What to map to
    #[arg(long, value_enum, default_value_t = Target::Asic)]
    target: Target,
    #[command(flatten)]
    process: ProcessArgs,
    /// Whether to gate clocks, where the process and Yosys can
    #[arg(long, value_enum, default_value_t = Switch::On)]
    clock_gate: Switch,
    /// Clock period to aim at, in ns [default: that of the process]
    #[arg(long, value_name = "NS", value_parser = period)]
    period: Option<f64>,
    /// Stop a tool after so many seconds [default: 3600]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: Option<u64>,
    /// Install nothing
    #[arg(long)]
    offline: bool,
}

/// What can be mapped to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// Standard cells of the process
    Asic,
    /// Lattice iCE40
    Ice40,
    /// Lattice ECP5
    Ecp5,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    /// Yes
    On,
    /// No
    Off,
}

fn period(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (1e-3..=1e6).contains(&value) => Ok(value),
        _ => Err("allowed: a number from 0.001 to 1000000".into()),
    }
}

impl From<ToolError> for Failure {
    fn from(error: ToolError) -> Self {
        match error {
            // The error with places in its text to show.
            ToolError::Process(error) => Self::bad_input(error),
            error => {
                let exit = Exit::from_code(error.exit_code()).unwrap_or(Exit::ToolFailed);
                Self::from_error(exit, error)
            }
        }
    }
}

impl SynthesisArgs {
    fn options(&self) -> SynthOptions {
        let default = SynthOptions::default();
        SynthOptions {
            clock_gating: self.clock_gate == Switch::On,
            period_ns: self.period,
            liberty: self.process.search(),
            timeout: self.timeout.map(Duration::from_secs).or(default.timeout),
            offline: self.offline,
            ..default
        }
    }
}

/// Cells, area and speed; the members after the accelerator depend on the target.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Metrics {
    /// The accelerator.
    accelerator: Accelerator,
    #[serde(flatten)]
    asic: Option<AsicMetrics>,
    #[serde(flatten)]
    fpga: Option<FpgaMetrics>,
}

/// Result of the mapping to standard cells.
#[derive(Debug, Serialize, JsonSchema)]
struct AsicMetrics {
    /// Assumptions about the technology.
    process: Process,
    /// Cells and areas; memories are in no sum.
    synthesis: SynthReport,
    /// The worst path; null without OpenSTA.
    timing: Option<TimingReport>,
    /// Macros for the synchronous memories.
    memories: Vec<Placement>,
    /// The cell library.
    liberty: LibertyDocument,
    /// Time of the synthesis; of an earlier run, if `cached`.
    seconds: f64,
    /// Whether it was in the cache.
    cached: bool,
}

/// The cell library.
#[derive(Debug, Serialize, JsonSchema)]
struct LibertyDocument {
    /// BLAKE3 of its files, in hexadecimal.
    hash: String,
}

/// Result of the mapping to an FPGA.
#[derive(Debug, Serialize, JsonSchema)]
struct FpgaMetrics {
    /// Resources.
    fpga: FpgaReport,
    /// Whether the device has enough of every resource.
    fits: bool,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let config = args.accelerator.resolve()?;
    let finder = Finder::from_environment()?;
    let family = match args.synthesis.target {
        Target::Asic => return run_asic(&args, context, &config, &finder),
        Target::Ice40 => Family::Ice40,
        Target::Ecp5 => Family::Ecp5,
    };
    let folder = args.run.open(context, &config)?;
    let spinner = context.spinner("mapping");
    let options = args.synthesis.options();
    let say = |line: &str| tracing::info!("{line}");
    let report = map_to_fpga(&config, family, &finder, &options, &say)?;
    spinner.finish_and_clear();
    if !context.json() {
        context.print(&fpga_text(&config, &report))?;
    }
    let fits = report.fits();
    let fpga = Some(FpgaMetrics { fpga: report, fits });
    folder.finish(context, &Metrics { accelerator: Accelerator::of(&config), asic: None, fpga })?;
    Ok(Exit::Done)
}

fn run_asic(
    args: &Args,
    context: &Context,
    config: &Config,
    finder: &Finder,
) -> Result<Exit, Failure> {
    let process = args.synthesis.process.process()?;
    let options = args.synthesis.options();
    let folder = args.run.open(context, config)?;
    let spinner = context.spinner("synthesizing");
    let made = synthesize(config, &process, &options, finder, &|line| tracing::info!("{line}"))?;
    let speed = match timing(&made, finder, options.timeout) {
        Err(error) if error.exit_code() == Exit::ToolMissing.code() => {
            tracing::warn!("no timing: {error}");
            None
        }
        speed => Some(speed?),
    };
    let placed = place(&made.report.memories, &macros(&process.find_sram(&options.liberty))?);
    spinner.finish_and_clear();
    copy(&folder, &made)?;
    if !context.json() {
        context.print(&asic_text(config, &process, &made, speed.as_ref(), &placed))?;
    }
    let asic = Some(AsicMetrics {
        process,
        synthesis: made.report,
        timing: speed,
        memories: placed,
        liberty: LibertyDocument { hash: made.liberty_hash },
        seconds: made.seconds,
        cached: made.cached,
    });
    folder.finish(context, &Metrics { accelerator: Accelerator::of(config), asic, fpga: None })?;
    Ok(Exit::Done)
}

/// Copies the netlist, and its inputs in the folder `synth`, to the output folder.
fn copy(folder: &RunFolder, made: &Synthesis) -> Result<(), Failure> {
    for path in [&made.netlist, &made.verilog] {
        let bytes = std::fs::read(path).map_err(|source| {
            ToolError::from(pecan_host::error::HostError::Io {
                action: "read",
                path: path.clone(),
                source,
            })
        })?;
        folder.write(path.file_name().unwrap_or_default(), bytes)?;
    }
    for (name, text) in &made.inputs {
        folder.write(Path::new("synth").join(name), text)?;
    }
    Ok(())
}

fn asic_text(
    config: &Config,
    process: &Process,
    made: &Synthesis,
    speed: Option<&TimingReport>,
    placed: &[Placement],
) -> String {
    let report = &made.report;
    let gated = match (report.clock_gated, report.clock_gates) {
        (true, gates) => format!("{} clock gates", grouped(gates)),
        (false, _) => "clocks are not gated".into(),
    };
    let mut text = format!(
        "{} in {} ({})\n\n{}\n{} cells, {} flops, {gated}, {} um2 of which {} um2 sequential; memories apart\n",
        config.name(),
        process.name,
        report.tool,
        module_table(report),
        grouped(report.cells),
        grouped(report.flops),
        grouped(report.area_um2.round() as u64),
        grouped(report.sequential_um2.round() as u64),
    );
    text += &match speed {
        None => "timing: OpenSTA is not installed\n".to_owned(),
        Some(t) => format!(
            "timing: {:.1} MHz; at {} ns the worst path has {:.3} ns left: {} to {}, {} cells\n  {}\n",
            t.fmax_mhz,
            t.period_ns,
            t.slack_ns,
            t.start,
            t.end,
            t.levels,
            t.notes.join("\n  "),
        ),
    };
    text + &memory_text(placed)
}

fn module_table(report: &SynthReport) -> String {
    let head = [
        "module",
        "instances",
        "cells",
        "flops",
        "clock gates",
        "um2 each",
        "um2 all",
        "with parts, um2 each",
    ];
    let mut table = Table::new(&head);
    let mut modules: Vec<_> = report.modules.iter().collect();
    let all = |module: &pecan_synth::ModuleReport| module.area_um2 * module.instances as f64;
    modules.sort_by(|a, b| all(b).total_cmp(&all(a)));
    for module in modules {
        let area = |value: f64| grouped(value.round() as u64);
        table.row([
            module.name.clone(),
            grouped(module.instances),
            grouped(module.cells),
            grouped(module.flops),
            grouped(module.clock_gates),
            area(module.area_um2),
            area(all(module)),
            area(module.area_with_submodules_um2),
        ]);
    }
    table.render()
}

fn memory_text(placed: &[Placement]) -> String {
    if placed.is_empty() {
        return "memories: no macros of this process are at hand; the SRAM model prices them\n"
            .into();
    }
    let mut table =
        Table::new(&["memory", "instances", "macro", "across x deep", "um2 each", "bits used"]);
    for memory in placed {
        table.row([
            memory.memory.clone(),
            grouped(memory.instances),
            memory.macro_name.clone(),
            format!("{} x {}", memory.across, memory.deep),
            grouped(memory.area_um2.round() as u64),
            pecan_text::format::percent(memory.used),
        ]);
    }
    format!(
        "\n{}The macros have a single port: a read and a write in one cycle need a second one, or banks.\n",
        table.render()
    )
}

fn fpga_text(config: &Config, report: &FpgaReport) -> String {
    let device = report.device;
    let mut table = Table::new(&["resource", "used", device.name]);
    for (name, used, there) in [
        ("look-up tables", report.luts, device.luts),
        ("flops", report.flops, device.luts),
        ("block memories", report.block_rams, device.block_rams),
        ("multipliers", report.multipliers, device.multipliers),
    ] {
        table.row([name.into(), grouped(used), grouped(there)]);
    }
    let verdict = if report.fits() { "fits, before placement" } else { "does not fit" };
    format!("{} ({})\n\n{}{verdict}\n", config.name(), report.tool, table.render())
}
