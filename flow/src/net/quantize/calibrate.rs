//! Ranges of activations over calibration samples (min-max calibration).

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::QuantizeError;
use crate::net::graph::{ForwardError, Graph};

/// The largest magnitude that each tensor of a graph took, by tensor index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranges {
    /// `None` for tensors that were not computed; infinite where a value was not finite.
    pub max_abs: Vec<Option<f32>>,
}

/// Runs `samples` through the float network and records the range of every tensor.
///
/// # Errors
/// There is no sample, or one has the wrong number of values.
pub fn calibrate(graph: &Graph, samples: &[&[f32]]) -> Result<Ranges, QuantizeError> {
    if samples.is_empty() {
        return Err(QuantizeError::NoSamples { origin: graph.origin.clone() });
    }
    let none = || vec![None; graph.tensors.len()];
    let max_abs = samples
        .par_iter()
        .map(|sample| Ok(graph.forward(sample)?.iter().map(|t| magnitude(t)).collect()))
        .try_reduce(none, |mut a, b| {
            for (a, b) in a.iter_mut().zip(b) {
                // `None` orders below every number.
                if b > *a {
                    *a = b;
                }
            }
            Ok::<_, ForwardError>(a)
        })?;
    Ok(Ranges { max_abs })
}

fn magnitude(values: &[f32]) -> Option<f32> {
    if values.is_empty() {
        return None;
    }
    let largest = values.iter().fold(0f32, |m, v| m.max(v.abs()));
    // `f32::max` passes over NaN, so finiteness is a question of its own.
    Some(if values.iter().all(|v| v.is_finite()) { largest } else { f32::INFINITY })
}
