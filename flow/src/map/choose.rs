//! Choice of tile, slice and output-channel passes of a layer by predicted cost.

use std::ops::Range;
use std::sync::Arc;

use pecan_hdl::geometry::{Geometry, LATTICE_BITS};
use pecan_hdl::isa::counter::{Counter, Counters};
use pecan_hdl::isa::payload_cycles;
use pecan_sim::emulator::{RunPlan, run_counts, run_cycles};

use super::Objective;
use super::error::MapError;
use super::lists::{Occupancy, SliceBox, lengths};
use super::problem::Problem;
use super::run::{Placement, Run, Tiling};

/// How a layer is cut, apart from what the buffer forces.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    /// Tile and slice.
    pub(super) tiling: Tiling,
    /// Output channels of each pass.
    pub(super) passes: Vec<Range<usize>>,
    /// Each slice is a run of its own, because the lists of a pass exceed the weight buffer.
    pub(super) sliced: bool,
    /// Predicted cost; cycles by default.
    pub(super) cost: f64,
}

/// Longest run that is planned, in cycles: half of what the register `limit` can hold.
pub(super) const LONGEST_RUN: u64 = 32767 * 256;

/// Shorter passes that are tried.
const SHORTER_PASSES: usize = 8;

/// Chooses the cheapest way to walk a layer.
///
/// # Errors
/// The layer exceeds a register, or no slice fits.
pub(super) fn choose(
    problem: &Problem<'_>,
    occupancy: &Occupancy,
    geometry: &Geometry,
    objective: &Objective,
) -> Result<Choice, MapError> {
    let mut best: Option<Choice> = None;
    for sliced in [false, true] {
        for slice in slice_boxes(problem, geometry, sliced) {
            for tile in tiles(problem, geometry) {
                let tiling = Tiling { tile, slice };
                let most = geometry.channels(geometry.psum_bank) / geometry.word_channels;
                let found = passes(problem, occupancy, &tiling, sliced, most, geometry);
                let Some(passes) = found else { continue };
                let bound = best.as_ref().map_or(f64::INFINITY, |b| b.cost);
                let mut choice = Choice { tiling, passes, sliced, cost: 0.0 };
                if let Some(cost) = cost(problem, occupancy, &choice, geometry, objective, bound)?
                    && cost < bound
                {
                    choice.cost = cost;
                    best = Some(choice);
                }
            }
        }
        if best.is_some() {
            break;
        }
    }
    let refined = best.map(|b| shorter_passes(problem, occupancy, b, geometry, objective));
    refined.unwrap_or_else(|| {
        Err(MapError::NoSplit {
            layer: problem.name.into(),
            reason: format!(
                "one slice of one buffer word takes more than {} weight entries",
                geometry.weight_entries
            ),
        })
    })
}

/// Cuts the passes of a choice further where that hides more of the weights' loading behind compute than
/// it costs: the lists of a pass load while the pass before it runs.
fn shorter_passes(
    problem: &Problem<'_>,
    occupancy: &Occupancy,
    choice: Choice,
    geometry: &Geometry,
    objective: &Objective,
) -> Result<Choice, MapError> {
    if choice.sliced || !matches!(objective, Objective::Cycles) {
        return Ok(choice);
    }
    let mut best = (pipelined(problem, occupancy, &choice, geometry)?, choice.clone());
    let longest = choice.passes.iter().map(Range::len).max().unwrap_or(0) / geometry.word_channels;
    for most in even_parts(longest, longest).into_iter().skip(1).take(SHORTER_PASSES) {
        let found = passes(problem, occupancy, &choice.tiling, false, most, geometry);
        let Some(passes) = found else { continue };
        let mut cut = Choice { passes, ..choice.clone() };
        let time = pipelined(problem, occupancy, &cut, geometry)?;
        if time < best.0 {
            let cost = cost(problem, occupancy, &cut, geometry, objective, f64::INFINITY)?;
            cut.cost = cost.unwrap_or(cut.cost);
            best = (time, cut);
        }
    }
    Ok(best.1)
}

