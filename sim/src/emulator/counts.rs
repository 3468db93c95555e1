//! Events of a run that do not depend on data.

use pecan_hdl::isa::counter::{Counter, Counters};

use super::shape::RunShape;
use super::timing::RunPlan;

/// Counts of a run except active lanes and scratchpad reads, which depend on the activations, and run
/// cycles, which `timing` gives. The buffer reads are those of the loader, the writes those of
/// the drain.
#[must_use]
pub fn run_counts(plan: &RunPlan) -> Counters {
    let shape = &plan.shape;
    let mut total = Counters::default();
    let active: Vec<usize> = (0..plan.lists.len()).filter(|c| !plan.lists[*c].is_empty()).collect();
    let entries: u64 = active.iter().flat_map(|c| &plan.lists[*c]).map(|n| u64::from(*n)).sum();
    let (psum_reads, psum_writes) = psum_accesses(shape, &active);
    for tile in 0..shape.tile_count() {
        let at = shape.tile_at(tile);
        let valid: Vec<bool> = shape.valid_rows(at).collect();
        let rows = valid.iter().filter(|v| **v).count() as u64;
        total[Counter::PeSteps] += entries * rows;
        total[Counter::WeightReads] += entries;
        total[Counter::PsumReads] += psum_reads * rows;
        total[Counter::PsumWrites] += psum_writes * rows;
        if !shape.no_drain {
            let drained = valid.iter().take(shape.rows_used).filter(|v| **v).count() as u64;
            total[Counter::DrainSteps] += drained * shape.out_chunks;
            total[Counter::BufferWrites] +=
                drained * shape.out_chunks.div_ceil(shape.steps_per_word);
        }
        for slice in 0..shape.slices() {
            let block = shape.block_at(slice);
            total[Counter::BufferReads] += loader_reads(shape, at, block);
            total[Counter::ScratchWrites] +=
                scratch_writes(shape, &valid, block) * active.len() as u64;
        }
    }
    total
}

/// Psum words read and written per tile and valid row.
fn psum_accesses(shape: &RunShape, active: &[usize]) -> (u64, u64) {
    let later = shape.slices() - 1;
    let first = u64::from(shape.accumulate);
    let mut total = (0, 0);
    for column in active {
        let groups = shape.columns[*column].groups as u64;
        let (reads, writes) = if groups > 1 { (later, later + 1) } else { (0, 1) };
        total.0 += groups * (first + reads);
        total.1 += groups * writes;
    }
    total
}

/// Buffer words that the loader reads for a slice.
fn loader_reads(shape: &RunShape, tile: [i64; 2], block: [u64; 3]) -> u64 {
    let extent = shape.extent(block);
    let origin = shape.origin(tile, block);
    let inside = |axis: usize| {
        shape.count_inside(axis, origin[axis], extent[axis + 1] + shape.ext[axis]) as u64
    };
    inside(0) * inside(1) * extent[0] as u64
}

/// Words that valid rows take in a slice.
fn scratch_writes(shape: &RunShape, valid: &[bool], block: [u64; 3]) -> u64 {
    let extent = shape.extent(block);
    let taken = |row: &super::shape::RowShape| -> i64 {
        let along = |axis: usize| {
            let (kernel, ext) = (extent[axis + 1], shape.ext[axis]);
            kernel.min(kernel + ext - row.base[axis]).max(0)
        };
        along(0) * along(1) * extent[0]
    };
    let rows = shape.rows.iter().zip(valid).filter(|(_, valid)| **valid);
    rows.map(|(row, _)| taken(row) as u64).sum()
}
