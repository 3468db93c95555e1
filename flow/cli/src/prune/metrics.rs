//! `metrics.json` of `pecan prune`.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::output::{Finished, Found};
use crate::metrics::Accelerator;
use pecan_energy::{LayerEstimate, Technology};
use pecan_prune::{Bounds, Ending, Phases, Point, PruneLayer, Schedule, Setting};
use pecan_train::Settings as Training;

/// A pruned network, and how it was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Metrics {
    /// The accelerator of the requested method's network.
    accelerator: Accelerator,
    /// The file of the network.
    model: String,
    /// Source of the samples, in words.
    inputs: String,
    /// The technology that priced the counts.
    technology: TechnologyDocument,
    /// Numbers of samples.
    samples: Samples,
    /// The network before.
    dense: DenseDocument,
    /// Everything that decides the result besides the files.
    settings: Settings,
    /// The methods; the requested one first.
    methods: Vec<Method>,
    /// The layers of the requested method's network.
    layers: Vec<Layer>,
    /// The bound that the requested method has not met, in words.
    missed: Option<String>,
    /// Time of the whole run.
    seconds: f64,
}

/// The technology that priced the counts.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PruneTechnology")]
struct TechnologyDocument {
    /// Name.
    name: String,
    /// Unit of all energies.
    unit: String,
    /// How its coefficients were found.
    origin: String,
}

/// Numbers of samples.
#[derive(Debug, Serialize, JsonSchema)]
struct Samples {
    /// For the ranges of the integers and the activity.
    #[schemars(extend("unit" = "1"))]
    calibration: usize,
    /// To train on.
    #[schemars(extend("unit" = "1"))]
    tuning: usize,
    /// That decided.
    #[schemars(extend("unit" = "1"))]
    validation: usize,
    /// That are reported and decided nothing.
    #[schemars(extend("unit" = "1"))]
    test: usize,
    /// Whether labels are given; otherwise they are the dense network's answers.
    labelled: bool,
}

/// Energy per image.
#[derive(Debug, Serialize, JsonSchema)]
struct Energy {
    /// Energy per image; null where the unit of the technology is not pJ.
    energy_pj: Option<f64>,
    /// Energy per image.
    energy: f64,
}

/// The network before.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PruneDense")]
struct DenseDocument {
    /// Accuracy of the integers on the test samples.
    accuracy: f64,
    /// Standard error of it.
    standard_error: f64,
    /// Accuracy of the integers on the validation samples.
    validation_accuracy: f64,
    /// Bits of an activation.
    activation_bits: usize,
    /// Bits of a weight.
    weight_bits: usize,
    #[serde(flatten)]
    energy: Energy,
    /// Clock cycles per image.
    cycles: f64,
}

/// Everything that decides the result besides the files.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PruneSettings")]
struct Settings {
    /// The command line.
    command_line: Vec<String>,
    /// Seed of training.
    seed: u64,
    /// Images whose activity the energy is measured with.
    energy_images: usize,
    /// Training.
    training: Training,
    /// Conditions to stop.
    bounds: Bounds,
    /// The rounds.
    schedule: Schedule,
}

/// Result of a method.
#[derive(Debug, Serialize, JsonSchema)]
struct Method {
    /// Its name.
    name: String,
    /// Bits of an activation.
    activation_bits: usize,
    /// Bits of a weight.
    weight_bits: usize,
    /// Accuracy of the integers on the test samples.
    accuracy: f64,
    /// Standard error of it.
    standard_error: f64,
    /// Standard error of the difference to the dense network on the same samples.
    paired_standard_error: f64,
    /// Accuracy of the integers on the validation samples.
    validation_accuracy: f64,
    #[serde(flatten)]
    energy: Energy,
    /// Clock cycles per image.
    cycles: f64,
    /// Share of the weights that remain.
    density: f64,
    /// Multiplications per image whose weight is not zero.
    nonzero_macs: f64,
    /// Why the search ended.
    ending: Ending,
    /// Round of an earlier run behind which this one went on.
    resumed_after_round: Option<usize>,
    /// The networks of all rounds; the first is the dense one.
    points: Vec<Point>,
    /// Time by phase.
    phases: Phases,
    /// Time of all phases.
    seconds: f64,
}

