//! How many values of a layer's input are not zero, as something that has a gradient.
//!
//! Per channel, `(sum |x|)^2 / (n * sum x^2)`: the share of values that are not zero if all these are
//! equal, at most 1 and the same for any scale of the channel, so that scaling down does not help, only
//! zeros do (the squared Hoyer measure divided by the number of values; Yang, Wen, Li: "DeepHoyer: Learning
//! Sparser Neural Network with Differentiable Scale-Invariant Sparsity Measures", ICLR 2020). The result is
//! the mean over channels; channels of zeros count as 0.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::storage::{Reader, shaped, values};

/// The mean measure over the rows of `[C]...`, a scalar.
#[derive(Clone, Copy, Debug)]
pub(super) struct Density;

/// Sum of magnitudes, sum of squares.
fn sums(row: &[f32]) -> [f64; 2] {
    row.iter().fold([0.0; 2], |[sum, squares], x| {
        let x = f64::from(*x);
        [sum + x.abs(), squares + x * x]
    })
}

impl CustomOp1 for Density {
    fn name(&self) -> &'static str {
        "density"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(storage, layout)?;
        let channels = layout.dims().first().copied().unwrap_or(1).max(1);
        let row = (x.len() / channels).max(1);
        let share = |row: &[f32]| match sums(row) {
            [_, 0.0] => 0.0,
            [sum, squares] => sum * sum / squares / row.len() as f64,
        };
        let shares: Vec<f64> = x.par_chunks(row).map(share).collect();
        let mean = shares.iter().sum::<f64>() / channels as f64;
        Ok((CpuStorage::F32(vec![mean as f32]), ().into()))
    }

    fn bwd(&self, input: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (reader, factor) = (Reader::new(input), f64::from(gradient.to_scalar::<f32>()?));
        let x = reader.values()?;
        let channels = input.dim(0)?.max(1);
        let row = (x.len() / channels).max(1);
        let mut down = vec![0f32; x.len()];
        down.par_chunks_mut(row).zip(x.par_chunks(row)).for_each(|(dx, x)| {
            let [sum, squares] = sums(x);
            if squares == 0.0 {
                return;
            }
            let scale = 2.0 * factor * sum / squares / x.len() as f64 / channels as f64;
            let (scale, slope) = (scale as f32, (scale * sum / squares) as f32);
            for (dx, x) in dx.iter_mut().zip(x) {
                // At 0 the measure has a kink, and a zero shall stay one.
                *dx = if *x == 0.0 { 0.0 } else { scale * x.signum() - slope * x };
            }
        });
        Ok(Some(shaped(down, input)?))
    }
}
