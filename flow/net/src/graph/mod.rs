//! The float network: a graph whose nodes are operators and whose edges are tensors.

mod check;
mod draft;
mod fold;
mod forward;
mod import;
mod rewrites;
mod structure;

use std::collections::HashMap;

use pecan_ir::layer::Shape;
use petgraph::graph::{DiGraph, NodeIndex};
use schemars::JsonSchema;
use serde::Serialize;
use thiserror::Error;

pub use check::check;
pub use forward::ForwardError;

pub(super) use import::rewritten;
pub(super) use structure::{constants, node_names, standard_domain};

use super::op::Operator;

/// Report on one node of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// Node name (generated from operator and position where the file gives none).
    pub node: String,
    /// ONNX operator.
    pub op: String,
    /// Whether it is supported.
    pub supported: bool,
    /// The reason, or a remark; may be empty.
    pub reason: String,
}

/// Reasons why a model cannot become a [`Graph`].
#[derive(Clone, Debug, Error)]
pub enum GraphError {
    /// The graph as a whole is malformed.
    #[error("{origin}: {problem}")]
    Structure {
        /// File name.
        origin: String,
        /// The problem, naming node and tensor.
        problem: String,
    },
    /// Nodes are not supported.
    #[error("{origin}: {} unsupported nodes:{}", findings.len(), listing(findings))]
    Unsupported {
        /// File name.
        origin: String,
        /// The unsupported nodes, of which the message lists the first.
        findings: Vec<Finding>,
    },
}

/// Findings listed in an error.
const SHOWN: usize = 20;

fn listing(findings: &[Finding]) -> String {
    let shown = findings.iter().take(SHOWN);
    let mut text: String =
        shown.map(|f| format!("\n  {} `{}`: {}", f.op, f.node, f.reason)).collect();
    if findings.len() > SHOWN {
        text += &format!("\n  and {} more; `pecan check` lists all", findings.len() - SHOWN);
    }
    text
}

/// A tensor of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorInfo {
    /// Name in the file.
    pub name: String,
    /// Extent of each axis without the batch; `None` behind an unsupported node.
    pub shape: Option<Vec<usize>>,
    /// Layout of the values as a feature map: flattening preserves it, so that a fully connected layer can become a
    /// convolution over it.
    pub layout: Option<Shape>,
    /// Largest magnitude that the file's own quantization represents, if it has one for this tensor.
    pub given: Option<f64>,
}

/// A node of the network.
#[derive(Debug)]
pub struct Node {
    /// Name, unique.
    pub name: String,
    /// ONNX operator.
    pub op_type: String,
    /// The operator; `None` if it is unknown, for the reason in `problem`.
    pub op: Option<Box<dyn Operator>>,
    /// Tensors read (constants are part of `op`).
    pub inputs: Vec<usize>,
    /// Tensor written.
    pub output: usize,
    /// Reason why it cannot be computed, if so.
    pub problem: Option<String>,
    /// Names of the file's nodes (normalizations, sums and products with a constant) that were folded into
    /// the parameters, in the order of the file's computation.
    pub folded: Vec<String>,
}

/// An edge: the tensor that one node writes and the other reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Index into [`Graph::tensors`].
    pub tensor: usize,
}

/// A float network with shapes, without constants, no-ops and foldable normalizations.
#[derive(Debug)]
pub struct Graph {
    /// Name of the graph.
    pub name: String,
    /// File of the network.
    pub origin: String,
    /// Operators and tensors.
    pub nodes: DiGraph<Node, Edge>,
    /// Order of execution.
    pub order: Vec<NodeIndex>,
    /// All tensors.
    pub tensors: Vec<TensorInfo>,
    /// The network's input.
    pub input: usize,
    /// The network's output.
    pub output: usize,
    /// Nodes that read each tensor, in order of execution, each once.
    readers: Vec<Vec<NodeIndex>>,
    /// The limit that the network exceeds.
    limit: Option<String>,
    /// Remarks on every node of the file, in its order.
    findings: Vec<Finding>,
    /// Position in `findings` of the node of the file that each node is of.
    places: HashMap<String, usize>,
}

impl Graph {
    /// Nodes in order of execution.
    pub fn iter(&self) -> impl Iterator<Item = &Node> {
        self.order.iter().map(|&index| &self.nodes[index])
    }

    /// The limit of [`limits`](super::limits) that the network exceeds, if so; later nodes were not read.
    pub fn limit(&self) -> Option<&str> {
        self.limit.as_deref()
    }

    /// Nodes that read `tensor`, in order of execution.
    pub fn readers(&self, tensor: usize) -> impl Iterator<Item = &Node> {
        self.readers.get(tensor).into_iter().flatten().map(|&index| &self.nodes[index])
    }

    /// The node called `name`, for changes of its parameters.
    pub fn node_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.nodes.node_weights_mut().find(|node| node.name == name)
    }

    /// Shape of the network's input without the batch.
    pub fn input_shape(&self) -> &[usize] {
        self.tensors[self.input].shape.as_deref().unwrap_or_default()
    }

    /// Shape of the network's output without the batch; empty behind an unsupported node.
    pub fn output_shape(&self) -> &[usize] {
        self.tensors[self.output].shape.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod limit_tests;
#[cfg(test)]
mod tests;
