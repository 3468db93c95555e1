//! Predicted cost of a mapping: a lower bound in closed form, and the cost by the exact recurrences of the timing.
//!
//! The cost is that of the layer by itself with its tensors in the global buffer: the kernels, and the loads of lists
//! and parameters that do not hide behind them.

use std::ops::Range;
use std::sync::Arc;

use pecan_config::geometry::Geometry;
#[cfg(test)]
use pecan_config::isa::counter::{Counter, Counters};
#[cfg(test)]
use pecan_config::isa::payload_beats;
#[cfg(test)]
use pecan_emulator::kernel_counts;
use pecan_emulator::{KernelPlan, ListLengths, kernel_cycles};

use crate::error::MapError;
use crate::lower::kernel::{Kernel, Placement};
use crate::space::array_mapping::{FEWEST_TILES, LONGEST_KERNEL, Tiling, phase_count, phases};
use crate::space::channel_tiles::{ChannelTile, ChannelTiles};
use crate::space::lists::Occupancy;
use crate::space::workload::Workload;

/// A candidate mapping of a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'a> {
    /// Tile and reduction tile.
    pub(crate) tiling: Tiling,
    /// The channel tiles.
    pub(crate) channel_tiles: &'a ChannelTiles,
}

/// Lower bound of the cycles of a layer, the loading of its lists included. A kernel takes at least the cycles of its
/// loader, of its longest column and of its drain alone, each with the fill before it and the drain after it. The lists
/// of a channel tile load during the kernel before it, as far as they overwrite none of the lists in use.
pub(crate) fn bound(
    workload: &Workload<'_>,
    candidate: &Candidate<'_>,
    geometry: &Geometry,
) -> u64 {
    let b = geometry.word_channels;
    let Tiling { tile, slice } = candidate.tiling;
    let tiles: u64 = (0..2)
        .map(|i| {
            let axis = &workload.axes[i];
            let spacing = axis.spacing(tile[i]).min(axis.output);
            let tiles =
                |phase: usize| (axis.output - phase).div_ceil(spacing).div_ceil(tile[i]) as u64;
            (0..spacing).map(tiles).sum::<u64>()
        })
        .product();
    let steps = |axis: usize, kernel: usize, slice: usize| {
        let blocks = kernel.div_ceil(slice);
        let reach = (tile[axis] - 1) * workload.axes[axis].lattice_stride(tile[axis]);
        (kernel + blocks * reach) as u64
    };
    let [y, x] = [0, 1].map(|i| steps(i, workload.axes[i].kernel, slice[i + 1]));
    let pixels = workload.axes.iter().map(|axis| axis.output as u64).product::<u64>();
    let runs = phase_count(workload, &candidate.tiling) as u64;
    let spread = spreads(workload, candidate);
    pipelined(candidate.channel_tiles, spread, geometry, |_, channel_tile| {
        let channels =
            if workload.per_channel() { channel_tile.channels.len() } else { workload.inputs };
        let words = channels.div_ceil(b) as u64;
        let chunks = (channel_tile.channels.len() / geometry.drain_lanes) as u64;
        let first = |axis: usize| {
            let reach = (tile[axis] - 1) * workload.axes[axis].lattice_stride(tile[axis]);
            (workload.axes[axis].kernel.min(slice[axis + 1]) + reach) as u64
        };
        // The array is idle while the first reduction tile is loaded, and while the last pixel is drained.
        let fill = words.min(slice[0] as u64) * first(0) * first(1);
        let walked = tiles * channel_tile.walk + runs * (fill + chunks);
        let loaded = tiles * words * y * x + runs * chunks;
        let drained = pixels * chunks + runs * (fill + channel_tile.walk);
        walked.max(loaded).max(drained) + runs * PIPELINE
    })
}

/// Least cycles from the last step of a stage to the first of the next and to the end of a kernel.
const PIPELINE: u64 = 5;

/// Whether channel tiles with long lists are spread.
fn spreads(workload: &Workload<'_>, candidate: &Candidate<'_>) -> bool {
    let Tiling { tile, .. } = candidate.tiling;
    let tiles: usize = (0..2).map(|i| workload.axes[i].output.div_ceil(tile[i])).product();
    !workload.per_channel()
        && phase_count(workload, &candidate.tiling) == 1
        && tiles >= FEWEST_TILES
}

/// Cycles of channel tiles whose kernels take `run` cycles each (by number and first channel tile of equal ones).
fn pipelined(
    channel_tiles: &ChannelTiles,
    spread: bool,
    geometry: &Geometry,
    run: impl Fn(usize, &ChannelTile) -> u64,
) -> u64 {
    let mut total = 0;
    let mut before: Option<(&ChannelTile, u64)> = None;
    let cost = |channel_tile: &ChannelTile, before: Option<(&ChannelTile, u64)>| {
        let [late, early] =
            channel_tile.load(before.map(|(channel_tile, _)| channel_tile), geometry);
        // Channel tiles with long lists are spread: two tiles of each hide the late loads.
        let hidden =
            before.map_or(0, |(channel_tile, _)| 2 * channel_tile.walk) + channel_tile.walk;
        let late = if spread { late.saturating_sub(hidden) } else { late };
        early.max(before.map_or(0, |(_, cycles)| cycles)) + late
    };
    for (number, (channel_tile, count)) in channel_tiles.0.iter().enumerate() {
        total += cost(channel_tile, before);
        before = Some((channel_tile, run(number, channel_tile)));
        total += (*count as u64 - 1) * cost(channel_tile, before);
    }
    total + before.map_or(0, |(_, cycles)| cycles)
}

