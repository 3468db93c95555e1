//! Normalization behind a layer, and its folding into weights and bias.

use super::norm::{Average, Moments};
use pecan_net::graph::Graph;

/// Term added to variances, relative to the mean variance of the layer's channels, so that the scale of a network does
/// not matter.
const EPSILON: f64 = 1e-5;

/// The same relative to the mean square, which matters where nothing varies: it exceeds rounding errors.
const ROUNDING: f64 = 1e-8;

/// A channel whose variance is below this share of the added term is constant.
const CONSTANT: f64 = 1e-2;

/// Normalization behind a layer.
#[derive(Debug)]
pub(super) struct Norm {
    /// Number of the parameter that scales the normalized values.
    pub(super) gain: usize,
    /// Constant added to variances.
    pub(super) epsilon: f64,
    /// The moments used for folding.
    pub(super) average: Average,
}

/// Trained parameters of a layer.
pub(super) struct Folded {
    pub(super) name: String,
    pub(super) weights: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

impl Folded {
    pub(super) fn is_finite(&self) -> bool {
        self.weights.iter().chain(&self.bias).all(|v| v.is_finite())
    }

    pub(super) fn write(self, graph: &mut Graph) {
        let node = graph.node_mut(&self.name).and_then(|node| node.op.as_mut());
        let Some(linear) = node.and_then(|op| op.linear_mut()) else { return };
        (linear.weights, linear.bias) = (self.weights, self.bias);
        // The integers of the file, if any, no longer match the weights.
        linear.units.clear();
    }
}

impl Norm {
    /// Normalization for a layer whose output has `moments`; `gain` is the number of its parameter.
    pub(super) fn new(gain: usize, moments: &Moments) -> Self {
        let count = moments.variance.len().max(1) as f64;
        let variance = moments.variance.iter().sum::<f64>() / count;
        let square = moments.mean.iter().map(|m| m * m).sum::<f64>() / count;
        // The minimum keeps a layer of zeros finite.
        let epsilon = (EPSILON * variance + ROUNDING * square).max(1e-12);
        Self { gain, epsilon, average: Average::default() }
    }

    /// The gain that undoes the normalization.
    pub(super) fn neutral_gain(&self, moments: &Moments) -> Vec<f32> {
        moments.variance.iter().map(|v| (v + self.epsilon).sqrt() as f32).collect()
    }

    /// Folds the normalization into weights and bias (the bias is the shift before).
    ///
    /// The output of a constant channel is its shift. Its inputs are all zero or its weights are 0, so its weights
    /// become 0: divided by a deviation near 0 they would be huge.
    pub(super) fn fold(&self, inputs: usize, gain: &[f32], layer: &mut Folded) {
        let moments = self.average.moments();
        for (channel, kernel) in layer.weights.chunks_mut(inputs.max(1)).enumerate() {
            let (mean, variance) = (moments.mean[channel], moments.variance[channel]);
            let scale = match variance < self.epsilon * CONSTANT {
                true => 0.0,
                false => f64::from(gain[channel]) / (variance + self.epsilon).sqrt(),
            };
            kernel.iter_mut().for_each(|w| *w = (f64::from(*w) * scale) as f32);
            layer.bias[channel] = (f64::from(layer.bias[channel]) - mean * scale) as f32;
        }
    }
}
