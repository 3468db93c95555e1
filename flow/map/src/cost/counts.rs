//! Counts of a mapping in closed form: the sums of the exact counts of its kernels.
//!
//! Every output pixel is computed once per channel tile, whatever the tile, so most counts are products. A tile decides
//! only how often lists are read and how many words the loader reads, which is a product of sums along the axes. Tests
//! compare them with the counts of the kernels, which equal those of the emulator.

use pecan_config::geometry::Geometry;
use pecan_config::isa::counter::{Counter, Counters};
use pecan_config::isa::payload_beats;

use crate::space::array_mapping::Tiling;
use crate::space::channel_tiles::{ChannelTile, ChannelTiles};
use crate::space::lists::column_groups;
use crate::space::reduction::ReductionTile;
use crate::space::workload::Workload;

/// Counts summed over the channel tiles of a layer, for one reduction tile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChannelTileCounts {
    /// Counts that do not depend on the tile.
    fixed: Counters,
    /// Entries of all columns in a tile, summed over the channel tiles.
    entries: u64,
    /// Channel words of a point that the loader reads, summed over the channel tiles.
    words: u64,
}

impl ChannelTileCounts {
    /// Sums over the channel tiles.
    pub(crate) fn of(
        workload: &Workload<'_>,
        slice: ReductionTile,
        channel_tiles: &ChannelTiles,
        geometry: &Geometry,
    ) -> Self {
        let mut sum = Self { fixed: Counters::default(), entries: 0, words: 0 };
        for (channel_tile, count) in &channel_tiles.0 {
            sum.add(workload, slice, channel_tile, *count as u64, geometry);
        }
        sum
    }

    fn add(
        &mut self,
        workload: &Workload<'_>,
        slice: ReductionTile,
        channel_tile: &ChannelTile,
        count: u64,
        g: &Geometry,
    ) {
        let pixels: u64 = workload.axes.iter().map(|axis| axis.output as u64).product();
        let taps = workload.taps_of(&channel_tile.channels, g);
        let slices: usize = (0..3).map(|i| taps[i].len().div_ceil(slice[i])).product();
        let points: usize = taps.iter().map(std::ops::Range::len).product();
        let groups =
            (0..g.cols).map(|c| column_groups(&channel_tile.channels, c, g).count() as u64);
        let (mut active, mut reads, mut writes) = (false, 0, 0);
        for groups in groups.filter(|groups| *groups > 0) {
            active = true;
            // A column with a single group keeps its sum in the accumulator from one reduction tile to the next.
            let (r, w) = if groups > 1 { (slices as u64 - 1, slices as u64) } else { (0, 1) };
            reads += groups * r;
            writes += groups * w;
        }
        let (entries, params) = (channel_tile.entries(), channel_tile.channels.len() as u64);
        let chunks = (channel_tile.channels.len() / g.drain_lanes) as u64;
        let beats = payload_beats(entries, g.entry_slot, g.stream_bits)
            + payload_beats(params, Geometry::PARAM_SLOT, g.stream_bits);
        let per_pixel = [
            (Counter::PeSteps, entries),
            (Counter::PsumReads, reads),
            (Counter::PsumWrites, writes),
            (Counter::ScratchWrites, if active { points as u64 } else { 0 }),
            (Counter::DrainSteps, chunks),
            (Counter::BufferWrites, chunks.div_ceil(g.chunks_per_word() as u64)),
        ];
        per_pixel.into_iter().for_each(|(counter, n)| self.fixed[counter] += count * pixels * n);
        let once = [
            (Counter::WeightWrites, entries),
            (Counter::ParamWrites, params),
            (Counter::BeatsIn, beats),
        ];
        once.into_iter().for_each(|(counter, n)| self.fixed[counter] += count * n);
        self.entries += count * entries;
        self.words += count * taps[0].len() as u64;
    }

    /// The counts with this tiling, except cycles and the counts that depend on activations.
    pub(crate) fn with(&self, walk: &Walk) -> Counters {
        let mut counts = self.fixed;
        counts[Counter::WeightReads] = self.entries * walk.tiles;
        counts[Counter::BufferReads] = self.words * walk.points;
        counts
    }
}

/// Counts that depend on the tiling only, not on the channel tiles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    /// Tiles of all phases.
    tiles: u64,
    /// Points inside the input that the loader reads, in all tiles.
    points: u64,
}

impl Walk {
    /// Counts of a tiling.
    pub(crate) fn of(workload: &Workload<'_>, tiling: &Tiling) -> Self {
        let [y, x] = [0, 1].map(|i| along(workload, tiling, i));
        Self { tiles: y[0] * x[0], points: y[1] * x[1] }
    }
}

/// Tiles and points along an axis, summed over its phases.
fn along(workload: &Workload<'_>, tiling: &Tiling, i: usize) -> [u64; 2] {
    let (axis, tile, slice) = (&workload.axes[i], tiling.tile[i], tiling.slice[i + 1]);
    let spacing = axis.spacing(tile);
    let reach = (tile - 1) * axis.lattice_stride(tile);
    let step = axis.step() as i64;
    let mut sum = [0; 2];
    for phase in 0..spacing.min(axis.output) {
        let tiles = (axis.output - phase).div_ceil(spacing).div_ceil(tile);
        sum[0] += tiles as u64;
        for t in 0..tiles {
            let first = axis.first_input(phase + t * tile * spacing);
            for tap in (0..axis.kernel).step_by(slice) {
                let count = (slice.min(axis.kernel - tap) + reach) as i64;
                let from = first + (tap * axis.dilation) as i64;
                sum[1] += inside(from, step, count, axis.input as i64);
            }
        }
    }
    sum
}

/// How many of `count` points from `from` on, `step` apart, lie in `0..size`.
fn inside(from: i64, step: i64, count: i64, size: i64) -> u64 {
    // Points before which the input begins and ends.
    let before = |bound: i64| (bound - from + step - 1).div_euclid(step).clamp(0, count);
    (before(size) - before(0)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_inside() {
        assert_eq!(inside(-3, 2, 5, 4), 2);
        assert_eq!(inside(0, 1, 10, 4), 4);
        assert_eq!(inside(5, 1, 10, 4), 0);
        assert_eq!(inside(-9, 3, 2, 4), 0);
    }
}
