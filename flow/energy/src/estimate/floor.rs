//! Lower bound of the energy of a network's computation on any machine, the reference for an estimate.
//!
//! The bound is `nonzero MACs x MAC energy + compressed compulsory bits x DRAM energy per bit`. A nonzero MAC has a
//! trained weight and, where activations are known, an activation that are both not 0. Compulsory bits have to cross
//! the border of the chip once: the network's input, its output, and weights and requantization parameters, these once
//! for all images where they stay in the device. A tensor of `n` values of `b` bits, `z` of them not 0, is compressed
//! as a bitmap followed by the values, as it is, or as the program has it, whichever is shortest. So the bound never
//! exceeds the energy spent.

use pecan_config::geometry::Geometry;
use pecan_ir::layer::{Conv, Layer, Network, Op, Shape, Tensor};

/// The minimal work of a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Floor {
    /// Multiply-accumulates of which no operand is 0.
    pub nonzero_macs: f64,
    /// Compressed bits that have to be moved.
    pub dram_bits: f64,
}

impl Floor {
    /// Energy of this work at these energies per multiplication and per bit.
    #[must_use]
    pub fn energy(&self, per_mac: f64, per_bit: f64) -> f64 {
        self.nonzero_macs * per_mac + self.dram_bits * per_bit
    }
}

/// Bits of `count` values of `bits` bits of which `nonzero` are not 0.
pub(super) fn compressed(count: f64, nonzero: f64, bits: usize) -> f64 {
    let bits = bits as f64;
    (count * bits).min(count + nonzero * bits)
}

/// Bits of the weights and requantization parameters of a layer.
pub(super) fn stored_bits(layer: &Layer, g: &Geometry) -> f64 {
    let weights = match &layer.op {
        Op::Conv(conv) => conv.weights.as_slice(),
        Op::Add(add) => add.factors.as_slice(),
        Op::MaxPool(_) => &[],
    };
    let nonzero = weights.iter().filter(|w| **w != 0).count() as f64;
    let parameters = layer.requant.len() * (g.bias_bits() + pecan_config::isa::SCALE_BITS);
    compressed(weights.len() as f64, nonzero, g.weight_bits) + parameters as f64
}

/// Bits of a tensor.
pub(super) fn tensor_bits(tensor: &Tensor, g: &Geometry) -> f64 {
    let nonzero = tensor.data.iter().filter(|v| **v != 0).count() as f64;
    compressed(tensor.data.len() as f64, nonzero, g.activation_bits)
}

/// Multiply-accumulates of a layer (as [`Layer::macs`] counts them) of which no operand is 0. `tensors` are all of the network's.
pub(super) fn nonzero_macs(network: &Network, layer: &Layer, tensors: &[Tensor]) -> u64 {
    let input = &tensors[layer.input];
    match &layer.op {
        Op::Conv(conv) if layer.is_weighted() => {
            convolution(conv, input, network.tensors[layer.output])
        }
        _ => 0,
    }
}

/// Per input channel and tap: outputs that read a nonzero value, times nonzero weights.
fn convolution(conv: &Conv, input: &Tensor, output: Shape) -> u64 {
    let [rows, columns] = conv.window.kernel;
    let per_group = input.shape.channels / conv.groups.max(1);
    let each = output.channels / conv.groups.max(1);
    let taps = rows * columns;
    let mut total = 0;
    for channel in 0..input.shape.channels {
        let (group, inner) = (channel / per_group, channel % per_group);
        for tap in 0..taps {
            let weight = |o: usize| conv.weights[(o * per_group + inner) * taps + tap];
            let kept = (group * each..(group + 1) * each).filter(|o| weight(*o) != 0).count();
            if kept > 0 {
                let at = [tap / columns, tap % columns];
                total += kept as u64 * seen(conv, input, output, channel, at);
            }
        }
    }
    total
}

/// Output pixels that read a nonzero value of an input channel through a tap.
fn seen(conv: &Conv, input: &Tensor, output: Shape, channel: usize, tap: [usize; 2]) -> u64 {
    let (w, shape) = (&conv.window, input.shape);
    let place = |axis: usize, at: usize, extent: usize| {
        let place = at * w.stride[axis] + tap[axis] * w.dilation[axis];
        place.checked_sub(w.pads[axis]).filter(|place| *place < extent)
    };
    let mut count = 0;
    for y in (0..output.height).filter_map(|y| place(0, y, shape.height)) {
        let row = &input.data[(channel * shape.height + y) * shape.width..][..shape.width];
        let columns = (0..output.width).filter_map(|x| place(1, x, shape.width));
        count += columns.filter(|x| row[*x] != 0).count() as u64;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use pecan_ir::layer::Window;

    #[test]
    fn compression_never_costs() {
        assert_eq!(compressed(100.0, 100.0, 8), 800.0);
        assert_eq!(compressed(100.0, 10.0, 8), 180.0);
    }

    #[test]
    fn only_pairs_of_nonzero_operands_count() {
        // 1x4 input through a kernel of 3 with a padding of 1 to the left and right: 4 outputs.
        let window =
            Window { kernel: [1, 3], stride: [1, 1], dilation: [1, 1], pads: [0, 1, 0, 1] };
        let conv = Conv { window, groups: 1, weights: vec![5, 0, -2, 0, 0, 1] };
        let input = Tensor { shape: Shape::new(1, 1, 4), data: vec![0, 3, 0, -1] };
        // Left tap: values 1..3 of outputs 1..4 -> inputs 0..3, of which one is nonzero; right tap: inputs 1..4, two.
        let count = convolution(&conv, &input, Shape::new(2, 1, 4));
        assert_eq!(count, 1 + 2 * 2);
        let dense = Tensor { data: vec![1; 4], ..input };
        assert_eq!(convolution(&conv, &dense, Shape::new(2, 1, 4)), 3 + 3 * 2);
    }
}
