//! Samples of real layers, small enough for gate-level simulation.
//!
//! A sample is a layer of its own: the output pixels of a window and some of the channels, with the weights, the
//! rescaling and the input values of the network there. It compiles to a complete program, which is executed from reset
//! to its end.

use pecan_ir::layer::{Conv, Layer, Network, Op, Shape, Tensor, Window};

/// A cut: first output row and column, rows and columns, and the most input and output channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// First output row and column.
    pub at: [usize; 2],
    /// Output rows and columns.
    pub size: [usize; 2],
    /// First of the input and output channels.
    pub channel: [usize; 2],
    /// Input and output channels.
    pub channels: [usize; 2],
}

/// One axis of a window: first input point, input points, padding before and after.
struct Axis {
    from: usize,
    len: usize,
    before: usize,
    after: usize,
}

/// Cuts a sample of layer `index` out of a network, whose input to that layer is `input`. Layers with groups keep one
/// input channel per output channel (depthwise) or are cut along the first of the groups only. `None` for layers that
/// are no convolution, or whose groups are neither one nor depthwise.
#[must_use]
pub(super) fn crop(
    network: &Network,
    index: usize,
    input: &Tensor,
    cut: &Cut,
) -> Option<(Network, Tensor)> {
    let layer = &network.layers[index];
    let Op::Conv(conv) = &layer.op else { return None };
    let [full_in, full_out] = [layer.input, layer.output].map(|t| network.tensors[t]);
    let depthwise = conv.groups > 1;
    if depthwise && (conv.groups != full_in.channels || full_out.channels != full_in.channels) {
        return None;
    }
    let outs = span(cut.channel[1], cut.channels[1], full_out.channels);
    let ins = if depthwise {
        outs.clone()
    } else {
        span(cut.channel[0], cut.channels[0], full_in.channels)
    };
    let axes: [Axis; 2] = std::array::from_fn(|axis| {
        let limits = [[full_in.height, full_in.width], [full_out.height, full_out.width]];
        axis_of(&conv.window, axis, [limits[0][axis], limits[1][axis]], cut)
    });
    let [y, x] = &axes;
    let tensor = slice(input, &ins, y, x);
    let window = Window { pads: [y.before, x.before, y.after, x.after], ..conv.window };
    let size: [usize; 2] = std::array::from_fn(|axis| {
        span(cut.at[axis], cut.size[axis], out_size(&full_out, axis)).len()
    });
    let piece = Layer {
        op: Op::Conv(Conv {
            window,
            groups: if depthwise { outs.len() } else { 1 },
            weights: weights(conv, depthwise, full_in.channels, &ins, &outs),
        }),
        input: 0,
        output: 1,
        requant: outs.clone().map(|k| layer.requant[k]).collect(),
        ..layer.clone()
    };
    let shapes = vec![tensor.shape, Shape::new(outs.len(), size[0], size[1])];
    let name = format!("{}/{}", network.name, layer.name);
    let network = Network { name, tensors: shapes, layers: vec![piece], ..network.clone() };
    Some((network, tensor))
}

fn out_size(shape: &Shape, axis: usize) -> usize {
    [shape.height, shape.width][axis]
}

/// The range of `count` values from `first`, shifted and cut to lie within `all`.
fn span(first: usize, count: usize, all: usize) -> std::ops::Range<usize> {
    let count = count.clamp(1, all);
    let first = first.min(all - count);
    first..first + count
}

fn axis_of(window: &Window, axis: usize, [all_in, all_out]: [usize; 2], cut: &Cut) -> Axis {
    let out = span(cut.at[axis], cut.size[axis], all_out);
    let (stride, pad) = (window.stride[axis], window.pads[axis]);
    let reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1;
    // Coordinates that begin at the padding.
    let (first, last) = (out.start * stride, (out.end - 1) * stride + reach);
    let from = first.saturating_sub(pad);
    let to = last.saturating_sub(pad).clamp(from, all_in).max(from + 1).min(all_in.max(from + 1));
    let before = pad.saturating_sub(first);
    let after = (last - first).saturating_sub(before + (to - from));
    Axis { from, len: to - from, before, after }
}

fn slice(input: &Tensor, channels: &std::ops::Range<usize>, y: &Axis, x: &Axis) -> Tensor {
    let shape = Shape::new(channels.len(), y.len, x.len);
    let mut data = Vec::with_capacity(shape.len());
    for channel in channels.clone() {
        for row in y.from..y.from + y.len {
            let start = (channel * input.shape.height + row) * input.shape.width + x.from;
            data.extend_from_slice(&input.data[start..start + x.len]);
        }
    }
    Tensor { shape, data }
}

