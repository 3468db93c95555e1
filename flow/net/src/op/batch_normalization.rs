//! `BatchNormalization` in inference: a factor and a summand per channel.

use super::affine::Affine;
use super::{NodeView, Operator};

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
            let name = node.proto.input.get(1).map_or("", String::as_str);
            Some(Affine::new(scale.len(), scale, shift, name))
        }
        _ => None,
    };
    node.done(norm)
}
