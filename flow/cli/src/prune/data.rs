//! Data of `pecan prune`: calibration, tuning, validation and test, which do not overlap.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::data::{DataArgs, Inputs};
use crate::network::{NetworkArgs, WorkloadTuning};
use crate::{Exit, Failure};
use pecan_net::data::{Rows, Samples};
use pecan_net::graph::Graph;
use pecan_net::op::argmax;
use pecan_prune::{Split, Subset};

/// Default number of tuning samples that decide the ranges of the integers.
const CALIBRATION: usize = 100;

/// Default share of the tuning samples for validation.
const VALIDATION: f64 = 0.15;

/// Samples to tune on; --rows chooses those that are reported, which decide nothing.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct TuningArgs {
    /// File of the samples to tune on [default: that of --data]
    #[arg(long, value_name = "FILE.npz")]
    tune_data: Option<PathBuf>,
    /// Samples to tune on, as --rows [default: all that are not reported]
    #[arg(long, value_name = "ROWS")]
    tune_rows: Option<String>,
    /// Share of the samples to tune on that is kept from training and decides what is good enough, 0 to below 1
    /// [default: 0.15]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    validation_share: Option<f64>,
    /// Samples that decide instead, as --rows: best such as the network was not trained on
    #[arg(long, value_name = "ROWS", conflicts_with = "validation_share")]
    validate_rows: Option<String>,
    /// File of the samples that decide [default: that of --data]
    #[arg(long, value_name = "FILE.npz", conflicts_with = "validation_share")]
    validate_data: Option<PathBuf>,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value < 1.0 => Ok(value),
        _ => Err("allowed: a number above 0 and below 1".into()),
    }
}

/// A share from a workload file.
fn checked(validation: f64) -> Result<f64, Failure> {
    if validation > 0.0 && validation < 1.0 {
        return Ok(validation);
    }
    Err(bad(format!("validation_share is {validation}; allowed: above 0 and below 1")))
}

fn bad(what: String) -> Failure {
    Failure::said(Exit::BadInput, what)
}

impl TuningArgs {
    /// Loads all parts; also returns their sources in words.
    ///
    /// # Errors
    /// [`Failure`] if a file or selection is wrong, does not fit the network, leaves a part empty, or if samples would
    /// be both tuned on and reported.
    pub(crate) fn load(
        &self,
        network: &NetworkArgs,
        data: &DataArgs,
        graph: &Graph,
        seed: u64,
    ) -> Result<(Split, Inputs, String), Failure> {
        let Some(tested) = &data.data else {
            let what = "pruning needs data: name a file of samples with --data".to_owned();
            return Err(Failure::said(Exit::Usage, what));
        };
        let mut inputs = data.load(graph, seed)?;
        let file = network.tuning()?;
        let path = self.tune_data.clone().or(file.data.clone());
        let path = path.unwrap_or_else(|| tested.clone());
        let rows = self.tune_rows.clone().or(file.rows.clone());
        let validation = self.validation_share.or(file.validation).unwrap_or(VALIDATION);
        let validation = checked(validation)?;
        let reported = Reported::new(data, graph, tested)?;
        let tuned = reported.others(data, graph, &path, rows.as_deref(), "tune")?;
        let classes: usize = graph.output_shape().iter().product();
        let labelled = inputs.labels.is_some() && tuned.labels.is_some();
        let answered = |samples: Samples| -> Result<Subset, Failure> {
            let labels = match labelled {
                true => samples.expect_labels(classes)?.to_vec(),
                false => own_answers(graph, &samples.as_slices())?,
            };
            Ok(Subset { inputs: samples.into_values(), labels })
        };
        let deciding = self.deciding(data, graph, file, &reported, &tuned)?;
        let given = answered(tuned)?;
        let (tuning, validation) = match deciding {
            None => divide(given, validation, seed),
            Some(samples) => (given, answered(samples)?),
        };
        let test = Subset {
            labels: match &inputs.labels {
                Some(labels) if labelled => labels.clone(),
                _ => own_answers(graph, &slices(&inputs.samples))?,
            },
            inputs: inputs.samples.clone(),
        };
        if data.calibrate_rows.is_none() && data.calibrate_data.is_none() {
            inputs.calibration = tuning.inputs.iter().take(CALIBRATION).cloned().collect();
            inputs.origin = format!(
                "{} test samples of {} (calibrated on the first {} to tune on)",
                test.inputs.len(),
                tested.display(),
                inputs.calibration.len()
            );
        }
        let origin = format!(
            "{} tuning and {} validation samples of {}{}; {}{}",
            tuning.inputs.len(),
            validation.inputs.len(),
            path.display(),
            rows.map(|rows| format!(" (`{rows}`)")).unwrap_or_default(),
            inputs.origin,
            if labelled {
                ""
            } else {
                "; without labels: answers of the float network stand for them"
            }
        );
        let calibration = inputs.calibration.clone();
        Ok((Split { calibration, tuning, validation, test, labelled }, inputs, origin))
    }

