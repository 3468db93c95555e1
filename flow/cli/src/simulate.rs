//! `pecan simulate`: executes a network on the RTL and compares it with emulator and reference.

use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use pecan_config::Config;
use pecan_config::isa::counter::Counter;
use pecan_ir::layer::Tensor;
use pecan_ir::memory::MemoryModel;
use pecan_verilator::Simulator;
use pecan_verilator::harness::Stalls;
use schemars::JsonSchema;
use serde::Serialize;

use super::data::{DataArgs, Inputs};
use super::expected::{Deviation, OutputArgs, finished};
use super::metrics::Accelerator;
use super::network::NetworkArgs;
use super::run::{accuracy, bits, import, quantize_for};
use super::shapes::ShapeArgs;
use super::{ConfigArgs, Context, Exit, Failure, RunArgs, RunFolder};
use pecan_map::Options;
use pecan_net::graph::Graph;
use pecan_net::onnx::Model;
use pecan_net::quantize;
use pecan_net::quantize::Quantized;
use pecan_net::topology::Topology;
use pecan_simulate as simulate;
use pecan_simulate::{Report, Simulation, Skipped, Task};
use pecan_text::format::{grouped, percent};
use pecan_text::table::Table;

/// Run a network on the accelerator's RTL and check every value against two other models
///
/// The network is quantized with calibration samples, mapped, and run in Verilator. Outputs of the RTL
/// and of the emulator must equal the integer reference in every bit, and with ideal memory every
/// performance counter must equal its prediction.
///
/// Of a topology file (.csv, layer shapes as SCALE-Sim has them) every layer is run by itself, with random
/// weights and inputs.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    network: NetworkArgs,
    #[command(flatten)]
    shapes: ShapeArgs,
    #[command(flatten)]
    accelerator: ConfigArgs,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    simulation: SimulationArgs,
    #[command(flatten)]
    outputs: OutputArgs,
    /// Run each supported layer as a network of its own, for networks that hold unsupported nodes
    #[arg(long, conflicts_with_all = ["outputs", "expected"])]
    layers: bool,
    /// Also write a waveform of the first image
    #[arg(long, conflicts_with = "layers")]
    wave: bool,
}

/// How the RTL is run.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Simulation")]
pub(super) struct SimulationArgs {
    /// Memory behind the streams: always ready, or the DRAM of the configuration
    #[arg(long, value_enum, default_value_t = Memory::Ideal)]
    pub(super) memory: Memory,
    /// Probability per cycle of random back-pressure on both streams, 0 to below 1
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub(super) stall: f64,
    /// Stop a simulator process after so many seconds [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) timeout: Option<u64>,
    /// Install nothing
    #[arg(long)]
    pub(super) offline: bool,
}

/// Memories behind the streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Memory {
    /// Always ready
    Ideal,
    /// Bandwidth and latency of the configuration
    Dram,
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..1.0).contains(&value) => Ok(value),
        _ => Err("allowed: a number from 0 to below 1".into()),
    }
}

impl SimulationArgs {
    pub(super) fn task<'a>(
        &self,
        config: &'a Config,
        simulator: &'a Simulator,
        run: &RunArgs,
    ) -> Task<'a> {
        Task {
            config,
            simulator,
            memory: match self.memory {
                Memory::Ideal => MemoryModel::Ideal,
                Memory::Dram => simulate::memory_model(config),
            },
            stalls: Stalls { seed: run.seed, input: self.stall, output: self.stall },
            jobs: run.jobs(),
            timeout: self.timeout.map(Duration::from_secs),
            mapper: Options::default(),
        }
    }
}

/// A network on the RTL, compared with emulator and reference.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Metrics {
    /// The accelerator.
    accelerator: Accelerator,
    /// The file of the network.
    model: String,
    /// Source of inputs and weights, in words.
    inputs: String,
    /// Layers that were not run.
    skipped: Vec<Skipped>,
    /// Distance from the outputs of another program, where they are given.
    expected: Option<Deviation>,
    #[serde(flatten)]
    simulation: Simulation,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let config = args.accelerator.resolve()?;
    let (model, data) = args.network.resolve()?;
    if let Some(topology) = args.shapes.topology(&model)? {
        let shapes = Shapes { path: &model, topology: &topology, data: &data };
        return run_topology(&args, context, &config, &shapes);
    }
    let graph = import(&Model::read(&model)?, args.layers)?;
    let inputs = data.load(&graph, args.run.seed)?;
    let expected = args.outputs.load(&graph, &inputs)?;
    let folder = args.run.open(context, &config)?;
    let simulator = build(context, &config, args.wave, args.simulation.offline)?;
    let task = args.simulation.task(&config, &simulator, &args.run);
    let (mut skipped, mut comparison) = (Vec::new(), None);
    let report = if args.layers {
        let (report, left_out) = one_by_one(context, &task, &graph, &inputs)?;
        skipped = left_out;
        report
    } else {
        let wave = args.wave.then_some(&folder);
        let Whole { report, quantized, outputs } = whole(context, &task, &graph, &inputs, wave)?;
        let outputs = finished(&quantized, &outputs);
        if let Some(expected) = expected {
            comparison = Some(expected.compare(&graph, &quantized, &inputs, &outputs)?);
        }
        args.outputs.write(graph.output_shape(), &inputs, &outputs)?;
        report
    };
    let origin = &inputs.origin;
    let simulated = Simulated { model: &model, origin, report, skipped, comparison };
    conclude(context, &task, &folder, simulated)
}

