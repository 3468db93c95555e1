//! `Relu`: the larger of the value and zero.

use pecan_sim::layer::Shape;

use super::{Lowering, NodeView, Operator, Value, one};

#[derive(Debug)]
struct Relu;

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(1, 1);
    node.data(0);
    node.done(Some(Relu))
}

impl Operator for Relu {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        Ok(one(inputs)?.to_vec())
    }

    fn forward(&self, inputs: &[Value<'_>], _: &[usize]) -> Vec<f32> {
        inputs[0].data.iter().map(|v| v.max(0.0)).collect()
    }

    fn lower(&self, _: &[Shape]) -> Lowering<'_> {
        Lowering::Relu
    }
}
