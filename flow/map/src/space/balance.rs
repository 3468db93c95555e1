//! Balances the lists of the columns by the order of lane groups.
//!
//! Columns wait for each other once per tile, so the longest list decides. Group `k` of a channel tile belongs to
//! column `k mod C`. So the mapper may permute the output channels of a layer, in whole lane groups, as long as all
//! readers of the tensor know the order. A convolution over all channels reads its weights in the same order. Layers
//! that work channel by channel preserve the order, so the tensors around them share one. The input of the network and
//! both sides of grouped convolutions keep their order. The output of the network is put in order when it is decoded.
//!
//! Groups are sorted by length, so that the groups that a channel tile computes side by side are similar. Then they are
//! dealt to the columns from the longest on, each to the column with the least so far (R. L. Graham, "Bounds on
//! Multiprocessing Timing Anomalies", SIAM J. Appl. Math. 17, 1969).

use std::collections::BTreeMap;

use pecan_config::geometry::Geometry;
use pecan_ir::layer::{Layer, Network, Op};

use crate::space::orders::Orders;
use crate::space::workload::depthwise;

/// The orders that balance the columns of a network's layers. `known` keeps the lengths of lists by layer.
pub(crate) fn balanced_orders(
    network: &Network,
    geometry: &Geometry,
    known: &mut BTreeMap<usize, Vec<u64>>,
) -> Orders {
    let mut orders = vec![None; network.tensors.len()];
    if !geometry.skip || geometry.cols == 1 {
        return Orders(orders);
    }
    for (tensors, producers) in classes(network) {
        let channels = network.tensors[tensors[0]].channels;
        let mut lists_of = |number: &usize| {
            let own = || lengths(network, *number, geometry);
            known.entry(*number).or_insert_with(own).clone()
        };
        let lists: Vec<Vec<u64>> = producers.iter().map(&mut lists_of).collect();
        if let Some(groups) = level(&lists, channels / geometry.lanes, geometry.cols) {
            let order = channel_order(&groups, channels, geometry.lanes);
            tensors.iter().for_each(|tensor| orders[*tensor] = Some(order.clone()));
        }
    }
    Orders(orders)
}

/// Tensors that share an order and may have any, with the convolutions that write them.
fn classes(network: &Network) -> Vec<(Vec<usize>, Vec<usize>)> {
    let mut class: Vec<usize> = (0..network.tensors.len()).collect();
    let mut fixed = vec![0];
    for layer in &network.layers {
        match &layer.op {
            Op::Conv(conv)
                if depthwise(conv, network.tensors[layer.input], network.tensors[layer.output]) =>
            {
                join(&mut class, layer.input, layer.output);
            }
            Op::Conv(conv) if conv.groups > 1 => fixed.extend([layer.input, layer.output]),
            Op::Conv(_) => {}
            Op::MaxPool(_) | Op::Add(_) => {
                layer.inputs().for_each(|input| join(&mut class, input, layer.output));
            }
        }
    }
    let mut members: BTreeMap<usize, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (tensor, class) in class.iter().enumerate() {
        members.entry(*class).or_default().0.push(tensor);
    }
    for (number, layer) in network.layers.iter().enumerate() {
        if matches!(layer.op, Op::Conv(_)) {
            members.entry(class[layer.output]).or_default().1.push(number);
        }
    }
    for tensor in fixed {
        members.remove(&class[tensor]);
    }
    members.into_values().filter(|(_, producers)| !producers.is_empty()).collect()
}

/// Merges the classes of two tensors.
fn join(class: &mut [usize], a: usize, b: usize) {
    let (from, to) = (class[a].max(class[b]), class[a].min(class[b]));
    class.iter_mut().filter(|c| **c == from).for_each(|c| *c = to);
}

/// Cycles that a column spends on every whole lane group of a convolution, up to a factor that is the same for
/// all groups of the network: its entries times the output pixels.
fn lengths(network: &Network, number: usize, geometry: &Geometry) -> Vec<u64> {
    let layer: &Layer = &network.layers[number];
    let Op::Conv(conv) = &layer.op else { return Vec::new() };
    let output = network.tensors[layer.output];
    if conv.weights.is_empty() {
        return vec![1; output.channels / geometry.lanes];
    }
    let taps = conv.weights.len() / output.channels.max(1);
    let group = |weights: &[i32]| {
        let used = |tap: usize| weights.iter().skip(tap).step_by(taps).any(|w| *w != 0);
        (0..taps).filter(|tap| used(*tap)).count().max(1) as u64
    };
    let pixels = (output.height * output.width) as u64;
    conv.weights.chunks_exact(geometry.lanes * taps.max(1)).map(|w| group(w) * pixels).collect()
}

/// Cycles of the longest columns, summed over layers, with `order[k]` in place of group `k`.
fn longest(lists: &[Vec<u64>], order: &[usize], cols: usize) -> u64 {
    let layer = |list: &Vec<u64>| -> u64 {
        let column = |c: usize| order.iter().skip(c).step_by(cols).map(|k| list[*k]).sum::<u64>();
        (0..cols).map(column).max().unwrap_or(0)
    };
    lists.iter().map(layer).sum()
}

/// The order of `count` groups that balances the columns, if it is better than the natural one.
fn level(lists: &[Vec<u64>], count: usize, cols: usize) -> Option<Vec<usize>> {
    let total = |k: usize| -> u64 { lists.iter().map(|list| list[k]).sum() };
    let mut sorted: Vec<usize> = (0..count).collect();
    // Short lists first: the first channel tile is loaded while the array is idle.
    sorted.sort_by_key(|k| (total(*k), *k));
    let mut load = vec![0u64; cols];
    let mut order = vec![0; count];
    let rows: Vec<(usize, &[usize])> = sorted.chunks(cols).enumerate().collect();
    for (row, groups) in rows.into_iter().rev() {
        let mut columns: Vec<usize> = (0..groups.len()).collect();
        columns.sort_by_key(|c| (load[*c], *c));
        for (column, group) in columns.into_iter().zip(groups.iter().rev()) {
            load[column] += total(*group);
            order[row * cols + column] = *group;
        }
    }
    let natural: Vec<usize> = (0..count).collect();
    (longest(lists, &order, cols) < longest(lists, &natural, cols)).then_some(order)
}

/// The order of channels for an order of lane groups; channels that fill no group stay last.
fn channel_order(groups: &[usize], channels: usize, lanes: usize) -> Vec<usize> {
    let whole = groups.iter().flat_map(|group| group * lanes..(group + 1) * lanes);
    whole.chain(groups.len() * lanes..channels).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_leveled_and_short_lists_come_first() {
        let lists = [vec![9, 1, 8, 2, 7, 3]];
        let order = level(&lists, 6, 2).unwrap();
        assert_eq!(order, [3, 1, 5, 4, 0, 2]);
        assert_eq!((longest(&lists, &order, 2), longest(&lists, &[0, 1, 2, 3, 4, 5], 2)), (16, 24));
    }

    #[test]
    fn level_lists_stay_in_order() {
        assert_eq!(level(&[vec![5; 8]], 8, 4), None);
        assert_eq!(level(&[vec![1, 2]], 2, 1), None);
    }

    #[test]
    fn channels_move_in_whole_groups() {
        assert_eq!(channel_order(&[1, 0], 7, 3), [3, 4, 5, 0, 1, 2, 6]);
    }
}
