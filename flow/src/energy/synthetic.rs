//! Activity of a layer whose values are not known: averages of a small synthetic convolution with the widths of the
//! hardware and the statistics of the layer, counted by the emulator like those of any other.

use pecan_hdl::config::Config;
use pecan_sim::emulator::{Averages, Emulator};
use pecan_sim::layer::{Conv, Layer, Network, Op, Requant, Shape, Tensor, Window};
use pecan_sim::program::ProgramError;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::map::{MapError, Options, compile};

/// What is known of the values of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// Share of activations that are not zero, 0 to 1.
    pub activation_density: f64,
    /// Share of list entries (of groups of `lanes` weights) that are not zero, 0 to 1.
    pub weight_density: f64,
    /// Root mean square of the activations that are not zero, as a share of the largest one.
    pub activation_spread: f64,
    /// Root mean square of the weights that are not zero, as a share of the largest one.
    pub weight_spread: f64,
}

impl Default for Statistics {
    /// Dense weights, activations as after a ReLU, both with the spread that quantization by the largest value
    /// usually leaves.
    fn default() -> Self {
        Self {
            activation_density: 0.5,
            weight_density: 1.0,
            activation_spread: 0.25,
            weight_spread: 0.25,
        }
    }
}

/// Why there are no averages.
#[derive(Debug, thiserror::Error)]
pub enum SyntheticError {
    /// The convolution does not fit the hardware.
    #[error(transparent)]
    Compile(#[from] MapError),
    /// The emulator refuses its program.
    #[error(transparent)]
    Program(#[from] ProgramError),
}

/// Toggles per event with values of these statistics. The same for the same arguments.
///
/// # Errors
/// The hardware is too small for a 3x3 convolution of a few channels.
pub fn synthetic_averages(
    config: &Config,
    statistics: &Statistics,
) -> Result<Averages, SyntheticError> {
    let mut rng = ChaCha8Rng::seed_from_u64(0x70_6563_616e);
    let network = convolution(&mut rng, config, statistics);
    let largest = config.activation_range().1 as f64;
    let shape = network.tensors[0];
    let value = |rng: &mut ChaCha8Rng| {
        if !rng.random_bool(statistics.activation_density.clamp(0.0, 1.0)) {
            return 0;
        }
        let size = (normal(rng) * statistics.activation_spread * largest).abs();
        (size.round() as i32).clamp(1, largest as i32)
    };
    let input = Tensor { shape, data: (0..shape.len()).map(|_| value(&mut rng)).collect() };
    let compiled = compile(&network, config, &Options::default())?;
    let mut program = compiled.program.clone();
    let range = program.input.range();
    program.dram[range].copy_from_slice(&compiled.encode_input(&input));
    let report = Emulator::observed(config).run(&program)?;
    Ok(Averages::of(&report.toggles, &report.counters))
}

/// A normally distributed number (the sum of twelve uniform ones, which ends at six standard deviations).
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
}

/// A 3x3 convolution with ReLU that fills the columns once, on an image a little larger than the rows need.
fn convolution(rng: &mut ChaCha8Rng, config: &Config, statistics: &Statistics) -> Network {
    let inputs = config.buffers.channels_per_word;
    let outputs = config.array.cols * config.array.lanes;
    let width = config.array.rows.clamp(4, 16);
    let window = Window { kernel: [3, 3], stride: [1, 1], dilation: [1, 1], pads: [1; 4] };
    let taps = inputs * 9;
    let room = 1i64 << (config.numerics.accumulator_bits - config.numerics.activation_bits);
    let largest = (room / taps as i64 - 1).clamp(1, config.weight_range().1);
    let density = statistics.weight_density.clamp(0.0, 1.0);
    let groups = outputs.div_ceil(config.array.lanes);
    let kept: Vec<bool> = (0..groups * taps).map(|_| rng.random_bool(density)).collect();
    let weight = |i: usize, rng: &mut ChaCha8Rng| {
        let (channel, tap) = (i / taps, i % taps);
        let value = normal(rng) * statistics.weight_spread * largest as f64;
        let kept = kept[channel / config.array.lanes * taps + tap];
        if kept { (value.round() as i32).clamp(-largest as i32, largest as i32) } else { 0 }
    };
    let weights = (0..outputs * taps).map(|i| weight(i, rng)).collect();
    let high = config.activation_range().1 as i32;
    let spread = statistics.weight_spread * largest as f64 * statistics.activation_spread;
    let terms = taps as f64 * density * statistics.activation_density;
    // Sums of three standard deviations become the largest activation.
    let scale = 1.0 / (3.0 * spread * terms.sqrt()).max(1.0);
    let shift = (14.0 - scale.log2().ceil()).clamp(1.0, 47.0) as u32;
    let multiplier = (scale * f64::from(shift).exp2()).round().clamp(1.0, 32_767.0) as u32;
    let layer = Layer {
        name: "synthetic".into(),
        kind: "Conv".into(),
        op: Op::Conv(Conv { window, groups: 1, weights }),
        input: 0,
        output: 1,
        requant: vec![Requant { bias: 0, multiplier, shift }; outputs],
        clamp: [0, high],
    };
    Network {
        name: "synthetic".into(),
        tensors: vec![Shape::new(inputs, 4, width), Shape::new(outputs, 4, width)],
        layers: vec![layer],
        activation_bits: config.numerics.activation_bits,
        weight_bits: config.numerics.weight_bits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pecan_hdl::config::preset;
    use pecan_sim::emulator::Toggle;
    use std::time::Instant;

    #[test]
    fn averages_follow_the_statistics() {
        let config = preset("edge").unwrap();
        let start = Instant::now();
        let of = |statistics: Statistics| synthetic_averages(&config, &statistics).unwrap();
        let usual = of(Statistics::default());
        println!("{:?} for one set of averages", start.elapsed());
        assert_eq!(usual, of(Statistics::default()));
        for toggle in [Toggle::Product, Toggle::Accumulator, Toggle::DrainOut, Toggle::BeatsIn] {
            assert!(usual.of_toggle(toggle) > 0.5, "{}", toggle.key());
        }
        // Weights of 8 bits: between one and all of them toggle.
        assert!((1.0..8.0).contains(&usual.of_toggle(Toggle::WeightOperand)));
        let narrow = of(Statistics { weight_spread: 0.02, ..Statistics::default() });
        assert!(narrow.of_toggle(Toggle::Product) < usual.of_toggle(Toggle::Product));
        let sparse = of(Statistics { activation_density: 0.1, ..Statistics::default() });
        let select = Toggle::ScratchSelect;
        assert!(sparse.of_toggle(select) < usual.of_toggle(select));
    }
}
