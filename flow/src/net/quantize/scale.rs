//! Arithmetic of scales.

/// `2^(bits - 1) - 1`, the largest magnitude of a symmetric integer.
pub(super) fn limit(bits: usize) -> f64 {
    ((1i64 << (bits - 1)) - 1) as f64
}

/// Integer multiplier (below 2^15) and shift (1 to 47) whose quotient `multiplier / 2^shift` is nearest to
/// `factor`. The multiplier has its full 15 bits unless `factor` is below 2^-33.
pub(super) fn multiplier_and_shift(factor: f64) -> Result<(u32, u32), String> {
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
/// The scale follows the largest weight. Where the bias would then exceed what the products can sum up
/// to (a channel with almost no weights, as pruning and folding leave), the scale follows the bias
/// instead: the accumulator needs at most one bit more than for the products alone, and the error
/// of a product sum stays below that of rounding the output.
pub(super) fn quantize_channel(
    weights: &[f32],
    bias: f32,
    input_scale: f64,
    activation_limit: f64,
    weight_limit: f64,
) -> Channel {
    let largest = weights.iter().fold(0f32, |m, w| m.max(w.abs()));
    let most = activation_limit * weight_limit * weights.len() as f64;
    let for_weights = f64::from(largest) / weight_limit;
    let for_bias = f64::from(bias).abs() / (input_scale * most);
    let mut scale = for_weights.max(for_bias);
    if scale == 0.0 {
        // Neither weights nor bias: any scale gives zeros.
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
    fn channels_without_weights_keep_their_bias() {
        let channel = quantize_channel(&[1e-30, 0.0], 0.5, 0.01, 127.0, 127.0);
        assert_eq!(channel.weights, [0, 0]);
        assert_eq!(channel.bias, 2 * 127 * 127);
        assert!((channel.bias as f64 * channel.scale * 0.01 - 0.5).abs() < 1e-9);
        let zero = quantize_channel(&[0.0], 0.0, 0.01, 127.0, 127.0);
        assert_eq!((zero.weights[0], zero.bias), (0, 0));
    }
}