/// A topology file to run.
struct Shapes<'a> {
    path: &'a Path,
    topology: &'a Topology,
    /// Its limit is the number of random inputs; files do not go with shapes.
    data: &'a DataArgs,
}

/// What was run.
struct Simulated<'a> {
    /// File of the network.
    model: &'a Path,
    /// Source of its inputs, in words.
    origin: &'a str,
    report: Report,
    /// Layers that were not run.
    skipped: Vec<Skipped>,
    /// Distance from expected outputs.
    comparison: Option<Deviation>,
}

/// Runs every layer of a topology file by itself.
fn run_topology(
    args: &Args,
    context: &Context,
    config: &Config,
    shapes: &Shapes<'_>,
) -> Result<Exit, Failure> {
    let Shapes { path, topology, data } = *shapes;
    let unfit = [(data.data.is_some(), "--data"), (args.wave, "--wave")];
    let mut unfit = unfit.into_iter().chain(args.outputs.given());
    if let Some((_, flag)) = unfit.find(|(given, _)| *given) {
        let what = format!("{flag} does not go with a topology file, which has shapes only");
        return Err(Failure::said(Exit::Usage, what));
    }
    let (seed, images) = (args.run.seed, data.limit.unwrap_or(1));
    let folder = args.run.open(context, config)?;
    let simulator = build(context, config, false, args.simulation.offline)?;
    let task = args.simulation.task(config, &simulator, &args.run);
    let networks = args.shapes.networks(topology, config, seed)?;
    let inputs = ShapeArgs::inputs(topology, config, images, seed)?;
    let bar = context.bar(networks.len() as u64 * images, "layers x images");
    let (report, skipped) = simulate::run_networks(&task, networks.zip(inputs), &|| bar.inc(1))?;
    bar.finish_and_clear();
    let origin = args.shapes.origin(seed);
    let comparison = None;
    let simulated = Simulated { model: path, origin: &origin, report, skipped, comparison };
    conclude(context, &task, &folder, simulated)
}

/// Prints and writes the result.
fn conclude(
    context: &Context,
    task: &Task<'_>,
    folder: &RunFolder,
    simulated: Simulated<'_>,
) -> Result<Exit, Failure> {
    let Simulated { model, origin, report, skipped, comparison } = simulated;
    if !context.json() {
        let (model, name) = (model.display(), task.config.name());
        let (table, verdict) = (table(&report), verdict(&report));
        context.print(&format!("{model} on {name}: {origin}\n\n{table}\n{verdict}\n"))?;
        if let Some(comparison) = &comparison {
            context.print(&comparison.describe())?;
        }
        for Skipped { name: layer, reason } in &skipped {
            context.print(&format!("not run: {layer}: {reason}\n"))?;
        }
    }
    let good = report.agrees() && skipped.is_empty();
    let metrics = Metrics {
        accelerator: Accelerator::of(task.config),
        model: model.display().to_string(),
        inputs: origin.to_owned(),
        skipped,
        expected: comparison,
        simulation: Simulation::of(&report, task.simulator),
    };
    folder.finish(context, &metrics)?;
    Ok(if good { Exit::Done } else { Exit::CheckFailed })
}

/// Builds the simulator, with a progress indicator.
pub(super) fn build(
    context: &Context,
    config: &Config,
    wave: bool,
    offline: bool,
) -> Result<Simulator, Failure> {
    let spinner = context.spinner(format!("building the Verilator model of {}", config.name()));
    let simulator = simulate::simulator(config, wave, offline, &|line| tracing::info!("{line}"))?;
    spinner.finish_and_clear();
    if simulator.cached {
        tracing::info!("Verilator model of {}: from the cache", config.name());
    } else {
        tracing::info!("Verilator model of {}: {:.1} s", config.name(), simulator.build_seconds);
    }
    Ok(simulator)
}

/// A network that was simulated.
pub(super) struct Whole {
    pub(super) report: Report,
    /// The network in integers.
    quantized: Quantized,
    /// Outputs of the RTL.
    outputs: Vec<Tensor>,
}