fn weights(
    conv: &Conv,
    depthwise: bool,
    in_channels: usize,
    ins: &std::ops::Range<usize>,
    outs: &std::ops::Range<usize>,
) -> Vec<i32> {
    let taps: usize = conv.window.kernel.iter().product();
    let per_out = if depthwise { 1 } else { in_channels };
    let kept = if depthwise { 0..1 } else { ins.clone() };
    let mut weights = Vec::with_capacity(outs.len() * kept.len() * taps);
    for out in outs.clone() {
        let base = out * per_out * taps;
        weights.extend_from_slice(&conv.weights[base + kept.start * taps..base + kept.end * taps]);
    }
    weights
}

/// Sets the smallest weights of a convolution to 0, in groups of `lanes` output channels that share an index on the
/// hardware, until `density` of the groups is left. Groups are ordered by the sum of their magnitudes; among equals the
/// later are removed first. Other layers stay unchanged.
pub(super) fn prune(layer: &mut Layer, lanes: usize, density: f64) {
    let outputs = layer.requant.len().max(1);
    let Op::Conv(conv) = &mut layer.op else { return };
    let per_output = conv.weights.len() / outputs;
    let members = |first: usize| first..(first + lanes).min(outputs);
    let mut groups: Vec<(u64, usize, usize)> = Vec::new();
    for first in (0..outputs).step_by(lanes) {
        for position in 0..per_output {
            let magnitude =
                |k: usize| u64::from(conv.weights[k * per_output + position].unsigned_abs());
            groups.push((members(first).map(magnitude).sum(), first, position));
        }
    }
    groups.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let kept = (groups.len() as f64 * density).round() as usize;
    for (_, first, position) in groups.into_iter().skip(kept) {
        members(first).for_each(|k| conv.weights[k * per_output + position] = 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pecan_ir::layer::Requant;
    use pecan_ir::reference;

    fn network(groups: usize) -> (Network, Tensor) {
        let shape = Shape::new(4, 9, 7);
        let window =
            Window { kernel: [3, 3], stride: [2, 1], dilation: [1, 1], pads: [1, 1, 1, 1] };
        let per_out = 4 / groups * 9;
        let weights = (0..4 * per_out).map(|i| (i as i32 * 37 % 23) - 11).collect();
        let layer = Layer {
            name: "conv".into(),
            kind: "Conv".into(),
            op: Op::Conv(Conv { window, groups, weights }),
            input: 0,
            output: 1,
            requant: vec![Requant { bias: 3, multiplier: 16_000, shift: 18 }; 4],
            clamp: [-127, 127],
        };
        let network = Network {
            name: "n".into(),
            tensors: vec![shape, Shape::new(4, 5, 7)],
            layers: vec![layer],
            activation_bits: 8,
            weight_bits: 8,
        };
        let data = (0..shape.len()).map(|i| (i as i32 * 53 % 255) - 127).collect();
        (network, Tensor { shape, data })
    }

    #[test]
    fn a_piece_computes_what_the_layer_computes_there() {
        for groups in [1, 4] {
            let (whole, input) = network(groups);
            let full = reference::run(&whole, &input).unwrap().pop().unwrap();
            for (at, size) in
                [([0, 0], [2, 3]), ([3, 4], [2, 3]), ([1, 2], [3, 2]), ([0, 0], [5, 7])]
            {
                let cut = Cut { at, size, channel: [0, 1], channels: [4, 2] };
                let (piece, tensor) = crop(&whole, 0, &input, &cut).unwrap();
                let part = reference::run(&piece, &tensor).unwrap().pop().unwrap();
                assert_eq!(part.shape, Shape::new(2, size[0], size[1]));
                for c in 0..2 {
                    for y in 0..size[0] {
                        for x in 0..size[1] {
                            let there = ((c + 1) * 5 + at[0] + y) * 7 + at[1] + x;
                            let here = (c * size[0] + y) * size[1] + x;
                            assert_eq!(
                                part.data[here], full.data[there],
                                "{groups} {at:?} {c} {y} {x}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn pruning_keeps_the_largest_groups() {
        let (mut network, _) = network(1);
        prune(&mut network.layers[0], 2, 0.25);
        let Op::Conv(conv) = &network.layers[0].op else { panic!("a convolution") };
        let kept = (0..36).flat_map(|p| [0, 2].map(|first| (first, p)));
        let kept =
            kept.filter(|(first, p)| (0..2).any(|k| conv.weights[(first + k) * 36 + p] != 0));
        assert_eq!(kept.count(), 18);
    }
}
