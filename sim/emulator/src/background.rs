//! Use of the global buffer's ports by a kernel, cycle by cycle: the decoder's writes yield to the drain, the store
//! engine's reads to the loader. Cycles must be asked for in ascending order.

use super::timing::{TileCycles, Timer};

/// Drain's use of the buffer's write port.
#[derive(Clone, Debug)]
pub(super) struct DrainPort {
    timer: Timer,
    tile: u64,
    now: Option<TileCycles>,
    row: usize,
    /// First drain cycle of `row`.
    row_start: u64,
}

/// Cycles from the drain step that completes a word to its write.
const WRITE_DELAY: u64 = 4;

impl DrainPort {
    /// The drain of a kernel.
    #[must_use]
    pub(super) fn new(mut timer: Timer) -> Self {
        let now = timer.next_tile();
        let row_start = now.as_ref().map_or(0, |t| t.drain);
        Self { timer, tile: 0, now, row: 0, row_start }
    }

    /// Whether a word is written in `cycle`.
    pub(super) fn writes(&mut self, cycle: u64) -> bool {
        let plan = std::sync::Arc::clone(self.timer.plan());
        let shape = &plan.shape;
        if shape.no_drain || cycle < WRITE_DELAY {
            return false;
        }
        let step = cycle - WRITE_DELAY;
        while let Some(now) = &self.now {
            if step > now.free || self.row >= shape.rows_used {
                self.now = self.timer.next_tile();
                self.tile += 1;
                self.row = 0;
                self.row_start = self.now.as_ref().map_or(0, |t| t.drain);
                continue;
            }
            if step < self.row_start {
                return false;
            }
            let tile = shape.tile_at(self.tile);
            let valid = shape.rows.get(self.row).is_some_and(|row| shape.valid(row, tile));
            let length = if valid { shape.out_chunks } else { 1 };
            let offset = step - self.row_start;
            if offset < length {
                let completes = (offset + 1).is_multiple_of(shape.steps_per_word);
                return valid && (completes || offset + 1 == shape.out_chunks);
            }
            self.row += 1;
            self.row_start += length;
        }
        false
    }
}

/// Loader's use of the buffer's read port.
#[derive(Clone, Debug)]
pub(super) struct LoaderPort {
    timer: Timer,
    tile: u64,
    slice: usize,
    now: Option<TileCycles>,
}

impl LoaderPort {
    /// The loader of a kernel.
    #[must_use]
    pub(super) fn new(mut timer: Timer) -> Self {
        let now = timer.next_tile();
        Self { timer, tile: 0, slice: 0, now }
    }

    /// Whether a word is read in `cycle` (a step in padding reads nothing).
    pub(super) fn reads(&mut self, cycle: u64) -> bool {
        let plan = std::sync::Arc::clone(self.timer.plan());
        let shape = &plan.shape;
        while let Some(now) = &self.now {
            let Some(first) = now.load.get(self.slice) else {
                self.now = self.timer.next_tile();
                self.tile += 1;
                self.slice = 0;
                continue;
            };
            if cycle < *first {
                return false;
            }
            let block = shape.block_at(self.slice as u64);
            let extent = shape.extent(block);
            let offset = cycle - first;
            if offset >= shape.loader_steps(extent) {
                self.slice += 1;
                continue;
            }
            let point = offset as i64 / extent[0];
            let width = extent[2] + shape.ext[1];
            let at = [point / width, point % width];
            let origin = shape.origin(shape.tile_at(self.tile), block);
            return (0..2).all(|i| shape.inside(i, origin[i], at[i]));
        }
        false
    }
}
