//! The report of `pecan prune`, from its results.

use std::path::Path;

use crate::prune::output::{Finished, Found};
use pecan_net::graph::Graph;
use pecan_prune::{Answers, Ending, Outcome};
use pecan_report::{Histogram, MethodResult, Pruning, Step, technology_text};

/// Parts of a histogram.
const BINS: usize = 32;

/// The page of a finished run.
pub(crate) fn page(path: &Path, finished: &Finished<'_>) -> Pruning {
    let (setting, dense) = (finished.setting, finished.dense);
    let technology = &setting.target.technology;
    let test = |answers: &Answers| [answers.accuracy(), answers.standard_error()];
    let data = &setting.data;
    let network = path.file_stem().map(|name| name.to_string_lossy().into_owned());
    let chosen = finished.found.first();
    Pruning {
        network: network.unwrap_or_default(),
        target: format!("{} in {}", finished.config().name(), technology.name),
        unit: technology.unit.clone(),
        origin: finished.origin.clone(),
        samples: [
            data.calibration.len(),
            data.tuning.inputs.len(),
            data.validation.inputs.len(),
            data.test.inputs.len(),
        ],
        bound: setting.bounds.accuracy_drop,
        dense: dense.estimate.clone(),
        dense_widths: dense.widths.to_string(),
        dense_test: test(&finished.dense_test),
        dense_validation: dense.validation.accuracy(),
        methods: finished.found.iter().map(method).collect(),
        histograms: chosen.map(|found| histograms(dense.graph, found)).unwrap_or_default(),
        missed: finished.missed(),
        provenance: format!(
            "Measured on the emulator of the hardware on {} images. {}",
            setting.images,
            technology_text(technology)
        ),
    }
}

fn method(found: &Found) -> MethodResult {
    let Outcome { criterion, masks, points, ending, phases, .. } = &found.outcome;
    let step = |p: &pecan_prune::Point| Step {
        energy: p.energy,
        accuracy: p.accuracy,
        good: p.good,
        widths: p.widths.to_string(),
    };
    MethodResult {
        name: (*criterion).to_owned(),
        widths: found.outcome.point.widths.to_string(),
        doc: pecan_prune::find(criterion).map_or("", |criterion| criterion.doc).to_owned(),
        steps: points.iter().map(step).collect(),
        test: [found.test.accuracy(), found.test.standard_error()],
        estimate: found.estimate.clone(),
        density: masks.density(),
        seconds: [
            phases.statistics,
            phases.selection,
            phases.reconstruction,
            phases.tuning,
            phases.scoring,
        ],
        ending: words(*ending).to_owned(),
    }
}

/// The end of a method, in words.
pub(crate) fn words(ending: Ending) -> &'static str {
    match ending {
        Ending::Accuracy => "accuracy",
        Ending::Budget => "budget met",
        Ending::Exhausted => "nothing left to remove",
        Ending::Rounds => "last round",
    }
}

fn histograms(dense: &Graph, found: &Found) -> Vec<Histogram> {
    let layer = |node: &pecan_net::graph::Node| {
        let linear = node.op.as_ref()?.linear()?;
        let mask = found.outcome.masks.layer(&node.name)?;
        let largest = linear.weights.iter().fold(0f32, |most, w| most.max(w.abs()));
        let mut counts = vec![[0; 2]; BINS];
        for (weight, keep) in linear.weights.iter().zip(mask) {
            let share = weight.abs() / largest.max(f32::MIN_POSITIVE);
            let bin = ((share * BINS as f32) as usize).min(BINS - 1);
            counts[bin][usize::from(!keep)] += 1;
        }
        Some(Histogram { layer: node.name.clone(), largest: f64::from(largest), counts })
    };
    dense.iter().filter_map(layer).collect()
}
