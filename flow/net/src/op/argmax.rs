//! `ArgMax` over the classes, on the host.

use pecan_ir::layer::Shape;

use super::softmax::along;
use super::{HostOp, Lowering, NodeView, Operator, Value, list, one};

#[derive(Debug)]
struct ArgMax {
    /// Axis, batch included.
    axis: i64,
    keep: bool,
}

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(1, 1);
    node.data(0);
    let axis = node.attributes.int("axis", 0);
    node.attributes.int_of("select_last_index", 0, &[0]);
    let keep = node.attributes.int_of("keepdims", 1, &[0, 1]) == 1;
    node.done(Some(ArgMax { axis, keep }))
}

/// Position of the largest value, the first of equals: the label.
pub fn argmax<T: PartialOrd>(values: &[T]) -> usize {
    let mut best = 0;
    for (at, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = at;
        }
    }
    best
}

impl Operator for ArgMax {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        let shape = one(inputs)?;
        if !along(shape, self.axis, false) {
            return Err(format!(
                "input shape [N, {}] along axis {}; supported: all values of a sample, as [N, classes]",
                list(shape),
                self.axis
            ));
        }
        Ok(vec![1; shape.len() - usize::from(!self.keep)])
    }

    fn forward(&self, inputs: &[Value<'_>], _: &[usize]) -> Vec<f32> {
        vec![argmax(inputs[0].data) as f32]
    }

    fn lower(&self, _: &[Shape]) -> Lowering<'_> {
        Lowering::Host(HostOp::ArgMax)
    }
}
