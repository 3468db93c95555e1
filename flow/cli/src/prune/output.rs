//! Output of `pecan prune`.

use std::path::Path;

use pecan_config::Config;

use crate::prune::metrics::Metrics;
use crate::{Context, Failure, RunFolder};
use pecan_energy::Estimate;
use pecan_map::compile;
use pecan_net::export;
use pecan_net::graph::Graph;
use pecan_net::onnx::Model;
use pecan_prune as prune;
use pecan_prune::{Answers, Dense, Ending, Integers, Outcome, PruneError, PruneLayer, Setting};
use pecan_report::pruning_html;
use pecan_text::format::energy;
use pecan_text::format::{grouped, percent};
use pecan_text::table::Table;

/// Result of a method, and its accuracy on the test samples.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) outcome: Outcome,
    /// The accelerator, whose widths the method may have chosen.
    pub(crate) config: Config,
    pub(crate) graph: Graph,
    pub(crate) quantized: Integers,
    pub(crate) estimate: Estimate,
    pub(crate) test: Answers,
}

impl Found {
    pub(crate) fn new(
        setting: &Setting,
        outcome: Outcome,
        graph: Graph,
    ) -> Result<Self, PruneError> {
        let setting = setting.with_widths(outcome.point.widths)?;
        let quantized = prune::integers(&setting, &graph)?;
        let estimate = prune::cost(&setting, &quantized)?;
        let test = prune::answers(&quantized, &setting.data.test)?;
        let config = setting.target.config;
        Ok(Self { outcome, config, graph, quantized, estimate, test })
    }
}

/// A finished run; the first method is the requested one.
#[derive(Debug)]
pub(crate) struct Finished<'a> {
    pub(crate) setting: &'a Setting,
    pub(crate) dense: &'a Dense<'a>,
    pub(crate) dense_test: Answers,
    pub(crate) found: Vec<Found>,
    pub(crate) origin: String,
    pub(crate) seconds: f64,
}

impl Finished<'_> {
    /// The accelerator of the requested method's network.
    pub(crate) fn config(&self) -> &Config {
        self.found.first().map_or(&self.setting.target.config, |found| &found.config)
    }

    /// The bound that the requested method has not met, if any.
    pub(crate) fn missed(&self) -> Option<String> {
        let bounds = &self.setting.bounds;
        let found = self.found.first()?;
        if bounds.energy.is_none() && bounds.cycles.is_none() {
            return None;
        }
        let point = &found.outcome.point;
        let why = match found.outcome.ending {
            Ending::Budget => return None,
            Ending::Accuracy => "the best within the accuracy asked for".to_owned(),
            Ending::Exhausted => "the least that the method can leave".to_owned(),
            Ending::Rounds => format!(
                "what {} rounds came to, as many as --rounds allows; neither accuracy nor method stopped it",
                self.setting.schedule.rounds
            ),
        };
        Some(format!(
            "The budget was not met: {} at {} cycles is {why}.",
            energy(point.energy, &self.setting.target.technology.unit),
            grouped(point.cycles.round() as u64)
        ))
    }
}

/// Writes and prints all results; `path` is that of the dense network's model.
///
/// # Errors
/// [`Failure`] if a file cannot be written.
pub(crate) fn write(
    context: &Context,
    folder: &RunFolder,
    path: &Path,
    model: &Model,
    finished: &Finished<'_>,
) -> Result<(), Failure> {
    if let Some(found) = finished.found.first() {
        artifacts(folder, model, finished.setting, found)?;
    }
    let page = crate::prune::report::page(path, finished);
    folder.write("report.html", pruning_html(&page))?;
    if !context.json() {
        context.print(&text(path, finished))?;
        context.print(&format!("Files: {} (report.html)\n", folder.path().display()))?;
    }
    folder.finish(context, &Metrics::of(path, finished))
}

