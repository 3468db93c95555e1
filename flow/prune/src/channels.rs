//! Whole channels: their writers, their readers, and their removal.

use std::collections::BTreeMap;

use pecan_ir::layer::{Network, Op};

use super::PruneLayer;
use pecan_net::Masks;

/// Tensors that have the same channels, because layers between them work channel by channel: a channel of the class is
/// removed from all of them or from none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelClass {
    /// Number of channels.
    pub channels: usize,
    /// Layers whose output channels these are (numbers in the list of layers with weights), depthwise ones included.
    pub writers: Vec<usize>,
    /// Layers that sum over these channels.
    pub readers: Vec<usize>,
}

/// The classes of channels that can be removed: all whose writers and readers are layers with weights of the file,
/// except those of the network's input and output.
#[must_use]
pub fn classes(network: &Network, layers: &[PruneLayer]) -> Vec<ChannelClass> {
    let number: BTreeMap<&str, usize> =
        layers.iter().enumerate().map(|(at, layer)| (layer.name.as_str(), at)).collect();
    let mut class: Vec<usize> = (0..network.tensors.len()).collect();
    let mut fixed = vec![0, network.layers.last().map_or(0, |layer| layer.output)];
    for layer in &network.layers {
        match &layer.op {
            Op::Conv(conv) if conv.groups == 1 => {
                if !number.contains_key(layer.name.as_str()) {
                    fixed.extend([layer.input, layer.output]);
                }
            }
            Op::Conv(conv) if conv.groups != network.tensors[layer.output].channels => {
                fixed.extend([layer.input, layer.output]);
            }
            _ => layer.inputs().for_each(|input| join(&mut class, input, layer.output)),
        }
    }
    let fixed: Vec<usize> = fixed.into_iter().map(|tensor| class[tensor]).collect();
    let mut found: BTreeMap<usize, ChannelClass> = BTreeMap::new();
    for (tensor, class) in class.iter().enumerate().filter(|(_, class)| !fixed.contains(class)) {
        let channels = network.tensors[tensor].channels;
        let empty = ChannelClass { channels, writers: Vec::new(), readers: Vec::new() };
        let own = found.entry(*class).or_insert(empty);
        for layer in &network.layers {
            let (Op::Conv(conv), Some(at)) = (&layer.op, number.get(layer.name.as_str())) else {
                continue;
            };
            if layer.output == tensor {
                own.writers.push(*at);
            }
            if layer.input == tensor && conv.groups == 1 {
                own.readers.push(*at);
            }
        }
    }
    found.into_values().filter(|class| !class.readers.is_empty()).collect()
}

fn join(class: &mut [usize], a: usize, b: usize) {
    let (from, to) = (class[a], class[b]);
    class.iter_mut().filter(|class| **class == from).for_each(|class| *class = to);
}

impl ChannelClass {
    /// Weights of the columns of reader `layer` that belong to channel `channel`, one output channel after the other.
    pub fn column<'a>(
        &self,
        layer: &'a PruneLayer,
        channel: usize,
    ) -> impl Iterator<Item = usize> + 'a {
        let taps = layer.inputs / self.channels.max(1);
        (0..layer.outputs)
            .flat_map(move |o| (0..taps).map(move |tap| o * layer.inputs + channel * taps + tap))
    }

    /// Weights of the row of writer `layer` that belong to channel `channel`.
    pub fn row(layer: &PruneLayer, channel: usize) -> std::ops::Range<usize> {
        channel * layer.inputs..(channel + 1) * layer.inputs
    }

    /// Whether anything of a channel's writers, and anything of its readers, remains.
    pub fn remains(&self, layers: &[PruneLayer], masks: &Masks, channel: usize) -> [bool; 2] {
        let kept = |at: usize, weight: usize| {
            masks.layer(&layers[at].name).and_then(|mask| mask.get(weight)) == Some(&true)
        };
        let summing = |at: &&usize| layers[**at].groups == 1;
        let mut writers = self.writers.iter().filter(summing);
        let written = writers.any(|at| Self::row(&layers[*at], channel).any(|w| kept(*at, w)));
        let mut readers = self.readers.iter();
        let read = readers.any(|at| self.column(&layers[*at], channel).any(|w| kept(*at, w)));
        [written, read]
    }

    /// Weights of a layer that are removed with a channel, each once: a column if it reads it, a row if it writes it.
    pub fn weights<'a>(
        &self,
        layers: &'a [PruneLayer],
        layer: usize,
        channel: usize,
    ) -> impl Iterator<Item = usize> + 'a {
        let own = &layers[layer];
        let reads = self.readers.contains(&layer);
        let row = match self.writers.contains(&layer) {
            true => Self::row(own, channel),
            false => 0..0,
        };
        let column = reads.then(|| self.column(own, channel)).into_iter().flatten();
        let inside = row.clone();
        column.filter(move |weight| !inside.contains(weight)).chain(row)
    }

    /// Removes a channel: the columns of its readers and the rows of its writers.
    pub fn remove(&self, layers: &[PruneLayer], masks: &mut Masks, channel: usize) {
        for at in self.readers.iter().chain(&self.writers) {
            if let Some(mask) = masks.0.get_mut(&layers[*at].name) {
                self.weights(layers, *at, channel).for_each(|weight| mask[weight] = false);
            }
        }
    }
}

