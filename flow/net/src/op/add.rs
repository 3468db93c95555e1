//! `Add` of two tensors of one shape (residual connection).

use pecan_ir::layer::Shape;

use super::{Lowering, NodeView, Operator, Value, list};

#[derive(Debug)]
struct Add;

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(2, 1);
    node.data(0);
    node.data(1);
    node.done(Some(Add))
}

impl Operator for Add {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        match inputs {
            [a, b] if a == b => Ok(a.to_vec()),
            [a, b] => Err(format!(
                "input shapes [N, {}] and [N, {}]; supported: equal shapes",
                list(a),
                list(b)
            )),
            _ => Err(format!("{} data inputs; expected 2", inputs.len())),
        }
    }

    fn forward(&self, inputs: &[Value<'_>], _: &[usize]) -> Vec<f32> {
        inputs[0].data.iter().zip(inputs[1].data).map(|(a, b)| a + b).collect()
    }

    fn lower(&self, inputs: &[Shape]) -> Lowering<'_> {
        match inputs {
            [a, b] if a == b => Lowering::Add,
            // Flattened tensors of one length may have different layouts.
            _ => Lowering::Unsupported(format!("inputs lie as {inputs:?}; supported: equally")),
        }
    }
}
