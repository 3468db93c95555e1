//! Differentiable measure of the share of nonzero values of a layer's input.
//!
//! Per channel, `(sum |x|)^2 / (n * sum x^2)`: the share of nonzero values if all of these are equal. It is at most 1
//! and does not depend on the scale of the channel, so that only zeros reduce it, not small values (the squared Hoyer
//! measure divided by the number of values; Yang, Wen, Li: "DeepHoyer: Learning Sparser Neural Network with
//! Differentiable Scale-Invariant Sparsity Measures", ICLR 2020). The result is the mean over channels; channels of
//! zeros count as 0.

use rayon::prelude::*;

use super::tensor::Tensor;

/// Sum of magnitudes, sum of squares.
fn sums(row: &[f32]) -> [f64; 2] {
    row.iter().fold([0.0; 2], |[sum, squares], x| {
        let x = f64::from(*x);
        [sum + x.abs(), squares + x * x]
    })
}

/// The mean measure over the rows of `[C]...`, a scalar.
pub(super) fn density(input: &Tensor) -> Tensor {
    let (x, channels) = (&input.values, input.dims[0].max(1));
    let row = (x.len() / channels).max(1);
    let share = |row: &[f32]| match sums(row) {
        [_, 0.0] => 0.0,
        [sum, squares] => sum * sum / squares / row.len() as f64,
    };
    let shares: Vec<f64> = x.par_chunks(row).map(share).collect();
    let mean = shares.iter().sum::<f64>() / channels as f64;
    Tensor::computed(vec![mean as f32], [1; 4], &[input], move |result, gradient| {
        let (x, factor) = (&result.inputs[0].values, f64::from(gradient[0]));
        let mut down = vec![0f32; x.len()];
        down.par_chunks_mut(row).zip(x.par_chunks(row)).for_each(|(dx, x)| {
            let [sum, squares] = sums(x);
            if squares == 0.0 {
                return;
            }
            let scale = 2.0 * factor * sum / squares / x.len() as f64 / channels as f64;
            let (scale, slope) = (scale as f32, (scale * sum / squares) as f32);
            for (dx, x) in dx.iter_mut().zip(x) {
                // At 0 the measure has a kink, and a zero must stay 0.
                *dx = if *x == 0.0 { 0.0 } else { scale * x.signum() - slope * x };
            }
        });
        vec![down]
    })
}
