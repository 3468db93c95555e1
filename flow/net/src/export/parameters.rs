//! Writes float parameters to a model.

use std::collections::BTreeMap;

use super::bias::{attach, drop_factors};
use super::edit::Edit;
use super::step::{Step, fit};
use super::{ExportError, pairs, refuse_integers};
use crate::graph::{Graph, Node};
use crate::onnx::Model;
use crate::op::Linear;

/// `model` with the weights and biases of `graph`, which was imported from it and whose
/// [`Linear`] parameters (and nothing else) were changed since.
///
/// Nodes and their order stay. A layer with unchanged parameters stays unchanged. The weights of a changed layer are
/// written as in the graph, in the order and element type of the file; `alpha` and `beta` of a `Gemm` become 1, as the
/// weights include them. Nodes that were folded into it (normalizations, sums and products with a constant) become
/// identities. The bias is written to the layer's own bias, else to the first of these nodes that adds a constant.
/// Constants of a single value are extended to one per channel where the values differ, and constants of folded nodes
/// that other nodes read too are copied.
///
/// A layer without any place for a bias that is no longer 0 gets a new initializer and input; a `MatMul`
/// then becomes a `Gemm`. These are the only changes of structure.
///
/// # Errors
/// A model that holds integers or cannot be imported; a graph with other layers; parameters that are not
/// finite or out of range of the file's element type; a weight or bias that two nodes read and that would
/// have to differ; a `MatMul` before operator set 7 that needs a bias.
pub fn pruned(model: &Model, graph: &Graph) -> Result<Model, ExportError> {
    refuse_integers(model)?;
    let original = Graph::import(model)?;
    let pairs = pairs(&original, graph)?;
    let mut writer = ParameterWriter { edit: Edit::of(model)?, wanted: BTreeMap::new() };
    for (node, before, linear) in pairs {
        if before.weights != linear.weights || before.bias != linear.bias {
            writer.layer(&original, node, linear)?;
        }
    }
    writer.finish()
}

/// Required values of a constant.
struct Wanted {
    dims: Vec<usize>,
    values: Vec<f32>,
    /// Names of the nodes that need them.
    nodes: Vec<String>,
}

struct ParameterWriter {
    edit: Edit,
    wanted: BTreeMap<String, Wanted>,
}

impl ParameterWriter {
    fn layer(&mut self, original: &Graph, node: &Node, linear: &Linear) -> Result<(), ExportError> {
        let at = self.edit.position(&node.name)?;
        let steps: Vec<Step> =
            node.folded.iter().map(|n| Step::of(&self.edit, n)).collect::<Result<_, _>>()?;
        // Factor of the steps from the given one on; its own inverse.
        let sign = |from: usize| steps[from..].iter().map(Step::sign).product::<f32>();
        let scaled = |values: &[f32], by: f32| -> Vec<f32> {
            values.iter().map(|v| if by < 0.0 { 0.0 - v } else { *v }).collect()
        };
        let dims = self.dims_of(node, &linear.weight_name)?;
        let weights = scaled(&linear.to_file_order(&linear.weights), sign(0));
        self.want(node, &linear.weight_name, dims, weights)?;
        let own = linear.bias_name.as_ref();
        let carrier = if own.is_none() { steps.iter().position(Step::shifts) } else { None };
        let axes = original.tensors[node.output].shape.as_ref().map_or(1, Vec::len);
        for (step, number) in steps.iter().zip(0..) {
            let shift = if carrier == Some(number) {
                scaled(&linear.bias, sign(number + 1))
            } else {
                vec![0.0; linear.outputs]
            };
            step.write(&mut self.edit, &shift, axes)?;
        }
        let bias = scaled(&linear.bias, sign(0));
        if let Some(name) = own {
            // A Gemm's bias may be one value; that of a Conv never is.
            let (dims, values) = fit(&self.dims_of(node, name)?, &bias, 1);
            let values = values.to_vec();
            self.want(node, name, dims, values)?;
        } else if carrier.is_none() && bias.iter().any(|b| *b != 0.0) {
            let kind = self.edit.element_type(&linear.weight_name);
            let name =
                self.edit.append(&format!("{}.bias", node.name), kind, &[bias.len()], &bias)?;
            attach(&mut self.edit, at, name)?;
        }
        drop_factors(&mut self.edit.graph.node[at]);
        Ok(())
    }

    fn dims_of(&self, node: &Node, constant: &str) -> Result<Vec<usize>, ExportError> {
        let constant_of = self.edit.constants.get(constant).map(|c| c.dims.clone());
        constant_of.ok_or_else(|| {
            self.edit.fail(&node.name, format!("no constant `{constant}` in the model"))
        })
    }

    /// Records that `node` needs `values` in `constant`.
    fn want(
        &mut self,
        node: &Node,
        constant: &str,
        dims: Vec<usize>,
        values: Vec<f32>,
    ) -> Result<(), ExportError> {
        let name = node.name.clone();
        match self.wanted.get_mut(constant) {
            None => {
                let wanted = Wanted { dims, values, nodes: vec![name] };
                self.wanted.insert(constant.to_string(), wanted);
            }
            Some(other) if other.values == values => other.nodes.push(name),
            Some(other) => return Err(shared(&self.edit, constant, &other.nodes[0], &name)),
        }
        Ok(())
    }

    /// Writes the required values, unless a node that reads the constant needs the old ones.
    fn finish(mut self) -> Result<Model, ExportError> {
        for (name, Wanted { dims, values, nodes }) in std::mem::take(&mut self.wanted) {
            let old = self.edit.constants.get(&name).and_then(|c| c.floats());
            let same = old.is_some_and(|old| old == values);
            for (at, _) in self.edit.readers(&name) {
                let reader = &self.edit.names[at];
                if !same && !nodes.contains(reader) {
                    return Err(shared(&self.edit, &name, &nodes[0], reader));
                }
            }
            if !same {
                self.edit.set(&name, &dims, &values)?;
            }
        }
        Ok(self.edit.finish())
    }
}

fn shared(edit: &Edit, tensor: &str, first: &str, second: &str) -> ExportError {
    ExportError::Shared {
        origin: edit.model.origin.clone(),
        tensor: tensor.to_string(),
        first: first.to_string(),
        second: second.to_string(),
    }
}
