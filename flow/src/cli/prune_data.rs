//! Data of `pecan prune`: calibration, tuning, validation and test, which do not overlap.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::data::{DataArgs, Inputs};
use super::network::NetworkArgs;
use super::{Exit, Failure};
use crate::data::{Rows, Samples, Selection};
use crate::net::graph::Graph;
use crate::net::quantize::argmax;
use crate::prune::{Part, Split};

/// Share of the tuning samples that decides, where none is given.
const VALIDATION: f64 = 0.15;

/// Samples to tune on; --rows chooses those that are reported, which decide nothing.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Data")]
pub(super) struct TuningArgs {
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
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value < 1.0 => Ok(value),
        _ => Err("allowed: a number above 0 and below 1".into()),
    }
}

fn bad(what: String) -> Failure {
    Failure::new(Exit::BadInput, miette::MietteDiagnostic::new(what))
}

impl TuningArgs {
    /// Loads all parts; also says in words where they come from.
    ///
    /// # Errors
    /// [`Failure`] if a file or selection is wrong, does not fit the network, leaves a part empty, or if samples are to
    /// be both tuned on and reported.
    pub(super) fn load(
        &self,
        (network, data): (&NetworkArgs, &DataArgs),
        graph: &Graph,
        seed: u64,
    ) -> Result<(Split, Inputs, String), Failure> {
        let Some(tested) = &data.data else {
            let what = "pruning needs data: name a file of samples with --data".to_owned();
            return Err(Failure::new(Exit::Usage, miette::MietteDiagnostic::new(what)));
        };
        let inputs = data.load(graph, seed)?;
        let file = network.tuning()?;
        let path = self.tune_data.clone().or(file.data).unwrap_or_else(|| tested.clone());
        let rows = self.tune_rows.clone().or(file.rows);
        let validation = self.validation_share.or(file.validation).unwrap_or(VALIDATION);
        if !(validation > 0.0 && validation < 1.0) {
            return Err(bad(format!(
                "validation_share is {validation}; allowed: above 0 and below 1"
            )));
        }
        let tuned = self.samples((data, graph), &path, rows.as_deref(), tested)?;
        let classes: usize = graph.output_shape().iter().product();
        let labels = match &tuned.labels {
            Some(_) if inputs.labels.is_some() => Some(tuned.expect_labels(classes)?.to_vec()),
            _ => None,
        };
        let labelled = labels.is_some();
        let given = match labels {
            Some(labels) => labels,
            None => own_answers(graph, &tuned.as_slices())?,
        };
        let (tuning, validation) = divide(&tuned, &given, validation, seed);
        let test = Part {
            labels: match &inputs.labels {
                Some(labels) if labelled => labels.clone(),
                _ => own_answers(graph, &slices(&inputs.samples))?,
            },
            inputs: inputs.samples.clone(),
        };
        let origin = format!(
            "{} tuning and {} validation samples of {}{}; {}{}",
            tuning.inputs.len(),
            validation.inputs.len(),
            path.display(),
            rows.map(|rows| format!(" (`{rows}`)")).unwrap_or_default(),
            inputs.origin,
            if labelled { "" } else { "; without labels: answers of the float network stand for them" }
        );
        let calibration = inputs.calibration.clone();
        Ok((Split { calibration, tuning, validation, test, labelled }, inputs, origin))
    }

    fn samples(
        &self,
        (data, graph): (&DataArgs, &Graph),
        path: &Path,
        rows: Option<&str>,
        tested: &Path,
    ) -> Result<Samples, Failure> {
        let selection = |rows, limit| Selection {
            x_key: data.x_key.clone().unwrap_or_else(|| "x".into()),
            y_key: data.y_key.clone(),
            rows,
            limit,
        };
        let chosen = rows.map_or(Ok(Rows::All), str::parse)?;
        let samples = Samples::load(path, &selection(chosen, None))?;
        samples.expect_shape(graph.input_shape())?;
        if path != tested {
            return Ok(samples);
        }
        let reported = data.rows.as_deref().map_or(Ok(Rows::All), str::parse)?;
        let limit = data.limit.map(|limit| limit as usize);
        let reported = Samples::load(tested, &selection(reported, limit))?;
        let reported: BTreeSet<usize> = reported.rows.into_iter().collect();
        let both = samples.rows.iter().filter(|row| reported.contains(row)).count();
        if both == 0 {
            return Ok(samples);
        }
        if rows.is_some() {
            return Err(bad(format!(
                "{both} samples of {} are both to be tuned on and reported; --tune-rows and --rows must not overlap",
                path.display()
            )));
        }
        let free = samples.keep(|row| !reported.contains(&row));
        if free.is_empty() {
            return Err(bad(format!(
                "no tuning samples: all of {} are reported; choose with --rows, or name others with --tune-data",
                path.display()
            )));
        }
        Ok(free)
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
fn divide(samples: &Samples, labels: &[usize], validation: f64, seed: u64) -> (Part, Part) {
    let mut order: Vec<usize> = (0..samples.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let count = ((samples.len() as f64 * validation).round() as usize).clamp(1, samples.len());
    let (deciding, tuning) = order.split_at(count.min(samples.len().saturating_sub(1)));
    let all = samples.as_slices();
    let part = |at: &[usize]| Part {
        inputs: at.iter().map(|at| all[*at].to_vec()).collect(),
        labels: at.iter().map(|at| labels[*at]).collect(),
    };
    (part(tuning), part(deciding))
}
