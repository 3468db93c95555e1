//! Output-channel tiles of a layer, and their properties that do not depend on the tile.

use std::ops::Range;

use pecan_config::geometry::Geometry;
use pecan_config::isa::payload_cycles;

use super::lists::{Occupancy, column_groups};
use crate::space::reduction::ReductionTile;
use crate::space::workload::Workload;

/// One channel tile of a layer for a reduction tile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChannelTile {
    /// Its output channels, whole words.
    pub(crate) channels: Range<usize>,
    /// Entries of the longest column in a tile.
    pub(crate) walk: u64,
    /// Entries of every column in a tile.
    columns: Vec<u64>,
}

/// The channel tiles of a layer: the first of each series of equal ones, and the length of the series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChannelTiles(pub(crate) Vec<(ChannelTile, usize)>);

impl ChannelTiles {
    /// Output channels of every channel tile.
    pub(crate) fn channels(&self) -> Vec<Range<usize>> {
        let mut all = Vec::new();
        for (channel_tile, count) in &self.0 {
            let Range { start, end } = channel_tile.channels;
            let size = end - start;
            all.extend((0..*count).map(|n| start + n * size..end + n * size));
        }
        all
    }

    /// Entries of the longest columns of all channel tiles in a tile.
    pub(crate) fn walk(&self) -> u64 {
        self.0.iter().map(|(channel_tile, count)| channel_tile.walk * *count as u64).sum()
    }
}

impl ChannelTile {
    /// Entries of all columns in a tile.
    pub(crate) fn entries(&self) -> u64 {
        self.columns.iter().sum()
    }

    /// Cycles of loading the lists and parameters, after and before the end of the kernel that uses the lists of
    /// `before`.
    pub(crate) fn load(&self, before: Option<&ChannelTile>, geometry: &Geometry) -> [u64; 2] {
        let cycles = |entries| payload_cycles(entries, geometry.entry_slot, geometry.stream_bits);
        let all: u64 = self.columns.iter().sum();
        let params =
            payload_cycles(self.channels.len() as u64, Geometry::PARAM_SLOT, geometry.stream_bits);
        let used = |column: usize| before.map_or(0, |channel_tile| channel_tile.columns[column]);
        let room = |column| (geometry.weight_entries as u64).saturating_sub(used(column));
        let columns = self.columns.iter().enumerate();
        let late: u64 = columns.map(|(column, own)| own.saturating_sub(room(column))).sum();
        [cycles(late), cycles(all - late) + params]
    }
}

/// Entries of every group of a layer with a reduction tile: their sum over all reduction tiles, and the largest.
#[derive(Clone, Debug)]
pub(crate) struct GroupTable {
    totals: Vec<[u64; 2]>,
    lanes: usize,
}

impl GroupTable {
    /// The groups of a layer.
    pub(crate) fn of(
        workload: &Workload<'_>,
        occupancy: &Occupancy,
        slice: ReductionTile,
        geometry: &Geometry,
    ) -> Self {
        let b = geometry.word_channels;
        let padded = workload.outputs.next_multiple_of(b);
        let group = |output: usize| {
            let word = output / b * b;
            let taps = workload.taps_of(&(word..word + b), geometry);
            let by_slice = occupancy.by_slice(output, &taps, slice);
            let longest = by_slice.iter().max().copied().unwrap_or(1);
            [by_slice.iter().map(|n| u64::from(*n)).sum(), u64::from(longest)]
        };
        let lanes = geometry.lanes;
        // By kind, as layers without weights have many groups of a kind.
        let mut known: Vec<Option<[u64; 2]>> = Vec::new();
        let mut one = |k: usize| {
            let kind = occupancy.kind(k * lanes);
            if known.len() <= kind {
                known.resize(kind + 1, None);
            }
            *known[kind].get_or_insert_with(|| group(k * lanes))
        };
        let totals = (0..padded / lanes).map(&mut one).collect();
        Self { totals, lanes: geometry.lanes }
    }

    /// The channel tile over `channels`, if its lists fit the weight buffers; with `sliced` those of one reduction
    /// tile.
    pub(crate) fn channel_tile(
        &self,
        channels: Range<usize>,
        sliced: bool,
        geometry: &Geometry,
    ) -> Option<ChannelTile> {
        let room = geometry.weight_entries as u64;
        let sum = |column: usize, which: usize| -> u64 {
            let groups = column_groups(&channels, column, geometry);
            groups.map(|k| self.totals[k / self.lanes][which]).sum()
        };
        let columns: Vec<u64> = (0..geometry.cols).map(|c| sum(c, 0)).collect();
        let fits = (0..geometry.cols).all(|c| sum(c, usize::from(sliced)) <= room);
        let walk = columns.iter().max().copied().unwrap_or(0);
        fits.then_some(ChannelTile { channels, walk, columns })
    }
}

/// Candidate sizes of channel tiles, in words: even parts, and those that fill all columns.
pub(crate) fn sizes(
    workload: &Workload<'_>,
    slice: ReductionTile,
    geometry: &Geometry,
) -> Vec<usize> {
    let b = geometry.word_channels;
    let total = workload.outputs.div_ceil(b);
    let mut most = (geometry.channels(geometry.psum_bank) / b).min(total);
    if workload.per_channel() {
        most = most.min(slice[0]);
    }
    let full = geometry.channels(1).max(b) / b;
    let mut sizes: Vec<usize> = (1..=total).map(|n| total.div_ceil(n)).collect();
    sizes.extend((full..=most).step_by(full));
    sizes.retain(|n| *n <= most);
    sizes.sort_unstable_by(|x, y| y.cmp(x));
    sizes.dedup();
    sizes
}

/// Channel tiles of `size` words each, or `None` if the lists of one do not fit.
pub(crate) fn channel_tiles(
    workload: &Workload<'_>,
    occupancy: &Occupancy,
    table: &GroupTable,
    size: usize,
    sliced: bool,
    geometry: &Geometry,
) -> Option<ChannelTiles> {
    let b = geometry.word_channels;
    let padded = workload.outputs.next_multiple_of(b);
    let mut all: Vec<(ChannelTile, usize)> = Vec::new();
    for from in (0..padded).step_by(size * b) {
        let channels = from..(from + size * b).min(padded);
        match all.last_mut() {
            Some((first, count)) if occupancy.same(&first.channels, &channels) => *count += 1,
            _ => all.push((table.channel_tile(channels, sliced, geometry)?, 1)),
        }
    }
    Some(ChannelTiles(all))
}
