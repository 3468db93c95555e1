//! Divides a layer so that its allocations fit the free part of the global buffer.

use std::ops::Range;

use pecan_config::geometry::Geometry;

use crate::space::array_mapping::ArrayMapping;
use crate::space::workload::Workload;

/// Allocations of a layer in the buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BufferMapping {
    /// Spatial tile: output pixels (y, x) that are computed before the next input is loaded.
    pub(crate) rect: [usize; 2],
    /// Allocations hold just the channel words and taps of one kernel, not of the whole layer.
    pub(crate) fine: bool,
    /// Output allocations hold the words of one channel tile.
    pub(crate) by_channel_tile: bool,
    /// All spatial tiles are computed for a channel tile before the next one: lists are loaded once, inputs for each
    /// channel tile.
    pub(crate) channel_tiles_first: bool,
    /// Words of the largest input allocation; 0 if the input is resident.
    pub(crate) input: usize,
    /// Words of the largest output allocation; 0 if the output is resident.
    pub(crate) output: usize,
    /// Alternating allocations: 2 where there is room, so that transfers hide behind compute.
    pub(crate) slots: usize,
}

/// Tensors of a layer that are not resident in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Away {
    /// The input.
    pub(crate) input: bool,
    /// The output.
    pub(crate) output: bool,
}

/// Words before an input allocation that a load may overwrite with words of the same beat.
pub(crate) fn lead(geometry: &Geometry) -> usize {
    (geometry.stream_bits / geometry.word_slot).saturating_sub(1)
}

/// The coarsest division whose allocations fit into `room` words; `most` bounds the output pixels of a spatial tile.
pub(crate) fn fit_buffer(
    workload: &Workload<'_>,
    mapping: &ArrayMapping,
    away: Away,
    room: usize,
    most: [usize; 2],
    geometry: &Geometry,
) -> Option<BufferMapping> {
    let tile: [usize; 2] = std::array::from_fn(|i| mapping.tiling.tile[i].min(most[i]));
    let sized = |rect, by_channel_tile, fine, slots| {
        sized(
            workload,
            mapping,
            away,
            BufferMapping {
                rect,
                fine,
                by_channel_tile,
                channel_tiles_first: false,
                input: 0,
                output: 0,
                slots,
            },
            geometry,
        )
    };
    let fits = |s: &BufferMapping| s.slots * (s.input + s.output) <= room;
    if !mapping.sliced {
        let rects: Vec<[usize; 2]> = rectangles(most, tile);
        let coarse = |slots| rects.iter().map(|r| sized(*r, false, false, slots)).find(fits);
        let single = coarse(1);
        if !away.input && !away.output {
            return single;
        }
        let whole = single.clone().filter(|s| s.rect == most);
        // Where the lists of all channel tiles do not stay, every spatial tile would load them again: one that holds
        // all pixels is better, even if its outputs are stored by channel tile.
        let by_channel_tile = [2, 1].map(|slots| sized(most, true, false, slots));
        let by_channel_tile = by_channel_tile
            .into_iter()
            .find(|s| !mapping.resident(geometry) && away.output && fits(s));
        // Two allocations of half the size hide the transfers; so coarse ones only if everything fits at once.
        if let Some(found) = whole.or(by_channel_tile) {
            return Some(found);
        }
        let channel_tiles_first = |slots| {
            let splits = rects.iter().map(|r| sized(*r, true, false, slots));
            splits
                .map(|buffer_mapping| BufferMapping { channel_tiles_first: true, ..buffer_mapping })
                .find(fits)
        };
        let lists_once = !mapping.resident(geometry) && !workload.per_channel();
        let other = [2, 1].into_iter().filter(|_| lists_once).find_map(channel_tiles_first);
        let splits = coarse(2).or(single).into_iter().chain(other);
        let traffic = |buffer_mapping: &BufferMapping| {
            traffic(workload, mapping, away, buffer_mapping, geometry)
        };
        if let Some(found) = splits.min_by_key(traffic) {
            return Some(found);
        }
        return [2, 1].map(|slots| sized(tile, true, true, slots)).into_iter().find(fits);
    }
    // The partial sums of two tiles persist across kernels, so that a list serves both.
    let pair = if tile[1] < most[1] {
        [tile[0], most[1].min(2 * tile[1])]
    } else {
        [most[0].min(2 * tile[0]), tile[1]]
    };
    let splits = [pair, tile].map(|rect| [2, 1].map(|slots| sized(rect, true, true, slots)));
    splits.into_iter().flatten().find(fits)
}

