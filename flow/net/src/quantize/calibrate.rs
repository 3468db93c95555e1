//! Ranges of activations over calibration samples.
//!
//! Methods as in Wu et al., "Integer Quantization for Deep Learning Inference: Principles and Empirical
//! Evaluation" (2020): the largest magnitude, or a percentile of all magnitudes.

use std::fmt::{self, Display};
use std::str::FromStr;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::QuantizeError;
use crate::graph::{ForwardError, Graph};
use crate::op::Lowering;

/// Bins of a histogram of magnitudes: the resolution of a percentile, relative to the largest.
const BINS: usize = 4096;

/// Rule for the range of an activation; written `minmax` or `percentile:99.99`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum Calibration {
    /// The largest magnitude.
    #[default]
    MinMax,
    /// The magnitude that so many percent of the values do not exceed. The network's input keeps its largest magnitude:
    /// its range has no outliers.
    Percentile(f64),
}

impl FromStr for Calibration {
    type Err = QuantizeError;

    fn from_str(text: &str) -> Result<Self, QuantizeError> {
        let fail = |problem: &str| QuantizeError::Calibration {
            text: text.to_string(),
            problem: problem.to_string(),
        };
        match text.split_once(':') {
            None if text == "minmax" => Ok(Self::MinMax),
            Some(("percentile", percent)) => match percent.parse::<f64>() {
                Ok(p) if p > 50.0 && p <= 100.0 => Ok(Self::Percentile(p)),
                _ => Err(fail("the percentage is out of range or no number")),
            },
            _ => Err(fail("unknown method")),
        }
    }
}

impl Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MinMax => f.write_str("minmax"),
            Self::Percentile(p) => write!(f, "percentile:{p}"),
        }
    }
}

/// The range of each tensor of a graph, by tensor index: magnitudes above it are limited to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranges {
    /// `None` for tensors that were not computed; infinite where a value was not finite.
    pub max_abs: Vec<Option<f32>>,
}

/// Computes `samples` in the float network and records the largest magnitude of every tensor, except tensors whose
/// range the file gives.
///
/// # Errors
/// There is no sample (which is legal where the file gives ranges), or one has the wrong number of values.
pub fn calibrate(graph: &Graph, samples: &[&[f32]]) -> Result<Ranges, QuantizeError> {
    calibrate_by(graph, samples, Calibration::MinMax)
}

/// As [`calibrate`], by the given method.
///
/// # Errors
/// As for [`calibrate`].
pub fn calibrate_by(
    graph: &Graph,
    samples: &[&[f32]],
    method: Calibration,
) -> Result<Ranges, QuantizeError> {
    if samples.is_empty() && graph.tensors.iter().all(|t| t.given.is_none()) {
        return Err(QuantizeError::NoSamples { origin: graph.origin.clone() });
    }
    let mut max_abs = largest(graph, samples)?;
    if let Calibration::Percentile(percent) = method {
        let counts = histograms(graph, samples, &max_abs)?;
        for (tensor, (range, counts)) in max_abs.iter_mut().zip(&counts).enumerate() {
            if let (Some(largest), true) = (range, tensor != graph.input) {
                *largest *= percentile(counts, percent);
            }
        }
    }
    for (range, tensor) in max_abs.iter_mut().zip(&graph.tensors) {
        *range = tensor.given.map(|given| given as f32).or(*range);
    }
    inherit(graph, &mut max_abs);
    Ok(Ranges { max_abs })
}

/// Gives tensors without a range that of the tensor that they are computed from, where values cannot grow: a file need
/// not quantize behind each of these operators.
fn inherit(graph: &Graph, max_abs: &mut [Option<f32>]) {
    for node in graph.iter() {
        let ([input], Some(op)) = (&node.inputs[..], &node.op) else { continue };
        let layout = graph.tensors[*input].layout;
        let bounded = match op.lower(layout.as_slice()) {
            Lowering::Alias | Lowering::MaxPool(_) | Lowering::Average { .. } => true,
            Lowering::Clamp([low, high]) => low <= 0.0 && high >= 0.0,
            _ => false,
        };
        if bounded && max_abs[node.output].is_none() {
            max_abs[node.output] = max_abs[*input];
        }
    }
}

fn largest(graph: &Graph, samples: &[&[f32]]) -> Result<Vec<Option<f32>>, ForwardError> {
    let none = || vec![None; graph.tensors.len()];
    samples
        .par_iter()
        .map(|sample| Ok(graph.forward(sample)?.iter().map(|t| magnitude(t)).collect()))
        .try_reduce(none, |mut a: Vec<Option<f32>>, b| {
            for (a, b) in a.iter_mut().zip(b) {
                // `None` orders below every number.
                if b > *a {
                    *a = b;
                }
            }
            Ok(a)
        })
}

/// Number of values of each tensor in each of [`BINS`] equal parts of its range.
fn histograms(
    graph: &Graph,
    samples: &[&[f32]],
    max_abs: &[Option<f32>],
) -> Result<Vec<Vec<u64>>, ForwardError> {
    let none = || vec![vec![0u64; BINS]; graph.tensors.len()];
    let count = |mut counts: Vec<Vec<u64>>, sample: &&[f32]| {
        let tensors = graph.forward(sample)?;
        for ((values, counts), range) in tensors.iter().zip(&mut counts).zip(max_abs) {
            let Some(range) = range.filter(|r| *r > 0.0 && r.is_finite()) else { continue };
            for value in values {
                let bin = (value.abs() / range * BINS as f32) as usize;
                counts[bin.min(BINS - 1)] += 1;
            }
        }
        Ok::<_, ForwardError>(counts)
    };
    samples.par_iter().try_fold(none, count).try_reduce(none, |mut a, b| {
        for (a, b) in a.iter_mut().flatten().zip(b.into_iter().flatten()) {
            *a += b;
        }
        Ok(a)
    })
}

/// The part of the range that holds `percent` of the values; the whole range without values.
fn percentile(counts: &[u64], percent: f64) -> f32 {
    let total: u64 = counts.iter().sum();
    let needed = total as f64 * percent / 100.0;
    let mut sum = 0;
    for (bin, count) in counts.iter().enumerate() {
        sum += count;
        if total > 0 && sum as f64 >= needed {
            return (bin + 1) as f32 / BINS as f32;
        }
    }
    1.0
}

fn magnitude(values: &[f32]) -> Option<f32> {
    if values.is_empty() {
        return None;
    }
    let largest = values.iter().fold(0f32, |m, v| m.max(v.abs()));
    // `f32::max` ignores NaN, so finiteness is checked separately.
    Some(if values.iter().all(|v| v.is_finite()) { largest } else { f32::INFINITY })
}
