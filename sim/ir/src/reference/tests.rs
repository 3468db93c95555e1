use super::*;
use crate::layer::{Add, Conv, Layer, Shape, Window};

const UNIT: Requant = Requant { bias: 0, multiplier: 2, shift: 1 };

fn window(kernel: [usize; 2], stride: usize, dilation: usize, pads: [usize; 4]) -> Window {
    Window { kernel, stride: [stride; 2], dilation: [dilation; 2], pads }
}

fn tensor(shape: Shape, f: impl Fn(usize) -> i32) -> Tensor {
    Tensor { shape, data: (0..shape.len()).map(f).collect() }
}

fn network(op: Op, input: Shape, output: Shape) -> Network {
    let layer = Layer {
        name: "l".into(),
        kind: "Conv".into(),
        op,
        input: 0,
        output: 1,
        requant: vec![UNIT; output.channels],
        clamp: [-127, 127],
    };
    Network {
        name: "n".into(),
        tensors: vec![input, output],
        layers: vec![layer],
        activation_bits: 8,
        weight_bits: 8,
    }
}

#[test]
fn rounding_is_half_up_and_clamped() {
    let half = Requant { bias: 0, multiplier: 1, shift: 1 };
    let results: Vec<i32> = (-3..=3).map(|v| half.apply(v, [-127, 127])).collect();
    assert_eq!(results, [-1, -1, 0, 0, 1, 1, 2]);
    assert_eq!(Requant { bias: 5, multiplier: 2, shift: 1 }.apply(200, [0, 127]), 127);
    assert_eq!(UNIT.apply(i64::MIN, [-127, 127]), -127);
    assert_eq!(UNIT.apply(-4, [0, 127]), 0);
}

#[test]
fn convolution_with_asymmetric_padding_stride_and_groups() {
    // Two channels in two groups, 3x3 input 1..9 and 10..18, kernel of ones and of twos.
    let input = tensor(Shape::new(2, 3, 3), |i| i as i32 + 1);
    let mut weights = vec![1; 4];
    weights.extend([2; 4]);
    let window = window([2, 2], 2, 1, [0, 0, 1, 1]);
    let conv = Conv { window, groups: 2, weights };
    let net = network(Op::Conv(conv), input.shape, Shape::new(2, 2, 2));
    let out = run(&net, &input).unwrap();
    let expected = [1 + 2 + 4 + 5, 3 + 6, 7 + 8, 9, 2 * 48, 2 * 27, 2 * 33, 2 * 18];
    assert_eq!(out[1].data, expected);
}

#[test]
fn dilated_convolution() {
    let input = tensor(Shape::new(1, 3, 3), |i| i as i32 + 1);
    let conv = Conv { window: window([2, 2], 1, 2, [0; 4]), groups: 1, weights: vec![1, 2, 3, 4] };
    let net = network(Op::Conv(conv), input.shape, Shape::new(1, 1, 1));
    assert_eq!(run(&net, &input).unwrap()[1].data, [1 + 2 * 3 + 3 * 7 + 4 * 9]);
}

#[test]
fn maximum_ignores_padding() {
    let input = tensor(Shape::new(1, 2, 2), |i| -(i as i32) - 1);
    let window = window([2, 2], 1, 1, [1, 1, 1, 1]);
    let net = network(Op::MaxPool(window), input.shape, Shape::new(1, 3, 3));
    assert_eq!(run(&net, &input).unwrap()[1].data, [-1, -1, -2, -1, -1, -2, -3, -3, -4]);
}

