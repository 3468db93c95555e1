//! Reconstruction by least squares: the remaining weights compensate for the removed ones.
//!
//! For each output channel the remaining weights minimize the distance of the layer's output, on its real inputs, from
//! the target output (T.-J. Yang, Y.-H. Chen, V. Sze, "Designing Energy-Efficient Convolutional Neural Networks using
//! Energy-Aware Pruning", CVPR 2017, section 4.4), in closed form. Layers with more than `DIRECT` inputs use conjugate
//! gradients on all channels at once, for which one step is one matrix product.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::covariance::Covariance;
use super::{PruneError, PruneLayer, matrix};

/// Inputs up to which the normal equations are solved directly.
const DIRECT: usize = 1024;
/// Steps of the conjugate gradients, and the share of the residual at which they stop.
const STEPS: usize = 15;
const RESIDUAL: f64 = 1e-3;

/// Reconstructs the weights of a layer under its mask, and its bias.
///
/// `weights` are those before anything was removed, `[output][input]`; they are replaced, masked ones by 0. `bias` is
/// changed so that the means of the outputs are kept.
///
/// # Errors
/// The layer's inputs are not finite.
pub fn reconstruct(
    layer: &PruneLayer,
    covariance: &Covariance,
    mask: &[bool],
    weights: &mut [f32],
    bias: &mut [f32],
) -> Result<(), PruneError> {
    let k = layer.inputs;
    let means = |w: &[f32]| -> Vec<f64> {
        let row = |o: usize| {
            let mean = covariance.group_mean(layer.group(o));
            w[o * k..(o + 1) * k].iter().zip(mean).map(|(w, m)| f64::from(*w) * m).sum()
        };
        (0..layer.outputs).map(row).collect()
    };
    let wanted: Vec<f64> = match &covariance.wanted {
        Some((_, means)) => means.clone(),
        None => means(weights).iter().zip(bias.iter()).map(|(m, b)| m + f64::from(*b)).collect(),
    };
    let fitted = if k <= DIRECT {
        direct(layer, covariance, mask, weights)?
    } else {
        iterative(layer, covariance, mask, weights)
    };
    if fitted.iter().any(|w| !w.is_finite()) {
        let what = format!("weights of `{}` after the refit are not finite", layer.name);
        return Err(PruneError::NotFinite { what });
    }
    weights.copy_from_slice(&fitted);
    for (o, mean) in means(weights).into_iter().enumerate() {
        bias[o] = (wanted[o] - mean) as f32;
    }
    Ok(())
}

/// Right-hand side of an output channel: covariance of its target with each input. The damping pulls weights towards
/// their present values.
fn side(layer: &PruneLayer, statistics: &Covariance, weights: &[f32], o: usize) -> Vec<f64> {
    let (k, group) = (layer.inputs, layer.group(o));
    let (covariance, damping) = (statistics.group(group), statistics.damping(group));
    let own: Vec<f64> = weights[o * k..(o + 1) * k].iter().map(|w| f64::from(*w)).collect();
    let product = |i: usize| -> f64 {
        covariance[i * k..(i + 1) * k].iter().zip(&own).map(|(c, w)| c * w).sum()
    };
    let cross = |i: usize| match &statistics.wanted {
        Some((cross, _)) => cross[o * k + i],
        None => product(i),
    };
    (0..k).map(|i| cross(i) + damping * own[i]).collect()
}

/// Solves for all channels; those with the same remaining inputs share a factorization.
fn direct(
    layer: &PruneLayer,
    covariance: &Covariance,
    mask: &[bool],
    weights: &[f32],
) -> Result<Vec<f32>, PruneError> {
    let k = layer.inputs;
    let mut alike: BTreeMap<(usize, &[bool]), Vec<usize>> = BTreeMap::new();
    for o in 0..layer.outputs {
        alike.entry((layer.group(o), &mask[o * k..(o + 1) * k])).or_default().push(o);
    }
    let alike: Vec<_> = alike.into_iter().collect();
    let solved = alike.par_iter().map(|((group, mask), rows)| {
        let at: Vec<usize> = (0..k).filter(|i| mask[*i]).collect();
        let sides: Vec<Vec<f64>> = rows
            .iter()
            .map(|o| {
                let all = side(layer, covariance, weights, *o);
                at.iter().map(|i| all[*i]).collect()
            })
            .collect();
        let damping = covariance.damping(*group);
        Ok((at.clone(), rows, matrix::solve(covariance.group(*group), k, &at, damping, &sides)?))
    });
    let solved: Vec<_> = solved.collect::<Result<_, PruneError>>()?;
    let mut fitted = vec![0f32; weights.len()];
    for (at, rows, values) in solved {
        for (o, values) in rows.iter().zip(values) {
            at.iter().zip(values).for_each(|(i, value)| fitted[o * k + i] = value as f32);
        }
    }
    Ok(fitted)
}

/// Conjugate gradients with the diagonal as preconditioner, under the mask, starting from the present weights.
fn iterative(
    layer: &PruneLayer,
    covariance: &Covariance,
    mask: &[bool],
    weights: &[f32],
) -> Vec<f32> {
    let k = layer.inputs;
    let per_group = (layer.outputs / layer.groups.max(1)).max(1);
    let mut fitted = Vec::with_capacity(weights.len());
    for group in 0..layer.groups {
        let rows = group * per_group..(group + 1) * per_group;
        let damping = covariance.damping(group) as f32;
        let mut matrix: Vec<f32> = covariance.group(group).iter().map(|v| *v as f32).collect();
        (0..k).for_each(|i| matrix[i * k + i] += damping);
        let (from, to) = (rows.start * k, rows.end * k);
        let own = &weights[from..to];
        let sides = match &covariance.wanted {
            Some((cross, _)) => {
                let pairs = cross[from..to].iter().zip(own);
                pairs.map(|(c, w)| *c as f32 + damping * w).collect()
            }
            None => matrix::product(own, &matrix, [per_group, k, k]),
        };
        fitted.extend(descend(&matrix, &sides, &mask[from..to], own, k));
    }
    fitted
}

