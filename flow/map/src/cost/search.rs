//! Choice of tile, slice and output-channel passes of a layer by predicted cost.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use pecan_config::geometry::{Geometry, LATTICE_BITS};
use pecan_config::isa;
use pecan_config::isa::counter::Counter;

use super::counts::{PassCounts, Walk};
use crate::Objective;
use crate::cost::bound as cost;
use crate::cost::bound::Candidate;
use crate::error::MapError;
use crate::lower::kernel::Tiling;
use crate::space::channel_tiles::{GroupTable, Passes, passes, sizes};
use crate::space::lists::{Occupancy, SliceBox};
use crate::space::workload::Problem;

/// How a layer is cut, apart from what the buffer forces.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Choice {
    /// Tile and slice.
    pub(crate) tiling: Tiling,
    /// Output channels of each pass.
    pub(crate) passes: Vec<Range<usize>>,
    /// Each slice is a run of its own, because the lists of a pass exceed the weight buffer.
    pub(crate) sliced: bool,
    /// Entries of the longest column, over all passes.
    pub(crate) walk: u64,
    /// Its cost by the objective.
    pub(crate) cost: f64,
    /// Predicted cycles of the layer by itself.
    pub(crate) cycles: u64,
    /// How many mappings the search has covered.
    pub(crate) searched: Searched,
}

impl Choice {
    /// Whether the lists of all passes fit the weight buffers together.
    pub(crate) fn resident(&self, geometry: &Geometry) -> bool {
        self.walk <= geometry.weight_entries as u64
    }
}

/// Longest run in cycles that the mapper makes; a run's time is exact, so little is left for safety.
pub(crate) const LONGEST_RUN: u64 = isa::register::LONGEST_RUN - 2 * isa::register::LIMIT_UNIT;

/// Mappings of a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    /// Mappings in the space, each of which was bounded from below.
    pub bounded: u64,
    /// Those among them whose bound did not rule them out, so that they were timed.
    pub timed: u64,
}

/// A mapping with a bound of its cost.
struct Bounded<'a> {
    candidate: Candidate<'a>,
    bound: f64,
    /// Number of the slice and passes.
    cut: usize,
}

/// Chooses the cheapest way to walk a layer. Of equals the one with the least bound wins, then the one
/// with the larger slice, pass and tile, in this order.
///
/// # Errors
/// The layer exceeds a register, or no slice fits.
pub(crate) fn choose(
    problem: &Problem<'_>,
    occupancy: &Occupancy,
    geometry: &Geometry,
    objective: &Objective,
) -> Result<Choice, MapError> {
    choose_where(problem, occupancy, geometry, objective, &|_| true)
}

