//! `Identity`: its output is its input; and `Cast` between floats.

use pecan_ir::layer::Shape;

use super::{Lowering, NodeView, Operator, Value, one};
use crate::onnx::data_type;

#[derive(Debug)]
pub(super) struct Identity;

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(1, 1);
    node.data(0);
    node.done(Some(Identity))
}

/// `Cast` of data from one float type to another: all are computed with 32 bits.
pub(super) fn parse_cast(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    use data_type::{BFLOAT16, DOUBLE, FLOAT, FLOAT16};
    node.arity(1, 1);
    node.data(0);
    let floats = [FLOAT, FLOAT16, BFLOAT16, DOUBLE].map(i64::from);
    node.attributes.int_of("to", 0, &floats);
    node.attributes.ignore("saturate");
    node.attributes.ignore("round_mode");
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
