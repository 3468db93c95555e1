//! Choice of tile, reduction tile and channel tiles of a layer by predicted cost.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use pecan_config::geometry::{Geometry, LATTICE_BITS};
use pecan_config::isa::counter::Counter;

use super::counts::{ChannelTileCounts, Walk};
use crate::Objective;
use crate::cost::bound as cost;
use crate::cost::bound::Candidate;
use crate::error::MapError;
use crate::space::array_mapping::{ArrayMapping, Searched, Tiling};
use crate::space::channel_tiles::{ChannelTiles, GroupTable, channel_tiles, sizes};
use crate::space::lists::Occupancy;
use crate::space::reduction::ReductionTile;
use crate::space::workload::Workload;

/// A reduction tile with a division of the output channels into channel tiles.
struct Cut {
    slice: ReductionTile,
    channel_tiles: ChannelTiles,
    /// Counts summed over the channel tiles, where the objective needs them.
    counts: Option<ChannelTileCounts>,
}

/// A mapping with a lower bound of its cost.
struct Bounded<'a> {
    candidate: Candidate<'a>,
    bound: f64,
    counts: Option<&'a ChannelTileCounts>,
}

/// Chooses the cheapest mapping of a layer. Among equals, the one with the least bound wins, then the one with the
/// larger reduction tile, channel tile and tile, in this order.
///
/// # Errors
/// The layer exceeds a register, or no reduction tile fits.
pub(crate) fn search(
    workload: &Workload<'_>,
    occupancy: &Occupancy,
    geometry: &Geometry,
    objective: &Objective,
) -> Result<ArrayMapping, MapError> {
    search_where(workload, occupancy, geometry, objective, &|_| true)
}

/// As [`search`], among acceptable mappings. Their cost and cycles are not known when they are tested for acceptance.
///
/// # Errors
/// As [`search`], or none is acceptable.
pub(crate) fn search_where(
    workload: &Workload<'_>,
    occupancy: &Occupancy,
    geometry: &Geometry,
    objective: &Objective,
    accept: &dyn Fn(&ArrayMapping) -> bool,
) -> Result<ArrayMapping, MapError> {
    let tiles = tiles(workload, geometry);
    for sliced in [false, true] {
        let cuts = cuts(workload, occupancy, sliced, geometry, objective);
        let all = bounded(workload, &cuts, &tiles, geometry, objective);
        let mut searched = Searched { bounded: all.len() as u64, timed: 0 };
        // Only the first few are used, so they are not sorted. Costs are not negative, so their bits order like them.
        // The number comes second, so that large reduction tiles and tiles come first among equals.
        let keys = all.iter().enumerate().map(|(k, b)| Reverse((b.bound.to_bits(), k)));
        let mut order: BinaryHeap<_> = keys.collect::<Vec<_>>().into();
        let mut best: Option<(f64, u64, &Candidate<'_>)> = None;
        while let Some(Reverse((_, k))) = order.pop() {
            let Bounded { candidate, bound, counts } = &all[k];
            if best.is_some_and(|(cost, ..)| *bound >= cost) {
                break;
            }
            if !accept(&candidate.mapping(sliced)) {
                continue;
            }
            searched.timed += 1;
            let cycles = cost::cycles(workload, occupancy, candidate, geometry)?;
            let exact = counts.map(|c| c.with(&Walk::of(workload, &candidate.tiling)));
            let mut counts = exact.unwrap_or_default();
            counts[Counter::Cycles] = cycles;
            let cost = objective.cost(&counts);
            if best.is_none_or(|(least, ..)| cost < least) {
                best = Some((cost, cycles, candidate));
            }
        }
        if let Some((cost, cycles, candidate)) = best {
            let mapping = candidate.mapping(sliced);
            return Ok(ArrayMapping { cost, cycles, searched, ..mapping });
        }
    }
    Err(MapError::NoSplit {
        layer: workload.name.into(),
        reason: format!(
            "one slice of one buffer word takes more than {} weight entries",
            geometry.weight_entries
        ),
    })
}

impl Candidate<'_> {
    /// The mapping of this candidate, before it has been timed.
    fn mapping(&self, sliced: bool) -> ArrayMapping {
        ArrayMapping {
            tiling: self.tiling,
            channel_tiles: self.channel_tiles.channels(),
            sliced,
            walk: self.channel_tiles.walk(),
            cost: f64::INFINITY,
            cycles: u64::MAX,
            searched: Searched::default(),
        }
    }
}

