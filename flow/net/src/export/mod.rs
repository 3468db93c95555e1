//! Writes results to files that any runtime can load: changed float parameters ([`pruned`]), and integers in the
//! standard form of quantized networks ([`quantized_qdq`]).

mod bias;
mod edit;
mod integer;
mod opset;
mod parameters;
mod qdq;
mod step;

use pecan_text::nearest;
use thiserror::Error;

pub use parameters::pruned;
pub use qdq::quantized_qdq;

use super::graph::{Graph, GraphError, Node, standard_domain};
use super::onnx::{ConstantError, Model};
use super::op::Linear;

/// Reasons why a network cannot be written.
#[derive(Clone, Debug, Error)]
pub enum ExportError {
    /// The model itself cannot be read as a network.
    #[error(transparent)]
    Import(#[from] GraphError),
    /// The model is quantized already.
    #[error(
        "{origin}: node `{node}` ({op}): the model is quantized already; prune and export the float \
         model, then quantize"
    )]
    Quantized {
        /// File of the model.
        origin: String,
        /// A node that shows it.
        node: String,
        /// Its operator.
        op: String,
    },
    /// Graph or integers do not belong to the model.
    #[error(
        "{origin}: layer `{layer}`{}: {problem}; the graph has to be imported from this model",
        hint(nearest)
    )]
    Mismatch {
        /// File of the model.
        origin: String,
        /// Layer of the graph.
        layer: String,
        /// Layer of the model with the nearest spelling, where there is none of the name.
        nearest: Option<String>,
        /// The difference.
        problem: String,
    },
    /// A layer whose parameters have no place in the model.
    #[error("{origin}: layer `{layer}`: {problem}")]
    Layer {
        /// File of the model.
        origin: String,
        /// Node name.
        layer: String,
        /// The problem.
        problem: String,
    },
    /// Two nodes read one constant and need different values of it.
    #[error(
        "{origin}: constant `{tensor}` is read by `{first}` and by `{second}`, which need different \
         values; give each its own copy in the model, or keep their parameters equal"
    )]
    Shared {
        /// File of the model.
        origin: String,
        /// The constant.
        tensor: String,
        /// A node whose parameters changed.
        first: String,
        /// The other node.
        second: String,
    },
    /// A constant cannot represent its values.
    #[error("{origin}: {source}")]
    Constant {
        /// File of the model.
        origin: String,
        /// The constant and the problem.
        source: ConstantError,
    },
    /// The operator set has to change, and that would change the meaning of a node.
    #[error("{origin}: {problem}; convert the model to operator set {target} first")]
    Opset {
        /// File of the model.
        origin: String,
        /// The obstacle.
        problem: String,
        /// Version that is needed.
        target: i64,
    },
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|n| format!(" (nearest in the model: `{n}`)")).unwrap_or_default()
}

/// Refuses a quantized model, whose weights are not those that training changes.
fn refuse_integers(model: &Model) -> Result<(), ExportError> {
    let nodes = model.proto.graph.iter().flat_map(|g| &g.node);
    for node in nodes.filter(|n| standard_domain(n)) {
        let op = node.op_type.clone().unwrap_or_default();
        if op == "QuantizeLinear" || op == "DequantizeLinear" {
            let node = node.name.clone().unwrap_or_default();
            return Err(ExportError::Quantized { origin: model.origin.clone(), node, op });
        }
    }
    Ok(())
}

/// The layers of `graph` with the counterparts of a fresh import.
///
/// # Errors
/// [`ExportError::Mismatch`] unless both have the same layers with as many parameters.
fn pairs<'g>(
    original: &'g Graph,
    graph: &'g Graph,
) -> Result<Vec<(&'g Node, &'g Linear, &'g Linear)>, ExportError> {
    let fail = |layer: &str, nearest: Option<&str>, problem: String| ExportError::Mismatch {
        origin: original.origin.clone(),
        layer: layer.to_string(),
        nearest: nearest.map(str::to_string),
        problem,
    };
    let (old, new) = (layers(original), layers(graph));
    for (node, _) in &old {
        if new.iter().all(|(other, _)| other.name != node.name) {
            return Err(fail(&node.name, None, "the graph has no such layer".into()));
        }
    }
    let mut pairs = Vec::new();
    for (node, linear) in new {
        let Some((_, before)) = old.iter().find(|(other, _)| other.name == node.name) else {
            let names = old.iter().map(|(other, _)| other.name.as_str());
            let problem = "the model has no such layer".into();
            return Err(fail(&node.name, nearest(&node.name, names), problem));
        };
        for (what, a, b) in [
            ("weights", before.weights.len(), linear.weights.len()),
            ("biases", before.bias.len(), linear.bias.len()),
        ] {
            if a != b {
                return Err(fail(&node.name, None, format!("{b} {what}; {a} in the model")));
            }
        }
        if let Some(bad) = linear.weights.iter().chain(&linear.bias).find(|v| !v.is_finite()) {
            let (origin, layer) = (original.origin.clone(), node.name.clone());
            let problem = format!("a parameter is {bad}; expected finite values");
            return Err(ExportError::Layer { origin, layer, problem });
        }
        pairs.push((node, *before, linear));
    }
    Ok(pairs)
}

fn layers(graph: &Graph) -> Vec<(&Node, &Linear)> {
    graph.iter().filter_map(|node| Some((node, node.op.as_ref()?.linear()?))).collect()
}

#[cfg(test)]
mod qdq_tests;
#[cfg(test)]
mod refusal_tests;
#[cfg(test)]
mod tests;