/// A layer before and after.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PruneLayer")]
struct Layer {
    /// Name.
    name: String,
    /// Energy per image before; null where the unit of the technology is not pJ.
    dense_energy_pj: Option<f64>,
    /// Energy per image before.
    dense_energy: f64,
    #[serde(flatten)]
    energy: Energy,
    /// Clock cycles per image before.
    dense_cycles: f64,
    /// Clock cycles per image.
    cycles: f64,
    /// Share of the weights that remain; null for a layer without weights.
    density: Option<f64>,
    /// Share of the list entries that remain; null for a layer without weights.
    #[schemars(extend("unit" = "1"))]
    entries: Option<f64>,
}

impl Energy {
    fn of(technology: &Technology, energy: f64) -> Self {
        Self { energy_pj: (technology.unit == "pJ").then_some(energy), energy }
    }
}

impl Metrics {
    /// The members for a finished run on the network of that file.
    pub(crate) fn of(path: &Path, finished: &Finished<'_>) -> Self {
        let setting = finished.setting;
        let technology = &setting.target.technology;
        let data = &setting.data;
        Self {
            accelerator: Accelerator::of(finished.config()),
            model: path.display().to_string(),
            inputs: finished.origin.clone(),
            technology: TechnologyDocument {
                name: technology.name.clone(),
                unit: technology.unit.clone(),
                origin: technology.origin.clone(),
            },
            samples: Samples {
                calibration: data.calibration.len(),
                tuning: data.tuning.inputs.len(),
                validation: data.validation.inputs.len(),
                test: data.test.inputs.len(),
                labelled: data.labelled,
            },
            dense: DenseDocument::of(finished),
            settings: Settings::of(setting),
            methods: finished.found.iter().map(|found| Method::of(finished, found)).collect(),
            layers: finished.found.first().map_or_else(Vec::new, |found| layers(finished, found)),
            missed: finished.missed(),
            seconds: finished.seconds,
        }
    }
}

impl DenseDocument {
    fn of(finished: &Finished<'_>) -> Self {
        let dense = finished.dense;
        Self {
            accuracy: finished.dense_test.accuracy(),
            standard_error: finished.dense_test.standard_error(),
            validation_accuracy: dense.validation.accuracy(),
            activation_bits: dense.widths.activation_bits,
            weight_bits: dense.widths.weight_bits,
            energy: Energy::of(&finished.setting.target.technology, dense.estimate.energy()),
            cycles: dense.estimate.cycles,
        }
    }
}

impl Settings {
    fn of(setting: &Setting) -> Self {
        Self {
            command_line: std::env::args().collect(),
            seed: setting.tuning.seed,
            energy_images: setting.images,
            training: setting.tuning.clone(),
            bounds: setting.bounds,
            schedule: setting.schedule,
        }
    }
}

impl Method {
    fn of(finished: &Finished<'_>, found: &Found) -> Self {
        let outcome = &found.outcome;
        let point = &outcome.point;
        Self {
            name: outcome.criterion.to_owned(),
            activation_bits: point.widths.activation_bits,
            weight_bits: point.widths.weight_bits,
            accuracy: found.test.accuracy(),
            standard_error: found.test.standard_error(),
            paired_standard_error: found.test.paired_error(&finished.dense_test),
            validation_accuracy: point.accuracy,
            energy: Energy::of(&finished.setting.target.technology, found.estimate.energy()),
            cycles: found.estimate.cycles,
            density: outcome.masks.density(),
            nonzero_macs: found.estimate.floor().nonzero_macs,
            ending: outcome.ending,
            resumed_after_round: outcome.resumed,
            points: outcome.points.clone(),
            phases: outcome.phases,
            seconds: outcome.phases.total(),
        }
    }
}

fn layers(finished: &Finished<'_>, found: &Found) -> Vec<Layer> {
    let layers = PruneLayer::all(&found.graph, finished.setting.target.config.array.lanes);
    let technology = &finished.setting.target.technology;
    let pairs = finished.dense.estimate.layers.iter().zip(&found.estimate.layers);
    let value = |(before, after): (&LayerEstimate, &LayerEstimate)| {
        let own = layers.iter().find(|layer| layer.name == before.name);
        let mask = found.outcome.masks.layer(&before.name);
        let dense = Energy::of(technology, before.energy.total());
        Layer {
            name: before.name.clone(),
            dense_energy_pj: dense.energy_pj,
            dense_energy: dense.energy,
            energy: Energy::of(technology, after.energy.total()),
            dense_cycles: before.cycles(),
            cycles: after.cycles(),
            density: mask.map(|m| m.iter().filter(|keep| **keep).count() as f64 / m.len() as f64),
            entries: own.zip(mask).map(|(l, m)| l.occupied(m) as f64 / l.entries.max(1) as f64),
        }
    };
    pairs.map(value).collect()
}