/// All mappings with bounds of their costs: no count depends on timing, so only the cycles are bounds.
fn bounded<'a>(
    workload: &Workload<'_>,
    cuts: &'a [Cut],
    tiles: &[[usize; 2]],
    geometry: &Geometry,
    objective: &Objective,
) -> Vec<Bounded<'a>> {
    let mut all = Vec::with_capacity(cuts.len() * tiles.len());
    let mut walks: Vec<Walk> = Vec::new();
    let mut walked = None;
    for Cut { slice, channel_tiles, counts: sums } in cuts {
        let tiling = |tile: &[usize; 2]| Tiling { tile: *tile, slice: *slice };
        // Neighbouring cuts share their reduction tile.
        if objective.counts() && walked.replace(*slice) != Some(*slice) {
            walks = tiles.iter().map(|tile| Walk::of(workload, &tiling(tile))).collect();
        }
        for (number, tile) in tiles.iter().enumerate() {
            let candidate = Candidate { tiling: tiling(tile), channel_tiles };
            let exact = sums.as_ref().zip(walks.get(number)).map(|(sums, walk)| sums.with(walk));
            let mut counts = exact.unwrap_or_default();
            counts[Counter::Cycles] = cost::bound(workload, &candidate, geometry);
            let bound = objective.cost(&counts);
            all.push(Bounded { candidate, bound, counts: sums.as_ref() });
        }
    }
    all
}

/// Reduction tiles, each with every division of the output channels into channel tiles.
fn cuts(
    workload: &Workload<'_>,
    occupancy: &Occupancy,
    sliced: bool,
    geometry: &Geometry,
    objective: &Objective,
) -> Vec<Cut> {
    let mut all = Vec::new();
    for slice in reduction_tiles(workload, geometry, sliced) {
        let table = GroupTable::of(workload, occupancy, slice, geometry);
        let sizes = sizes(workload, slice, geometry).into_iter();
        let fitting = sizes
            .filter_map(|size| channel_tiles(workload, occupancy, &table, size, sliced, geometry));
        all.extend(fitting.map(|channel_tiles| {
            let counts = || ChannelTileCounts::of(workload, slice, &channel_tiles, geometry);
            Cut { slice, counts: objective.counts().then(counts), channel_tiles }
        }));
    }
    all
}

/// The mapping that needs the least memory: one pixel, one word, one channel tile at a time.
pub(crate) fn smallest(
    workload: &Workload<'_>,
    occupancy: &Occupancy,
    geometry: &Geometry,
) -> Option<ArrayMapping> {
    let tiling = Tiling { tile: [1, 1], slice: [1, 1, 1] };
    let table = GroupTable::of(workload, occupancy, tiling.slice, geometry);
    let channel_tiles = channel_tiles(workload, occupancy, &table, 1, true, geometry)?;
    let searched = Searched::default();
    Some(ArrayMapping {
        tiling,
        channel_tiles: channel_tiles.channels(),
        sliced: true,
        walk: channel_tiles.walk(),
        cost: f64::INFINITY,
        cycles: u64::MAX,
        searched,
    })
}

/// Tile shapes, the most square ones of each size included.
fn tiles(workload: &Workload<'_>, geometry: &Geometry) -> Vec<[usize; 2]> {
    let [y, x] = workload.axes.map(|axis| axis.output);
    let mut all = Vec::new();
    for h in 1..=geometry.rows.min(y) {
        for w in 1..=(geometry.rows / h).min(x) {
            let reach = |i: usize, tile: usize| {
                let axis = &workload.axes[i];
                (tile - 1) * axis.lattice_stride(tile) + axis.kernel.min(geometry.scratch_words)
            };
            if reach(0, h).max(reach(1, w)) < 1 << LATTICE_BITS {
                all.push([h, w]);
            }
        }
    }
    // Large tiles first: they give good bounds early.
    all.sort_by_key(|[h, w]| (std::cmp::Reverse(h * w), h.abs_diff(*w)));
    all
}

/// Sizes of even parts of `extent` that are at most `most`.
fn even_parts(extent: usize, most: usize) -> Vec<usize> {
    let mut parts: Vec<usize> = (1..=extent).map(|n| extent.div_ceil(n)).collect();
    parts.dedup();
    parts.retain(|part| *part <= most);
    parts
}

/// Reduction tiles that fit the scratchpad: for each extent of kernel rows and columns the one with most channel
/// words, or all of them.
fn reduction_tiles(
    workload: &Workload<'_>,
    geometry: &Geometry,
    all_blocks: bool,
) -> Vec<ReductionTile> {
    let words = workload.inputs.div_ceil(geometry.word_channels);
    let mut all = Vec::new();
    let most_y = if workload.sum() { 1 } else { geometry.scratch_words };
    for y in even_parts(workload.axes[0].kernel, most_y) {
        for x in even_parts(workload.axes[1].kernel, geometry.scratch_words / y) {
            let mut most = geometry.scratch_words / (x * y);
            if workload.per_channel() {
                most = most.min(geometry.channels(geometry.psum_bank) / geometry.word_channels);
            }
            let parts = even_parts(words, most);
            let count = if all_blocks { parts.len() } else { 1 };
            all.extend(parts.iter().take(count).map(|c| [*c, y, x]));
            let full = most.min(words);
            if !workload.per_channel() && parts.first() != Some(&full) {
                all.push([full, y, x]);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests;
