//! Designed layers for calibration: shapes, values and densities that span those of real layers.
//!
//! Corner cases matter as much as averages: a fit without constant operands, all zeros, full-scale values or data
//! movement without arithmetic mispredicts them by a large factor.

use pecan_config::geometry::Geometry;
use pecan_ir::layer::{Add, Conv, Layer, Network, Op, Requant, Shape, Tensor, Window};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::crop::prune;

/// Distribution of values.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Values {
    /// All zero.
    Zero,
    /// The same value everywhere, as a share of the largest.
    Constant(f64),
    /// Two-sided exponential with this mean magnitude, as a share of the largest: trained weights.
    Laplace(f64),
    /// Two-sided exponential, not negative, and zero with this probability: activations behind a ReLU.
    Rectified(f64, f64),
    /// Both ends of the range in random order.
    Extremes,
    /// Uniform over the range.
    Uniform,
}

impl Values {
    fn draw(self, rng: &mut ChaCha8Rng, bits: usize) -> i32 {
        let top = f64::from((1i32 << (bits - 1)) - 1);
        let magnitude = |rng: &mut ChaCha8Rng, mean: f64| {
            let uniform: f64 = rng.random_range(f64::EPSILON..1.0);
            (-uniform.ln() * mean * top).round().min(top) as i32
        };
        match self {
            Self::Zero => 0,
            Self::Constant(share) => (share * top).round() as i32,
            Self::Laplace(mean) => {
                let size = magnitude(rng, mean);
                if rng.random() { size } else { -size }
            }
            Self::Rectified(mean, zero) => {
                if rng.random_bool(zero) {
                    0
                } else {
                    magnitude(rng, mean).max(1)
                }
            }
            Self::Extremes => (if rng.random() { top } else { -top }) as i32,
            Self::Uniform => rng.random_range(-top..=top).round() as i32,
        }
    }
}

/// Kind of a designed layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DesignedLayer {
    /// Convolution with a square kernel and this stride, of as many input channels as two words hold.
    Conv(usize, usize),
    /// The same with the input channels of that many words; three channels if 0.
    Channels(usize, usize, usize),
    /// Depthwise 3x3 convolution.
    Depthwise,
    /// Depthwise convolution over the whole map: an average where the weights are constant.
    Whole,
    /// Fully connected: one output pixel.
    Full,
    /// 2x2 maximum.
    MaxPool,
    /// Sum of two tensors.
    Add,
}

/// A designed layer.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Design {
    name: &'static str,
    kind: DesignedLayer,
    weights: Values,
    inputs: Values,
    density: f64,
}

const RELU: Values = Values::Rectified(0.2, 0.45);
const TRAINED: Values = Values::Laplace(0.15);