/// As [`choose`], among the ways that are acceptable; their cost and cycles are not known when they are asked for.
///
/// # Errors
/// As [`choose`], or none is acceptable.
pub(crate) fn choose_where(
    problem: &Problem<'_>,
    occupancy: &Occupancy,
    geometry: &Geometry,
    objective: &Objective,
    accept: &dyn Fn(&Choice) -> bool,
) -> Result<Choice, MapError> {
    let tiles = tiles(problem, geometry);
    for sliced in [false, true] {
        let cut = cuts(problem, occupancy, sliced, geometry);
        let sums = sums(problem, &cut, geometry, objective);
        let all = bounded(problem, (&cut, &sums), &tiles, geometry, objective);
        let mut searched = Searched { bounded: all.len() as u64, timed: 0 };
        // Only the first few are taken, so they are not sorted. Costs are not negative: their bits have their order.
        // The number comes second, so that among equals large slices and tiles come first.
        let keys = all.iter().enumerate().map(|(k, b)| Reverse((b.bound.to_bits(), k)));
        let mut order: BinaryHeap<_> = keys.collect::<Vec<_>>().into();
        let mut best: Option<(f64, u64, &Candidate<'_>)> = None;
        while let Some(Reverse((_, k))) = order.pop() {
            let Bounded { candidate, bound, cut } = &all[k];
            if best.is_some_and(|(cost, ..)| *bound >= cost) {
                break;
            }
            if !accept(&candidate.choice(sliced)) {
                continue;
            }
            searched.timed += 1;
            let cycles = cost::cycles(problem, occupancy, candidate, geometry)?;
            let exact = sums.get(*cut).map(|s| s.with(&Walk::of(problem, &candidate.tiling)));
            let mut counts = exact.unwrap_or_default();
            counts[Counter::Cycles] = cycles;
            let cost = objective.cost(&counts);
            if best.is_none_or(|(least, ..)| cost < least) {
                best = Some((cost, cycles, candidate));
            }
        }
        if let Some((cost, cycles, candidate)) = best {
            let choice = candidate.choice(sliced);
            return Ok(Choice { cost, cycles, searched, ..choice });
        }
    }
    Err(MapError::NoSplit {
        layer: problem.name.into(),
        reason: format!(
            "one slice of one buffer word takes more than {} weight entries",
            geometry.weight_entries
        ),
    })
}

/// Counts of all cuts, where they matter.
fn sums(
    problem: &Problem<'_>,
    cut: &[(SliceBox, Passes)],
    geometry: &Geometry,
    objective: &Objective,
) -> Vec<PassCounts> {
    let cut = if objective.counts() { cut } else { &[] };
    cut.iter().map(|(slice, passes)| PassCounts::of(problem, *slice, passes, geometry)).collect()
}

impl Candidate<'_> {
    /// The choice of this candidate, before it has been timed.
    fn choice(&self, sliced: bool) -> Choice {
        Choice {
            tiling: self.tiling,
            passes: self.passes.channels(),
            sliced,
            walk: self.passes.walk(),
            cost: f64::INFINITY,
            cycles: u64::MAX,
            searched: Searched::default(),
        }
    }
}

/// All mappings with bounds of their costs: no count depends on timing, so only the cycles are not yet exact.
fn bounded<'a>(
    problem: &Problem<'_>,
    (cut, sums): (&'a [(SliceBox, Passes)], &[PassCounts]),
    tiles: &[[usize; 2]],
    geometry: &Geometry,
    objective: &Objective,
) -> Vec<Bounded<'a>> {
    let mut all = Vec::with_capacity(cut.len() * tiles.len());
    let mut walks: Vec<Walk> = Vec::new();
    let mut walked = None;
    for (at, (slice, passes)) in cut.iter().enumerate() {
        let tiling = |tile: &[usize; 2]| Tiling { tile: *tile, slice: *slice };
        // Neighbouring cuts share their slice.
        if objective.counts() && walked.replace(*slice) != Some(*slice) {
            walks = tiles.iter().map(|tile| Walk::of(problem, &tiling(tile))).collect();
        }
        for (number, tile) in tiles.iter().enumerate() {
            let candidate = Candidate { tiling: tiling(tile), passes };
            let exact = sums.get(at).zip(walks.get(number)).map(|(sums, walk)| sums.with(walk));
            let mut counts = exact.unwrap_or_default();
            counts[Counter::Cycles] = cost::bound(problem, &candidate, geometry);
            let bound = objective.cost(&counts);
            all.push(Bounded { candidate, bound, cut: at });
        }
    }
    all
}

/// Slice boxes, each with every way to cut the output channels into passes.
fn cuts(
    problem: &Problem<'_>,
    occupancy: &Occupancy,
    sliced: bool,
    geometry: &Geometry,
) -> Vec<(SliceBox, Passes)> {
    let mut all = Vec::new();
    for slice in slice_boxes(problem, geometry, sliced) {
        let table = GroupTable::of(problem, occupancy, slice, geometry);
        let sizes = sizes(problem, slice, geometry).into_iter();
        let fitting =
            sizes.filter_map(|size| passes(problem, occupancy, &table, size, sliced, geometry));
        all.extend(fitting.map(|passes| (slice, passes)));
    }
    all
}

