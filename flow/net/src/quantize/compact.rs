//! Removes unused channels from the integer network.
//!
//! Pruning empties channels: some are always 0, others have no reader. The file keeps its structure, but the hardware
//! need not compute, store and pool them. The rest computes the same values, bit for bit.

use pecan_ir::layer::{Add, Conv, Layer, Network, Op};

use super::Quantized;

/// For every tensor, flags of the channels in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live(Vec<Vec<bool>>);

impl Live {
    /// The channels of `network`'s tensors that its output depends on. Those of its input and output are all kept, and
    /// at least one of every tensor.
    #[must_use]
    pub fn of(network: &Network) -> Self {
        let zero = zeros(network);
        let mut live = needed(network, &zero);
        for (live, zero) in live.iter_mut().zip(&zero) {
            live.iter_mut().zip(zero).for_each(|(live, zero)| *live &= !zero);
        }
        let output = network.layers.last().map_or(0, |layer| layer.output);
        for tensor in [0, output] {
            live[tensor].fill(true);
        }
        for channels in live.iter_mut().filter(|channels| !channels.contains(&true)) {
            channels.iter_mut().take(1).for_each(|first| *first = true);
        }
        while join(network, &mut live) {}
        Self(live)
    }

    /// The live channels of a tensor.
    #[must_use]
    pub fn channels(&self, tensor: usize) -> &[bool] {
        &self.0[tensor]
    }

    /// Whether all channels are live.
    #[must_use]
    pub fn all(&self) -> bool {
        self.0.iter().flatten().all(|live| *live)
    }
}

/// Whether a convolution works channel by channel.
fn depthwise(conv: &Conv, network: &Network, layer: &Layer) -> bool {
    let [inputs, outputs] = [layer.input, layer.output].map(|t| network.tensors[t].channels);
    conv.groups == inputs && inputs == outputs
}

/// Weights of output channel `o` on its inputs, and the first of these.
fn kernels<'a>(
    conv: &'a Conv,
    network: &Network,
    layer: &Layer,
    o: usize,
) -> (usize, std::slice::Chunks<'a, i32>) {
    let [inputs, outputs] = [layer.input, layer.output].map(|t| network.tensors[t].channels);
    let taps = conv.window.kernel[0] * conv.window.kernel[1];
    let each = inputs / conv.groups;
    let first = o / (outputs / conv.groups) * each;
    (first, conv.weights[o * each * taps..(o + 1) * each * taps].chunks(taps))
}

/// Channels whose values are always 0.
fn zeros(network: &Network) -> Vec<Vec<bool>> {
    let mut zero: Vec<Vec<bool>> =
        network.tensors.iter().map(|shape| vec![false; shape.channels]).collect();
    for layer in &network.layers {
        let rests = |o: usize| layer.requant[o].apply(0, layer.clamp) == 0;
        let of = |o: usize| match &layer.op {
            Op::Conv(conv) => {
                let (first, kernels) = kernels(conv, network, layer, o);
                let silent = |(k, kernel): (usize, &[i32])| {
                    zero[layer.input][first + k] || kernel.iter().all(|w| *w == 0)
                };
                kernels.enumerate().all(silent) && rests(o)
            }
            Op::MaxPool(_) => zero[layer.input][o] && rests(o),
            Op::Add(add) => zero[layer.input][o] && zero[add.other][o] && rests(o),
        };
        let channels: Vec<bool> = (0..network.tensors[layer.output].channels).map(of).collect();
        zero[layer.output] = channels;
    }
    zero
}

/// Channels whose readers are needed themselves.
fn needed(network: &Network, zero: &[Vec<bool>]) -> Vec<Vec<bool>> {
    let mut needed: Vec<Vec<bool>> =
        network.tensors.iter().map(|shape| vec![false; shape.channels]).collect();
    if let Some(last) = network.layers.last() {
        needed[last.output].fill(true);
    }
    for layer in network.layers.iter().rev() {
        for o in 0..network.tensors[layer.output].channels {
            if !needed[layer.output][o] || zero[layer.output][o] {
                continue;
            }
            match &layer.op {
                Op::Conv(conv) => {
                    let (first, kernels) = kernels(conv, network, layer, o);
                    for (k, kernel) in kernels.enumerate() {
                        needed[layer.input][first + k] |= kernel.iter().any(|w| *w != 0);
                    }
                }
                Op::MaxPool(_) => needed[layer.input][o] = true,
                Op::Add(Add { other, .. }) => {
                    needed[layer.input][o] = true;
                    needed[*other][o] = true;
                }
            }
        }
    }
    needed
}

