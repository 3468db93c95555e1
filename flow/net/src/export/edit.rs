//! A model under change: its nodes by name, its constants by name, and unused names.

use std::collections::{HashMap, HashSet};

use super::ExportError;
use crate::graph::{GraphError, constants, node_names, rewritten};
use crate::onnx::{
    AttributeProto, Constant, Dimension, DimensionValue, GraphProto, Model, NodeProto, TensorProto,
    TensorShapeProto, TensorType, TypeProto, TypeValue, ValueInfoProto, attribute_type, data_type,
};

/// A model under change.
pub(super) struct Edit {
    pub(super) model: Model,
    /// The graph of `model`, moved here for changes and put back at the end.
    pub(super) graph: GraphProto,
    /// Unique name of every node, by position.
    pub(super) names: Vec<String>,
    /// The constants as they were before any change.
    pub(super) constants: HashMap<String, Constant>,
    taken: HashSet<String>,
}

impl Edit {
    pub(super) fn of(model: &Model) -> Result<Self, ExportError> {
        let fail =
            |problem: String| GraphError::Structure { origin: model.origin.clone(), problem };
        let mut model = rewritten(model).map_err(&fail)?;
        let graph = model.proto.graph.take().ok_or_else(|| fail("no graph in the model".into()))?;
        let names = node_names(&graph);
        let constants = constants(&graph).map_err(&fail)?;
        // No layer reads a constant that cannot be decoded, or the import would have failed.
        let decoded = constants.into_iter().filter_map(|(n, c)| Some((n.to_string(), c.ok()?)));
        let constants: HashMap<String, Constant> = decoded.collect();
        let tensors = graph.node.iter().flat_map(|n| n.input.iter().chain(&n.output));
        let infos = graph.input.iter().chain(&graph.value_info).filter_map(|v| v.name.as_ref());
        let taken = tensors.chain(infos).chain(constants.keys()).chain(&names).cloned().collect();
        Ok(Self { model, graph, names, constants, taken })
    }

    /// The changed model.
    pub(super) fn finish(mut self) -> Model {
        self.model.proto.graph = Some(self.graph);
        self.model
    }

    pub(super) fn fail(&self, layer: &str, problem: String) -> ExportError {
        let (origin, layer) = (self.model.origin.clone(), layer.to_string());
        ExportError::Layer { origin, layer, problem }
    }

    /// Position of the node called `name`.
    pub(super) fn position(&self, name: &str) -> Result<usize, ExportError> {
        let at = self.names.iter().position(|n| n == name);
        at.ok_or_else(|| self.fail(name, "no such node in the model".into()))
    }

    /// The constant that node `at` reads at input `port`.
    pub(super) fn constant(&self, at: usize, port: usize) -> Option<&Constant> {
        self.constants.get(self.graph.node[at].input.get(port)?)
    }

    /// `base`, or `base` with a number, so that the name is unique; it is reserved from then on.
    pub(super) fn free_name(&mut self, base: &str) -> String {
        let numbered = (1..).map(|n| format!("{base}_{n}"));
        let mut names = std::iter::once(base.to_string()).chain(numbered);
        let name = names.find(|n| !self.taken.contains(n)).unwrap_or_default();
        self.taken.insert(name.clone());
        name
    }

    /// Nodes and ports that read `tensor`.
    pub(super) fn readers(&self, tensor: &str) -> Vec<(usize, usize)> {
        let nodes = self.graph.node.iter().enumerate();
        let ports = nodes.flat_map(|(at, n)| n.input.iter().enumerate().map(move |i| (at, i)));
        ports.filter(|(_, (_, name))| *name == tensor).map(|(at, (port, _))| (at, port)).collect()
    }

    /// Element type of the constant `name`.
    pub(super) fn element_type(&self, name: &str) -> i32 {
        let initializers = self.graph.initializer.iter();
        let nodes = self.graph.node.iter().filter(|n| n.output.first().is_some_and(|o| o == name));
        let values = nodes.flat_map(|n| &n.attribute).filter_map(|a| a.t.as_ref());
        let named = initializers.filter(|t| t.name.as_deref() == Some(name));
        named.chain(values).find_map(|t| t.data_type).unwrap_or(data_type::FLOAT)
    }

    /// Replaces shape and values of the constant `name`, be it an initializer or a `Constant` node.
    pub(super) fn set(
        &mut self,
        name: &str,
        dims: &[usize],
        values: &[f32],
    ) -> Result<(), ExportError> {
        let kind = self.element_type(name);
        let graph = &mut self.graph;
        let initializer = graph.initializer.iter_mut().find(|t| t.name.as_deref() == Some(name));
        let result = if let Some(tensor) = initializer {
            tensor.set_floats(dims, values)
        } else {
            let mut tensor = TensorProto { data_type: Some(kind), ..TensorProto::default() };
            let result = tensor.set_floats(dims, values);
            let mut nodes = graph.node.iter_mut();
            if let Some(node) = nodes.find(|n| n.output.first().is_some_and(|o| o == name)) {
                node.attribute = vec![AttributeProto {
                    name: Some("value".into()),
                    r#type: Some(attribute_type::TENSOR),
                    t: Some(tensor),
                    ..AttributeProto::default()
                }];
            }
            result
        };
        // Old files list initializers as inputs, with a shape.
        for info in graph.input.iter_mut().chain(&mut graph.value_info) {
            if info.name.as_deref() == Some(name) {
                *info = tensor_info(name, kind, dims);
            }
        }
        let origin = self.model.origin.clone();
        result.map_err(|source| ExportError::Constant { origin, source })
    }

    /// Appends an initializer of element type `kind` (a float) under a free name like `base`.
    pub(super) fn append(
        &mut self,
        base: &str,
        kind: i32,
        dims: &[usize],
        values: &[f32],
    ) -> Result<String, ExportError> {
        let name = self.free_name(base);
        let mut tensor =
            TensorProto { name: Some(name.clone()), data_type: Some(kind), ..Default::default() };
        let origin = self.model.origin.clone();
        tensor
            .set_floats(dims, values)
            .map_err(|source| ExportError::Constant { origin, source })?;
        self.graph.initializer.push(tensor);
        // Before version 4 of the format every initializer had to be an input as well.
        if self.model.proto.ir_version.is_some_and(|version| version < 4) {
            self.graph.input.push(tensor_info(&name, kind, dims));
        }
        Ok(name)
    }
}

/// Connects input `port` of `node` to `tensor`; optional inputs before it stay absent.
pub(super) fn connect(node: &mut NodeProto, port: usize, tensor: String) {
    if node.input.len() <= port {
        node.input.resize(port + 1, String::new());
    }
    node.input[port] = tensor;
}

/// Name, element type and shape of a tensor.
fn tensor_info(name: &str, kind: i32, dims: &[usize]) -> ValueInfoProto {
    let extent =
        |d: &usize| Dimension { value: Some(DimensionValue::Value(*d as i64)), denotation: None };
    let shape = TensorShapeProto { dim: dims.iter().map(extent).collect() };
    let tensor = TensorType { elem_type: Some(kind), shape: Some(shape) };
    let r#type = TypeProto { value: Some(TypeValue::Tensor(tensor)), denotation: None };
    ValueInfoProto { name: Some(name.into()), r#type: Some(r#type), ..ValueInfoProto::default() }
}
