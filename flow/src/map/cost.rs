//! Predicted cost of a way to walk a layer: a bound in closed form, and the cost of the exact recurrences.

use std::ops::Range;
use std::sync::Arc;

use pecan_hdl::geometry::Geometry;
use pecan_hdl::isa::counter::{Counter, Counters};
use pecan_sim::emulator::{ListLengths, run_counts, run_cycles};

use super::Objective;
use super::choose::{LONGEST_RUN, phases};
use super::error::MapError;
use super::lists::Occupancy;
use super::passes::Pass;
use super::problem::Problem;
use super::run::{Placement, Run, Tiling};

/// A way to walk a layer.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'a> {
    /// Tile and slice.
    pub(super) tiling: Tiling,
    /// The passes.
    pub(super) passes: &'a [Pass],
}

/// Cycles that a layer takes at least, the loading of its lists included: that of a pass hides behind the
/// run before it, as far as it overwrites none of the lists in use.
pub(super) fn bound(problem: &Problem<'_>, candidate: &Candidate<'_>, geometry: &Geometry) -> u64 {
    let b = geometry.word_channels;
    let Tiling { tile, slice } = candidate.tiling;
    let tiles: u64 = (0..2)
        .map(|i| {
            let axis = &problem.axes[i];
            let spacing = axis.spacing(tile[i]).min(axis.output);
            let tiles =
                |phase: usize| (axis.output - phase).div_ceil(spacing).div_ceil(tile[i]) as u64;
            (0..spacing).map(tiles).sum::<u64>()
        })
        .product();
    let steps = |axis: usize, kernel: usize, slice: usize| {
        let blocks = kernel.div_ceil(slice);
        let reach = (tile[axis] - 1) * problem.axes[axis].lattice_stride(tile[axis]);
        (kernel + blocks * reach) as u64
    };
    let [y, x] = [0, 1].map(|i| steps(i, problem.axes[i].kernel, slice[i + 1]));
    let pixels = problem.axes.iter().map(|axis| axis.output as u64).product::<u64>();
    let spread = spreads(problem, candidate);
    pipelined(candidate.passes, spread, geometry, |pass| {
        let channels = if problem.per_channel() { pass.channels.len() } else { problem.inputs };
        let words = channels.div_ceil(b) as u64;
        let drain = pixels * (pass.channels.len() / geometry.drain_lanes) as u64;
        (tiles * pass.walk.max(words * y * x)).max(drain)
    })
}

/// Whether passes with long lists are spread.
fn spreads(problem: &Problem<'_>, candidate: &Candidate<'_>) -> bool {
    let Tiling { tile, .. } = candidate.tiling;
    let tiles: usize = (0..2).map(|i| problem.axes[i].output.div_ceil(tile[i])).product();
    !problem.per_channel()
        && phases(problem, &candidate.tiling).len() == 1
        && tiles >= super::spread::FEWEST_TILES
}

/// Cycles of passes whose runs take `run` cycles each.
fn pipelined(
    passes: &[Pass],
    spread: bool,
    geometry: &Geometry,
    mut run: impl FnMut(&Pass) -> u64,
) -> u64 {
    let mut total = 0;
    let mut before: Option<(&Pass, u64)> = None;
    for pass in passes {
        let [late, early] = pass.load(before.map(|(pass, _)| pass), geometry);
        // Passes with long lists are spread: two tiles of each hide what is late.
        let hidden = before.map_or(0, |(pass, _)| 2 * pass.walk) + pass.walk;
        let late = if spread { late.saturating_sub(hidden) } else { late };
        total += early.max(before.map_or(0, |(_, cycles)| cycles)) + late;
        before = Some((pass, run(pass)));
    }
    total + before.map_or(0, |(_, cycles)| cycles)
}

/// The cost by the objective; cycles are those of [`bound`] with the exact timing of the runs.
///
/// # Errors
/// A register cannot hold a value of the layer.
pub(super) fn exact(
    problem: &Problem<'_>,
    occupancy: &Occupancy,
    candidate: &Candidate<'_>,
    geometry: &Geometry,
    objective: &Objective,
) -> Result<f64, MapError> {
    let mut costs = Vec::with_capacity(candidate.passes.len());
    let mut latest: Option<(usize, Vec<ListLengths>)> = None;
    for pass in candidate.passes {
        let mut lists = Vec::new();
        let mut plans = Vec::new();
        for phase in phases(problem, &candidate.tiling) {
            let run = whole_run(problem, pass.channels.clone(), phase, geometry);
            let plan = run.plan(problem, occupancy, &candidate.tiling, geometry)?;
            lists.push(plan.lists.clone());
            plans.push(plan);
        }
        let same = latest.replace((pass.channels.len(), lists.clone()));
        let known = same.filter(|same| *same == (pass.channels.len(), lists));
        if let (Some(_), Some(cost)) = (known, costs.last().copied()) {
            costs.push(cost);
            continue;
        }
        costs.push(plans.into_iter().map(|plan| estimate(plan, objective)).sum());
    }
    Ok(match objective {
        Objective::Cycles => {
            let mut costs = costs.into_iter();
            let run = |_: &Pass| costs.next().unwrap_or(0.0) as u64;
            pipelined(candidate.passes, spreads(problem, candidate), geometry, run) as f64
        }
        Objective::Counts(_) => costs.into_iter().sum(),
    })
}

/// Cost of one run by the objective.
fn estimate(plan: pecan_sim::emulator::RunPlan, objective: &Objective) -> f64 {
    let plan = Arc::new(plan);
    let cycles = run_cycles(Arc::clone(&plan)).unwrap_or(2 * LONGEST_RUN);
    match objective {
        Objective::Cycles => cycles as f64,
        Objective::Counts(cost) => {
            let mut counts: Counters = run_counts(&plan);
            counts[Counter::RunCycles] = cycles;
            cost(&counts)
        }
    }
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
        other: 0,
        output: place(problem.axes.map(|axis| axis.output), problem.outputs),
    }
}
