//! Results of a kernel, tile by tile in program order.

use pecan_config::geometry::Geometry;

use super::activity::{DeviceObserver, Level, Requantized};
use super::array::{Activity, Array, Sum, Walk};
use super::lists::{dense_points, group_point};
use super::memories::Memories;
use super::shape::{KernelShape, RowShape};
use super::timing::{ListLengths, SliceTimes, Timer};
use super::waiting::{Waiting, pads};

/// A kernel addressed a word outside the global buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AddressFault {
    /// Tile of the access.
    pub(super) tile: u64,
    /// Reduction tile and loader step, or none if it was the drain.
    pub(super) load: Option<(usize, u64)>,
}

/// Execution of one kernel on the state of the device.
pub(super) struct Execution<'a, S> {
    /// Geometry of the device.
    pub(super) geometry: &'a Geometry,
    /// The loop nest.
    pub(super) shape: &'a KernelShape,
    /// Entries per column and reduction tile.
    pub(super) lists: &'a ListLengths,
    /// The array.
    pub(super) array: &'a mut Array<S>,
    /// The memories.
    pub(super) memories: &'a mut Memories,
    /// The clock of the kernel, for the observer.
    pub(super) timer: Option<Timer>,
    /// Columns that wait for the present reduction tile, for the observer.
    pub(super) waiting: Waiting,
    /// The observer of toggles.
    pub(super) observer: Option<&'a mut DeviceObserver>,
}

