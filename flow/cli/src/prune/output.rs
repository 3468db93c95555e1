//! Output of `pecan prune`.

use std::path::Path;

use pecan_config::Config;
use serde_json::{Value, json};

use crate::{Context, Failure, Metrics, RunFolder};
use pecan_energy::{Estimate, Technology};
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
    folder.finish(context, metrics(context, path, finished))
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

/// An energy under `energy_pj`, which is null where the technology's unit is another, and under `energy`.
fn energies(technology: &Technology, energy: f64) -> [Value; 2] {
    let picojoules = (technology.unit == "pJ").then_some(energy);
    [json!(picojoules), json!(energy)]
}

fn metrics(context: &Context, path: &Path, finished: &Finished<'_>) -> Metrics {
    let (setting, dense) = (finished.setting, finished.dense);
    let technology = &setting.target.technology;
    let [picojoules, energy] = energies(technology, dense.estimate.energy());
    let methods: Vec<Value> = finished.found.iter().map(|found| method(finished, found)).collect();
    let layers: Vec<Value> = match finished.found.first() {
        Some(found) => layer_values(finished, found),
        None => Vec::new(),
    };
    Metrics::new(context.command())
        .config(finished.config())
        .with("model", path.display().to_string())
        .with("inputs", finished.origin.clone())
        .with("technology", json!({ "name": technology.name, "unit": technology.unit, "origin": technology.origin }))
        .with(
            "samples",
            json!({
                "calibration": setting.data.calibration.len(), "tuning": setting.data.tuning.inputs.len(),
                "validation": setting.data.validation.inputs.len(), "test": setting.data.test.inputs.len(),
                "labelled": setting.data.labelled,
            }),
        )
        .with(
            "dense",
            json!({
                "accuracy": finished.dense_test.accuracy(), "standard_error": finished.dense_test.standard_error(),
                "validation_accuracy": dense.validation.accuracy(),
                "activation_bits": dense.widths.activation_bits, "weight_bits": dense.widths.weight_bits,
                "energy_pj": picojoules, "energy": energy, "cycles": dense.estimate.cycles,
            }),
        )
        .with("settings", settings(setting))
        .with("methods", methods)
        .with("layers", layers)
        .with("missed", finished.missed())
        .with("seconds", finished.seconds)
}

/// Everything that decides the result besides the files.
fn settings(setting: &Setting) -> Value {
    json!({
        "command_line": std::env::args().collect::<Vec<_>>(),
        "seed": setting.tuning.seed, "energy_images": setting.images,
        "training": setting.tuning, "bounds": setting.bounds, "schedule": setting.schedule,
    })
}

fn method(finished: &Finished<'_>, found: &Found) -> Value {
    let Outcome { criterion, masks, point, points, ending, resumed, phases, .. } = &found.outcome;
    let technology = &finished.setting.target.technology;
    let [picojoules, energy] = energies(technology, found.estimate.energy());
    json!({
        "name": criterion, "activation_bits": point.widths.activation_bits, "weight_bits": point.widths.weight_bits,
        "accuracy": found.test.accuracy(), "standard_error": found.test.standard_error(),
        "paired_standard_error": found.test.paired_error(&finished.dense_test),
        "validation_accuracy": point.accuracy,
        "energy_pj": picojoules, "energy": energy, "cycles": found.estimate.cycles,
        "density": masks.density(), "nonzero_macs": found.estimate.floor().nonzero_macs,
        "ending": ending, "resumed_after_round": resumed, "points": points, "phases": phases, "seconds": phases.total(),
    })
}

fn layer_values(finished: &Finished<'_>, found: &Found) -> Vec<Value> {
    let layers = PruneLayer::all(&found.graph, finished.setting.target.config.array.lanes);
    let technology = &finished.setting.target.technology;
    let pairs = finished.dense.estimate.layers.iter().zip(&found.estimate.layers);
    let value = |(before, after): (&pecan_energy::LayerEstimate, &pecan_energy::LayerEstimate)| {
        let own = layers.iter().find(|layer| layer.name == before.name);
        let mask = found.outcome.masks.layer(&before.name);
        let density = mask.map(|m| m.iter().filter(|keep| **keep).count() as f64 / m.len() as f64);
        let entries = own.zip(mask).map(|(l, m)| l.occupied(m) as f64 / l.entries.max(1) as f64);
        let [dense_pj, dense_energy] = energies(technology, before.energy.total());
        let [picojoules, energy] = energies(technology, after.energy.total());
        json!({
            "name": before.name, "dense_energy_pj": dense_pj, "dense_energy": dense_energy,
            "energy_pj": picojoules, "energy": energy,
            "dense_cycles": before.cycles(), "cycles": after.cycles(), "density": density, "entries": entries,
        })
    };
    pairs.map(value).collect()
}
