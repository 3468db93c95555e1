//! `Concat` of channels.

use pecan_ir::layer::Shape;

use super::{Lowering, NodeView, Operator, Value, list};

#[derive(Debug)]
struct Concat;

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(usize::MAX, 1);
    let a = &node.attributes;
    a.require(!node.inputs.is_empty(), || "no inputs".into());
    let mut rank = None;
    for port in 0..node.inputs.len() {
        rank = node.data(port).map(|s| s.len() as i64 + 1).or(rank);
    }
    let axis = a.int("axis", 1);
    a.require(axis == 1 || rank.is_some_and(|r| axis + r == 1), || {
        format!("attribute `axis` = {axis}; supported: 1 (channels)")
    });
    node.done(Some(Concat))
}

impl Operator for Concat {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        let Some(([_, rest @ ..], others)) = inputs.split_first() else {
            return Err("no data input with a channel axis".into());
        };
        if let Some(other) = others.iter().find(|o| o.get(1..) != Some(rest)) {
            return Err(format!(
                "input shapes [N, {}] and [N, {}]; all axes but the channels must agree",
                list(inputs[0]),
                list(other)
            ));
        }
        let channels = inputs.iter().filter_map(|shape| shape.first()).sum();
        Ok([&[channels], rest].concat())
    }

    fn forward(&self, inputs: &[Value<'_>], _: &[usize]) -> Vec<f32> {
        inputs.iter().flat_map(|input| input.data).copied().collect()
    }

    fn lower(&self, inputs: &[Shape]) -> Lowering<'_> {
        let plane = |s: &Shape| [s.height, s.width];
        match inputs {
            [] => Lowering::Unsupported("no data input".into()),
            [first, others @ ..] if others.iter().all(|o| plane(o) == plane(first)) => {
                Lowering::Concat
            }
            // Flattened tensors, whose pixels would have to be interleaved.
            _ => Lowering::Unsupported(format!(
                "inputs lie as [{}]; supported: equal rows and columns",
                list(&inputs.iter().map(|shape| format!("{shape:?}")).collect::<Vec<_>>())
            )),
        }
    }
}
