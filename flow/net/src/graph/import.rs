//! Import of a model as a [`Graph`].

use std::collections::HashMap;

use pecan_ir::layer::Shape;
use petgraph::graph::DiGraph;

use super::structure::{self, Structure};
use super::{Edge, Finding, Graph, GraphError, Node, TensorInfo};
use crate::limits::{Budget, Need};
use crate::onnx::{Constant, Model};
use crate::op;
use crate::op::{Attributes, Input, Lowering, NodeView, Operator};

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

    /// Imports a model even if nodes are unknown; these carry their [`Node::problem`], and tensors that depend on them
    /// have no shape unless the file states it.
    ///
    /// # Errors
    /// [`GraphError::Structure`], as for [`Graph::import`].
    pub fn import_partial(model: &Model) -> Result<Self, GraphError> {
        let origin = model.origin.clone();
        let structure = Structure::of(model)
            .map_err(|problem| GraphError::Structure { origin: origin.clone(), problem })?;
        let mut draft = Draft::of(&structure);
        draft.fold();
        let Draft { nodes: kept, tensors, output, findings, full: limit, .. } = draft;
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
        let input = 0;
        Ok(Self { name, origin, nodes, order, tensors, input, output, readers, limit, findings })
    }

    /// Remarks on every node of the file, in the file's order.
    pub(super) fn remarks(&self) -> &[Finding] {
        &self.findings
    }
}

/// A graph under construction: nodes in order of execution, `None` once removed.
pub(super) struct Draft {
    pub(super) nodes: Vec<Option<Node>>,
    pub(super) tensors: Vec<TensorInfo>,
    pub(super) output: usize,
    pub(super) findings: Vec<Finding>,
    /// Position in `findings` of each node of the file.
    pub(super) places: HashMap<String, usize>,
    budget: Budget,
    /// The limit that the network exceeds, if so; import then stops.
    full: Option<String>,
}

impl Draft {
    fn of(structure: &Structure<'_>) -> Self {
        let (input, shape) = &structure.input;
        let layout = layout(shape);
        let info =
            TensorInfo { name: input.to_string(), shape: Some(shape.clone()), layout, given: None };
        let constants = structure.constants.values().flatten().map(Constant::len).sum();
        let mut draft = Self {
            nodes: Vec::new(),
            tensors: vec![info],
            output: 0,
            findings: Vec::new(),
            places: HashMap::new(),
            budget: Budget::new(constants),
            full: None,
        };
        let mut indices = HashMap::from([(*input, 0)]);
        for &index in &structure.order {
            draft.add(structure, index, &mut indices);
        }
        draft.output = indices.get(structure.output).copied().unwrap_or(0);
        draft.findings = findings(structure);
        let places = structure.names.iter().cloned().zip(0..);
        draft.places = places.collect();
        draft
    }