    /// The validation samples, if they are chosen separately.
    fn deciding(
        &self,
        data: &DataArgs,
        graph: &Graph,
        file: WorkloadTuning,
        reported: &Reported<'_>,
        tuned: &Samples,
    ) -> Result<Option<Samples>, Failure> {
        let other = self.validate_data.clone().or(file.validate_data);
        let rows = self.validate_rows.clone().or(file.validate_rows);
        if other.is_none() && rows.is_none() {
            return Ok(None);
        }
        let path = other.unwrap_or_else(|| reported.path.to_path_buf());
        let samples = reported.others(data, graph, &path, rows.as_deref(), "validate")?;
        let both = |row: &&usize| tuned.path == samples.path && samples.rows.contains(row);
        let both = tuned.rows.iter().filter(both).count();
        if both > 0 {
            return Err(bad(format!(
                "{both} samples of {} are both to be tuned on and to decide; --tune-rows and --validate-rows must not \
                 overlap",
                samples.path.display()
            )));
        }
        Ok(Some(samples))
    }
}

/// The reported samples, which have no other use.
struct Reported<'a> {
    path: &'a Path,
    rows: BTreeSet<usize>,
}

impl<'a> Reported<'a> {
    fn new(data: &DataArgs, graph: &Graph, path: &'a Path) -> Result<Self, Failure> {
        let rows = data.rows.as_deref().map_or(Ok(Rows::All), str::parse)?;
        let limit = data.limit.map(|limit| limit as usize);
        let rows = Samples::select(path, &data.selection(graph, path, rows, limit)?)?;
        Ok(Self { path, rows: rows.into_iter().collect() })
    }

    /// Samples for another purpose: the chosen ones, or all that are not reported.
    fn others(
        &self,
        data: &DataArgs,
        graph: &Graph,
        path: &Path,
        rows: Option<&str>,
        purpose: &str,
    ) -> Result<Samples, Failure> {
        let chosen = rows.map_or(Ok(Rows::All), str::parse)?;
        let selection = data.selection(graph, path, chosen, None)?;
        let load = |wanted| -> Result<Samples, Failure> {
            let samples = Samples::load_rows(path, &selection, wanted)?;
            samples.expect_shape(graph.input_shape())?;
            Ok(samples)
        };
        let wanted = Samples::select(path, &selection)?;
        let both = wanted.iter().filter(|row| self.rows.contains(row)).count();
        if path != self.path || both == 0 {
            return load(wanted);
        }
        let shown = path.display();
        if rows.is_some() {
            return Err(bad(format!(
                "{both} samples of {shown} are chosen by both --{purpose}-rows and --rows, which must not overlap"
            )));
        }
        let free: Vec<usize> = wanted.into_iter().filter(|row| !self.rows.contains(row)).collect();
        if free.is_empty() {
            return Err(bad(format!(
                "no samples to {purpose} with: all of {shown} are reported; choose with --rows, or name others with \
                 --{purpose}-data"
            )));
        }
        load(free)
    }
}

fn slices(samples: &[Vec<f32>]) -> Vec<&[f32]> {
    samples.iter().map(Vec::as_slice).collect()
}

/// The float network's answers.
fn own_answers(graph: &Graph, samples: &[&[f32]]) -> Result<Vec<usize>, Failure> {
    Ok(graph.outputs(samples)?.iter().map(|values| argmax(values)).collect())
}

/// Tuning and validation, at random.
fn divide(mut all: Subset, validation: f64, seed: u64) -> (Subset, Subset) {
    let count = all.inputs.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let deciding = ((count as f64 * validation).round() as usize).clamp(1, count.max(1));
    let (deciding, tuning) = order.split_at(deciding.min(count.saturating_sub(1)));
    // Every sample has one place, so that it is moved and not copied.
    let mut part = |at: &[usize]| Subset {
        inputs: at.iter().map(|at| std::mem::take(&mut all.inputs[*at])).collect(),
        labels: at.iter().map(|at| all.labels[*at]).collect(),
    };
    (part(tuning), part(deciding))
}
