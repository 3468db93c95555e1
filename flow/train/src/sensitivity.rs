//! Sensitivity of the loss to errors of a layer's outputs.

use rayon::prelude::*;

use super::error::TrainError;
use super::geometry::Geometry;
use super::layer::Layer;
use super::product;
use super::tensor::Tensor;

/// By output channel, the sum over samples of the squared norm of the weights' gradient, with `mean` subtracted from the
/// layer's inputs; `values` are these inputs, `gradient` that of each output position.
///
/// The expected increase of the loss by a change `d` of a channel's weights is half of `E[(sum_p g_p d x_p)^2]`, with
/// `p` the positions of a sample. If positions were independent, it would be `E[sum_p g_p^2] E[(d x)^2]` (the
/// approximation of R. Grosse and J. Martens, "A Kronecker-factored approximate Fisher matrix for convolution layers",
/// ICML 2016). But neighbouring inputs are similar and have gradients of one sign, the more so the smaller the maps:
/// errors add up there, and this norm includes that.
pub(super) fn squared_gradients(
    layer: &Layer,
    values: &Tensor,
    gradient: &[f32],
    mean: &[f64],
) -> Result<Vec<f64>, TrainError> {
    let (x, [_, batch, ..]) = (&values.values, values.dims);
    let geometry = Geometry::new(layer.input, layer.window, batch)?;
    let (positions, inputs) = (geometry.positions(), layer.inputs());
    let (outputs, groups) = (layer.output.channels, layer.groups);
    let per_group = outputs / groups;
    let of_sample = |sample: usize| {
        let mut columns = vec![0f32; inputs * positions];
        let mut sums = vec![0f64; outputs];
        for group in 0..groups {
            let channels = layer.input.channels / groups;
            let channels = group * channels..(group + 1) * channels;
            geometry.unfold(x, channels, sample..sample + 1, &mut columns);
            for (row, mean) in columns.chunks_mut(positions).zip(&mean[group * inputs..]) {
                row.iter_mut().for_each(|x| *x -= *mean as f32);
            }
            let own = group * per_group..(group + 1) * per_group;
            let mut rows = Vec::with_capacity(per_group * positions);
            for output in own.clone() {
                rows.extend_from_slice(
                    &gradient[(output * batch + sample) * positions..][..positions],
                );
            }
            let mut result = vec![0f32; per_group * inputs];
            product::add_by_transpose(&rows, &columns, &mut result, [per_group, positions, inputs]);
            for (sum, row) in sums[own].iter_mut().zip(result.chunks(inputs)) {
                *sum = row.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
            }
        }
        sums
    };
    let samples: Vec<Vec<f64>> = (0..batch).into_par_iter().map(of_sample).collect();
    let mut total = vec![0f64; outputs];
    for sums in samples {
        total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
    }
    Ok(total)
}