    fn add<'m>(
        &mut self,
        structure: &Structure<'m>,
        index: usize,
        indices: &mut HashMap<&'m str, usize>,
    ) {
        let proto = &structure.proto.node[index];
        let resolve = |name: &'m String| match name.as_str() {
            "" => Input::Absent,
            name => match (structure.constants.get(name), indices.get(name)) {
                (Some(constant), _) => Input::Constant(constant),
                (_, Some(&t)) => Input::Data(self.tensors[t].shape.as_deref()),
                _ => Input::Missing(name),
            },
        };
        let inputs: Vec<Input<'_>> = proto.input.iter().map(resolve).collect();
        let data: Vec<usize> = proto
            .input
            .iter()
            .zip(&inputs)
            .filter(|(_, input)| matches!(input, Input::Data(_)))
            .filter_map(|(name, _)| indices.get(name.as_str()).copied())
            .collect();
        let op_type = proto.op_type.clone().unwrap_or_default();
        let view = NodeView { attributes: Attributes::new(&proto.attribute), inputs, proto };
        let parsed = if let Some(limit) = &self.full {
            Err(vec![limit.clone()])
        } else if structure::standard_domain(proto) {
            op::find(&op_type).map_err(|e| vec![e]).and_then(|parse| parse(&view))
        } else {
            Err(vec![foreign(proto.domain.as_deref().unwrap_or(""))])
        };
        let shapes: Option<Vec<&[usize]>> =
            data.iter().map(|&t| self.tensors[t].shape.as_deref()).collect();
        let parsed = parsed.map_err(|problems| problems.join("; "));
        let inferred = match (&parsed, shapes) {
            (Ok(op), Some(shapes)) => {
                inferred(op.as_ref(), &shapes, &mut self.budget, &mut self.full).map(Some)
            }
            (Ok(_), None) => Ok(None),
            (Err(problem), _) => Err(problem.clone()),
        };
        let names: Vec<&'m str> =
            proto.output.iter().map(String::as_str).filter(|o| !o.is_empty()).collect();
        let first = self.tensors.len();
        for (port, &name) in names.iter().enumerate() {
            let shape = match &inferred {
                Ok(Some(shape)) if port == 0 => Some(shape.clone()),
                _ => structure.declared(name),
            };
            let layout = shape.as_deref().and_then(layout);
            indices.insert(name, self.tensors.len());
            self.tensors.push(TensorInfo { name: name.to_string(), shape, layout, given: None });
        }
        let problem = inferred.err().or_else(|| names.is_empty().then(|| "no output".into()));
        // Refused nodes take no memory.
        let op = parsed.ok().filter(|_| problem.is_none());
        if let (Some(op), None) = (&op, &problem) {
            let from: Option<Vec<Shape>> = data.iter().map(|&t| self.tensors[t].layout).collect();
            if let (Some(from), Some(shape)) = (from, &self.tensors[first].shape) {
                let at_input = data.as_slice() == [0];
                self.tensors[first].layout = placed(&op.lower(&from), &from, shape, at_input);
            }
        }
        let (name, inputs, output) = (structure.names[index].clone(), data, first);
        let folded = Vec::new();
        self.nodes.push(Some(Node { name, op_type, op, inputs, output, problem, folded }));
    }
}

fn foreign(domain: &str) -> String {
    format!("operator of domain `{domain}`; supported: the standard operators")
}

/// Shape of an operator's output, charged to the network's budget; `full` is set when the budget is exhausted.
fn inferred(
    op: &dyn Operator,
    shapes: &[&[usize]],
    budget: &mut Budget,
    full: &mut Option<String>,
) -> Result<Vec<usize>, String> {
    let shape = op.infer(shapes)?;
    let values = structure::values(&shape)?;
    let need = Need { values, parameters: op.parameters(), taps: op.taps(shapes) };
    budget.add(need).inspect_err(|limit| *full = Some(limit.clone()))?;
    Ok(shape)
}

/// Layout of an operator's output, given those of its inputs and its `shape`.
///
/// Flattening leaves the values in place, so that a fully connected layer can become a convolution. A
/// view as another feature map would move them, except at the network's input, which the host writes.
fn placed(
    lowering: &Lowering<'_>,
    from: &[Shape],
    shape: &[usize],
    at_input: bool,
) -> Option<Shape> {
    let [first, others @ ..] = from else { return layout(shape) };
    match lowering {
        Lowering::Alias if shape.len() == 3 => layout(shape).filter(|own| at_input || own == first),
        Lowering::Alias | Lowering::Clamp(_) | Lowering::Add => Some(*first),
        Lowering::Concat => {
            let more: usize = others.iter().map(|o| o.channels).sum();
            Some(Shape { channels: first.channels + more, ..*first })
        }
        _ => layout(shape),
    }
}

/// Channels, height and width of a shape of one or three axes.
fn layout(shape: &[usize]) -> Option<Shape> {
    match *shape {
        [channels] => Some(Shape::new(channels, 1, 1)),
        [channels, height, width] => Some(Shape::new(channels, height, width)),
        _ => None,
    }
}

fn findings(structure: &Structure<'_>) -> Vec<Finding> {
    let needed: std::collections::HashSet<usize> = structure.order.iter().copied().collect();
    let nodes = structure.proto.node.iter().zip(&structure.names).enumerate();
    nodes
        .map(|(index, (node, name))| {
            let reason = match () {
                () if structure::is_constant(node) => "a constant",
                () if structure::is_folded(node, &structure.constants) => "a constant",
                () if !needed.contains(&index) => "not needed for the graph output",
                () => "",
            };
            Finding {
                node: name.clone(),
                op: node.op_type.clone().unwrap_or_default(),
                supported: true,
                reason: reason.into(),
            }
        })
        .collect()
}
