//! `Identity`: its output is its input.

use pecan_ir::layer::Shape;

use super::{Lowering, NodeView, Operator, Value, one};

#[derive(Debug)]
pub(super) struct Identity;

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(1, 1);
    node.data(0);
    node.done(Some(Identity))
}

impl Operator for Identity {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        Ok(one(inputs)?.to_vec())
    }

    fn forward(&self, inputs: &[Value<'_>], _: &[usize]) -> Vec<f32> {
        inputs[0].data.to_vec()
    }

    fn lower(&self, _: &[Shape]) -> Lowering<'_> {
        Lowering::Alias
    }

    fn is_identity(&self) -> bool {
        true
    }
}