impl<S: Sum> Execution<'_, S> {
    /// Computes the whole kernel.
    ///
    /// # Errors
    /// The first access outside the global buffer.
    pub(super) fn run(&mut self) -> Result<Activity, AddressFault> {
        let mut total = Activity::default();
        let slices = self.shape.slices();
        if let Some(observer) = &mut self.observer {
            observer.run(self.shape);
        }
        for tile in 0..self.shape.tile_count() {
            let at = self.shape.tile_at(tile);
            let valid: Vec<bool> = self.shape.valid_rows(at).collect();
            let mut pointers: Vec<usize> = self.shape.columns.iter().map(|c| c.base).collect();
            // Without an active column, no column consumes the words of the loader.
            let times = self.times();
            for slice in 0..if self.shape.active() { slices } else { 0 } {
                let half = ((tile & 1) * (slices & 1) + slice) as usize & 1;
                let block = self.shape.block_at(slice);
                let waits = times.get(slice as usize).map_or(&[][..], |slice| &slice.waits);
                if let Some(times) = times.get(slice as usize) {
                    self.wait(times, at, block, half, &pointers);
                }
                self.load(at, block, half, &valid)
                    .map_err(|step| AddressFault { tile, load: Some((slice as usize, step)) })?;
                self.array.count_nonzero(half, &valid);
                let walk = Walk {
                    shape: self.shape,
                    half,
                    bank: (tile & 1) as usize,
                    first: slice == 0,
                    last: slice + 1 == slices,
                    valid: valid.iter().filter(|v| **v).count() as u32,
                    rows: &valid,
                    waits,
                };
                let done = self.columns(&walk, block, slice as usize, &mut pointers);
                total.lanes += done.lanes;
                total.reads += done.reads;
            }
            if !self.shape.no_drain {
                self.drain(at, (tile & 1) as usize, &valid)
                    .map_err(|()| AddressFault { tile, load: None })?;
            }
        }
        let rest = self.shape.tile_at(self.shape.tile_count());
        let behind = self.wrap(self.shape.address(rest, [0; 3]));
        if let Some(observer) = &mut self.observer {
            observer.point(behind);
            observer.place(self.shape.origin(rest, [0; 3]), [0; 2]);
            let padded = pads(self.shape, rest, [0; 3]);
            observer.pause(padded.then_some(&padding(self.shape, self.geometry)));
            observer.finish(self.shape);
        }
        Ok(total)
    }

    /// Times of the reduction tiles of the next tile, if there is an observer.
    fn times(&mut self) -> Vec<SliceTimes> {
        match (&self.observer, &mut self.timer) {
            (Some(_), Some(timer)) => timer.next_slices(),
            _ => Vec::new(),
        }
    }

    /// Fills a scratchpad half; the error is the loader step that left the buffer.
    fn load(
        &mut self,
        tile: [i64; 2],
        block: [u64; 3],
        half: usize,
        valid: &[bool],
    ) -> Result<(), u64> {
        let shape = self.shape;
        let extent = shape.extent(block);
        let origin = shape.origin(tile, block);
        let address = shape.address(tile, block);
        let mut step = 0;
        if block == [0; 3] {
            self.enter(Level::Tile);
        }
        self.enter(Level::Slice);
        for y in 0..extent[1] + shape.ext[0] {
            self.enter(Level::Line);
            for x in 0..extent[2] + shape.ext[1] {
                let inside = shape.inside(0, origin[0], y) && shape.inside(1, origin[1], x);
                let from = address + y * shape.addr_step[0] + x * shape.addr_step[1];
                self.enter(Level::Pixel);
                if let Some(observer) = &mut self.observer {
                    let at = [origin[0] + y * shape.step[0], origin[1] + x * shape.step[1]];
                    observer.place(at, [y, x]);
                }
                for cb in 0..extent[0] {
                    let at = self.wrap(from + cb);
                    let source = inside.then_some(at);
                    if source.is_some_and(|word| word >= self.geometry.buffer_words) {
                        return Err(step);
                    }
                    if let Some(observer) = &mut self.observer {
                        observer.point(at);
                        observer.wrap(shape.last_iterations(tile, block, [y, x, cb]));
                        self.waiting.show(step, observer);
                    }
                    self.multicast([y, x, cb], extent, source, half, valid);
                    step += 1;
                }
            }
        }
        Ok(())
    }

    /// The loader begins an iteration of one of its loops.
    fn enter(&mut self, level: Level) {
        if let Some(observer) = &mut self.observer {
            observer.step(level);
        }
    }

    fn wrap(&self, address: i64) -> usize {
        (address & ((1 << self.geometry.buffer_bits) - 1)) as usize
    }

    /// Writes a word (or padding) to every row whose patch contains it.
    fn multicast(
        &mut self,
        at: [i64; 3],
        extent: [i64; 3],
        source: Option<usize>,
        half: usize,
        valid: &[bool],
    ) {
        let channels = self.geometry.word_channels;
        let padding = padding(self.shape, self.geometry);
        let values = match source {
            Some(word) => &self.memories.buffer[word * channels..][..channels],
            None => &padding[..channels],
        };
        if let Some(observer) = &mut self.observer {
            observer.deliver(values, source.is_some());
        }
        let linear = at[0] * self.shape.patch[0] + at[1] * self.shape.patch[1] + at[2];
        for (index, row) in self.shape.rows.iter().enumerate() {
            if valid[index] && takes(row, at, extent) {
                let word = (linear - row.patch_offset) & (self.geometry.scratch_words as i64 - 1);
                self.array.store(half, word as usize, index, values);
                if let Some(observer) = &mut self.observer {
                    observer.store([half, word as usize, index], values);
                }
            }
        }
    }

    /// Processes the lists of a reduction tile in every active column.
    fn columns(
        &mut self,
        walk: &Walk<'_>,
        block: [u64; 3],
        slice: usize,
        pointers: &mut [usize],
    ) -> Activity {
        let mut total = Activity::default();
        let points = if self.geometry.skip {
            Vec::new()
        } else {
            dense_points(self.shape, block, self.geometry)
        };
        for (column, pointer) in pointers.iter_mut().enumerate() {
            let groups = self.shape.columns[column].groups;
            if groups == 0 {
                continue;
            }
            let memory = &self.memories.weights[column];
            let mask = memory.len() - 1;
            let mut left = self.lists[column][slice] as usize;
            for group in 0..groups {
                let start = *pointer;
                let entries = (0..left).map(|i| &memory[(start + i) & mask]);
                let done;
                let length;
                if self.geometry.skip {
                    length = entries.clone().take_while(|e| !e.last).count() + 1;
                    let list = entries.take(length).map(|e| (usize::from(e.index), e));
                    if let Some(observer) = &mut self.observer {
                        observer.list(&walk.list(column, group), list.clone());
                    }
                    done = self.array.group(walk, column, group, list);
                } else {
                    length = points.len();
                    let offset = if walk.shape.per_channel {
                        group_point(column, group, self.geometry)
                    } else {
                        0
                    };
                    let list = points.iter().map(|p| p + offset).zip(entries);
                    if let Some(observer) = &mut self.observer {
                        observer.list(&walk.list(column, group), list.clone());
                    }
                    done = self.array.group(walk, column, group, list);
                }
                total.lanes += done.lanes;
                total.reads += done.reads;
                left -= length;
                *pointer = (start + length) & mask;
            }
            if let Some(observer) = &mut self.observer {
                let base = self.shape.columns[column].base;
                let entries = self.lists[column][slice] as usize - left;
                observer.fetch(column, entries, walk.last.then_some(base));
            }
        }
        total
    }

    /// Requantizes a tile and writes it to the buffer.
    fn drain(&mut self, tile: [i64; 2], bank: usize, valid: &[bool]) -> Result<(), ()> {
        let shape = self.shape;
        let channels = self.geometry.word_channels;
        let produced = shape.out_chunks as usize * self.geometry.drain_lanes;
        let origin = shape.out_addr + tile[0] * shape.out_tile[0] + tile[1] * shape.out_tile[1];
        for (index, row) in shape.rows.iter().enumerate().take(shape.rows_used) {
            if !valid[index] {
                continue;
            }
            for word in 0..produced.div_ceil(channels) {
                let address = self.wrap(origin + row.out_offset + word as i64);
                if address >= self.geometry.buffer_words {
                    return Err(());
                }
                for channel in 0..channels {
                    let k = word * channels + channel;
                    let value = if k < produced { self.step(k, bank, index) } else { 0 };
                    self.memories.buffer[address * channels + channel] = value;
                }
                if let Some(observer) = &mut self.observer {
                    observer.write(self.memories.word(address, self.geometry));
                }
            }
            if let Some(observer) = &mut self.observer {
                let groups = produced.div_ceil(self.geometry.cols * self.geometry.lanes);
                let bank_words = self.geometry.psum_bank;
                observer.visit(index, (0..groups).map(|group| 2 * (group % bank_words) + bank));
            }
        }
        Ok(())
    }

    /// Requantizes one channel in its drain lane.
    fn step(&mut self, k: usize, bank: usize, row: usize) -> i16 {
        let step = self.requantize(k, bank, row);
        if let Some(observer) = &mut self.observer {
            observer.requantize(k, step);
        }
        step.value
    }

    fn requantize(&self, k: usize, bank: usize, row: usize) -> Requantized {
        let g = self.geometry;
        let group = k / (g.cols * g.lanes) % g.psum_bank;
        let column = k / g.lanes % g.cols;
        let sum = self.array.sum(column, bank * g.psum_bank + group, k % g.lanes, row);
        let param = self.memories.params[(self.shape.param_base + k) % g.param_channels];
        let half = if param.shift == 0 { 0 } else { 1i128 << (param.shift - 1) };
        let scaled =
            (i128::from(sum) + i128::from(param.bias)) * i128::from(param.multiplier) + half;
        let [low, high] = self.shape.clamp.map(i128::from);
        let value = (scaled >> param.shift).min(high).max(low) as i16;
        let rests = i128::from(sum) + i128::from(param.bias) < 0 && low >= 0 && high >= 0;
        Requantized { sum, param, value, rests }
    }
}

/// Padding: the word that the loader delivers outside the input.
pub(super) fn padding(shape: &KernelShape, geometry: &Geometry) -> [i16; 16] {
    [if shape.maximum { geometry.activation_min() as i16 } else { 0 }; 16]
}

fn takes(row: &RowShape, at: [i64; 3], extent: [i64; 3]) -> bool {
    (0..2).all(|i| (0..extent[i + 1]).contains(&(at[i] - row.base[i])))
}
