//! `GlobalAveragePool`: mean of each channel; in float only.

use pecan_sim::layer::Shape;

use super::{Lowering, NodeView, Operator, Value, feature_map, one};

#[derive(Debug)]
struct GlobalAveragePool;

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(1, 1);
    node.data(0);
    node.done(Some(GlobalAveragePool))
}

impl Operator for GlobalAveragePool {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        let [channels, _, _] = feature_map(one(inputs)?)?;
        Ok(vec![channels, 1, 1])
    }

    fn forward(&self, inputs: &[Value<'_>], _: &[usize]) -> Vec<f32> {
        let plane = (inputs[0].shape[1] * inputs[0].shape[2]).max(1);
        let planes = inputs[0].data.chunks(plane);
        planes.map(|p| p.iter().sum::<f32>() / plane as f32).collect()
    }

    fn lower(&self, _: &[Shape]) -> Lowering<'_> {
        Lowering::Unsupported("not available on the hardware; computed in float only".into())
    }
}