/// Exact counts, except cycles and the counts that depend on activations: kernels, lists, parameters. The search uses
/// closed forms, which tests compare with these.
///
/// # Errors
/// A register cannot hold a value of the layer.
#[cfg(test)]
pub(crate) fn counts(
    workload: &Workload<'_>,
    occupancy: &Occupancy,
    candidate: &Candidate<'_>,
    geometry: &Geometry,
) -> Result<Counters, MapError> {
    let mut total = Counters::default();
    for (channel_tile, count) in &candidate.channel_tiles.0 {
        let count = *count as u64;
        for plan in plans(workload, occupancy, candidate, channel_tile, geometry)? {
            let one = kernel_counts(&plan);
            total.0.iter_mut().zip(one.0).for_each(|(total, n)| *total += count * n);
        }
        let (entries, params) = (channel_tile.entries(), channel_tile.channels.len() as u64);
        let beats = |items, slot| payload_beats(items, slot, geometry.stream_bits);
        total[Counter::WeightWrites] += count * entries;
        total[Counter::ParamWrites] += count * params;
        total[Counter::BeatsIn] +=
            count * (beats(entries, geometry.entry_slot) + beats(params, Geometry::PARAM_SLOT));
    }
    Ok(total)
}

/// Cycles as [`bound`], but with the exact timing of the kernels.
///
/// # Errors
/// A register cannot hold a value of the layer.
pub(crate) fn cycles(
    workload: &Workload<'_>,
    occupancy: &Occupancy,
    candidate: &Candidate<'_>,
    geometry: &Geometry,
) -> Result<u64, MapError> {
    let mut runs = Vec::with_capacity(candidate.channel_tiles.0.len());
    for (channel_tile, _) in &candidate.channel_tiles.0 {
        let plans = plans(workload, occupancy, candidate, channel_tile, geometry)?;
        let cycles = |plan: KernelPlan| {
            let plan = KernelPlan { lists: deciding(plan.lists), ..plan };
            kernel_cycles(Arc::new(plan)).unwrap_or(2 * LONGEST_KERNEL)
        };
        runs.push(plans.into_iter().map(cycles).sum::<u64>());
    }
    let spread = spreads(workload, candidate);
    Ok(pipelined(candidate.channel_tiles, spread, geometry, |number, _| runs[number]))
}

/// The lists of the columns that decide when a kernel ends. Times only grow with the entries of a reduction tile, so a
/// column that nowhere has more entries than another never decides. Few columns of a layer differ.
fn deciding(mut lists: ListLengths) -> ListLengths {
    lists.retain(|list| !list.is_empty());
    lists.sort_unstable();
    lists.dedup();
    let below = |a: &[u32], b: &[u32]| a.iter().zip(b).all(|(a, b)| a <= b);
    // In ascending order a list can be dominated by later ones only.
    let kept = (0..lists.len())
        .filter(|k| !lists[k + 1..].iter().any(|later| below(&lists[*k], later)))
        .collect::<Vec<_>>();
    kept.into_iter().map(|k| std::mem::take(&mut lists[k])).collect()
}

/// The kernels of a channel tile, one per phase.
fn plans(
    workload: &Workload<'_>,
    occupancy: &Occupancy,
    candidate: &Candidate<'_>,
    channel_tile: &ChannelTile,
    geometry: &Geometry,
) -> Result<Vec<KernelPlan>, MapError> {
    let phases = phases(workload, &candidate.tiling).into_iter();
    phases
        .map(|phase| {
            let run = whole_run(workload, channel_tile.channels.clone(), phase, geometry);
            run.plan(workload, occupancy, &candidate.tiling, geometry)
        })
        .collect()
}

/// A kernel over the whole layer with all tensors in the buffer.
fn whole_run(
    workload: &Workload<'_>,
    channels: Range<usize>,
    phase: [usize; 2],
    geometry: &Geometry,
) -> Kernel {
    let b = geometry.word_channels;
    let place = |pixels: [usize; 2], channels: usize| Placement {
        base: 0,
        pixels: pixels.map(|n| 0..n),
        words: 0..channels.div_ceil(b),
    };
    Kernel {
        outputs: workload.axes.map(|axis| 0..axis.output),
        phase,
        taps: workload.taps_of(&channels, geometry),
        channels,
        accumulate: false,
        no_drain: false,
        input: place(workload.axes.map(|axis| axis.input), workload.inputs),
        other: 0,
        output: place(workload.axes.map(|axis| axis.output), workload.outputs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lists_that_nothing_exceeds_decide() {
        let lists = vec![vec![3, 1], vec![], vec![1, 4], vec![3, 1], vec![2, 1], vec![1, 3]];
        assert_eq!(deciding(lists), [[1, 4], [3, 1]]);
        assert!(deciding(vec![vec![]; 3]).is_empty());
    }
}