/// Bits of lists and inputs that a division loads.
fn traffic(
    workload: &Workload<'_>,
    mapping: &ArrayMapping,
    away: Away,
    buffer_mapping: &BufferMapping,
    geometry: &Geometry,
) -> u128 {
    // Along an axis: number of parts, and the inputs of all parts.
    let along = |i: usize| {
        let axis = &workload.axes[i];
        parts(axis.output, buffer_mapping.rect[i]).fold((0, 0), |(count, sum), outputs| {
            (count + 1, sum + axis.footprint(&outputs, &(0..axis.kernel)).len() as u128)
        })
    };
    let ((rows, height), (columns, width)) = (along(0), along(1));
    let tensors = if workload.sum() { 2 } else { 1 };
    let words = workload.inputs.div_ceil(geometry.word_channels) * tensors * geometry.word_slot;
    let inputs = if away.input { height * width * words as u128 } else { 0 };
    let lists = u128::from(mapping.walk) * (geometry.cols * geometry.entry_slot) as u128;
    if buffer_mapping.channel_tiles_first {
        return lists + mapping.channel_tiles.len() as u128 * inputs;
    }
    let loads = if mapping.resident(geometry) { 1 } else { rows * columns };
    loads * lists + inputs
}

/// Spatial tiles from large to small: full rows first, then parts of a row of tiles.
fn rectangles(most: [usize; 2], tile: [usize; 2]) -> Vec<[usize; 2]> {
    let rows = (1..=most[0]).rev().filter(|h| *h == most[0] || h % tile[0] == 0);
    let columns = (1..most[1]).rev().filter(|w| w % tile[1] == 0);
    rows.map(|h| [h, most[1]]).chain(columns.map(|w| [tile[0], w])).collect()
}

/// A division with the sizes of its allocations.
fn sized(
    workload: &Workload<'_>,
    mapping: &ArrayMapping,
    away: Away,
    buffer_mapping: BufferMapping,
    geometry: &Geometry,
) -> BufferMapping {
    let BufferMapping { rect, fine, by_channel_tile, .. } = buffer_mapping;
    let b = geometry.word_channels;
    let slice = mapping.tiling.slice;
    let along = |i: usize| {
        let axis = &workload.axes[i];
        let taps = if fine && mapping.sliced { slice[i + 1] } else { axis.kernel };
        axis.input.min((rect[i] - 1) * axis.stride + (taps - 1) * axis.dilation + 1)
    };
    let channel_tile = mapping.channel_tiles.iter().map(Range::len).max().unwrap_or(b) / b;
    let all = workload.inputs.div_ceil(b);
    let words = match (fine, workload.per_channel(), mapping.sliced) {
        (true, true, _) => channel_tile,
        (true, false, true) => slice[0].min(all),
        _ => all,
    };
    let tensors = if workload.sum() { 2 } else { 1 };
    let input = tensors * (along(0) * along(1) * words + lead(geometry));
    let produced = if by_channel_tile { channel_tile } else { workload.outputs.div_ceil(b) };
    let output = rect[0] * rect[1] * produced;
    BufferMapping {
        input: if away.input { input } else { 0 },
        output: if away.output { output } else { 0 },
        ..buffer_mapping
    }
}

/// Consecutive parts of `extent` pixels, each of at most `part`.
pub(crate) fn parts(extent: usize, part: usize) -> impl Iterator<Item = Range<usize>> {
    (0..extent).step_by(part).map(move |from| from..(from + part).min(extent))
}
