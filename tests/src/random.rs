//! Random networks: every dimension of a layer, with weights at the densities of pruning, in chains, with sums over
//! older tensors and with two branches that meet in a sum.

use pecan_config::Config;
use pecan_config::geometry::Geometry;
use pecan_ir::layer::{Add, Conv, Layer, Network, Op, Requant, Shape, Tensor, Window};
use rand::Rng;

/// Size and depth of random networks.
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
        if size.depth - network.layers.len() >= 3 && rng.random_bool(0.25) {
            branches(rng, &mut network, config, size);
            continue;
        }
        let latest = network.tensors.len() - 1;
        if let Some((op, output)) = operation(rng, &network.tensors, config, size) {
            append(rng, &mut network, config, latest, op, output);
        }
    }
    network
}

/// Two convolutions of the latest tensor whose outputs are summed.
fn branches<R: Rng>(rng: &mut R, network: &mut Network, config: &Config, size: Size) {
    let from = network.tensors.len() - 1;
    let input = network.tensors[from];
    let window = window(rng, input);
    let Some([height, width]) = window.output_size(input.height, input.width) else { return };
    let output = Shape::new(rng.random_range(1..=size.channels), height, width);
    for _ in 0..2 {
        let weights = weights(rng, input.channels, &window, output.channels, config);
        let op = Op::Conv(Conv { window, groups: 1, weights });
        append(rng, network, config, from, op, output);
    }
    let sum = Op::Add(Add { other: from + 1, factors: factors(rng, config) });
    append(rng, network, config, from + 2, sum, output);
}

/// Adds a layer with random rescaling.
fn append<R: Rng>(
    rng: &mut R,
    network: &mut Network,
    config: &Config,
    input: usize,
    op: Op,
    output: Shape,
) {
    let requant = requant(rng, config, &op, output.channels);
    let high = config.activation_range().1 as i32;
    let clamp = [if rng.random_bool(0.5) { 0 } else { -high }, high];
    let kind = match &op {
        Op::Conv(_) => "Conv",
        Op::MaxPool(_) => "MaxPool",
        Op::Add(_) => "Add",
    };
    let index = network.tensors.len();
    let name = format!("layer{}", index - 1);
    let layer = Layer { name, kind: kind.into(), op, input, output: index, requant, clamp };
    network.layers.push(layer);
    network.tensors.push(output);
}

/// Rescaling of every channel, in one case of eight with the extreme values of the fields.
fn requant<R: Rng>(rng: &mut R, config: &Config, op: &Op, channels: usize) -> Vec<Requant> {
    let pool = matches!(op, Op::MaxPool(_));
    let largest = (1i64 << (Geometry::of(config).bias_bits() - 1)) - 1;
    let extreme = rng.random_bool(0.125);
    let bias = |rng: &mut R| match (pool, extreme) {
        (true, _) => 0,
        (_, true) => [-largest - 1, largest][rng.random_range(0..2)],
        _ => rng.random_range(-largest.min(1000)..=largest.min(1000)),
    };
    (0..channels)
        .map(|_| Requant {
            bias: bias(rng),
            multiplier: if extreme { (1 << 15) - 1 } else { rng.random_range(1..1 << 15) },
            shift: if extreme { rng.random_range(1..=47) } else { rng.random_range(12..=24) },
        })
        .collect()
}

/// A random input: half of it zero, as after a ReLU, or dense, with the extreme values among it, or only one of the
/// extreme values.
pub fn input<R: Rng>(rng: &mut R, shape: Shape, config: &Config) -> Tensor {
    let high = config.activation_range().1 as i32;
    let zeros = [0.0, 0.5, 0.95][rng.random_range(0..3)];
    let only = [None, None, None, Some(-high), Some(high)][rng.random_range(0..5)];
    let value = |rng: &mut R| match rng.random_range(0..20) {
        _ if only.is_some() => only.unwrap_or(0),
        0 => high,
        1 => -high,
        _ if rng.random_bool(zeros) => 0,
        _ => rng.random_range(-high..=high),
    };
    Tensor { shape, data: (0..shape.len()).map(|_| value(rng)).collect() }
}

/// An operation on the latest tensor and its output shape, or none if none fits.
fn operation<R: Rng>(
    rng: &mut R,
    tensors: &[Shape],
    config: &Config,
    size: Size,
) -> Option<(Op, Shape)> {
    let input = tensors[tensors.len() - 1];
    Some(match rng.random_range(0..10) {
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
    })
}

/// The sum of the latest tensor and any of its shape, itself included.
fn sum<R: Rng>(rng: &mut R, tensors: &[Shape], config: &Config) -> Op {
    let latest = tensors[tensors.len() - 1];
    let alike: Vec<usize> = (0..tensors.len()).filter(|t| tensors[*t] == latest).collect();
    Op::Add(Add { other: alike[rng.random_range(0..alike.len())], factors: factors(rng, config) })
}

/// Factors of a sum that cannot overflow.
fn factors<R: Rng>(rng: &mut R, config: &Config) -> [i32; 2] {
    let room = 1i64 << (config.numerics.accumulator_bits - config.numerics.activation_bits);
    let largest = (room / 2 - 1).clamp(0, config.weight_range().1) as i32;
    [0; 2].map(|_| rng.random_range(-largest..=largest))
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

/// Weights at any density, including 0 and 1; zeros are single weights or groups of as many output channels as the
/// hardware has lanes. In one case of eight every weight has the largest magnitude.
fn weights<R: Rng>(
    rng: &mut R,
    inputs: usize,
    window: &Window,
    channels: usize,
    config: &Config,
) -> Vec<i32> {
    let taps = inputs * window.kernel[0] * window.kernel[1];
    let density = [0.0, 1.0, 0.1, rng.random_range(0.0..1.0)][rng.random_range(0..4)];
    let extreme = rng.random_bool(0.125);
    let grouped = rng.random_bool(0.5);
    // The largest weights for the accumulator; the mapper refuses networks that might overflow.
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
            match (keep, extreme) {
                (false, _) => 0,
                (true, true) => [-largest, largest][rng.random_range(0..2)],
                (true, false) => rng.random_range(-largest..=largest),
            }
        })
        .collect()
}
