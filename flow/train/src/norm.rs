//! Batch normalization (Ioffe, Szegedy: "Batch Normalization: Accelerating Deep Network Training by
//! Reducing Internal Covariate Shift", ICML 2015) over the rows of `[C][B][H][W]`.

use multiversion::multiversion;
use rayon::prelude::*;

use super::product::dot;
use super::tensor::Tensor;

/// Mean and variance of each channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Moments {
    pub(super) mean: Vec<f64>,
    pub(super) variance: Vec<f64>,
}

/// Number of values that are summed up in `f32`; these sums are added in `f64`.
const BLOCK: usize = 1024;

/// Independent partial sums, which the compiler vectorizes.
const LANES: usize = 16;

/// Sum over `values` of `term`.
#[multiversion(targets("x86_64+avx2"))]
fn sum(values: &[f32], term: impl Fn(f32) -> f32) -> f64 {
    let block = |block: &[f32]| {
        let (lanes, rest) = block.as_chunks::<LANES>();
        let mut sums = [0f32; LANES];
        for lane in lanes {
            (0..LANES).for_each(|at| sums[at] += term(lane[at]));
        }
        f64::from(sums.iter().sum::<f32>() + rest.iter().map(|v| term(*v)).sum::<f32>())
    };
    values.chunks(BLOCK).map(block).sum()
}

impl Moments {
    /// Moments of the rows of `[C]...`.
    pub(super) fn of(tensor: &Tensor) -> Self {
        let ([channels, ..], all) = (tensor.dims, &tensor.values);
        let count = (all.len() / channels.max(1)).max(1);
        let rows: Vec<(f64, f64)> = all
            .par_chunks(count)
            .map(|row| {
                let mean = sum(row, |v| v) / count as f64;
                let shift = mean as f32;
                let squares = sum(row, |v| (v - shift) * (v - shift));
                (mean, squares / count as f64)
            })
            .collect();
        let (mean, variance) = rows.into_iter().unzip();
        Self { mean, variance }
    }
}

/// Mean of moments over batches of equal size, so that many batches yield the moments of all values.
#[derive(Clone, Debug, Default)]
pub(super) struct Average {
    mean: Vec<f64>,
    square: Vec<f64>,
    batches: usize,
}

impl Average {
    pub(super) fn add(&mut self, moments: &Moments) {
        self.mean.resize(moments.mean.len(), 0.0);
        self.square.resize(moments.mean.len(), 0.0);
        for (channel, (mean, variance)) in moments.mean.iter().zip(&moments.variance).enumerate() {
            self.mean[channel] += mean;
            self.square[channel] += mean * mean + variance;
        }
        self.batches += 1;
    }

    /// The moments of all values.
    pub(super) fn moments(&self) -> Moments {
        let count = self.batches.max(1) as f64;
        let mean: Vec<f64> = self.mean.iter().map(|m| m / count).collect();
        let squares = self.square.iter().zip(&mean);
        let variance = squares.map(|(square, m)| (square / count - m * m).max(0.0)).collect();
        Moments { mean, variance }
    }
}

/// `(x - mean) * scale + offset`.
#[multiversion(targets("x86_64+avx2"))]
fn affine(x: &[f32], y: &mut [f32], [mean, scale, offset]: [f32; 3]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y = (x - mean) * scale + offset);
}

/// Turns the normalized values `u` into the gradient, in place.
#[multiversion(targets("x86_64+avx2"))]
fn back(u: &mut [f32], dy: &[f32], [scale, mean_dy, mean_dyu]: [f32; 3]) {
    u.iter_mut().zip(dy).for_each(|(u, dy)| *u = scale * (dy - mean_dy - *u * mean_dyu));
}

/// `(x - mean) * inverse * gain + shift` per channel, where mean and inverse deviation are those of `x`
/// itself, by its `moments`: the gradient takes that into account. `epsilon` is added to the variance.
///
/// With `n` values per channel and `u = (x - mean) * inverse`: `dx = gain * inverse *
/// (dy - sum(dy) / n - u * sum(dy * u) / n)`.
pub(super) fn normalize([x, gain, shift]: [&Tensor; 3], moments: &Moments, epsilon: f64) -> Tensor {
    let inverse = |v: &f64| (1.0 / (v + epsilon).sqrt()) as f32;
    let inverse: Vec<f32> = moments.variance.iter().map(inverse).collect();
    let mean: Vec<f32> = moments.mean.iter().map(|m| *m as f32).collect();
    let row = (x.values.len() / mean.len().max(1)).max(1);
    let mut output = vec![0f32; x.values.len()];
    let rows = output.par_chunks_mut(row).zip(x.values.par_chunks(row)).enumerate();
    rows.for_each(|(c, (y, x))| {
        affine(x, y, [mean[c], gain.values[c] * inverse[c], shift.values[c]]);
    });
    Tensor::computed(output, x.dims, &[x, gain, shift], move |result, gradient| {
        let [x, gain] = [0, 1].map(|at| &result.inputs[at].values);
        let mut down = vec![0f32; x.len()];
        let rows = x.par_chunks(row).zip(gradient.par_chunks(row));
        let sums: Vec<(f32, f32)> = down
            .par_chunks_mut(row)
            .zip(rows)
            .enumerate()
            .map(|(c, (dx, (x, dy)))| {
                // `dx` serves as a buffer for the normalized values.
                affine(x, dx, [mean[c], inverse[c], 0.0]);
                let sum_dy = sum(dy, |v| v) as f32;
                let products = dx.chunks(BLOCK).zip(dy.chunks(BLOCK));
                let sum_dyu = products.map(|(u, dy)| f64::from(dot(u, dy))).sum::<f64>() as f32;
                let (mean_dy, mean_dyu) = (sum_dy / row as f32, sum_dyu / row as f32);
                back(dx, dy, [gain[c] * inverse[c], mean_dy, mean_dyu]);
                (sum_dyu, sum_dy)
            })
            .collect();
        let (for_gain, for_shift) = sums.into_iter().unzip();
        vec![down, for_gain, for_shift]
    })
}
