//! `Softmax` over the classes, on the host. The label (the largest value) does not depend on it.

use pecan_ir::layer::Shape;

use super::{HostOp, Lowering, NodeView, Operator, Value, list, one};

#[derive(Debug)]
struct Softmax;

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(1, 1);
    node.data(0);
    // On [N, K] both legal values mean the same; infer refuses other ranks.
    node.attributes.int_of("axis", -1, &[-1, 1]);
    node.done(Some(Softmax))
}

/// Normalized exponentials, shifted by the maximum so that none overflows.
pub(super) fn softmax(data: &[f32]) -> Vec<f32> {
    let largest = data.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = data.iter().map(|v| (v - largest).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.iter().map(|p| p / sum).collect()
}

impl Operator for Softmax {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        match one(inputs)? {
            [classes] => Ok(vec![*classes]),
            shape => Err(format!("input shape [N, {}]; supported: [N, classes]", list(shape))),
        }
    }

    fn forward(&self, inputs: &[Value<'_>], _: &[usize]) -> Vec<f32> {
        softmax(inputs[0].data)
    }

    fn lower(&self, _: &[Shape]) -> Lowering<'_> {
        Lowering::Host(HostOp::Softmax)
    }
}
