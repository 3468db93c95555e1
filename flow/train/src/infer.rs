//! Fast inference on many samples.

use super::batch::{assemble, mirror};
use super::error::TrainError;
use super::loss::sample;
use super::network::{Hooks, Network};
use super::settings::{check_inputs, check_labels};
use pecan_net::graph::Graph;
use pecan_net::op::argmax;

/// Samples of one pass.
const BATCH: usize = 64;

/// Plain inference.
pub(super) struct Inference;

impl Hooks for Inference {}

/// Outputs of `graph` before the host's operations (softmax), for each of `inputs` (in channel, row, column
/// order). Sums are in another order than in [`Graph::forward`], so the last digits may differ.
///
/// # Errors
/// There is no sample, one does not have the input's size, or a node is not supported.
pub fn logits(graph: &Graph, inputs: &[&[f32]]) -> Result<Vec<Vec<f32>>, TrainError> {
    let network = Network::new(graph)?;
    check_inputs(&network, inputs)?;
    let mut result = Vec::with_capacity(inputs.len());
    for batch in inputs.chunks(BATCH) {
        result.extend(forward(&network, batch)?);
    }
    Ok(result)
}

/// [`logits`] of the inputs with left and right exchanged, as [`Augmentation::Flip`](super::Augmentation::Flip)
/// does it.
///
/// # Errors
/// As for [`logits`].
pub fn mirrored_logits(graph: &Graph, inputs: &[&[f32]]) -> Result<Vec<Vec<f32>>, TrainError> {
    let network = Network::new(graph)?;
    check_inputs(&network, inputs)?;
    let mirrored: Vec<_> = inputs.iter().map(|i| mirror(network.input_shape, i)).collect();
    logits(graph, &mirrored.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// Share of `inputs` whose largest logit is that of the label, the first of equals.
///
/// # Errors
/// As for [`logits`], or the labels do not fit.
pub fn accuracy(graph: &Graph, inputs: &[&[f32]], labels: &[usize]) -> Result<f64, TrainError> {
    let network = Network::new(graph)?;
    check_inputs(&network, inputs)?;
    check_labels(&network, inputs.len(), labels)?;
    let outputs = logits(graph, inputs)?;
    let hits = outputs.iter().zip(labels).filter(|(output, label)| argmax(output) == **label);
    Ok(hits.count() as f64 / labels.len() as f64)
}

/// Logits of one batch, by sample.
pub(super) fn forward(network: &Network, batch: &[&[f32]]) -> Result<Vec<Vec<f32>>, TrainError> {
    let output = network.forward(assemble(network.input_shape, batch), &mut Inference)?;
    Ok((0..batch.len()).map(|at| sample(&output.values, at, batch.len())).collect())
}
