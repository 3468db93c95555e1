//! Random networks: every dimension that a layer has, with weights at the densities that pruning gives.

use pecan_hdl::config::Config;
use pecan_sim::layer::{Add, Conv, Layer, Network, Op, Requant, Shape, Tensor, Window};
use rand::Rng;

/// How large and how deep random networks are.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Largest height and width of the input.
    pub extent: usize,
    /// Largest number of channels.
    pub channels: usize,
    /// Layers.
    pub depth: usize,
}

/// A network of random layers for the widths of `config`. Each reads the tensor before it; sums also read
/// any other of the same shape.
pub fn network<R: Rng>(rng: &mut R, config: &Config, size: Size) -> Network {
    let shape = Shape::new(
        rng.random_range(1..=size.channels),
        rng.random_range(1..=size.extent),
        rng.random_range(1..=size.extent),
    );
    let mut network = Network {
        name: "random".into(),
        tensors: vec![shape],
        layers: Vec::new(),
        activation_bits: config.numerics.activation_bits,
        weight_bits: config.numerics.weight_bits,
    };
    while network.layers.len() < size.depth {
        if let Some((layer, next)) = layer(rng, &network.tensors, config, size) {
            network.layers.push(layer);
            network.tensors.push(next);
        }
    }
    network
}

/// A random input: half of it zero, as after a ReLU, or dense, with the extreme values among it.
pub fn input<R: Rng>(rng: &mut R, shape: Shape, config: &Config) -> Tensor {
    let high = config.activation_range().1 as i32;
    let zeros = [0.0, 0.5, 0.95][rng.random_range(0..3)];
    let value = |rng: &mut R| match rng.random_range(0..20) {
        0 => high,
        1 => -high,
        _ if rng.random_bool(zeros) => 0,
        _ => rng.random_range(-high..=high),
    };
    Tensor { shape, data: (0..shape.len()).map(|_| value(rng)).collect() }
}

fn layer<R: Rng>(
    rng: &mut R,
    tensors: &[Shape],
    config: &Config,
    size: Size,
) -> Option<(Layer, Shape)> {
    let index = tensors.len() - 1;
    let input = tensors[index];
    let (op, output) = match rng.random_range(0..10) {
        0 | 1 => {
            let window = window(rng, input);
            let [height, width] = window.output_size(input.height, input.width)?;
            if window.has_empty_window(input.height, input.width) {
                return None;
            }
            (Op::MaxPool(window), Shape::new(input.channels, height, width))
        }
        2 => (sum(rng, tensors, config), input),
        _ => {
            let window = window(rng, input);
            let [height, width] = window.output_size(input.height, input.width)?;
            let (groups, channels) = groups(rng, input.channels, size.channels);
            let weights = weights(rng, input.channels / groups, &window, channels, config);
            (Op::Conv(Conv { window, groups, weights }), Shape::new(channels, height, width))
        }
    };
    let high = config.activation_range().1 as i32;
    let pool = matches!(op, Op::MaxPool(_));
    let requant = (0..output.channels)
        .map(|_| Requant {
            bias: if pool { 0 } else { rng.random_range(-1000..=1000) },
            multiplier: rng.random_range(1..1 << 15),
            shift: rng.random_range(12..=24),
        })
        .collect();
    let clamp = [if rng.random_bool(0.5) { 0 } else { -high }, high];
    let kind = match &op {
        Op::Conv(_) => "Conv",
        Op::MaxPool(_) => "MaxPool",
        Op::Add(_) => "Add",
    };
    let name = format!("layer{index}");
    let layer =
        Layer { name, kind: kind.into(), op, input: index, output: index + 1, requant, clamp };
    Some((layer, output))
}

/// The sum of the latest tensor and any of its shape, itself included.
fn sum<R: Rng>(rng: &mut R, tensors: &[Shape], config: &Config) -> Op {
    let latest = tensors[tensors.len() - 1];
    let alike: Vec<usize> = (0..tensors.len()).filter(|t| tensors[*t] == latest).collect();
    let room = 1i64 << (config.numerics.accumulator_bits - config.numerics.activation_bits);
    let largest = (room / 2 - 1).clamp(0, config.weight_range().1) as i32;
    let factors = [0; 2].map(|_| rng.random_range(-largest..=largest));
    Op::Add(Add { other: alike[rng.random_range(0..alike.len())], factors })
}

/// Groups and output channels of a convolution: ordinary, depthwise or in between.
fn groups<R: Rng>(rng: &mut R, inputs: usize, most: usize) -> (usize, usize) {
    match rng.random_range(0..6) {
        0 => (inputs, inputs),
        1 => {
            let divisors: Vec<usize> = (1..=inputs).filter(|n| inputs.is_multiple_of(*n)).collect();
            let groups = divisors[rng.random_range(0..divisors.len())];
            (groups, groups * rng.random_range(1..=(most / groups).max(1)))
        }
        // As many as the input has, so that a sum may follow.
        2 | 3 => (1, inputs),
        _ => (1, rng.random_range(1..=most)),
    }
}

/// The layer without its numbers, for messages.
pub fn describe(layer: &Layer) -> String {
    match &layer.op {
        Op::Conv(conv) => format!("{:?}, groups {}", conv.window, conv.groups),
        Op::MaxPool(window) => format!("maximum, {window:?}"),
        Op::Add(add) => format!("sum, {add:?}"),
    }
}

fn window<R: Rng>(rng: &mut R, input: Shape) -> Window {
    let whole = [input.height, input.width];
    let point = Window { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pads: [0; 4] };
    match rng.random_range(0..10) {
        0 => Window { kernel: whole, ..point },
        1 => point,
        // Keeps the extent.
        2 | 3 => Window { kernel: [3, 3], pads: [1; 4], ..point },
        choice => {
            let largest = if choice == 4 { 11 } else { 5 };
            let kernel = [rng.random_range(1..=largest), rng.random_range(1..=largest)];
            Window {
                kernel,
                stride: [rng.random_range(1..=4), rng.random_range(1..=4)],
                dilation: [rng.random_range(1..=3), rng.random_range(1..=2)],
                pads: std::array::from_fn(|i| rng.random_range(0..kernel[i % 2])),
            }
        }
    }
}

/// Weights at density 0, 0.1, 0.5 or 1; zeros fall on single weights or on groups of as many output
/// channels as the hardware has lanes.
fn weights<R: Rng>(
    rng: &mut R,
    inputs: usize,
    window: &Window,
    channels: usize,
    config: &Config,
) -> Vec<i32> {
    let taps = inputs * window.kernel[0] * window.kernel[1];
    let density = [0.0, 0.1, 0.5, 1.0][rng.random_range(0..4)];
    let grouped = rng.random_bool(0.5);
    // As large as the accumulator bears; the mapper refuses what might overflow.
    let room = 1i64 << (config.numerics.accumulator_bits - config.numerics.activation_bits);
    let largest = (room / taps as i64 - 1).clamp(0, config.weight_range().1) as i32;
    let groups = channels.div_ceil(config.array.lanes);
    let kept: Vec<bool> = (0..groups * taps).map(|_| rng.random_bool(density)).collect();
    (0..channels * taps)
        .map(|i| {
            let (channel, tap) = (i / taps, i % taps);
            let keep = if grouped {
                kept[channel / config.array.lanes * taps + tap]
            } else {
                rng.random_bool(density)
            };
            if keep { rng.random_range(-largest..=largest) } else { 0 }
        })
        .collect()
}
