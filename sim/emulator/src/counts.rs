//! Events of a kernel that do not depend on data.

use pecan_config::isa::counter::{Counter, Counters};

use super::shape::{KernelShape, RowShape};
use super::timing::KernelPlan;

/// Counts of a kernel except active lanes and scratchpad reads, which depend on the activations, and kernel cycles,
/// which `timing` computes. The buffer reads are those of the loader, the writes those of the drain. Sums over tiles
/// are products of sums along the axes, so the computing time grows with the tiles of an axis, not with all of them.
#[must_use]
pub fn kernel_counts(plan: &KernelPlan) -> Counters {
    let shape = &plan.shape;
    let active: Vec<usize> = (0..plan.lists.len()).filter(|c| !plan.lists[*c].is_empty()).collect();
    let entries: u64 = active.iter().flat_map(|c| &plan.lists[*c]).map(|n| u64::from(*n)).sum();
    let (psum_reads, psum_writes) = psum_accesses(shape, &active);
    // Tiles in which each row computes a pixel.
    let valid: Vec<u64> = shape.rows.iter().map(|row| valid_tiles(shape, row)).collect();
    let rows: u64 = valid.iter().sum();
    let mut total = Counters::default();
    total[Counter::PeSteps] = entries * rows;
    total[Counter::WeightReads] = entries * shape.tile_count();
    total[Counter::PsumReads] = psum_reads * rows;
    total[Counter::PsumWrites] = psum_writes * rows;
    if !shape.no_drain {
        let drained: u64 = valid.iter().take(shape.rows_used).sum();
        total[Counter::DrainSteps] = drained * shape.out_chunks;
        total[Counter::BufferWrites] = drained * shape.out_chunks.div_ceil(shape.steps_per_word);
    }
    let [_, y, x] = shape.blocks;
    let inside: [Vec<u64>; 2] = std::array::from_fn(|axis| {
        (0..[y, x][axis]).map(|block| points_inside(shape, axis, block)).collect()
    });
    for slice in 0..shape.slices() {
        let block = shape.block_at(slice);
        let words = shape.extent(block)[0] as u64;
        total[Counter::BufferReads] +=
            inside[0][block[1] as usize] * inside[1][block[2] as usize] * words;
        let taken: u64 = shape
            .rows
            .iter()
            .zip(&valid)
            .map(|(row, tiles)| taken(shape, row, block) * tiles)
            .sum();
        total[Counter::ScratchWrites] += if active.is_empty() { 0 } else { taken };
    }
    total
}

/// Tiles in which a row computes a pixel.
fn valid_tiles(shape: &KernelShape, row: &RowShape) -> u64 {
    let along = |axis: usize| {
        let tiles = 0..shape.tiles[axis] as i64;
        let valid = |t: &i64| row.pixel[axis] < shape.rest(axis, *t);
        tiles.filter(valid).count() as u64
    };
    along(0) * along(1)
}

/// Lattice points along an axis that lie inside the input, in all tiles, for a block of taps.
fn points_inside(shape: &KernelShape, axis: usize, block: u64) -> u64 {
    let mut at = [0; 3];
    at[axis + 1] = block;
    let count = shape.extent(at)[axis + 1] + shape.ext[axis];
    let inside = |t: u64| {
        let mut tile = [0; 2];
        tile[axis] = t as i64;
        shape.count_inside(axis, shape.origin(tile, at)[axis], count) as u64
    };
    (0..shape.tiles[axis]).map(inside).sum()
}

/// Psum words read and written per tile and valid row.
fn psum_accesses(shape: &KernelShape, active: &[usize]) -> (u64, u64) {
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

/// Words that a valid row stores in a reduction tile.
fn taken(shape: &KernelShape, row: &RowShape, block: [u64; 3]) -> u64 {
    let extent = shape.extent(block);
    let along = |axis: usize| {
        let (kernel, ext) = (extent[axis + 1], shape.ext[axis]);
        kernel.min(kernel + ext - row.base[axis]).max(0)
    };
    (along(0) * along(1) * extent[0]) as u64
}

#[cfg(test)]
mod tests;
