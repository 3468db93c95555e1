//! `ArgMax` over the classes, on the host.

use pecan_ir::layer::Shape;

use super::{HostOp, Lowering, NodeView, Operator, Value, list, one};

#[derive(Debug)]
struct ArgMax {
    keep: bool,
}

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(1, 1);
    node.data(0);
    node.attributes.int_of("axis", 0, &[-1, 1]);
    node.attributes.int_of("select_last_index", 0, &[0]);
    let keep = node.attributes.int_of("keepdims", 1, &[0, 1]) == 1;
    node.attributes.require(keep, || {
        "attribute `keepdims` = 0 leaves no axis but the batch; supported: 1".into()
    });
    node.done(Some(ArgMax { keep }))
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
        match one(inputs)? {
            [_] => Ok(vec![usize::from(self.keep)]),
            shape => Err(format!("input shape [N, {}]; supported: [N, classes]", list(shape))),
        }
    }

    fn forward(&self, inputs: &[Value<'_>], _: &[usize]) -> Vec<f32> {
        vec![argmax(inputs[0].data) as f32]
    }

    fn lower(&self, _: &[Shape]) -> Lowering<'_> {
        Lowering::Host(HostOp::ArgMax)
    }
}
