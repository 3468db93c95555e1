//! Layers as pruning sees them: weights that can be removed, and entries that the hardware skips.

use std::collections::HashMap;

use super::covariance::Covariance;
use pecan_net::graph::Graph;
use pecan_net::op::Lowering;

/// A layer before a round of pruning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LayerState<'a> {
    /// The layer.
    pub(crate) layer: &'a PruneLayer,
    /// Its weights, `[output][input]`.
    pub(crate) weights: &'a [f32],
    /// Whether each of them remains.
    pub(crate) mask: &'a [bool],
    /// Covariance of its inputs.
    pub(crate) covariance: &'a Covariance,
}

/// A layer with weights, as pruning sees it.
///
/// The weights are a matrix, one row per output channel, in the order of
/// [`Linear::weights`](pecan_net::op::Linear::weights). The hardware holds them in *entries*: the weights of
/// `lanes` neighbouring output channels at one input and tap. An entry without weights is in no list: it costs neither
/// storage nor a cycle. A single zero within an entry only idles its lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PruneLayer {
    /// Node name.
    pub name: String,
    /// Output channels: rows of the weight matrix.
    pub outputs: usize,
    /// Weights per output channel: columns of the matrix.
    pub inputs: usize,
    /// Channel groups; the rows of a group read the same inputs.
    pub groups: usize,
    /// Entry of each weight.
    pub entry: Vec<u32>,
    /// Number of entries.
    pub entries: usize,
    /// Blocks of output channels that share entries: the rows of each.
    pub blocks: Vec<std::ops::Range<usize>>,
}

impl PruneLayer {
    /// All layers with weights of `graph` on hardware with `lanes` lanes, in order of execution.
    #[must_use]
    pub fn all(graph: &Graph, lanes: usize) -> Vec<Self> {
        let layer = |node: &pecan_net::graph::Node| {
            let op = node.op.as_ref()?;
            let linear = op.linear()?;
            let layouts: Option<Vec<_>> =
                node.inputs.iter().map(|&t| graph.tensors[t].layout).collect();
            let Lowering::Linear { groups, .. } = op.lower(&layouts?) else { return None };
            let inputs = linear.weights.len() / linear.outputs.max(1);
            Some(Self::new(&node.name, [linear.outputs, inputs, groups], lanes))
        };
        graph.iter().filter_map(layer).collect()
    }

    /// A layer of `[outputs, inputs, groups]`.
    #[must_use]
    pub fn new(name: &str, [outputs, inputs, groups]: [usize; 3], lanes: usize) -> Self {
        let per_group = (outputs / groups.max(1)).max(1);
        let depthwise = groups > 1 && per_group == 1;
        let mut known = HashMap::new();
        let mut entry = Vec::with_capacity(outputs * inputs);
        for output in 0..outputs {
            // The lanes of a depthwise layer each read their own channel, with one address.
            let group = if depthwise { 0 } else { output / per_group };
            for input in 0..inputs {
                let next = known.len() as u32;
                entry.push(*known.entry((output / lanes.max(1), group, input)).or_insert(next));
            }
        }
        let starts = (0..outputs).step_by(lanes.max(1));
        let blocks = starts.map(|from| from..(from + lanes.max(1)).min(outputs)).collect();
        let entries = known.len();
        Self { name: name.to_owned(), outputs, inputs, groups, entry, entries, blocks }
    }

    /// Channel group of an output channel.
    #[must_use]
    pub fn group(&self, output: usize) -> usize {
        output / (self.outputs / self.groups.max(1)).max(1)
    }

    /// Weights that remain in each entry.
    #[must_use]
    pub fn filling(&self, mask: &[bool]) -> Vec<u32> {
        let mut filling = vec![0; self.entries];
        let kept = self.entry.iter().zip(mask).filter(|(_, keep)| **keep);
        kept.for_each(|(entry, _)| filling[*entry as usize] += 1);
        filling
    }

    /// Entries in which a weight remains.
    #[must_use]
    pub fn occupied(&self, mask: &[bool]) -> usize {
        self.filling(mask).iter().filter(|filling| **filling > 0).count()
    }

    /// Entries that are not empty in [`filling`](Self::filling) and become so without the weights `gone`, each of which
    /// remains.
    #[must_use]
    pub fn emptied(&self, filling: &[u32], gone: &[usize]) -> usize {
        let mut entries: Vec<u32> = gone.iter().map(|weight| self.entry[*weight]).collect();
        entries.sort_unstable();
        let emptied = |same: &&[u32]| filling[same[0] as usize] as usize == same.len();
        entries.chunk_by(|a, b| a == b).filter(emptied).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_hold_the_lanes_of_one_input() {
        let layer = PruneLayer::new("conv", [6, 3, 1], 4);
        assert_eq!(layer.entries, 2 * 3);
        assert_eq!(layer.blocks, [0..4, 4..6]);
        assert_eq!(layer.entry[0], layer.entry[3 * 3]);
        assert_ne!(layer.entry[0], layer.entry[4 * 3]);
        let mut mask = vec![false; 18];
        assert_eq!(layer.occupied(&mask), 0);
        (mask[0], mask[3], mask[17]) = (true, true, true);
        assert_eq!(layer.occupied(&mask), 2);
        let filling = layer.filling(&mask);
        let emptied = [&[0][..], &[0, 3], &[17, 0], &[]].map(|gone| layer.emptied(&filling, gone));
        assert_eq!(emptied, [0, 1, 1, 0]);
    }

    #[test]
    fn depthwise_lanes_share_entries_and_groups_do_not() {
        assert_eq!(PruneLayer::new("dw", [8, 9, 8], 4).entries, 2 * 9);
        // Two groups of two channels: a block of four reads two inputs.
        let grouped = PruneLayer::new("grouped", [4, 5, 2], 4);
        assert_eq!(grouped.entries, 2 * 5);
        assert_eq!((grouped.group(1), grouped.group(2)), (0, 1));
    }
}
