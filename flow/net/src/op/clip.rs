//! `Relu` and `Clip` (also ReLU6): limits on the values.

use pecan_ir::layer::Shape;

use super::{Input, Lowering, NodeView, Operator, Value, one};

#[derive(Debug)]
struct Clip {
    /// Smallest and largest value; infinite where there is no limit.
    range: [f32; 2],
}

/// The operator that limits values to `range`.
pub(crate) fn clip(range: [f32; 2]) -> Box<dyn Operator> {
    Box::new(Clip { range })
}

pub(super) fn parse_relu(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(1, 1);
    node.data(0);
    node.done(Some(Clip { range: [0.0, f32::INFINITY] }))
}

/// Limits are attributes up to operator set 10, inputs from 11 on.
pub(super) fn parse_clip(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(3, 1);
    node.data(0);
    let a = &node.attributes;
    let attributes = [a.float("min", f32::NEG_INFINITY), a.float("max", f32::INFINITY)];
    let limit = |port: usize, attribute: f32| match node.inputs.get(port) {
        None | Some(Input::Absent) => attribute,
        Some(_) => match node.optional(port).and_then(|c| Some((c, c.floats()?))) {
            Some((_, [value])) => *value,
            Some((c, values)) => {
                a.problem(format!("limit `{}` has {} values; expected 1", c.name, values.len()));
                attribute
            }
            None => {
                a.problem(format!("limit (input {port}) is no constant float"));
                attribute
            }
        },
    };
    let range = [limit(1, attributes[0]), limit(2, attributes[1])];
    a.require(range[0] <= range[1], || {
        format!("limits {} and {}; the first must not exceed the second", range[0], range[1])
    });
    node.done(Some(Clip { range }))
}

impl Operator for Clip {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        Ok(one(inputs)?.to_vec())
    }

    fn forward(&self, inputs: &[Value<'_>], _: &[usize]) -> Vec<f32> {
        inputs[0].data.iter().map(|v| v.max(self.range[0]).min(self.range[1])).collect()
    }

    fn lower(&self, _: &[Shape]) -> Lowering<'_> {
        Lowering::Clamp(self.range)
    }
}
