//! Loads lists beside the kernels, and spreads the channel tiles whose lists fill most of the weight buffers.
//!
//! During a kernel only the entries that it does not use can be overwritten, so the loading of lists that fill more
//! than half of the weight buffers would be exposed. But the partial sums of two tiles persist across kernels. So the
//! first two tiles of such a channel tile are computed in several kernels, one per part of the input channels, each as
//! soon as its lists are loaded. Then one kernel computes all other tiles, and the last two are again computed in
//! parts: used lists make room for the next ones.

use std::ops::Range;

use super::layer::{Emitter, LayerJob, TensorPlace};
use crate::emit::pack::pack;
use crate::error::MapError;
use crate::lower::circular_buffer::Key;
use crate::lower::kernel::Kernel;
use crate::space::array_mapping::FEWEST_TILES;
use crate::space::lists::lengths;
use crate::space::reduction::{ReductionRange, slices};

/// Parts of the input channels.
const PARTS: usize = 4;

/// Output pixels (y, x).
type Rect = [Range<usize>; 2];

/// Lists that are being loaded into the weight buffers.
#[derive(Debug)]
pub(crate) struct Lists {
    /// First position per column.
    pub(crate) start: Vec<u64>,
    /// Entries per column; none if they are present already.
    lengths: Vec<usize>,
    /// Slots per column, unless the program is only predicted.
    slots: Vec<Vec<u8>>,
    /// Bytes per slot.
    size: usize,
    /// Entries per column that are loaded.
    done: Vec<usize>,
}

impl Lists {
    fn length(&self, column: usize) -> usize {
        self.lengths.get(column).copied().unwrap_or(0)
    }

    /// Whether all are loaded.
    pub(crate) fn complete(&self) -> bool {
        self.done.iter().enumerate().all(|(column, done)| *done == self.length(column))
    }
}