/// All designed layers.
const DESIGNS: &[Design] = &[
    design("conv3x3", DesignedLayer::Conv(3, 1), TRAINED, RELU, 1.0),
    design("conv3x3_half", DesignedLayer::Conv(3, 1), TRAINED, RELU, 0.5),
    design(
        "conv3x3_third",
        DesignedLayer::Conv(3, 1),
        Values::Laplace(0.25),
        Values::Rectified(0.3, 0.6),
        0.3,
    ),
    design("conv3x3_stride", DesignedLayer::Conv(3, 2), Values::Laplace(0.2), Values::Uniform, 1.0),
    design("conv1x1", DesignedLayer::Conv(1, 1), TRAINED, Values::Rectified(0.15, 0.3), 1.0),
    design("conv1x1_sparse", DesignedLayer::Conv(1, 1), TRAINED, RELU, 0.2),
    design("conv5x5_dense_data", DesignedLayer::Conv(5, 1), Values::Uniform, Values::Uniform, 1.0),
    design("depthwise", DesignedLayer::Depthwise, Values::Laplace(0.3), RELU, 1.0),
    design("full", DesignedLayer::Full, TRAINED, RELU, 1.0),
    design("full_sparse", DesignedLayer::Full, Values::Laplace(0.2), RELU, 0.25),
    design("max_pool", DesignedLayer::MaxPool, Values::Zero, RELU, 1.0),
    design("add", DesignedLayer::Add, Values::Constant(0.6), Values::Laplace(0.2), 1.0),
    design("zero_inputs", DesignedLayer::Conv(3, 1), TRAINED, Values::Zero, 1.0),
    design("constant_inputs", DesignedLayer::Conv(3, 1), TRAINED, Values::Constant(0.4), 1.0),
    design("constant_weights", DesignedLayer::Conv(3, 1), Values::Constant(0.3), RELU, 1.0),
    design(
        "all_constant",
        DesignedLayer::Conv(1, 1),
        Values::Constant(-0.5),
        Values::Constant(0.7),
        1.0,
    ),
    design("extremes", DesignedLayer::Conv(3, 1), Values::Extremes, Values::Extremes, 1.0),
    design(
        "narrow",
        DesignedLayer::Conv(3, 1),
        Values::Laplace(0.03),
        Values::Rectified(0.04, 0.3),
        1.0,
    ),
    design("conv3x3_first", DesignedLayer::Channels(3, 1, 0), TRAINED, Values::Uniform, 1.0),
    design("conv3x3_deep", DesignedLayer::Channels(3, 1, 4), TRAINED, RELU, 0.5),
    design("conv1x1_deep", DesignedLayer::Channels(1, 1, 6), TRAINED, RELU, 1.0),
    design("conv1x1_stride", DesignedLayer::Channels(1, 2, 4), TRAINED, RELU, 1.0),
    design("average", DesignedLayer::Whole, Values::Constant(0.5), RELU, 1.0),
];

const fn design(
    name: &'static str,
    kind: DesignedLayer,
    weights: Values,
    inputs: Values,
    density: f64,
) -> Design {
    Design { name, kind, weights, inputs, density }
}

/// A layer with its input.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Name, unique within a set.
    pub name: String,
    /// The network of this layer.
    pub network: Network,
    /// Its input.
    pub input: Tensor,
}

/// Number of designed layers.
#[must_use]
pub(super) fn count() -> usize {
    DESIGNS.len()
}

/// All designed layers for a configuration, each sized to about `cycles` cycles of computation.
#[must_use]
pub(super) fn designed(geometry: &Geometry, cycles: usize, seed: u64) -> Vec<Piece> {
    let one =
        |(number, design): (usize, &Design)| design.piece(geometry, cycles, seed ^ number as u64);
    DESIGNS.iter().enumerate().map(one).collect()
}

impl Design {
    fn piece(&self, g: &Geometry, cycles: usize, seed: u64) -> Piece {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (input, output, op) = self.shapes(g, cycles, &mut rng);
        let factors = match self.kind {
            DesignedLayer::Add => 2,
            DesignedLayer::Depthwise => 9,
            DesignedLayer::MaxPool => 1,
            DesignedLayer::Conv(k, _) | DesignedLayer::Channels(k, ..) => k * k * input.channels,
            DesignedLayer::Full => input.len(),
            DesignedLayer::Whole => input.height * input.width,
        };
        let requant = requant(g, factors, output.channels, &mut rng);
        let top = (1 << (g.activation_bits - 1)) - 1;
        let mut layer = Layer {
            name: self.name.into(),
            kind: "Conv".into(),
            op,
            input: 0,
            output: 1,
            requant,
            clamp: [0, top],
        };
        prune(&mut layer, g.lanes, self.density);
        let data =
            (0..input.len()).map(|_| self.inputs.draw(&mut rng, g.activation_bits)).collect();
        Piece {
            name: self.name.into(),
            network: Network {
                name: self.name.into(),
                tensors: vec![input, output],
                layers: vec![layer],
                activation_bits: g.activation_bits,
                weight_bits: g.weight_bits,
            },
            input: Tensor { shape: input, data },
        }
    }