/// Simulates the whole network; with a folder, also writes the waveform of the first image.
pub(super) fn whole(
    context: &Context,
    task: &Task<'_>,
    graph: &Graph,
    inputs: &Inputs,
    wave: Option<&RunFolder>,
) -> Result<Whole, Failure> {
    let quantized = quantize_for(graph, inputs, task.config)?;
    let tensors: Vec<_> = inputs.samples.iter().map(|s| quantized.quantize_input(s)).collect();
    let bar = context.bar(tensors.len() as u64, "images");
    let (mut report, outputs) = simulate::run(task, &quantized.network, &tensors, &|| bar.inc(1))?;
    bar.finish_and_clear();
    if let Some(labels) = &inputs.labels {
        report.accuracy = Some(accuracy(graph, &quantized, inputs, labels, &outputs)?);
    }
    if let Some(folder) = wave {
        let path = simulate::waveform(task, &quantized.network, &tensors[0], folder.path())?;
        tracing::info!("wrote {}", path.display());
    }
    Ok(Whole { report, quantized, outputs })
}

fn one_by_one(
    context: &Context,
    task: &Task<'_>,
    graph: &Graph,
    inputs: &Inputs,
) -> Result<(Report, Vec<Skipped>), Failure> {
    let calibration: Vec<&[f32]> = inputs.calibration.iter().map(Vec::as_slice).collect();
    let ranges = quantize::calibrate_by(graph, &calibration, inputs.method)?;
    let layers = quantize::extract(graph, &ranges, bits(task.config))?;
    let samples: Vec<&[f32]> = inputs.samples.iter().map(Vec::as_slice).collect();
    let bar = context.bar((layers.len() * samples.len()) as u64, "layers x images");
    let result = simulate::run_layers(task, graph, &layers, &samples, &|| bar.inc(1))?;
    bar.finish_and_clear();
    let unsupported = graph.check().into_iter().filter(|finding| !finding.supported);
    unsupported.for_each(|f| tracing::warn!("not run: {} `{}`: {}", f.op, f.node, f.reason));
    Ok(result)
}

/// The layers, one on a line.
pub(super) fn table(report: &Report) -> String {
    let head =
        ["layer", "op", "MACs", "cycles", "predicted", "utilization", "mismatches", "mapping"];
    let mut table = Table::new(&head);
    for layer in &report.layers {
        table.row([
            layer.name.clone(),
            layer.op.clone(),
            if layer.copy { "copy".into() } else { grouped(layer.macs) },
            grouped(layer.counters[Counter::Cycles]),
            grouped(layer.predicted[Counter::Cycles]),
            percent(layer.utilization),
            grouped(layer.mismatches),
            layer.mapping.to_string(),
        ]);
    }
    let total = &report.total;
    table.row([
        "total".into(),
        String::new(),
        grouped(total.macs),
        grouped(total.cycles),
        grouped(total.predicted_cycles),
        percent(total.utilization),
        grouped(total.mismatches),
    ]);
    table.render()
}

/// Conclusion of the simulation, in words.
pub(super) fn verdict(report: &Report) -> String {
    let total = &report.total;
    let mut text = match (&report.difference, total.mismatches) {
        (Some(first), count) => format!(
            "DIFFERENT: {} values are not those of the integer reference. First: {first}.",
            grouped(count)
        ),
        (None, _) => format!(
            "RTL and emulator equal the integer reference bit for bit: {} values, which are the outputs of \
             {} image{} and every layer's of one.",
            grouped(report.values_compared),
            report.images,
            if report.images == 1 { "" } else { "s" }
        ),
    };
    text += &match (report.exact, total.counter_mismatches) {
        (true, 0) => " All cycles and performance counters are as predicted.".into(),
        (true, count) => format!(" {count} performance counters are NOT as predicted."),
        (false, _) => {
            let deviation = total.cycles as f64 / total.predicted_cycles.max(1) as f64 - 1.0;
            format!(
                " Cycles are {:+.2} % off the prediction (for this memory, without stalls).",
                100.0 * deviation
            )
        }
    };
    if let Some([first, later]) = report.later_cycles {
        text += &format!(
            " The weights stay in the device: {} cycles for the first image, {} for a later one.",
            grouped(first),
            grouped(later)
        );
    }
    if let Some(accuracy) = report.accuracy {
        text += &format!(
            " Accuracy on {} labelled images: RTL {}, integer reference {}, float {}.",
            accuracy.samples,
            percent(accuracy.rtl),
            percent(accuracy.reference),
            percent(accuracy.float)
        );
    }
    text + &format!(
        " {} cycles per image; simulated at {} cycles per second.",
        grouped(total.cycles),
        grouped(report.cycles_per_second() as u64)
    )
}
