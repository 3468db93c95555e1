//! Single layers of a network that the hardware cannot execute as a whole.

use super::builder::NetworkBuilder;
use super::{Options, QuantizeError, Quantized, Ranges};
use crate::graph::Graph;
use crate::limits::MOST_LAYERS;
use crate::op::Lowering;

/// One layer as a network of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct ExtractedLayer {
    /// Graph tensor that is the layer's input: with [`Graph::forward`] it provides real inputs for
    /// [`Quantized::quantize_input`].
    pub input: usize,
    /// Graph tensor that is the layer's output, behind a ReLU or Clip that became its clamp.
    pub output: usize,
    /// The one-layer network.
    pub quantized: Quantized,
}

/// Every layer of `graph` that the hardware can execute, each as a network of its own. Nodes that are unsupported, or
/// were not reached in calibration, are left out ([`Graph::check`] gives the reason).
///
/// # Errors
/// Illegal widths, values that are not finite, or a rescale factor that is not representable.
pub fn extract(
    graph: &Graph,
    ranges: &Ranges,
    options: Options,
) -> Result<Vec<ExtractedLayer>, QuantizeError> {
    let mut layers = Vec::new();
    for node in graph.iter() {
        let mut builder = NetworkBuilder::new(graph, ranges, options)?;
        let [input] = node.inputs[..] else { continue };
        let reached = |tensor: usize| ranges.max_abs.get(tensor).is_some_and(Option::is_some);
        let known = graph.tensors[input].layout.is_some() && node.problem.is_none();
        if !known || !reached(input) || !reached(node.output) {
            continue;
        }
        let lowering = builder.lowering(node)?;
        if !matches!(
            lowering,
            Lowering::Linear { .. } | Lowering::MaxPool(_) | Lowering::Average { .. }
        ) {
            continue;
        }
        if layers.len() == MOST_LAYERS {
            let problem = format!("more layers than are allowed: {MOST_LAYERS}");
            return Err(builder.fail(node, problem));
        }
        builder.input(input)?;
        let output = builder.layer(node, lowering)?.pop().unwrap_or(node.output);
        let mut quantized = builder.finish(Vec::new())?;
        quantized.network.name = format!("{}/{}", graph.name, node.name);
        layers.push(ExtractedLayer { input, output, quantized });
    }
    Ok(layers)
}
