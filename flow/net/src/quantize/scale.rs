//! Arithmetic of scales.

/// `2^(bits - 1) - 1`, the largest magnitude of a symmetric integer.
pub fn limit(bits: usize) -> f64 {
    ((1i64 << (bits - 1)) - 1) as f64
}

/// Integer multiplier (below 2^15) and shift (1 to 47) whose quotient `multiplier / 2^shift` is nearest to
/// `factor`. The multiplier has its full 15 bits unless `factor` is below 2^-33.
pub fn multiplier_and_shift(factor: f64) -> Result<(u32, u32), String> {
    let range = || format!("rescale factor {factor:e}; allowed: 0 to 16383.5");
    if !factor.is_finite() || factor < 0.0 {
        return Err(range());
    }
    if factor == 0.0 {
        return Ok((0, 47));
    }
    let mut shift = (14 - factor.log2().floor() as i64).min(47);
    let scaled = |shift: i64| (factor * 2f64.powi(shift as i32)).round();
    if scaled(shift) >= 32768.0 {
        shift -= 1;
    }
    match u32::try_from(shift) {
        Ok(s) if s >= 1 => Ok((scaled(shift) as u32, s)),
        _ => Err(range()),
    }
}

/// Factors `[f0, f1]` (1 to `most`) and the real `factor` of a rescaling so that `f0 * factor` and
/// `f1 * factor` are close to `targets` (positive), the two ratios of input and output scale.
///
/// All factors of the larger target are tried, each with the nearest factor of the smaller. `factor` splits the
/// remainder evenly, so that both have the same relative error. With `most` = 127 and a ratio of the targets up to 16
/// it is below 0.25 % (tested; mostly far below). Beyond a ratio of `2 * most` the smaller tensor adds less than half a
/// unit of the larger one, and its error grows.
pub(super) fn add_factors(targets: [f64; 2], most: i32) -> ([i32; 2], f64) {
    let larger = usize::from(targets[1] > targets[0]);
    let ratio = targets[1 - larger] / targets[larger];
    let mut best = ([1, 1], 0.0, f64::INFINITY);
    for large in 1..=most {
        let small = ((f64::from(large) * ratio).round() as i32).clamp(1, most);
        let factors = if larger == 0 { [large, small] } else { [small, large] };
        let [a, b] = [0, 1].map(|i| targets[i] / f64::from(factors[i]));
        let error = (a - b).abs() / (a + b);
        if error < best.2 {
            best = (factors, 2.0 * a * b / (a + b), error);
        }
    }
    (best.0, best.1)
}

/// Below this width the error of rounding decides the scale.
const WIDE: usize = 8;

/// Range of tried scales: from that of the largest weight down to this share of it, in equal steps.
const NARROWEST: f64 = 0.4;
const TRIED: u32 = 24;

/// Real value of one unit of a channel's weights in integers of `bits`; 0 if all weights are 0.
///
/// From 8 bits on the largest weight decides. With fewer bits, a single large weight would leave only a few coarse
/// steps for the others. So the scale is that of least squared error, and larger weights are limited (as in Choukroun,
/// Kravchik, Yang, Kisilev: "Low-bit Quantization of Neural Networks for Efficient Inference", ICCV workshops 2019).
pub fn weight_scale(weights: &[f32], bits: usize) -> f64 {
    let most = limit(bits);
    let widest = f64::from(weights.iter().fold(0f32, |m, w| m.max(w.abs()))) / most;
    if bits >= WIDE || widest == 0.0 || !widest.is_finite() {
        return widest;
    }
    let error = |scale: f64| -> f64 {
        let rounded = |w: f64| (w / scale).round().clamp(-most, most) * scale;
        weights.iter().map(|w| f64::from(*w)).map(|w| (w - rounded(w)).powi(2)).sum()
    };
    let step = (1.0 - NARROWEST) / f64::from(TRIED);
    let scales = (0..=TRIED).map(|n| widest * (1.0 - step * f64::from(n)));
    let tried = scales.map(|scale| (scale, error(scale)));
    tried.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(widest, |(scale, _)| scale)
}

/// Weights and bias of one output channel as integers.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) weights: Vec<i32>,
    pub(super) bias: i64,
    /// Real value of one unit of a weight.
    pub(super) scale: f64,
}