    /// Shapes of input and output, and the operation.
    fn shapes(&self, g: &Geometry, cycles: usize, rng: &mut ChaCha8Rng) -> (Shape, Shape, Op) {
        let macs = cycles * g.rows * g.cols * g.lanes;
        let outs = (g.cols * g.lanes * 2).min(g.cols * g.lanes * g.psum_bank).clamp(4, 32);
        let ins = (2 * g.word_channels).min(16);
        let side = |per_pixel: usize| side(macs, per_pixel);
        let mut weights = |n: usize| -> Vec<i32> {
            (0..n).map(|_| self.weights.draw(rng, g.weight_bits)).collect()
        };
        let mut conv = |k: usize, s: usize, ins: usize, outs: usize| {
            let n = side(k * k * ins * outs);
            let edge = (n - 1) * s + k - 2 * (k / 2);
            let weights = weights(outs * ins * k * k);
            let conv = Conv { window: window(k, s, k / 2), groups: 1, weights };
            (Shape::new(ins, edge, edge), Shape::new(outs, n, n), Op::Conv(conv))
        };
        match self.kind {
            DesignedLayer::Channels(k, s, words) => {
                let ins = if words == 0 { 3 } else { words * g.word_channels };
                conv(k, s, ins, (g.cols * g.lanes).clamp(4, 16))
            }
            DesignedLayer::Conv(k, s) => conv(k, s, ins, outs),
            DesignedLayer::Whole => {
                let n = side(outs).clamp(4, 8);
                let conv =
                    Conv { window: window(n, 1, 0), groups: outs, weights: weights(outs * n * n) };
                (Shape::new(outs, n, n), Shape::new(outs, 1, 1), Op::Conv(conv))
            }
            DesignedLayer::Depthwise => {
                let n = side(9 * outs).min(12);
                let conv =
                    Conv { window: window(3, 1, 1), groups: outs, weights: weights(outs * 9) };
                (Shape::new(outs, n, n), Shape::new(outs, n, n), Op::Conv(conv))
            }
            DesignedLayer::Full => {
                let n = (cycles * g.cols * g.lanes / outs).clamp(16, 192);
                let conv = Conv { window: window(1, 1, 0), groups: 1, weights: weights(outs * n) };
                (Shape::new(n, 1, 1), Shape::new(outs, 1, 1), Op::Conv(conv))
            }
            DesignedLayer::MaxPool => {
                let n = side(4 * outs).min(8);
                (
                    Shape::new(outs, 2 * n, 2 * n),
                    Shape::new(outs, n, n),
                    Op::MaxPool(window(2, 2, 0)),
                )
            }
            DesignedLayer::Add => {
                let n = side(2 * outs).min(12);
                let factor = self.weights.draw(rng, g.weight_bits).max(1);
                let add = Add { other: 0, factors: [factor, (factor / 2).max(1)] };
                (Shape::new(outs, n, n), Shape::new(outs, n, n), Op::Add(add))
            }
        }
    }
}

/// Side of a square map whose number of multiplications is about `macs`, at so many per pixel.
fn side(macs: usize, per_pixel: usize) -> usize {
    let pixels = (macs / per_pixel.max(1)).clamp(4, 400);
    ((pixels as f64).sqrt().round() as usize).max(2)
}

/// A square window.
fn window(kernel: usize, stride: usize, pad: usize) -> Window {
    Window { kernel: [kernel; 2], stride: [stride; 2], dilation: [1, 1], pads: [pad; 4] }
}

/// Rescaling of sums of `factors` typical products to the range of an activation.
fn requant(g: &Geometry, factors: usize, channels: usize, rng: &mut ChaCha8Rng) -> Vec<Requant> {
    let typical = (factors as f64).sqrt() * f64::from(1u32 << (g.weight_bits - 1)) * 0.2;
    let shift = (15.0 + typical.max(1.0).log2()).round().clamp(1.0, 46.0) as u32;
    let one = |rng: &mut ChaCha8Rng| Requant {
        bias: rng.random_range(-64..64),
        multiplier: rng.random_range(9_000..32_000),
        shift,
    };
    (0..channels).map(|_| one(rng)).collect()
}
