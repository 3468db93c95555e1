//! Import of a model as a [`Graph`].

use std::collections::HashMap;

use petgraph::graph::DiGraph;

use super::draft::Draft;
use super::structure::Structure;
use super::{Edge, Finding, Graph, GraphError};
use crate::onnx::Model;

impl Graph {
    /// Imports a model of which every node can be computed in float.
    ///
    /// # Errors
    /// [`GraphError::Structure`] for cycles, duplicate names, missing or several inputs or outputs and
    /// unknown input shapes; [`GraphError::Unsupported`] with all nodes that cannot be computed.
    pub fn import(model: &Model) -> Result<Self, GraphError> {
        let graph = Self::import_partial(model)?;
        let findings: Vec<Finding> = graph
            .iter()
            .filter_map(|node| {
                let reason = node.problem.clone()?;
                let (name, op) = (node.name.clone(), node.op_type.clone());
                Some(Finding { node: name, op, supported: false, reason })
            })
            .collect();
        if findings.is_empty() {
            Ok(graph)
        } else {
            Err(GraphError::Unsupported { origin: graph.origin, findings })
        }
    }

    /// Imports a model even if nodes are unknown; these carry their [`problem`](super::Node::problem), and tensors that depend on them
    /// have no shape unless the file states it.
    ///
    /// # Errors
    /// [`GraphError::Structure`], as for [`Graph::import`].
    pub fn import_partial(model: &Model) -> Result<Self, GraphError> {
        let fail =
            |problem: String| GraphError::Structure { origin: model.origin.clone(), problem };
        let (graph, problems) = Self::import_any(model).map_err(fail)?;
        if problems.is_empty() { Ok(graph) } else { Err(fail(problems.join("; "))) }
    }

    /// Imports a model whatever is wrong with it, as far as its nodes can be told apart; returns what is wrong with
    /// the graph as a whole.
    ///
    /// # Errors
    /// The nodes cannot be told apart.
    pub(super) fn import_any(model: &Model) -> Result<(Self, Vec<String>), String> {
        let mut structure = Structure::of(model)?;
        let problems = std::mem::take(&mut structure.problems);
        let mut draft = Draft::of(&mut structure);
        draft.fold();
        let Draft { nodes: kept, tensors, output, findings, places, full: limit, .. } = draft;
        let mut nodes = DiGraph::new();
        let mut readers = vec![Vec::new(); tensors.len()];
        let mut writers = HashMap::new();
        let mut order = Vec::new();
        for node in kept.into_iter().flatten() {
            let (inputs, output) = (node.inputs.clone(), node.output);
            let index = nodes.add_node(node);
            for tensor in inputs {
                if readers[tensor].last() != Some(&index) {
                    readers[tensor].push(index);
                }
                if let Some(&writer) = writers.get(&tensor) {
                    nodes.add_edge(writer, index, Edge { tensor });
                }
            }
            writers.insert(output, index);
            order.push(index);
        }
        let name = structure.proto.name.clone().unwrap_or_default();
        let origin = model.origin.clone();
        let input = 0;
        let graph = Self {
            name,
            origin,
            nodes,
            order,
            tensors,
            input,
            output,
            readers,
            limit,
            findings,
            places,
        };
        Ok((graph, problems))
    }

    /// Remarks on every node of the file, in the file's order.
    pub(super) fn remarks(&self) -> &[Finding] {
        &self.findings
    }

    /// Position in the remarks of the node of the file that `node` is of.
    pub(super) fn place(&self, node: &str) -> Option<usize> {
        self.places.get(node).copied()
    }
}

/// `model` with the nodes that the import works on: computed constants are initializers, and operators that consist of
/// others are these. The same model where there is nothing of the kind.
///
/// # Errors
/// The nodes cannot be told apart.
pub(crate) fn rewritten(model: &Model) -> Result<Model, String> {
    let mut structure = Structure::of(model)?;
    let mut changed = model.clone();
    let Draft { rewrites, constants, .. } = Draft::of(&mut structure);
    if let Some(graph) = changed.proto.graph.as_mut() {
        rewrites.apply(graph, &structure.names, &constants);
    }
    Ok(changed)
}
