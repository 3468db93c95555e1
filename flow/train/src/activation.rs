//! Limits of values, and rounding to integers as in inference.
//!
//! The gradient of rounding is taken as 1 within the range and 0 outside (straight-through estimator,
//! Bengio et al., "Estimating or Propagating Gradients Through Stochastic Neurons for Conditional
//! Computation", 2013), as in Jacob et al. (CVPR 2018).

use multiversion::multiversion;
use rayon::prelude::*;

use super::tensor::Tensor;
use pecan_net::quantize::{limit, weight_scale};

/// Values of one piece of parallel work.
const PIECE: usize = 1 << 15;

/// A grid of symmetric integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grid {
    /// Real value of one unit.
    pub(super) scale: f32,
    /// Largest integer.
    pub(super) limit: f32,
}

impl Grid {
    /// A grid for magnitudes up to `range` in integers of `bits`; `None` if `range` is 0: any grid represents it.
    pub(super) fn new(range: f32, bits: usize) -> Option<Self> {
        Self::of(range / limit(bits) as f32, bits)
    }

    /// A grid with this value of one unit; `None` if it is 0.
    fn of(scale: f32, bits: usize) -> Option<Self> {
        (scale > 0.0 && scale.is_finite()).then_some(Self { scale, limit: limit(bits) as f32 })
    }

    #[inline(always)]
    fn round(self, value: f32) -> f32 {
        (value / self.scale).round().clamp(-self.limit, self.limit) * self.scale
    }
}

/// Values limited to `bounds` and then rounded to `grid`, if given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Activation {
    pub(super) bounds: [f32; 2],
    pub(super) grid: Option<Grid>,
}

impl Activation {
    /// `value` within the bounds. Comparisons keep NaN, which `max` and `min` would hide.
    #[inline(always)]
    fn limited(&self, value: f32) -> f32 {
        let [low, high] = self.bounds;
        let value = if value < low { low } else { value };
        if value > high { high } else { value }
    }

    /// The limits within which the gradient is 1.
    fn open(&self) -> [f32; 2] {
        let most = self.grid.map_or(f32::INFINITY, |grid| grid.scale * grid.limit);
        // Values at the limit of the grid are not cut off, whatever the rounding of the product.
        let most = most * (1.0 + f32::EPSILON * 4.0);
        [self.bounds[0].max(-most), self.bounds[1].min(most)]
    }

    pub(super) fn apply(self, input: &Tensor) -> Tensor {
        let mut output = vec![0f32; input.values.len()];
        let pieces = output.par_chunks_mut(PIECE).zip(input.values.par_chunks(PIECE));
        pieces.for_each(|(y, x)| apply(self, x, y));
        Tensor::computed(output, input.dims, &[input], move |result, mut gradient| {
            let pieces = result.inputs[0].values.par_chunks(PIECE);
            gradient.par_chunks_mut(PIECE).zip(pieces).for_each(|(dx, x)| pass(self.open(), x, dx));
            vec![gradient]
        })
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn apply(activation: Activation, x: &[f32], y: &mut [f32]) {
    match activation.grid {
        Some(grid) => {
            y.iter_mut().zip(x).for_each(|(y, x)| *y = grid.round(activation.limited(*x)));
        }
        None => y.iter_mut().zip(x).for_each(|(y, x)| *y = activation.limited(*x)),
    }
}

/// Keeps the gradient where `x` is within the limits and clears it elsewhere.
#[multiversion(targets("x86_64+avx2"))]
fn pass([low, high]: [f32; 2], x: &[f32], gradient: &mut [f32]) {
    for (gradient, x) in gradient.iter_mut().zip(x) {
        *gradient = if (*x > low) & (*x < high) { *gradient } else { 0.0 };
    }
}

/// Largest magnitude of `values` within the bounds; NaN is ignored.
#[multiversion(targets("x86_64+avx2"))]
fn largest(activation: Activation, values: &[f32]) -> f32 {
    let larger = |most: f32, value: f32| if value > most { value } else { most };
    let (lanes, rest) = values.as_chunks::<16>();
    let mut most = [0f32; 16];
    for values in lanes {
        for (most, value) in most.iter_mut().zip(values) {
            *most = larger(*most, activation.limited(*value).abs());
        }
    }
    let rest = rest.iter().map(|value| activation.limited(*value).abs());
    most.into_iter().chain(rest).fold(0.0, larger)
}

/// Weights rounded to integers of `bits`, with one scale per row (output channel), as in quantization. The gradient is
/// unchanged, also where a weight of few bits is limited, so that it can return into the range.
///
/// Quantization widens the scale of a channel whose bias exceeds the largest sum of its products. This is ignored here,
/// as the weights of such a channel hardly matter.
pub(super) fn rounded_weights(weights: &Tensor, bits: usize) -> Tensor {
    let mut values = weights.values.clone();
    round_rows(&mut values, weights.dims[0], bits);
    Tensor::computed(values, weights.dims, &[weights], |_, gradient| vec![gradient])
}

/// Rounds `[rows]...` weights to integers of `bits`, with one scale per row.
pub(super) fn round_rows(weights: &mut [f32], rows: usize, bits: usize) {
    let inputs = (weights.len() / rows.max(1)).max(1);
    for row in weights.chunks_mut(inputs) {
        if let Some(grid) = Grid::of(weight_scale(row, bits) as f32, bits) {
            row.iter_mut().for_each(|w| *w = grid.round(*w));
        }
    }
}

/// Largest magnitude of a tensor's values within `bounds`, or the magnitude that `percent` of them do not exceed.
pub(super) fn range(all: &[f32], bounds: [f32; 2], percent: Option<f64>) -> f32 {
    let limit = Activation { bounds, grid: None };
    let Some(percent) = percent else {
        return all.par_chunks(PIECE).map(|piece| largest(limit, piece)).reduce(|| 0.0, f32::max);
    };
    let mut magnitudes: Vec<f32> = all.iter().map(|v| limit.limited(*v).abs()).collect();
    let rank = (magnitudes.len() as f64 * percent / 100.0).ceil() as usize;
    let at = rank.clamp(1, magnitudes.len().max(1)) - 1;
    if magnitudes.is_empty() {
        return 0.0;
    }
    *magnitudes.select_nth_unstable_by(at, f32::total_cmp).1
}
