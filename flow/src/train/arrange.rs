//! Operators that are written down in a line: sums, concatenations, other shapes, matrix products.

use faer::MatRef;
use rayon::prelude::*;

use super::product::{multiply, view};
use super::tensor::{Differentiable, Dims, Tensor};

/// Sum of two tensors of one shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum;

impl Differentiable for Sum {
    fn forward(&self, inputs: &[&Tensor]) -> (Vec<f32>, Dims) {
        let pairs = inputs[0].values().iter().zip(inputs[1].values());
        (pairs.map(|(a, b)| a + b).collect(), inputs[0].dims())
    }

    fn backward(&self, _: &[Tensor], _: &Tensor, gradient: Vec<f32>) -> Vec<Vec<f32>> {
        vec![gradient.clone(), gradient]
    }
}

/// The channels of all inputs, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Concat;

impl Differentiable for Concat {
    fn forward(&self, inputs: &[&Tensor]) -> (Vec<f32>, Dims) {
        let values: Vec<&[f32]> = inputs.iter().map(|input| input.values()).collect();
        let [_, rest @ ..] = inputs[0].dims();
        let channels = inputs.iter().map(|input| input.dims()[0]).sum();
        (values.concat(), [channels, rest[0], rest[1], rest[2]])
    }

    fn backward(&self, inputs: &[Tensor], _: &Tensor, gradient: Vec<f32>) -> Vec<Vec<f32>> {
        let mut rest = &gradient[..];
        let mut share = |input: &Tensor| {
            let (own, others) = rest.split_at(input.values().len());
            rest = others;
            own.to_vec()
        };
        inputs.iter().map(&mut share).collect()
    }
}

/// Images `[C][B][H][W]` in another shape; values keep their order within an image, whose channels are apart here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reshape(pub(super) Dims);

fn reshape(values: &[f32], [_, batch, height, width]: Dims, to: Dims) -> Vec<f32> {
    let (plane, planes) = (height * width, to[2] * to[3]);
    let mut result = vec![0f32; values.len()];
    for (at, target) in result.iter_mut().enumerate() {
        let (channel, image) = (at / planes / batch, at / planes % batch);
        let place = channel * planes + at % planes;
        *target = values[(place / plane * batch + image) * plane + place % plane];
    }
    result
}

impl Differentiable for Reshape {
    fn forward(&self, inputs: &[&Tensor]) -> (Vec<f32>, Dims) {
        (reshape(inputs[0].values(), inputs[0].dims(), self.0), self.0)
    }

    fn backward(&self, inputs: &[Tensor], _: &Tensor, gradient: Vec<f32>) -> Vec<Vec<f32>> {
        vec![reshape(&gradient, self.0, inputs[0].dims())]
    }
}

/// From `[I]...` values, `[O][I]` weights and, if there is one, `[O]` bias: `weights * values + bias`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Linear;

/// Values and weights as matrices.
fn matrices<'a>(values: &'a Tensor, weights: &'a Tensor) -> [MatRef<'a, f32>; 2] {
    let [outputs, inputs, ..] = weights.dims();
    let columns = values.values().len() / inputs.max(1);
    [view(values.values(), inputs, columns), view(weights.values(), outputs, inputs)]
}

impl Differentiable for Linear {
    fn forward(&self, inputs: &[&Tensor]) -> (Vec<f32>, Dims) {
        let [values, weights] = matrices(inputs[0], inputs[1]);
        let mut output = multiply(weights, values);
        if let Some(bias) = inputs.get(2) {
            let rows = output.par_chunks_mut(values.ncols().max(1)).zip(bias.values());
            rows.for_each(|(row, bias)| row.iter_mut().for_each(|value| *value += bias));
        }
        let [_, batch, height, width] = inputs[0].dims();
        (output, [weights.nrows(), batch, height, width])
    }

    fn backward(&self, inputs: &[Tensor], _: &Tensor, gradient: Vec<f32>) -> Vec<Vec<f32>> {
        let [values, weights] = matrices(&inputs[0], &inputs[1]);
        let rows = view(&gradient, weights.nrows(), values.ncols());
        let product = |at: usize, [a, b]: [MatRef<'_, f32>; 2]| match inputs[at].tracked() {
            true => multiply(a, b),
            false => Vec::new(),
        };
        let down = product(0, [weights.transpose(), rows]);
        let slopes = product(1, [rows, values.transpose()]);
        let shift = gradient.par_chunks(values.ncols().max(1)).map(|row| row.iter().sum());
        vec![down, slopes, shift.collect()]
    }
}
