//! Post-training quantization to signed symmetric integers: one scale per activation tensor, one per
//! output channel of the weights, requantization by integer multiplier and shift.
//!
//! The scheme is that of Jacob et al., "Quantization and Training of Neural Networks for Efficient
//! Integer-Arithmetic-Only Inference" (CVPR 2018), with all zero points at 0, and of Krishnamoorthi,
//! "Quantizing deep convolutional networks for efficient inference" (2018), for the scales per channel.

mod builder;
mod calibrate;
mod compact;
mod extract;
mod layer;
mod scale;

use std::collections::HashSet;
use std::fmt;

use pecan_ir::layer::{Network, Shape, Tensor};
use pecan_ir::reference;
use pecan_ir::reference::NetworkError;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use calibrate::{Calibration, Ranges, calibrate, calibrate_by};
pub use compact::{Live, compact};
pub use extract::{ExtractedLayer, extract};

use super::graph::{Finding, Graph, GraphError};
use super::op::{HostOp, Lowering};
use builder::NetworkBuilder;
pub use scale::{limit, multiplier_and_shift, weight_scale};

/// Widths of the integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Options {
    /// Bits of an activation: 4, 8 or 16.
    pub activation_bits: usize,
    /// Bits of a weight: 4, 8 or 16.
    pub weight_bits: usize,
}

/// In short, as in the names of configurations: `a8w4`.
impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a{}w{}", self.activation_bits, self.weight_bits)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { activation_bits: 8, weight_bits: 8 }
    }
}

/// Reasons why a network cannot be quantized.
#[derive(Clone, Debug, Error)]
pub enum QuantizeError {
    /// Nodes have no counterpart on the hardware.
    #[error(transparent)]
    Unsupported(#[from] GraphError),
    /// A width is not one of the legal ones.
    #[error("{what} of {bits} bits; allowed: 4, 8, 16")]
    Width {
        /// `activations` or `weights`.
        what: &'static str,
        /// The width.
        bits: usize,
    },
    /// There are no samples for calibration.
    #[error("{origin}: no calibration sample")]
    NoSamples {
        /// File of the network.
        origin: String,
    },
    /// Unknown method of calibration.
    #[error(
        "calibration `{text}`: {problem}; allowed: minmax, percentile:P with P above 50 up to 100"
    )]
    Calibration {
        /// The given text.
        text: String,
        /// The problem.
        problem: String,
    },
    /// The float network could not be run.
    #[error(transparent)]
    Forward(#[from] super::graph::ForwardError),
    /// A tensor has values but no scale.
    #[error("{origin}: tensor `{tensor}`: {problem}")]
    Tensor {
        /// File of the network.
        origin: String,
        /// Tensor name.
        tensor: String,
        /// The problem.
        problem: String,
    },
    /// A layer has no integer form.
    #[error("{origin}: layer `{layer}`: {problem}")]
    Layer {
        /// File of the network.
        origin: String,
        /// Node name.
        layer: String,
        /// The problem.
        problem: String,
    },
    /// The result contradicts the definitions of the integer network.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// An integer network with the scales that connect it to the float one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantized {
    /// The integer network.
    pub network: Network,
    /// Real value of one unit of the input.
    pub input_scale: f64,
    /// Limits of the input's integers: those of the width, or narrower ones of the file, which the host applies.
    pub input_limits: [i32; 2],
    /// Real value of one unit of the output.
    pub output_scale: f64,
    /// Real value of one unit of each tensor of `network`.
    pub scales: Vec<f64>,
    /// Name in the file of each tensor of `network`.
    pub tensor_names: Vec<String>,
    /// Real value of one unit of a weight, by layer and output channel; empty for layers without weights
    /// in the file (pooling, sums, concatenations).
    pub weight_scales: Vec<Vec<f64>>,
    /// Operations of the host on the dequantized output, in order.
    pub host_ops: Vec<HostOp>,
}

/// Quantizes `graph` with the ranges of [`calibrate()`].
///
/// # Errors
/// [`QuantizeError::Unsupported`] with every node that the hardware cannot run; illegal widths; a tensor
/// that was not reached in calibration or a layer whose rescale factor is not representable.
pub fn quantize(
    graph: &Graph,
    ranges: &Ranges,
    options: Options,
) -> Result<Quantized, QuantizeError> {
    let unsupported: Vec<Finding> = graph.check().into_iter().filter(|f| !f.supported).collect();
    if !unsupported.is_empty() {
        let origin = graph.origin.clone();
        return Err(GraphError::Unsupported { origin, findings: unsupported }.into());
    }
    let mut builder = NetworkBuilder::new(graph, ranges, options)?;
    builder.input(graph.input)?;
    let mut host_ops = Vec::new();
    let mut fused = HashSet::new();
    for node in graph.iter() {
        // The writer of this tensor is a limit that became the clamp of the layer before it.
        if fused.contains(&node.output) {
            continue;
        }
        match builder.lowering(node)? {
            Lowering::Alias => builder.alias(node)?,
            Lowering::Clamp(range) if builder.limits_input(node) => {
                builder.limit_input(node, range)?;
            }
            Lowering::Host(op) => host_ops.push(op),
            lowering => fused.extend(builder.layer(node, lowering)?),
        }
    }
    builder.finish(host_ops)
}

/// Calibrates on `samples` and quantizes, as [`calibrate()`] and [`quantize`].
///
/// # Errors
/// As for these.
pub fn quantize_with(
    graph: &Graph,
    samples: &[&[f32]],
    options: Options,
) -> Result<Quantized, QuantizeError> {
    quantize(graph, &calibrate(graph, samples)?, options)
}

impl Quantized {
    /// Shape of the input.
    pub fn input_shape(&self) -> Shape {
        self.network.tensors.first().copied().unwrap_or(Shape::new(0, 0, 0))
    }

    /// Integers nearest to `values / input_scale` (halves away from zero), clamped to the limits of
    /// the input. `values` are in channel, row, column order.
    pub fn quantize_input(&self, values: &[f32]) -> Tensor {
        let [low, high] = self.input_limits.map(f64::from);
        let unit = |v: &f32| (f64::from(*v) / self.input_scale).round().clamp(low, high) as i32;
        Tensor { shape: self.input_shape(), data: values.iter().map(unit).collect() }
    }

    /// Real values of an output tensor, before the host's operations.
    pub fn dequantize_output(&self, output: &Tensor) -> Vec<f32> {
        output.data.iter().map(|&v| (f64::from(v) * self.output_scale) as f32).collect()
    }

    /// Real values of an output tensor after the host's operations, comparable to those of the float network.
    pub fn finish(&self, output: &Tensor) -> Vec<f32> {
        let values = self.dequantize_output(output);
        self.host_ops.iter().fold(values, |values, op| op.apply(&values))
    }

    /// Computes the integer reference on real inputs, in parallel; returns the output tensors.
    ///
    /// # Errors
    /// A sample has the wrong number of values.
    pub fn reference_outputs(&self, samples: &[&[f32]]) -> Result<Vec<Tensor>, NetworkError> {
        let last = self.network.layers.last().map_or(0, |layer| layer.output);
        let run = |sample: &&[f32]| {
            let mut tensors = reference::run(&self.network, &self.quantize_input(sample))?;
            Ok(tensors.swap_remove(last))
        };
        samples.par_iter().map(run).collect()
    }
}

#[cfg(test)]
mod accuracy_tests;
#[cfg(test)]
mod tests;