/// Gives tensors that a layer processes channel by channel the same channels; returns whether a tensor changed.
fn join(network: &Network, live: &mut [Vec<bool>]) -> bool {
    let mut changed = false;
    // In both directions, so that one pass suffices for a chain of layers.
    for layer in network.layers.iter().chain(network.layers.iter().rev()) {
        if let Op::Conv(conv) = &layer.op {
            if conv.groups == 1 {
                continue;
            }
            if !depthwise(conv, network, layer) {
                for tensor in [layer.input, layer.output] {
                    changed |= live[tensor].contains(&false);
                    live[tensor].fill(true);
                }
                continue;
            }
        }
        let tensors: Vec<usize> = layer.inputs().chain([layer.output]).collect();
        for channel in 0..live[layer.output].len() {
            if tensors.iter().any(|t| live[*t][channel]) {
                for t in &tensors {
                    changed |= !std::mem::replace(&mut live[*t][channel], true);
                }
            }
        }
    }
    changed
}

/// `network` without the channels that are not live, with the scales of its layers.
#[must_use]
pub fn compact(quantized: &Quantized) -> Quantized {
    let live = Live::of(&quantized.network);
    let mut result = quantized.clone();
    if live.all() {
        return result;
    }
    let network = &quantized.network;
    for (shape, channels) in result.network.tensors.iter_mut().zip(&live.0) {
        shape.channels = channels.iter().filter(|live| **live).count();
    }
    for (number, layer) in network.layers.iter().enumerate() {
        let outputs = &live.0[layer.output];
        let target = &mut result.network.layers[number];
        target.requant = chosen(&layer.requant, outputs);
        if !quantized.weight_scales[number].is_empty() {
            result.weight_scales[number] = chosen(&quantized.weight_scales[number], outputs);
        }
        let (Op::Conv(conv), Op::Conv(target)) = (&layer.op, &mut target.op) else { continue };
        let alone = depthwise(conv, network, layer);
        if alone {
            target.groups = outputs.iter().filter(|live| **live).count();
        }
        target.weights.clear();
        for o in (0..outputs.len()).filter(|o| outputs[*o]) {
            let (first, kernels) = kernels(conv, network, layer, o);
            for (k, kernel) in kernels.enumerate() {
                if alone || live.0[layer.input][first + k] {
                    target.weights.extend_from_slice(kernel);
                }
            }
        }
    }
    result
}

fn chosen<T: Clone>(values: &[T], live: &[bool]) -> Vec<T> {
    values.iter().zip(live).filter(|(_, live)| **live).map(|(value, _)| value.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Graph;
    use crate::onnx::Model;
    use crate::quantize::{Options, quantize_with};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Empties or cuts off random channels of the digits network: fewer channels, the same outputs.
    #[test]
    fn outputs_stay_bit_for_bit() {
        let model = include_bytes!("../../../../tests/data/lenet_digits.onnx");
        let graph = Graph::import(&Model::decode(model, "lenet").unwrap()).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let samples: Vec<Vec<f32>> =
            (0..12).map(|_| (0..64).map(|_| rng.random::<f32>()).collect()).collect();
        let slices: Vec<&[f32]> = samples.iter().map(Vec::as_slice).collect();
        let dense = quantize_with(&graph, &slices, Options::default()).unwrap();
        // The original network has channels that training left without a use.
        let outputs = |q: &Quantized| q.reference_outputs(&slices).unwrap();
        assert_eq!(outputs(&compact(&dense)), outputs(&dense));
        assert_eq!(compact(&compact(&dense)), compact(&dense));
        let mut pruned = dense.clone();
        let network = &mut pruned.network;
        for number in 0..network.layers.len() {
            let outputs = network.tensors[network.layers[number].output].channels;
            let last = number + 1 == network.layers.len();
            let layer = &mut network.layers[number];
            let Op::Conv(conv) = &mut layer.op else { continue };
            let each = conv.weights.len() / outputs;
            let inputs = network.tensors[layer.input].channels;
            for o in 0..outputs {
                if !last && rng.random_bool(0.4) {
                    conv.weights[o * each..(o + 1) * each].fill(0);
                    if rng.random_bool(0.7) {
                        layer.requant[o].bias = -5;
                    }
                }
            }
            for c in (0..inputs).filter(|_| number > 0 && rng.random_bool(0.3)) {
                let taps = each / inputs;
                (0..outputs).for_each(|o| conv.weights[o * each + c * taps..][..taps].fill(0));
            }
        }
        let small = compact(&pruned);
        small.network.validate().unwrap();
        let count = |q: &Quantized| q.network.tensors.iter().map(|t| t.channels).sum::<usize>();
        assert!(count(&small) < count(&pruned), "{} {}", count(&small), count(&pruned));
        assert_eq!(outputs(&small), outputs(&pruned));
        assert_eq!(small.network.tensors[0], dense.network.tensors[0]);
    }
}
