//! `Flatten` of everything but the batch.

use pecan_ir::layer::Shape;

use super::{Lowering, NodeView, Operator, Value, one};

#[derive(Debug)]
struct Flatten;

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(1, 1);
    let rank = node.data(0).map(|shape| shape.len() as i64 + 1);
    let axis = node.attributes.int("axis", 1);
    let legal = axis == 1 || rank.is_some_and(|r| axis + r == 1);
    node.attributes
        .require(legal, || format!("attribute `axis` = {axis}; supported: 1 (the batch is kept)"));
    node.done(Some(Flatten))
}

impl Operator for Flatten {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        Ok(vec![one(inputs)?.iter().product()])
    }

    fn forward(&self, inputs: &[Value<'_>], _: &[usize]) -> Vec<f32> {
        inputs[0].data.to_vec()
    }

    fn lower(&self, _: &[Shape]) -> Lowering<'_> {
        Lowering::Alias
    }
}
