//! Sums, concatenations, other shapes and matrix products of tensors.

use faer::MatRef;
use rayon::prelude::*;

use super::product::{multiply, view};
use super::tensor::{Dims, Tensor};

/// Sum of two tensors of one shape.
pub(super) fn sum(a: &Tensor, b: &Tensor) -> Tensor {
    let values = a.values.iter().zip(&b.values).map(|(a, b)| a + b).collect();
    Tensor::computed(values, a.dims, &[a, b], |_, gradient| vec![gradient.clone(), gradient])
}

/// The channels of all inputs, one after the other.
pub(super) fn concat(inputs: &[&Tensor]) -> Tensor {
    let values: Vec<f32> = inputs.iter().flat_map(|input| &input.values).copied().collect();
    let [_, batch, height, width] = inputs[0].dims;
    let channels = inputs.iter().map(|input| input.dims[0]).sum();
    Tensor::computed(values, [channels, batch, height, width], inputs, |result, gradient| {
        let mut rest = gradient.into_iter();
        let own = |input: &Tensor| rest.by_ref().take(input.values.len()).collect();
        result.inputs.iter().map(own).collect()
    })
}

/// Images `[C][B][H][W]` in another shape; values keep their order within an image, whose channels are not contiguous
/// here.
pub(super) fn reshape(input: &Tensor, dims: Dims) -> Tensor {
    let values = reshaped(&input.values, input.dims, dims);
    Tensor::computed(values, dims, &[input], |result, gradient| {
        vec![reshaped(&gradient, result.dims, result.inputs[0].dims)]
    })
}

fn reshaped(values: &[f32], [_, batch, height, width]: Dims, to: Dims) -> Vec<f32> {
    let (plane, target) = (height * width, to[2] * to[3]);
    let from = |at: usize| {
        let place = at / target / batch * target + at % target;
        values[(place / plane * batch + at / target % batch) * plane + place % plane]
    };
    (0..values.len()).map(from).collect()
}

/// `weights [O][I] * values [I]... + bias [O]`.
pub(super) fn linear(values: &Tensor, weights: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let [_, batch, height, width] = values.dims;
    let [outputs, inputs, ..] = weights.dims;
    let columns = batch * height * width;
    let matrix = view(&weights.values, outputs, inputs);
    let mut output = multiply(matrix, view(&values.values, inputs, columns));
    if let Some(bias) = bias {
        let rows = output.par_chunks_mut(columns.max(1)).zip(&bias.values);
        rows.for_each(|(row, bias)| row.iter_mut().for_each(|value| *value += bias));
    }
    let operands: Vec<&Tensor> = [values, weights].into_iter().chain(bias).collect();
    let dims = [outputs, batch, height, width];
    Tensor::computed(output, dims, &operands, move |result, gradient| {
        let [values, weights] = [0, 1].map(|at| &result.inputs[at]);
        let rows = view(&gradient, outputs, columns);
        let product = |wanted: bool, a: MatRef<'_, f32>, b: MatRef<'_, f32>| match wanted {
            true => multiply(a, b),
            false => Vec::new(),
        };
        let matrix = view(&weights.values, outputs, inputs).transpose();
        let columns_of = view(&values.values, inputs, columns).transpose();
        let down = product(values.tracked, matrix, rows);
        let slopes = product(weights.tracked, rows, columns_of);
        let shift = gradient.par_chunks(columns.max(1)).map(|row| row.iter().sum());
        vec![down, slopes, shift.collect()]
    })
}