impl Emitter<'_> {
    /// Starts to load the lists of a kernel, as far as they overwrite nothing in use. Also starts the last kernels of
    /// the channel tile before, with loads between them.
    pub(crate) fn lists(&mut self, job: &LayerJob<'_>, key: Key, run: &Kernel) -> Lists {
        let size = self.geometry.entry_slot / 8;
        if let Some(start) = self.weights.find(key) {
            let (lengths, slots) = (Vec::new(), Vec::new());
            return Lists { done: vec![0; start.len()], start, lengths, slots, size };
        }
        let slice = job.mapping.tiling.slice;
        let lists = lengths(job.occupancy, &run.channels, &run.taps, slice, self.geometry);
        let total = |list: &Vec<u32>| list.iter().map(|n| *n as usize).sum();
        let lengths: Vec<usize> = lists.iter().map(total).collect();
        let slots = if self.builder.plans() {
            Vec::new()
        } else {
            pack(job.workload, &run.channels, &run.taps, slice, self.geometry)
        };
        let slot = self.weights.place(key, &lengths, false);
        let done = vec![0; lengths.len()];
        let mut lists = Lists { start: slot.start, lengths, slots, size, done };
        self.load_lists(&mut lists, Some(&slot.limit), false);
        for run in std::mem::take(&mut self.last) {
            self.start(&run);
            let depth = self.weights.depth();
            let budget = self.entries_in(run.cycles);
            let limit: Vec<u64> = (run.frees.iter().zip(&lists.start).zip(&lists.done))
                .map(|((free, start), done)| (free + depth).min(start + (done + budget) as u64))
                .collect();
            self.load_lists(&mut lists, Some(&limit), false);
        }
        lists
    }

    /// Entries per column that load in so many cycles.
    fn entries_in(&self, cycles: u64) -> usize {
        let beats = self.geometry.entry_slot.div_ceil(self.geometry.stream_bits);
        cycles as usize / (self.geometry.cols * beats)
    }

    /// Loads lists up to a position per column, or all of them. With `wait` they overwrite lists that the latest kernel
    /// uses.
    pub(crate) fn load_lists(&mut self, lists: &mut Lists, limit: Option<&[u64]>, wait: bool) {
        for column in 0..lists.lengths.len() {
            let (start, length) = (lists.start[column], lists.length(column));
            let end =
                limit.map_or(length, |l| length.min(l[column].saturating_sub(start) as usize));
            let mut from = lists.done[column];
            while from < end {
                let address = self.weights.address(start + from as u64);
                let to = end.min(from + self.geometry.weight_entries - address);
                let slots = lists.slots.get(column);
                let bytes = slots.map_or(&[][..], |s| &s[from * lists.size..to * lists.size]);
                self.builder.load_weights(column, address, to - from, bytes, wait);
                from = to;
            }
            lists.done[column] = from;
        }
    }

    /// Cuts the taps of a channel tile whose lists do not fit the weight buffers into kernels that accumulate: half a
    /// buffer each, so that the next loads beside a kernel, or single reduction tiles.
    pub(crate) fn chunks(
        &self,
        job: &LayerJob<'_>,
        channels: &Range<usize>,
        taps: &ReductionRange,
    ) -> Vec<ReductionRange> {
        let slice = job.mapping.tiling.slice;
        let lists = lengths(job.occupancy, channels, taps, slice, self.geometry);
        let each: usize = (1..3).map(|i| taps[i].len().div_ceil(slice[i])).product();
        let blocks = taps[0].len().div_ceil(slice[0]);
        let longest = |from: usize, to: usize| {
            let sum = |list: &Vec<u32>| -> usize {
                list.iter().take(to * each).skip(from * each).map(|n| *n as usize).sum()
            };
            lists.iter().map(sum).max().unwrap_or(0)
        };
        let room = self.geometry.weight_entries;
        // An allocation of a tensor in DRAM holds the input of one reduction tile.
        let small = (0..blocks).all(|block| longest(block, block + 1) <= room);
        if !small || matches!(job.input, TensorPlace::Dram(_)) {
            return slices(taps, slice).collect();
        }
        let mut chunks = Vec::new();
        let mut from = 0;
        while from < blocks {
            let more = (from + 2..=blocks).take_while(|to| longest(from, *to) <= room / 2);
            let to = more.last().unwrap_or(from + 1);
            let words = |block: usize| (taps[0].start + block * slice[0]).min(taps[0].end);
            chunks.push([words(from)..words(to), taps[1].clone(), taps[2].clone()]);
            from = to;
        }
        chunks
    }

    /// Emits a kernel, spread if that helps.
    ///
    /// # Errors
    /// A register cannot hold a value of the layer.
    pub(crate) fn spread(
        &mut self,
        job: &LayerJob<'_>,
        run: &Kernel,
        mut lists: Lists,
        params: usize,
    ) -> Result<(), MapError> {
        let plan = self.plan(job, run);
        let Some((first, middle, last)) = plan else {
            self.load_lists(&mut lists, None, true);
            let ready = self.prepare(job, run, &lists.start, params)?;
            self.start(&ready);
            return Ok(());
        };
        let parts = self.parts(job, run, &lists.start);
        for (i, part) in parts.iter().enumerate() {
            // At first the list in use may be that of the channel tile before; later it is its own.
            self.load_lists(&mut lists, Some(&part.end), i == 0);
            let ready = self.prepare(job, &part.run(run, &first), &part.start, params)?;
            self.start(&ready);
            let budget = self.entries_in(ready.cycles);
            let limit: Vec<u64> =
                lists.start.iter().zip(&lists.done).map(|(s, d)| s + (d + budget) as u64).collect();
            self.load_lists(&mut lists, Some(&limit), false);
        }
        for outputs in middle {
            let part = Kernel { outputs, ..run.clone() };
            let ready = self.prepare(job, &part, &lists.start, params)?;
            self.start(&ready);
        }
        for part in parts {
            let mut ready = self.prepare(job, &part.run(run, &last), &part.start, params)?;
            ready.frees = part.start;
            self.last.push(ready);
        }
        Ok(())
    }

    /// The first two tiles, those between and the last two, if it pays to spread a kernel.
    fn plan(&self, job: &LayerJob<'_>, run: &Kernel) -> Option<(Rect, Vec<Rect>, Rect)> {
        let slice = job.mapping.tiling.slice;
        if job.workload.per_channel() || run.taps[0].len() <= slice[0] {
            return None;
        }
        let lists = lengths(job.occupancy, &run.channels, &run.taps, slice, self.geometry);
        let longest: u32 = lists.iter().map(|list| list.iter().sum()).max().unwrap_or(0);
        if 2 * longest as usize <= self.geometry.weight_entries {
            return None;
        }
        rects(&run.outputs, job.mapping.tiling.tile)
    }

    /// The parts of the input channels.
    fn parts(&self, job: &LayerJob<'_>, run: &Kernel, start: &[u64]) -> Vec<KernelPart> {
        let slice = job.mapping.tiling.slice;
        let lists = lengths(job.occupancy, &run.channels, &run.taps, slice, self.geometry);
        let blocks = run.taps[0].len().div_ceil(slice[0]);
        let each: usize = (1..3).map(|i| run.taps[i].len().div_ceil(slice[i])).product();
        let count = PARTS.min(blocks);
        let position = |block: usize| -> Vec<u64> {
            let entries = |list: &Vec<u32>| -> u64 {
                list.iter().take(block * each).map(|n| u64::from(*n)).sum()
            };
            lists.iter().zip(start).map(|(list, start)| start + entries(list)).collect()
        };
        let part = |i: usize| {
            let (from, to) = (blocks * i / count, blocks * (i + 1) / count);
            let words = &run.taps[0];
            let end = (words.start + to * slice[0]).min(words.end);
            let taps =
                [words.start + from * slice[0]..end, run.taps[1].clone(), run.taps[2].clone()];
            let (accumulate, no_drain) = (i > 0, i + 1 < count);
            KernelPart { taps, accumulate, no_drain, start: position(from), end: position(to) }
        };
        (0..count).map(part).collect()
    }
}