fn descend(matrix: &[f32], sides: &[f32], mask: &[bool], start: &[f32], k: usize) -> Vec<f32> {
    let rows = start.len() / k;
    let masked = |values: Vec<f32>| -> Vec<f32> {
        values.into_iter().zip(mask).map(|(v, m)| if *m { v } else { 0.0 }).collect()
    };
    let dot = |a: &[f32], b: &[f32]| -> Vec<f64> {
        let rows = a.par_chunks(k).zip(b.par_chunks(k));
        rows.map(|(a, b)| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum())
            .collect()
    };
    let scaled = |residual: &[f32]| -> Vec<f32> {
        residual.iter().enumerate().map(|(at, r)| r / matrix[at % k * (k + 1)]).collect()
    };
    let mut x = masked(start.to_vec());
    let product = matrix::product(&x, matrix, [rows, k, k]);
    let mut residual = masked(sides.iter().zip(&product).map(|(s, p)| s - p).collect());
    let mut z = scaled(&residual);
    let mut direction = z.clone();
    let mut old = dot(&residual, &z);
    let first: f64 = old.iter().sum();
    for _ in 0..STEPS {
        let image = masked(matrix::product(&direction, matrix, [rows, k, k]));
        let curvature = dot(&direction, &image);
        let step = |row: usize| if curvature[row] > 0.0 { old[row] / curvature[row] } else { 0.0 };
        for (at, value) in x.iter_mut().enumerate() {
            let alpha = step(at / k) as f32;
            *value += alpha * direction[at];
            residual[at] -= alpha * image[at];
        }
        z = scaled(&residual);
        let new = dot(&residual, &z);
        if new.iter().sum::<f64>() <= RESIDUAL * RESIDUAL * first {
            break;
        }
        let ratio = |row: usize| if old[row] > 0.0 { new[row] / old[row] } else { 0.0 };
        let next = direction.iter().enumerate().map(|(at, d)| z[at] + ratio(at / k) as f32 * d);
        direction = next.collect();
        old = new;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(outputs: usize, inputs: usize) -> (PruneLayer, Covariance, Vec<f32>, Vec<bool>) {
        let n = inputs;
        let a: Vec<f64> = (0..n * n).map(|i| ((i * 7919 % 101) as f64 - 50.0) / 50.0).collect();
        let at = |i: usize, j: usize| -> f64 {
            (0..n).map(|k| a[i * n + k] * a[j * n + k]).sum::<f64>() / n as f64
        };
        let covariance = (0..n * n).map(|ij| at(ij / n, ij % n)).collect();
        let mean = (0..n).map(|i| i as f64 / n as f64).collect();
        let sensitivity = vec![1.0; outputs];
        let covariance =
            Covariance { inputs: n, covariance, mean, wanted: None, power: vec![0.0], sensitivity };
        let weights = (0..outputs * n).map(|i| ((i * 31 % 17) as f32 - 8.0) / 8.0).collect();
        let mask = (0..outputs * n).map(|i| i * 13 % 5 != 0).collect();
        (PruneLayer::new("fc", [outputs, n, 1], 4), covariance, weights, mask)
    }

    #[test]
    fn refit_lowers_the_error_keeps_the_mask_and_the_means() {
        let (layer, covariance, before, mask) = problem(6, 24);
        let (mut after, mut bias) = (before.clone(), vec![0.5; 6]);
        reconstruct(&layer, &covariance, &mask, &mut after, &mut bias).unwrap();
        let cut: Vec<f32> =
            before.iter().zip(&mask).map(|(w, m)| if *m { *w } else { 0.0 }).collect();
        let error = |w: &[f32]| -> f64 {
            (0..6)
                .map(|o| {
                    let d: Vec<f64> =
                        (0..24).map(|i| f64::from(w[o * 24 + i] - before[o * 24 + i])).collect();
                    let c = covariance.group(0);
                    (0..24 * 24).map(|ij| d[ij / 24] * c[ij] * d[ij % 24]).sum::<f64>()
                })
                .sum()
        };
        assert!(error(&after) < 0.7 * error(&cut), "{} {}", error(&after), error(&cut));
        assert!(after.iter().zip(&mask).all(|(w, m)| *m || *w == 0.0));
        for o in 0..6 {
            let mean = |w: &[f32]| -> f64 {
                (0..24).map(|i| f64::from(w[o * 24 + i]) * covariance.mean[i]).sum()
            };
            let kept = mean(&after) + f64::from(bias[o]) - mean(&before) - 0.5;
            assert!(kept.abs() < 1e-4, "{kept}");
        }
    }

    #[test]
    fn conjugate_gradients_reach_the_direct_solution() {
        let (layer, covariance, weights, mask) = problem(4, 32);
        let exact = direct(&layer, &covariance, &mask, &weights).unwrap();
        let close = iterative(&layer, &covariance, &mask, &weights);
        let size: f32 = exact.iter().map(|w| w * w).sum();
        let gap: f32 = exact.iter().zip(&close).map(|(a, b)| (a - b).powi(2)).sum();
        assert!(gap < 1e-2 * size, "{gap} {size}");
    }
}
