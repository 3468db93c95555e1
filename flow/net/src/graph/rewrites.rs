//! What the import made of the nodes of a file, to write it back.

use std::collections::HashMap;

use crate::onnx::{Constant, ConstantError, GraphProto, NodeProto, TensorProto, Values, data_type};

/// Nodes of the file that were computed, or replaced by others.
#[derive(Debug, Default)]
pub(super) struct Rewrites {
    /// What takes the place of a node of the file.
    pub(super) nodes: HashMap<usize, Vec<NodeProto>>,
    /// Names of new constants.
    pub(super) constants: Vec<String>,
}

impl Rewrites {
    /// Makes the changes in `graph`, whose nodes have these unique names; `constants` are those of the import.
    pub(super) fn apply(
        mut self,
        graph: &mut GraphProto,
        names: &[String],
        constants: &HashMap<String, Result<Constant, ConstantError>>,
    ) {
        if self.nodes.is_empty() {
            return;
        }
        let mut nodes = Vec::new();
        for (index, mut node) in std::mem::take(&mut graph.node).into_iter().enumerate() {
            match self.nodes.remove(&index) {
                Some(made) => nodes.extend(made),
                None => {
                    // A made name depends on the position, which changes.
                    node.name = names.get(index).cloned();
                    nodes.push(node);
                }
            }
        }
        graph.node = nodes;
        let new = self.constants.iter().filter_map(|name| constants.get(name)?.as_ref().ok());
        graph.initializer.extend(new.map(tensor));
    }
}

/// A constant as an initializer.
fn tensor(constant: &Constant) -> TensorProto {
    let mut tensor = match &constant.values {
        Values::Float(values) => TensorProto::of_floats(&constant.name, &constant.dims, values),
        Values::Int(values) => TensorProto {
            name: Some(constant.name.clone()),
            data_type: Some(data_type::INT64),
            int64_data: values.clone(),
            ..TensorProto::default()
        },
    };
    tensor.dims = constant.dims.iter().map(|d| *d as i64).collect();
    tensor
}
