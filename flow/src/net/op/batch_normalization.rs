//! `BatchNormalization` in inference: a factor and a summand per channel.

use pecan_sim::layer::Shape;

use super::{Lowering, NodeView, Operator, Value, list, one};

#[derive(Debug)]
struct BatchNormalization {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(5, 1);
    let a = &node.attributes;
    node.data(0);
    let epsilon = a.float("epsilon", 1e-5);
    a.ignore("momentum");
    a.int_of("spatial", 1, &[1]);
    a.int_of("training_mode", 0, &[0]);
    let values: Vec<Option<&[f32]>> = ["scale", "bias", "mean", "variance"]
        .iter()
        .zip(1..)
        .map(|(what, port)| node.constant(port, what).and_then(|c| node.floats(c)))
        .collect();
    let norm = match values.as_slice() {
        &[Some(gamma), Some(beta), Some(mean), Some(variance)] => {
            let lengths = [gamma.len(), beta.len(), mean.len(), variance.len()];
            a.require(lengths.iter().all(|&l| l == lengths[0] && l > 0), || {
                format!("scale, bias, mean and variance have {lengths:?} values; expected equal")
            });
            a.require(variance.iter().all(|v| v + epsilon > 0.0), || {
                "variance + epsilon is not positive".into()
            });
            let scale: Vec<f32> =
                gamma.iter().zip(variance).map(|(g, v)| g / (v + epsilon).sqrt()).collect();
            let shift = beta.iter().zip(mean).zip(&scale).map(|((b, m), s)| b - m * s).collect();
            Some(BatchNormalization { scale, shift })
        }
        _ => None,
    };
    node.done(norm)
}

impl Operator for BatchNormalization {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        let shape = one(inputs)?;
        if shape.first() != Some(&self.scale.len()) {
            return Err(format!(
                "input shape [N, {}]; expected {} channels",
                list(shape),
                self.scale.len()
            ));
        }
        Ok(shape.to_vec())
    }

    fn forward(&self, inputs: &[Value<'_>], _: &[usize]) -> Vec<f32> {
        let plane = (inputs[0].data.len() / self.scale.len()).max(1);
        let planes = inputs[0].data.chunks(plane);
        planes
            .zip(self.scale.iter().zip(&self.shift))
            .flat_map(|(plane, (s, t))| plane.iter().map(move |v| v * s + t))
            .collect()
    }

    fn lower(&self, _: &[Shape]) -> Lowering<'_> {
        Lowering::Unsupported(
            "supported on the hardware: directly after a Conv or Gemm that nothing else reads"
                .into(),
        )
    }

    fn affine(&self) -> Option<(&[f32], &[f32])> {
        Some((&self.scale, &self.shift))
    }
}