/// The way to walk a layer that needs the least memory: one pixel, one word, one pass at a time.
pub(crate) fn smallest(
    problem: &Problem<'_>,
    occupancy: &Occupancy,
    geometry: &Geometry,
) -> Option<Choice> {
    let tiling = Tiling { tile: [1, 1], slice: [1, 1, 1] };
    let table = GroupTable::of(problem, occupancy, tiling.slice, geometry);
    let passes = passes(problem, occupancy, &table, 1, true, geometry)?.channels();
    let searched = Searched::default();
    Some(Choice {
        tiling,
        passes,
        sliced: true,
        walk: u64::MAX,
        cost: f64::INFINITY,
        cycles: u64::MAX,
        searched,
    })
}

/// Tile shapes, the most square ones of each size included.
fn tiles(problem: &Problem<'_>, geometry: &Geometry) -> Vec<[usize; 2]> {
    let [y, x] = problem.axes.map(|axis| axis.output);
    let mut all = Vec::new();
    for h in 1..=geometry.rows.min(y) {
        for w in 1..=(geometry.rows / h).min(x) {
            let reach = |i: usize, tile: usize| {
                let axis = &problem.axes[i];
                (tile - 1) * axis.lattice_stride(tile) + axis.kernel.min(geometry.scratch_words)
            };
            if reach(0, h).max(reach(1, w)) < 1 << LATTICE_BITS {
                all.push([h, w]);
            }
        }
    }
    // Large tiles first: they make good bounds early.
    all.sort_by_key(|[h, w]| (std::cmp::Reverse(h * w), h.abs_diff(*w)));
    all
}

/// Even parts of `extent` that are at most `most`.
fn even_parts(extent: usize, most: usize) -> Vec<usize> {
    let mut parts: Vec<usize> = (1..=extent).map(|n| extent.div_ceil(n)).collect();
    parts.dedup();
    parts.retain(|part| *part <= most);
    parts
}

/// Slices that fit the scratchpad; for each extent of kernel rows and columns the largest channel block, or
/// all of them.
fn slice_boxes(problem: &Problem<'_>, geometry: &Geometry, all_blocks: bool) -> Vec<SliceBox> {
    let words = problem.inputs.div_ceil(geometry.word_channels);
    let mut all = Vec::new();
    let most_y = if problem.sum() { 1 } else { geometry.scratch_words };
    for y in even_parts(problem.axes[0].kernel, most_y) {
        for x in even_parts(problem.axes[1].kernel, geometry.scratch_words / y) {
            let mut most = geometry.scratch_words / (x * y);
            if problem.per_channel() {
                most = most.min(geometry.channels(geometry.psum_bank) / geometry.word_channels);
            }
            let parts = even_parts(words, most);
            let count = if all_blocks { parts.len() } else { 1 };
            all.extend(parts.iter().take(count).map(|c| [*c, y, x]));
            let full = most.min(words);
            if !problem.per_channel() && parts.first() != Some(&full) {
                all.push([full, y, x]);
            }
        }
    }
    all
}

/// Phases along each axis.
fn phase_grid(problem: &Problem<'_>, tiling: &Tiling) -> [usize; 2] {
    [0, 1].map(|i| problem.axes[i].spacing(tiling.tile[i]).min(problem.axes[i].output))
}

/// Phases of a tiling, (y, x).
pub(crate) fn phases(problem: &Problem<'_>, tiling: &Tiling) -> Vec<[usize; 2]> {
    let [y, x] = phase_grid(problem, tiling);
    (0..y * x).map(|n| [n / x, n % x]).collect()
}

/// How many phases there are.
pub(crate) fn phase_count(problem: &Problem<'_>, tiling: &Tiling) -> usize {
    phase_grid(problem, tiling).iter().product()
}

#[cfg(test)]
mod tests;
