//! Limits of values, and the rounding to integers that inference will do.
//!
//! The gradient of rounding is taken as 1 within the range and 0 outside (straight-through estimator,
//! Bengio et al., "Estimating or Propagating Gradients Through Stochastic Neurons for Conditional
//! Computation", 2013), as in Jacob et al. (CVPR 2018).

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use multiversion::multiversion;
use rayon::prelude::*;

use super::storage::{Reader, shaped, values};
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
    /// For magnitudes up to `range` in integers of `bits`; `None` if `range` is 0: any grid represents it.
    pub(super) fn new(range: f32, bits: usize) -> Option<Self> {
        Self::of(range / limit(bits) as f32, bits)
    }

    /// With this value of one unit; `None` if it is 0.
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

    /// The limits within which the gradient passes.
    fn open(&self) -> [f32; 2] {
        let most = self.grid.map_or(f32::INFINITY, |grid| grid.scale * grid.limit);
        // Values on the grid's own limit are not cut off, whatever the rounding of the product.
        let most = most * (1.0 + f32::EPSILON * 4.0);
        [self.bounds[0].max(-most), self.bounds[1].min(most)]
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

/// The gradient `dy` where `x` is within the limits.
#[multiversion(targets("x86_64+avx2"))]
fn pass([low, high]: [f32; 2], x: &[f32], dy: &[f32], dx: &mut [f32]) {
    for (dx, (x, dy)) in dx.iter_mut().zip(x.iter().zip(dy)) {
        *dx = if (*x > low) & (*x < high) { *dy } else { 0.0 };
    }
}

/// Largest magnitude of `values` within the bounds; NaN counts for nothing.
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

impl CustomOp1 for Activation {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(storage, layout)?;
        let mut output = vec![0f32; x.len()];
        output.par_chunks_mut(PIECE).zip(x.par_chunks(PIECE)).for_each(|(y, x)| {
            apply(*self, x, y);
        });
        Ok((CpuStorage::F32(output), layout.shape().clone()))
    }

    fn bwd(&self, input: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (x, dy) = (Reader::new(input), Reader::new(gradient));
        let (x, dy) = (x.values()?, dy.values()?);
        let [low, high] = self.open();
        let mut down = vec![0f32; x.len()];
        let pieces = x.par_chunks(PIECE).zip(dy.par_chunks(PIECE));
        down.par_chunks_mut(PIECE).zip(pieces).for_each(|(dx, (x, dy))| {
            pass([low, high], x, dy, dx);
        });
        Ok(Some(shaped(down, input)?))
    }
}

/// Weights rounded to integers of `bits`, with one scale per row (output channel), which is that of quantization. The
/// gradient passes unchanged, also where a weight of few bits is limited: it can come back.
///
/// Quantization widens the scale of a channel whose bias exceeds what its products can sum up to; that is
/// left out here, for there the weights hardly matter.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoundedWeights {
    pub(super) bits: usize,
}

impl CustomOp1 for RoundedWeights {
    fn name(&self) -> &'static str {
        "rounded-weights"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let weights = values(storage, layout)?;
        let rows = layout.dims().first().copied().unwrap_or(1).max(1);
        let mut output = weights.to_vec();
        round_rows(&mut output, rows, self.bits);
        Ok((CpuStorage::F32(output), layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(gradient.clone()))
    }
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
pub(super) fn range(tensor: &Tensor, bounds: [f32; 2], percent: Option<f64>) -> Result<f32> {
    let reader = Reader::new(tensor);
    let all = reader.values()?;
    let limit = Activation { bounds, grid: None };
    let Some(percent) = percent else {
        return Ok(all
            .par_chunks(PIECE)
            .map(|piece| largest(limit, piece))
            .reduce(|| 0.0, f32::max));
    };
    let mut magnitudes: Vec<f32> = all.iter().map(|v| limit.limited(*v).abs()).collect();
    let rank = (magnitudes.len() as f64 * percent / 100.0).ceil() as usize;
    let at = rank.clamp(1, magnitudes.len().max(1)) - 1;
    if magnitudes.is_empty() {
        return Ok(0.0);
    }
    Ok(*magnitudes.select_nth_unstable_by(at, f32::total_cmp).1)
}
