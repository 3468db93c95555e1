//! `pecan demo`: all steps on the bundled network.

mod prune;

use std::path::Path;

use pecan_accelerator::generate::Prefix;
use pecan_config::Config;
use schemars::JsonSchema;
use serde::Serialize;

use super::bundled::{DATA, MODEL};
use super::data::DataArgs;
use super::metrics::Accelerator;
use super::simulate::{self, Memory, SimulationArgs};
use super::{ConfigArgs, Context, Exit, Failure, RunArgs, RunFolder, generate};
use crate::demo::prune as demo_prune;
use pecan_net::onnx::Model;
use pecan_simulate::{Report, Simulation};
use pecan_text::format::{grouped, percent};

/// Clock frequency for the times shown, in hertz.
const CLOCK: f64 = 100e6;

/// Generate an accelerator, run the bundled digit recognizer on its RTL, prune it and run it again, in a few minutes
///
/// Needs no file: the network and its images are part of the program.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    accelerator: ConfigArgs,
    #[command(flatten)]
    run: RunArgs,
    /// Install nothing
    #[arg(long)]
    offline: bool,
}

/// The steps of the demonstration.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Metrics {
    /// The accelerator.
    accelerator: Accelerator,
    /// Source of the images, in words.
    inputs: String,
    /// Files of the package.
    files: usize,
    /// Verilog modules among them.
    verilog_modules: usize,
    /// Lines of Verilog.
    verilog_lines: usize,
    /// The pruned network on the same RTL.
    pruned: demo_prune::PrunedDocument,
    /// Speed at a clock of 100 MHz.
    images_per_second_at_100_mhz: f64,
    #[serde(flatten)]
    simulation: Simulation,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let config = args.accelerator.resolve()?;
    let folder = args.run.open(context, &config)?;
    let model_path = folder.write("lenet_digits.onnx", MODEL)?;
    let data_path = folder.write("digits.npz", DATA)?;
    tracing::info!("step 1 of 5: Verilog of {}", config.name());
    let (_, files) = generate::write(&config, &Prefix::of(&config), &folder)?;
    let rtl: Vec<_> = files.iter().filter(|file| file.path.starts_with("rtl/")).collect();
    let (modules, lines) = (rtl.len(), rtl.iter().map(|file| file.lines).sum::<usize>());
    tracing::info!("step 2 of 5: Verilator model (the first build takes a minute or two)");
    let simulator = simulate::build(context, &config, false, args.offline)?;
    tracing::info!("step 3 of 5: 360 images of handwritten digits through the RTL");
    let model = Model::read(&model_path)?;
    let graph = super::run::import(&model, false)?;
    let data = DataArgs {
        data: Some(data_path.clone()),
        rows: Some("test_idx".into()),
        ..DataArgs::default()
    };
    let inputs = data.load(&graph, args.run.seed)?;
    let simulation =
        SimulationArgs { memory: Memory::Ideal, stall: 0.0, timeout: None, offline: args.offline };
    let task = simulation.task(&config, &simulator, &args.run);
    let report = simulate::whole(context, &task, &graph, &inputs, None)?.report;
    tracing::info!("step 4 of 5: pruning for the energy of this hardware");
    let pruned = demo_prune::run(&config, &model, &data_path, &folder, args.run.seed)?;
    tracing::info!("step 5 of 5: the pruned network through the same RTL");
    let after = simulate::whole(context, &task, &pruned.graph, &pruned.inputs, None)?.report;
    if !context.json() {
        let text = summary(&config, &report, modules, lines, &folder);
        context.print(&format!("{}\n{text}", simulate::table(&report)))?;
        context.print(&pruned.text(&config, &after))?;
        context.print(&next(&model_path, &data_path))?;
    }
    let metrics = Metrics {
        accelerator: Accelerator::of(&config),
        inputs: inputs.origin,
        files: files.len(),
        verilog_modules: modules,
        verilog_lines: lines,
        pruned: pruned.document(&after),
        images_per_second_at_100_mhz: CLOCK / report.total.cycles.max(1) as f64,
        simulation: Simulation::of(&report, &simulator),
    };
    folder.finish(context, &metrics)?;
    Ok(if report.agrees() && after.agrees() { Exit::Done } else { Exit::CheckFailed })
}

/// What was built and run; `modules` and `lines` are those of the Verilog.
fn summary(
    config: &Config,
    report: &Report,
    modules: usize,
    lines: usize,
    folder: &RunFolder,
) -> String {
    let total = &report.total;
    let array = &config.array;
    let time = total.cycles as f64 / CLOCK;
    format!(
        "What was built: an accelerator with {} x {} processing elements of {} multipliers each ({} in\n\
         all, {}-bit activations, {}-bit weights) and a global buffer of {} words; {} lines of Verilog in\n\
         {modules} modules.\n\n\
         What was run: a small convolutional network that reads handwritten digits, {} multiplications\n\
         per image, on {} images that it was not trained on.\n\n\
         Result: {}\n\n\
         Speed: {} cycles per image; at 100 MHz that is {:.1} microseconds, {} images per second, with {}\n\
         of the array's multiplier slots in use.\n\n\
         Files: {} (rtl/ and what belongs to it, accelerator.toml, metrics.json, the\n\
         network and its data)\n",
        array.rows,
        array.cols,
        array.lanes,
        config.multipliers(),
        config.numerics.activation_bits,
        config.numerics.weight_bits,
        grouped(config.buffer_words() as u64),
        grouped(lines as u64),
        grouped(total.macs),
        report.images,
        simulate::verdict(report),
        grouped(total.cycles),
        1e6 * time,
        grouped((1.0 / time.max(1e-12)) as u64),
        percent(total.utilization),
        folder.path().display(),
    )
}

fn next(model: &Path, data: &Path) -> String {
    let (model, data) = (model.display(), data.display());
    format!(
        "\nWhat to try next:\n\
         \x20 pecan prune {model} --data {data} --tune-rows train_idx --validate-rows 'test_idx[0..180]' --rows 'test_idx[180..]'\n\
         \x20 pecan init --preset tiny                 write a configuration to edit\n\
         \x20 pecan check {model}\n\
         \x20 pecan simulate {model} --data {data} --rows test_idx --limit 20 --memory dram --preset tiny\n"
    )
}