/// A part of the input channels.
struct KernelPart {
    taps: ReductionRange,
    accumulate: bool,
    no_drain: bool,
    /// Positions of its lists.
    start: Vec<u64>,
    /// Positions behind its lists.
    end: Vec<u64>,
}

impl KernelPart {
    /// The kernel of this part over some output pixels.
    fn run(&self, whole: &Kernel, outputs: &Rect) -> Kernel {
        Kernel {
            outputs: outputs.clone(),
            taps: self.taps.clone(),
            accumulate: self.accumulate,
            no_drain: self.no_drain,
            ..whole.clone()
        }
    }
}

/// Splits pixels into the first two tiles, spatial tiles between, and the last two tiles.
fn rects(outputs: &Rect, tile: [usize; 2]) -> Option<(Rect, Vec<Rect>, Rect)> {
    let count = |i: usize| outputs[i].len().div_ceil(tile[i]);
    let (rows, columns) = (count(0), count(1));
    if rows * columns < FEWEST_TILES {
        return None;
    }
    // Pixels from tile `from` to tile `to` of an axis.
    let span = |i: usize, from: usize, to: usize| {
        let Range { start, end } = outputs[i];
        start + from * tile[i]..(start + to * tile[i]).min(end)
    };
    let rect = |y: [usize; 2], x: [usize; 2]| [span(0, y[0], y[1]), span(1, x[0], x[1])];
    if columns == 1 {
        let all = [0, 1];
        let middle = vec![rect([2, rows - 2], all)];
        return Some((rect([0, 2], all), middle, rect([rows - 2, rows], all)));
    }
    if rows == 1 {
        let all = [0, 1];
        let middle = vec![rect(all, [2, columns - 2])];
        return Some((rect(all, [0, 2]), middle, rect(all, [columns - 2, columns])));
    }
    let bottom = [rows - 1, rows];
    // The largest comes last, as the next lists load beside it.
    let middle = [
        rect([0, 1], [2, columns]),
        rect(bottom, [0, columns - 2]),
        rect([1, rows - 1], [0, columns]),
    ];
    let middle = middle.into_iter().filter(|r| r.iter().all(|range| !range.is_empty())).collect();
    Some((rect([0, 1], [0, 2]), middle, rect(bottom, [columns - 2, columns])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_cover_all_pixels_once() {
        for (size, tile) in
            [([13, 13], [1, 8]), ([13, 5], [2, 5]), ([1, 70], [1, 8]), ([9, 9], [2, 3])]
        {
            let (first, middle, last) = rects(&[3..3 + size[0], 0..size[1]], tile).unwrap();
            let mut seen = vec![0; size[0] * size[1]];
            for [y, x] in middle.iter().chain([&first, &last]) {
                for (y, x) in y.clone().flat_map(|y| x.clone().map(move |x| (y, x))) {
                    seen[(y - 3) * size[1] + x] += 1;
                }
            }
            assert!(seen.iter().all(|n| *n == 1), "{size:?} {tile:?}");
        }
        assert_eq!(rects(&[0..2, 0..2], [1, 1]), None);
    }
}