/// Cycles of a layer whose first lists load before it, the others beside the runs.
fn pipelined(
    problem: &Problem<'_>,
    occupancy: &Occupancy,
    choice: &Choice,
    geometry: &Geometry,
) -> Result<u64, MapError> {
    let (mut total, mut running) = (0, 0);
    for channels in &choice.passes {
        let mut run = 0;
        let mut load = channels.len() as u64;
        for phase in phases(problem, &choice.tiling) {
            let plan = whole_run(problem, channels.clone(), phase, geometry).plan(
                problem,
                occupancy,
                &choice.tiling,
                geometry,
            )?;
            let entries: u64 = plan.lists.iter().flatten().map(|n| u64::from(*n)).sum();
            load = payload_cycles(entries, geometry.entry_slot, geometry.stream_bits)
                + payload_cycles(channels.len() as u64, Geometry::PARAM_SLOT, geometry.stream_bits);
            run += run_cycles(Arc::new(plan)).unwrap_or(2 * LONGEST_RUN);
        }
        total += load.max(running);
        running = run;
    }
    Ok(total + running)
}

/// The way to walk a layer that needs the least memory: one pixel, one word, one pass at a time.
pub(super) fn smallest(
    problem: &Problem<'_>,
    occupancy: &Occupancy,
    geometry: &Geometry,
) -> Option<Choice> {
    let tiling = Tiling { tile: [1, 1], slice: [1, 1, 1] };
    let b = geometry.word_channels;
    let padded = problem.outputs.next_multiple_of(b);
    let passes: Vec<Range<usize>> = (0..padded).step_by(b).map(|k| k..k + b).collect();
    let fit = passes.iter().all(|p| fits(problem, occupancy, p, &tiling, true, geometry, 1));
    fit.then_some(Choice { tiling, passes, sliced: true, cost: f64::INFINITY })
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
    for y in even_parts(problem.axes[0].kernel, geometry.scratch_words) {
        for x in even_parts(problem.axes[1].kernel, geometry.scratch_words / y) {
            let most = geometry.scratch_words / (x * y);
            if problem.per_channel() {
                let pass = geometry.channels(geometry.psum_bank) / geometry.word_channels;
                let parts = even_parts(words, most.min(pass));
                all.extend(
                    parts.into_iter().take(if all_blocks { words } else { 1 }).map(|c| [c, y, x]),
                );
                continue;
            }
            let parts = even_parts(words, most);
            let count = if all_blocks { parts.len() } else { 1 };
            all.extend(parts.iter().take(count).map(|c| [*c, y, x]));
            let full = most.min(words);
            if parts.first() != Some(&full) {
                all.push([full, y, x]);
            }
        }
    }
    all
}

/// Output-channel passes of at most `most` words each, or `None` if even one word of channels does not fit.
fn passes(
    problem: &Problem<'_>,
    occupancy: &Occupancy,
    tiling: &Tiling,
    sliced: bool,
    mut most: usize,
    geometry: &Geometry,
) -> Option<Vec<Range<usize>>> {
    let b = geometry.word_channels;
    let padded = problem.outputs.next_multiple_of(b);
    if problem.per_channel() {
        most = most.min(tiling.slice[0]);
    }
    let fit = |range: &Range<usize>, share| {
        fits(problem, occupancy, range, tiling, sliced, geometry, share)
    };
    let whole = 0..padded;
    if padded / b <= most && fit(&whole, 1) {
        return Some(vec![whole]);
    }
    let even = (padded / b).div_ceil((padded / b).div_ceil(most));
    let mut passes = Vec::new();
    let mut from = 0;
    while from < padded {
        let left = even.min((padded - from) / b);
        // Half of a weight buffer, so that the next pass loads during this one; if need be all of it.
        let found = (1..=left).rev().map(|n| from..from + n * b).find(|range| fit(range, 2));
        let range = found.or_else(|| Some(from..from + b).filter(|range| fit(range, 1)))?;
        from = range.end;
        passes.push(range);
    }
    Some(passes)
}