/// Removes the remaining weights of channels without readers, and of channels that are constant because they have no
/// writers left: the readers' biases account for these.
pub fn close(classes: &[ChannelClass], layers: &[PruneLayer], masks: &mut Masks) {
    loop {
        let before = masks.count();
        for class in classes {
            for channel in 0..class.channels {
                if class.remains(layers, masks, channel).contains(&false) {
                    class.remove(layers, masks, channel);
                }
            }
        }
        if masks.count() == before {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pecan_ir::layer::{Conv, Layer, Requant, Shape, Window};

    fn conv(name: &str, [input, output]: [usize; 2], groups: usize, weights: usize) -> Layer {
        let window = Window { kernel: [1; 2], stride: [1; 2], dilation: [1; 2], pads: [0; 4] };
        Layer {
            name: name.into(),
            kind: "Conv".into(),
            op: Op::Conv(Conv { window, groups, weights: vec![1; weights] }),
            input,
            output,
            requant: vec![Requant { bias: 0, multiplier: 2, shift: 1 }; 4],
            clamp: [0, 127],
        }
    }

    /// in(2) -> a(4) -> depthwise b(4) -> c(4)
    #[test]
    fn a_channel_goes_through_a_depthwise_layer() {
        let network = Network {
            name: "n".into(),
            tensors: vec![
                Shape::new(2, 3, 3),
                Shape::new(4, 3, 3),
                Shape::new(4, 3, 3),
                Shape::new(4, 3, 3),
            ],
            layers: vec![
                conv("a", [0, 1], 1, 8),
                conv("b", [1, 2], 4, 4),
                conv("c", [2, 3], 1, 16),
            ],
            activation_bits: 8,
            weight_bits: 8,
        };
        let layers = [
            PruneLayer::new("a", [4, 2, 1], 4),
            PruneLayer::new("b", [4, 1, 4], 4),
            PruneLayer::new("c", [4, 4, 1], 4),
        ];
        let classes = classes(&network, &layers);
        assert_eq!(classes, [ChannelClass { channels: 4, writers: vec![0, 1], readers: vec![2] }]);
        let full = |layer: &PruneLayer| (layer.name.clone(), vec![true; layer.entry.len()]);
        let mut masks = Masks(layers.iter().map(full).collect());
        // Channel 1 has no reader, channel 2 no writer.
        let c = masks.0.get_mut("c").unwrap();
        (0..4).for_each(|o| c[o * 4 + 1] = false);
        masks.0.get_mut("a").unwrap()[4..6].fill(false);
        close(&classes, &layers, &mut masks);
        assert_eq!(masks.0["a"], [true, true, false, false, false, false, true, true]);
        assert_eq!(masks.0["b"], [true, false, false, true]);
        assert!((0..4).all(|o| masks.0["c"][o * 4..][..4] == [true, false, false, true]));
    }
}