/// Quantizes one output channel; `input_scale` is the real value of one unit of the input.
///
/// The scale is `unit`, if the file gives one that the weights fit, and otherwise that of [`weight_scale`]. If the bias
/// then exceeds the largest sum of products (in a channel with almost no weights, after pruning and folding), the scale
/// follows the bias instead: the accumulator needs at most one bit more than for the products alone, and the error of a
/// product sum stays below that of rounding the output.
pub(super) fn quantize_channel(
    weights: &[f32],
    bias: f32,
    unit: Option<f64>,
    input_scale: f64,
    activation_limit: f64,
    weight_bits: usize,
) -> Channel {
    let weight_limit = limit(weight_bits);
    let largest = f64::from(weights.iter().fold(0f32, |m, w| m.max(w.abs())));
    let most = activation_limit * weight_limit * weights.len() as f64;
    // The margin covers the rounding of the file's 32-bit products.
    let fits = |unit: &f64| *unit > 0.0 && largest / weight_limit <= unit * (1.0 + 1e-5);
    let for_weights = unit.filter(fits).unwrap_or_else(|| weight_scale(weights, weight_bits));
    let for_bias = f64::from(bias).abs() / (input_scale * most);
    let mut scale = for_weights.max(for_bias);
    if scale == 0.0 {
        // Neither weights nor bias: any scale yields zeros.
        scale = 1.0;
    }
    let unit = |w: &f32| (f64::from(*w) / scale).round().clamp(-weight_limit, weight_limit) as i32;
    Channel {
        weights: weights.iter().map(unit).collect(),
        bias: (f64::from(bias) / (input_scale * scale)).round() as i64,
        scale,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipliers_use_fifteen_bits() {
        for exponent in -32..14 {
            for step in 0..97 {
                let factor = 2f64.powi(exponent) * (1.0 + f64::from(step) / 97.0);
                let (m, s) = multiplier_and_shift(factor).unwrap();
                assert!((1 << 14..1 << 15).contains(&m) && (1..=47).contains(&s), "{factor}");
                let error = (f64::from(m) / 2f64.powi(s as i32) / factor - 1.0).abs();
                assert!(error <= 2f64.powi(-15), "{factor}: {error}");
            }
        }
    }

    #[test]
    fn extreme_factors() {
        assert_eq!(multiplier_and_shift(1.0), Ok((1 << 14, 14)));
        assert_eq!(multiplier_and_shift(0.99999), Ok((1 << 14, 14)));
        assert_eq!(multiplier_and_shift(16383.5), Ok((32767, 1)));
        assert_eq!(multiplier_and_shift(1e-30), Ok((0, 47)));
        for bad in [16384.0, f64::NAN, f64::INFINITY, -1.0] {
            assert!(multiplier_and_shift(bad).is_err());
        }
    }

    #[test]
    fn sums_meet_both_scales() {
        let mut worst = 0f64;
        for step in 0..=4000 {
            let ratio = 16f64.powf(f64::from(step) / 2000.0 - 1.0);
            for output in [0.01, 0.7, 3.0] {
                let targets = [output, output * ratio];
                let (factors, factor) = add_factors(targets, 127);
                let (m, s) = multiplier_and_shift(factor).unwrap();
                let real = f64::from(m) / 2f64.powi(s as i32);
                for (f, t) in factors.iter().zip(targets) {
                    assert!((1..=127).contains(f));
                    worst = worst.max((f64::from(*f) * real / t - 1.0).abs());
                }
            }
        }
        println!("largest relative error {worst:.5}");
        assert!(worst < 0.0025, "{worst}");
        assert_eq!(add_factors([1.0, 1e-6], 127).0, [127, 1]);
    }

    #[test]
    fn given_units_are_kept_where_they_fit() {
        let channel = |unit| quantize_channel(&[0.5, -0.25], 0.0, unit, 1.0, 127.0, 8);
        assert_eq!(channel(Some(0.25)).weights, [2, -1]);
        assert_eq!(channel(Some(1e-3)).weights, [127, -64]);
        assert_eq!(channel(None).weights, [127, -64]);
    }

    #[test]
    fn few_bits_limit_outliers() {
        // Many small weights and one large: in 8 bits the largest decides, in 4 the error.
        let weights: Vec<f32> = (0..60).map(|n| (n as f32 - 30.0) / 100.0).chain([1.0]).collect();
        assert!((weight_scale(&weights, 8) - 1.0 / 127.0).abs() < 1e-9);
        let error = |scale: f64| -> f64 {
            let rounded = |w: f64| (w / scale).round().clamp(-7.0, 7.0) * scale;
            weights.iter().map(|w| f64::from(*w)).map(|w| (w - rounded(w)).powi(2)).sum()
        };
        let chosen = weight_scale(&weights, 4);
        assert!(chosen < 1.0 / 7.0 && error(chosen) < error(1.0 / 7.0), "{chosen}");
        // Values that 4 bits represent exactly stay.
        let exact = [0.5f32, -3.5, 0.0, 1.0];
        assert!((weight_scale(&exact, 4) - 0.5).abs() < 1e-9);
        assert_eq!(weight_scale(&[0.0; 3], 4), 0.0);
    }

    #[test]
    fn channels_without_weights_keep_their_bias() {
        let channel = quantize_channel(&[1e-30, 0.0], 0.5, None, 0.01, 127.0, 8);
        assert_eq!(channel.weights, [0, 0]);
        assert_eq!(channel.bias, 2 * 127 * 127);
        assert!((channel.bias as f64 * channel.scale * 0.01 - 0.5).abs() < 1e-9);
        let zero = quantize_channel(&[0.0], 0.0, None, 0.01, 127.0, 8);
        assert_eq!((zero.weights[0], zero.bias), (0, 0));
    }
}