/// Whether the lists of a pass fit into `1 / share` of the weight buffers.
fn fits(
    problem: &Problem<'_>,
    occupancy: &Occupancy,
    channels: &Range<usize>,
    tiling: &Tiling,
    sliced: bool,
    geometry: &Geometry,
    share: usize,
) -> bool {
    let room = (geometry.weight_entries / share) as u64;
    let taps = problem.taps_of(channels, geometry);
    let lists = lengths(occupancy, channels, &taps, tiling.slice, geometry);
    lists.iter().all(|column| {
        let entries = column.iter().map(|n| u64::from(*n));
        if sliced { entries.max().unwrap_or(0) <= room } else { entries.sum::<u64>() <= room }
    })
}

/// Predicted cost, or `None` if it is certainly not below `bound`.
fn cost(
    problem: &Problem<'_>,
    occupancy: &Occupancy,
    choice: &Choice,
    geometry: &Geometry,
    objective: &Objective,
    bound: f64,
) -> Result<Option<f64>, MapError> {
    let mut total = 0.0;
    for channels in &choice.passes {
        for phase in phases(problem, &choice.tiling) {
            let run = whole_run(problem, channels.clone(), phase, geometry);
            let plan = run.plan(problem, occupancy, &choice.tiling, geometry)?;
            if matches!(objective, Objective::Cycles) && total + lower_bound(&plan) as f64 >= bound
            {
                return Ok(None);
            }
            total += estimate(plan, objective);
        }
    }
    Ok(Some(total))
}

/// Cycles that a run takes at least.
fn lower_bound(plan: &RunPlan) -> u64 {
    let shape = &plan.shape;
    let blocks = (0..shape.slices()).map(|s| shape.extent(shape.block_at(s)));
    let load: u64 = blocks.map(|extent| shape.loader_steps(extent)).sum();
    let walk = plan.lists.iter().map(|l| l.iter().map(|n| u64::from(*n)).sum()).max();
    shape.tile_count() * load.max(walk.unwrap_or(0))
}

/// Cost of one run by the objective.
fn estimate(plan: RunPlan, objective: &Objective) -> f64 {
    let cycles = |plan: Arc<RunPlan>| run_cycles(plan).unwrap_or(2 * LONGEST_RUN);
    match objective {
        Objective::Cycles => cycles(Arc::new(plan)) as f64,
        Objective::Counts(cost) => {
            let mut counts: Counters = run_counts(&plan);
            counts[Counter::RunCycles] = cycles(Arc::new(plan));
            cost(&counts)
        }
    }
}

/// Phases of a tiling, (y, x).
pub(super) fn phases(problem: &Problem<'_>, tiling: &Tiling) -> Vec<[usize; 2]> {
    let [y, x] =
        [0, 1].map(|i| problem.axes[i].spacing(tiling.tile[i]).min(problem.axes[i].output));
    (0..y * x).map(|n| [n / x, n % x]).collect()
}

/// A run over the whole layer with everything in the buffer.
fn whole_run(
    problem: &Problem<'_>,
    channels: Range<usize>,
    phase: [usize; 2],
    geometry: &Geometry,
) -> Run {
    let b = geometry.word_channels;
    let place = |pixels: [usize; 2], channels: usize| Placement {
        base: 0,
        pixels: pixels.map(|n| 0..n),
        words: 0..channels.div_ceil(b),
    };
    Run {
        outputs: problem.axes.map(|axis| 0..axis.output),
        phase,
        taps: problem.taps_of(&channels, geometry),
        channels,
        accumulate: false,
        no_drain: false,
        input: place(problem.axes.map(|axis| axis.input), problem.inputs),
        output: place(problem.axes.map(|axis| axis.output), problem.outputs),
    }
}