#[test]
fn contradictions_are_refused() {
    let shape = Shape::new(1, 2, 2);
    let good = network(Op::MaxPool(window([1, 1], 1, 1, [0; 4])), shape, shape);
    let input = tensor(shape, |_| 1);
    assert!(run(&good, &input).is_ok());
    let mut bad = good.clone();
    bad.layers[0].input = 7;
    assert!(run(&bad, &input).unwrap_err().to_string().contains("tensor 7 of 2"));
    let mut bad = good.clone();
    bad.layers[0].requant[0].shift = 48;
    assert!(run(&bad, &input).unwrap_err().to_string().contains("shift 48"));
    let mut bad = good.clone();
    bad.tensors[1].width = 3;
    assert!(run(&bad, &input).is_err());
    let mut bad = good.clone();
    bad.layers[0].op = Op::MaxPool(window([1, 1], 0, 1, [0; 4]));
    assert!(run(&bad, &input).is_err());
    let mut bad = good.clone();
    bad.layers[0].op = Op::MaxPool(window([1, 1], 1, 1, [1; 4]));
    bad.tensors[1] = Shape::new(1, 4, 4);
    assert!(run(&bad, &input).unwrap_err().to_string().contains("padding only"));
    assert!(run(&good, &tensor(shape, |_| 128)).unwrap_err().to_string().contains("128"));
    assert!(run(&good, &tensor(Shape::new(1, 1, 4), |_| 1)).is_err());
}

#[test]
fn bound_and_single_layer() {
    let conv = Conv { window: window([1, 1], 1, 1, [0; 4]), groups: 1, weights: vec![3, -4, 5, 0] };
    let mut net = network(Op::Conv(conv), Shape::new(2, 1, 1), Shape::new(2, 1, 1));
    net.layers[0].requant[1].bias = -300;
    assert_eq!(net.accumulator_bound(0), 5 * 127 + 300);
    let single = net.single(0).unwrap();
    assert_eq!((single.layers[0].input, single.layers[0].output), (0, 1));
    single.validate().unwrap();
    assert!(net.single(1).is_none());
}

/// x -> (maximum over one value) -> 3 x - 2 of that, with a rescaling per channel.
fn residual(factors: [i32; 2], other: usize) -> Network {
    let shape = Shape::new(2, 1, 2);
    let mut net = network(Op::MaxPool(window([1, 1], 1, 1, [0; 4])), shape, shape);
    net.tensors.push(shape);
    let sum = Layer {
        name: "sum".into(),
        kind: "Add".into(),
        op: Op::Add(Add { other, factors }),
        input: 0,
        output: 2,
        requant: vec![UNIT, Requant { bias: 1, multiplier: 1, shift: 1 }],
        clamp: [0, 127],
    };
    net.layers[0].clamp = [-1, 1];
    net.layers.push(sum);
    net
}

#[test]
fn weighted_sum_of_two_tensors() {
    let net = residual([3, -2], 1);
    let input = tensor(net.tensors[0], |i| [10, -5, 7, -1][i]);
    let out = run(&net, &input).unwrap();
    // 30 - 2, -15 + 2; (21 - 2 + 1) / 2, (-3 + 2 + 1) / 2.
    assert_eq!(out[2].data, [28, 0, 10, 0]);
    assert_eq!(net.layers[1].inputs().collect::<Vec<_>>(), [0, 1]);
    assert_eq!(net.layers[0].inputs().collect::<Vec<_>>(), [0]);
    // Two operands for each of four sums, none of them a multiplication of the network.
    let (sum, output) = (&net.layers[1], net.tensors[2]);
    assert_eq!(
        (sum.macs(output), sum.nonzero_macs(output), sum.other_operations(output)),
        (0, 0, 8)
    );
    assert_eq!(net.accumulator_bound(1), 5 * 127 + 1);
    assert!(net.single(1).is_none());
    let twice = residual([3, -2], 0);
    let single = twice.single(1).unwrap();
    assert_eq!(run(&single, &input).unwrap()[1].data, [10, 0, 4, 0]);
}

#[test]
fn contradictory_sums_are_refused() {
    let problem = |net: &Network| net.validate().unwrap_err().to_string();
    assert!(problem(&residual([128, 1], 1)).contains("factor 128; allowed: -127 to 127"));
    assert!(problem(&residual([1, 1], 2)).contains("reads tensor 2 before"));
    assert!(problem(&residual([1, 1], 5)).contains("tensor 5 of 3"));
    let mut net = residual([1, 1], 1);
    net.tensors[2].width = 3;
    assert!(problem(&net).contains("all must be equal"));
    let mut net = residual([1, 1], 1);
    net.layers[1].requant.pop();
    assert!(problem(&net).contains("1 rescale entries for 2 channels"));
}