/// The pruned network in all its forms.
fn artifacts(
    folder: &RunFolder,
    model: &Model,
    setting: &Setting,
    found: &Found,
) -> Result<(), Failure> {
    let bad = |error| Failure::from_error(crate::Exit::BadInput, error);
    export::pruned(model, &found.graph).map_err(bad)?.write(&folder.path().join("pruned.onnx"))?;
    let quantized =
        export::quantized_qdq(model, &found.graph, &found.quantized.full).map_err(bad)?;
    quantized.write(&folder.path().join("pruned_int8.onnx"))?;
    let masks = &found.outcome.masks;
    for name in ["masks.npz", "masks.safetensors"] {
        let written = masks.write(model, &found.graph, &folder.path().join(name));
        written.map_err(|error| Failure::from_error(crate::Exit::BadInput, error))?;
    }
    folder.write("accelerator.toml", found.config.to_toml())?;
    let compiled = compile(&found.quantized.compact.network, &found.config, &setting.mapper)?;
    compiled.program.write(&folder.path().join("program.bin"))?;
    Ok(())
}

fn text(path: &Path, finished: &Finished<'_>) -> String {
    let setting = finished.setting;
    let unit = &setting.target.technology.unit;
    let head = [
        "method", "widths", "accuracy", "+-", "energy", "of dense", "cycles", "of dense",
        "density", "rounds", "time",
    ];
    let mut table = Table::new(&head);
    let (dense, cycles) = (finished.dense.estimate.energy(), finished.dense.estimate.cycles);
    let error = |answers: &Answers| format!("{:.2}", 100.0 * answers.standard_error());
    table.row([
        "dense".to_owned(),
        finished.dense.widths.to_string(),
        percent(finished.dense_test.accuracy()),
        error(&finished.dense_test),
        energy(dense, unit),
        percent(1.0),
        grouped(cycles.round() as u64),
        percent(1.0),
    ]);
    for found in &finished.found {
        table.row([
            found.outcome.criterion.to_owned(),
            found.outcome.point.widths.to_string(),
            percent(found.test.accuracy()),
            error(&found.test),
            energy(found.estimate.energy(), unit),
            percent(found.estimate.energy() / dense),
            grouped(found.estimate.cycles.round() as u64),
            percent(found.estimate.cycles / cycles),
            format!("{:.3}", found.outcome.masks.density()),
            (found.outcome.points.len() - 1).to_string(),
            format!("{:.0} s", found.outcome.phases.total()),
        ]);
    }
    let mut text = format!(
        "{} on {} in {}\n{}\n\n{}\n",
        path.display(),
        finished.config().name(),
        setting.target.technology.name,
        finished.origin,
        table.render()
    );
    text += &layers(finished);
    text += &format!(
        "\nAccuracies are of the integer network on {} test samples, which decided nothing; {} validation samples\n\
         decided, with a loss of at most {} points.\n",
        setting.data.test.inputs.len(),
        setting.data.validation.inputs.len(),
        100.0 * setting.bounds.accuracy_drop
    );
    if let Some(missed) = finished.missed() {
        text += &format!("{missed}\n");
    }
    text
}

/// Energy of the layers before and after.
fn layers(finished: &Finished<'_>) -> String {
    let Some(found) = finished.found.first() else { return String::new() };
    let unit = &finished.setting.target.technology.unit;
    let mut table = Table::new(&["layer", "dense", "pruned", "of dense", "weights", "entries"]);
    let layers = PruneLayer::all(&found.graph, finished.setting.target.config.array.lanes);
    let pairs = finished.dense.estimate.layers.iter().zip(&found.estimate.layers);
    for (before, after) in pairs {
        let (dense, pruned) = (before.energy.total(), after.energy.total());
        let mut row = vec![
            before.name.clone(),
            energy(dense, unit),
            energy(pruned, unit),
            percent(pruned / dense),
        ];
        let own = layers.iter().find(|layer| layer.name == before.name);
        if let Some((layer, mask)) = own.zip(found.outcome.masks.layer(&before.name)) {
            let kept = mask.iter().filter(|keep| **keep).count() as f64 / mask.len() as f64;
            row.push(percent(kept));
            row.push(percent(layer.occupied(mask) as f64 / layer.entries.max(1) as f64));
        }
        table.row(row);
    }
    format!("\n{}", table.render())
}
