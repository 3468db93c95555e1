//! The part of `pecan demo` that prunes the bundled network.

use std::path::Path;
use std::sync::Arc;

use pecan_config::Config;
use schemars::JsonSchema;
use serde::Serialize;

use crate::data::{DataArgs, Inputs};
use crate::run::{bits, import};
use crate::{Failure, RunFolder};
use pecan_energy::{Target, Technology};
use pecan_net::export;
use pecan_net::graph::Graph;
use pecan_net::onnx::Model;
use pecan_net::quantize::Calibration;
use pecan_prune as prune;
use pecan_prune::{Bounds, Dense, Outcome, Schedule, Search, Setting, Split, Subset};
use pecan_simulate::Report;
use pecan_text::format::energy;
use pecan_text::format::{grouped, percent};
use pecan_train as train;
use pecan_train::Quantization;

/// Rows of the images for training, decision and report.
const TUNE: &str = "train_idx";
const VALIDATE: &str = "test_idx[0..180]";
const TEST: &str = "test_idx[180..]";
/// Largest loss of accuracy: one point.
const DROP: f64 = 0.01;

/// The pruned network and its savings.
pub(crate) struct Pruned {
    pub(crate) graph: Graph,
    pub(crate) inputs: Inputs,
    outcome: Outcome,
    unit: String,
    /// Energy and accuracy of the dense network.
    dense: [f64; 2],
}

/// Prunes the network with the defaults of `pecan prune` and a few more epochs, as there are few images.
///
/// # Errors
/// [`Failure`] if the network does not map on this configuration, or a file cannot be written.
pub(crate) fn run(
    config: &Config,
    model: &Model,
    data: &Path,
    folder: &RunFolder,
    seed: u64,
) -> Result<Pruned, Failure> {
    let dense_graph = import(model, false)?;
    let load = |rows: &str| {
        let data = Some(data.to_path_buf());
        let rows = Some(rows.to_owned());
        DataArgs { data, rows, ..DataArgs::default() }.load(&dense_graph, seed)
    };
    let (tune, validate, inputs) = (load(TUNE)?, load(VALIDATE)?, load(TEST)?);
    let technology = Technology::open("sg13g2")?;
    let method = inputs.method;
    let data = split(tune, validate, &inputs);
    let setting = setting(config, &technology, data, method, seed)?;
    let dense = Dense::new(&setting, &dense_graph)?;
    let answers = prune::answers(&dense.quantized, &setting.data.test)?;
    let mut graph = import(model, false)?;
    let criterion = prune::DEFAULT;
    let search = Search { setting: &setting, dense: &dense, criterion, checkpoint: None };
    let outcome = prune::prune(search, &mut graph, &mut |_| ())?;
    let bad = |error| Failure::from_error(crate::Exit::BadInput, error);
    let written = export::pruned(model, &graph).map_err(bad)?;
    written.write(&folder.path().join("lenet_digits_pruned.onnx"))?;
    let dense = [dense.estimate.energy(), answers.accuracy()];
    Ok(Pruned { graph, inputs, outcome, unit: technology.unit, dense })
}

/// Samples to train on, to decide by, and to report.
fn split(tune: Inputs, validate: Inputs, test: &Inputs) -> Split {
    let part = |inputs: Inputs| Subset {
        labels: inputs.labels.unwrap_or_default(),
        inputs: inputs.samples,
    };
    Split {
        calibration: test.calibration.clone(),
        tuning: part(tune),
        validation: part(validate),
        test: part(test.clone()),
        labelled: true,
    }
}

fn setting(
    config: &Config,
    technology: &Technology,
    data: Split,
    method: Calibration,
    seed: u64,
) -> Result<Setting, Failure> {
    let quantization = Quantization { widths: bits(config), calibration: method };
    Ok(Setting {
        target: Target::new(config, technology)?,
        mapper: pecan_map::Options::default(),
        calibration: method,
        images: 4,
        data: Arc::new(data),
        tuning: train::Settings {
            epochs: 12.0,
            quantization: Some(quantization),
            seed,
            ..train::Settings::default()
        },
        bounds: Bounds { accuracy_drop: DROP, margin: 0.5, energy: None, cycles: None },
        schedule: Schedule { step: 0.6, rounds: 6, patience: 0, ..Schedule::default() },
    })
}

impl Pruned {
    /// Summary of the pruning. `report` is that of the pruned network on the RTL.
    pub(crate) fn text(&self, config: &Config, report: &Report) -> String {
        let [dense, accuracy] = self.dense;
        let now = self.outcome.point.energy;
        let own = report.accuracy.map_or(0.0, |accuracy| accuracy.rtl);
        format!(
            "\nWhat pruning gives: {} of the weights remain, those that matter to the network for the energy that they\n\
             take on {}. An image takes {} in place of {} ({:.1}x less, estimated in IHP SG13G2, 130 nm) and {} cycles.\n\
             {}\nOn {} images that nothing was decided by, {} are read correctly; by the dense network, {}.\n",
            percent(self.outcome.masks.density()),
            config.name(),
            energy(now, &self.unit),
            energy(dense, &self.unit),
            dense / now,
            grouped(report.total.cycles),
            if report.agrees() {
                "The same RTL runs it, again bit for bit and with every counter as predicted."
            } else {
                "THE RTL DOES NOT AGREE with the reference on it."
            },
            report.images,
            percent(own),
            percent(accuracy),
        )
    }

    /// The same for programs.
    pub(crate) fn document(&self, report: &Report) -> PrunedDocument {
        let [energy_pj, accuracy] = self.dense;
        PrunedDocument {
            dense: DenseDocument { energy_pj, accuracy },
            energy_pj: self.outcome.point.energy,
            density: self.outcome.masks.density(),
            cycles: report.total.cycles,
            mismatches: report.total.mismatches,
            images: report.images,
            accuracy: report.accuracy.map(|accuracy| accuracy.rtl),
        }
    }
}

/// The pruned network and its savings.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PrunedDocument {
    /// The network before.
    dense: DenseDocument,
    /// Energy per image.
    energy_pj: f64,
    /// Share of the weights that remain.
    density: f64,
    /// Clock cycles per image.
    cycles: u64,
    /// Values in which RTL or emulator differ from the reference.
    mismatches: u64,
    /// Images that were run; nothing was decided by them.
    images: usize,
    /// Accuracy of the RTL on them.
    accuracy: Option<f64>,
}

/// The network before pruning.
#[derive(Debug, Serialize, JsonSchema)]
struct DenseDocument {
    /// Energy per image.
    energy_pj: f64,
    /// Accuracy on the same images.
    accuracy: f64,
}