#[test]
fn twelve_million_macs_are_quick() {
    let shape = Shape::new(32, 37, 37);
    let conv =
        Conv { window: window([3, 3], 1, 1, [1; 4]), groups: 1, weights: vec![1; 32 * 32 * 9] };
    let net = network(Op::Conv(conv), shape, shape);
    let start = std::time::Instant::now();
    run(&net, &tensor(shape, |i| (i % 7) as i32)).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    println!("{} MACs in {seconds:.3} s", net.layers[0].macs(shape));
    // A generous limit, as other tests may run at the same time.
    assert!(seconds < 2.0);
}

/// Compares the convolution with its definition, one loop per symbol.
#[test]
fn convolutions_follow_their_definition() {
    let mut state = 7u64;
    let mut draw = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % below) as usize
    };
    for trial in 0..300 {
        let kernel = [1 + draw(3), 1 + draw(4)];
        let (stride, dilation) = ([1 + draw(2), 1 + draw(3)], [1 + draw(2), 1 + draw(2)]);
        let pads = [draw(3), draw(3), draw(3), draw(3)];
        let window = Window { kernel, stride, dilation, pads };
        let groups = 1 + draw(2);
        let shape = Shape::new(groups * (1 + draw(3)), 4 + draw(5), 4 + draw(5));
        let Some([height, width]) = window.output_size(shape.height, shape.width) else { continue };
        let output = Shape::new(groups * (1 + draw(3)), height, width);
        // Large values in some trials, which need wide sums.
        let most = if trial % 3 == 0 { 1 << 15 } else { 128 };
        let mut value = |_| draw(2 * most) as i32 - most as i32;
        let taps = shape.channels / groups * kernel[0] * kernel[1];
        let weights: Vec<i32> = (0..output.channels * taps).map(&mut value).collect();
        let input = Tensor { shape, data: (0..shape.len()).map(&mut value).collect() };
        let requant = vec![Requant { bias: 3, multiplier: 2, shift: 1 }; output.channels];
        let conv = Conv { window, groups, weights };
        let clamp = [i32::MIN, i32::MAX];
        let got = ops::conv(&conv, &input, output, &requant, clamp);
        let mut expected = Vec::new();
        for (o, requant) in requant.iter().enumerate() {
            for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                let mut acc = 0i64;
                for k in 0..taps {
                    let [row, column] = [k / kernel[1] % kernel[0], k % kernel[1]];
                    let at = |axis: usize, position: usize, tap: usize, extent: usize| {
                        (position * stride[axis] + tap * dilation[axis])
                            .checked_sub(pads[axis])
                            .filter(|at| *at < extent)
                    };
                    let channel = o / (output.channels / groups) * (shape.channels / groups)
                        + k / (kernel[0] * kernel[1]);
                    if let (Some(iy), Some(ix)) =
                        (at(0, y, row, shape.height), at(1, x, column, shape.width))
                    {
                        let v = input.data[(channel * shape.height + iy) * shape.width + ix];
                        acc += i64::from(conv.weights[o * taps + k]) * i64::from(v);
                    }
                }
                expected.push(requant.apply(acc, clamp));
            }
        }
        assert_eq!(got.data, expected, "trial {trial}");
    }
}

#[test]
fn copies_move_values() {
    let of = |weights: Vec<i32>, kind: &str| {
        let conv = Conv { window: window([1, 1], 1, 1, [0; 4]), groups: 1, weights };
        let mut net = network(Op::Conv(conv), Shape::new(2, 1, 1), Shape::new(2, 1, 1));
        net.layers[0].kind = kind.into();
        let layer = &net.layers[0];
        let output = Shape::new(2, 3, 3);
        (layer.is_copy(), layer.macs(output), layer.other_operations(output))
    };
    // The second input to the second output; nothing to the first.
    assert_eq!(of(vec![0, 0, 0, 1], "Concat"), (true, 0, 9));
    assert_eq!(of(vec![0, 1, 1, 0], "Concat"), (true, 0, 18));
    assert_eq!(of(vec![1, 1, 0, 1], "AveragePool"), (false, 0, 36));
    assert_eq!(of(vec![0, 2, 1, 0], "Mul"), (false, 0, 36));
    assert_eq!(of(vec![0, 1, 1, 0], "Conv"), (false, 36, 0));
}
