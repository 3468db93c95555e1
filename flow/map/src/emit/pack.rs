//! Weight lists of a layer: the entries for the program.

use std::ops::Range;

use pecan_config::geometry::Geometry;
use rayon::prelude::*;

use crate::space::lists::column_groups;
use crate::space::reduction::{ReductionRange, ReductionTile, slices};
use crate::space::workload::Workload;

/// The packed lists of a kernel, one byte string of slots per column.
pub(crate) fn pack(
    workload: &Workload<'_>,
    channels: &Range<usize>,
    taps: &ReductionRange,
    slice: ReductionTile,
    geometry: &Geometry,
) -> Vec<Vec<u8>> {
    let column = |c: usize| {
        let mut packer = Packer { geometry, bytes: Vec::new(), weights: vec![0; geometry.lanes] };
        for part in slices(taps, slice) {
            for output in column_groups(channels, c, geometry) {
                packer.group(workload, output, output - channels.start, &part, slice);
            }
        }
        packer.bytes
    };
    // Fully connected layers have tens of millions of weights.
    (0..geometry.cols).into_par_iter().map(column).collect()
}

/// A kernel point of a reduction tile, all of whose input channels have the same tap.
#[derive(Clone, Copy)]
struct KernelPoint {
    /// Position of its first channel in the patch.
    index: usize,
    /// Number of that channel.
    channel: usize,
    /// Position of the tap in a filter.
    tap: usize,
}

/// Appends entries.
struct Packer<'a> {
    geometry: &'a Geometry,
    bytes: Vec<u8>,
    /// One weight per lane of the present entry.
    weights: Vec<i32>,
}

impl Packer<'_> {
    /// Appends the list of one group in one reduction tile.
    fn group(
        &mut self,
        workload: &Workload<'_>,
        output: usize,
        run_channel: usize,
        part: &ReductionRange,
        slice: ReductionTile,
    ) {
        let g = self.geometry;
        let b = g.word_channels;
        let start = self.bytes.len();
        let first = part[0].start * b;
        let walked = workload.inputs_of(output, g.lanes, g.skip);
        let inputs = first.max(walked.start)..(part[0].end * b).min(walked.end);
        let filters: Option<Vec<&[i32]>> =
            (0..g.lanes).map(|lane| workload.filter(output + lane)).collect();
        for y in part[1].clone() {
            for x in part[2].clone() {
                let word = ((y - part[1].start) * slice[2] + x - part[2].start) * slice[0];
                if workload.per_channel() {
                    self.entry(workload, word * b + run_channel, output, 0, [y, x]);
                    continue;
                }
                if let Some(filters) = &filters {
                    let tap = y * workload.axes[1].kernel + x;
                    let point = KernelPoint { index: word * b, channel: first, tap };
                    self.filtered(workload, filters, inputs.clone(), point);
                    continue;
                }
                for input in inputs.clone() {
                    self.entry(workload, word * b + input - first, output, input, [y, x]);
                }
            }
        }
        if self.bytes.len() == start {
            self.weights.fill(0);
            self.slot(0);
        }
        if g.skip {
            let at = g.lanes * g.weight_bits + g.index_bits;
            let last = self.bytes.len() - g.entry_slot / 8 + at / 8;
            self.bytes[last] |= 1 << (at % 8);
        }
    }

    /// Appends the entries of input channels `inputs` of an ordinary convolution at a kernel point. A fast
    /// path of [`Self::entry`], for networks of which nearly all weights are in such layers.
    fn filtered(
        &mut self,
        workload: &Workload<'_>,
        filters: &[&[i32]],
        inputs: Range<usize>,
        point: KernelPoint,
    ) {
        let area = workload.axes[0].kernel * workload.axes[1].kernel;
        for input in inputs {
            let position = workload.input_channel(input) * area + point.tap;
            let mut any = 0;
            for (weight, filter) in self.weights.iter_mut().zip(filters) {
                *weight = filter.get(position).copied().unwrap_or(0);
                any |= *weight;
            }
            if any != 0 || !self.geometry.skip {
                self.slot(point.index + input - point.channel);
            }
        }
    }

    /// Appends the entry of an input channel and tap, unless it is empty and skipped.
    fn entry(
        &mut self,
        workload: &Workload<'_>,
        index: usize,
        output: usize,
        input: usize,
        tap: [usize; 2],
    ) {
        let mut any = 0;
        for (lane, weight) in self.weights.iter_mut().enumerate() {
            *weight = workload.weight(output + lane, input, tap);
            any |= *weight;
        }
        if any != 0 || !self.geometry.skip {
            self.slot(index);
        }
    }

    /// Appends a slot with the weights of the present entry.
    fn slot(&mut self, index: usize) {
        let g = self.geometry;
        let mask = (1u64 << g.weight_bits) - 1;
        // Whole 64-bit parts; a weight never crosses their boundary, as its width divides 64.
        let mut part = 0u64;
        let mut at = 0;
        let begin = self.bytes.len();
        for weight in &self.weights {
            part |= (*weight as u64 & mask) << (at % 64);
            at += g.weight_bits;
            if at.is_multiple_of(64) {
                self.bytes.extend_from_slice(&part.to_le_bytes());
                part = 0;
            }
        }
        let tail =
            if g.skip { u128::from(part) | (index as u128) << (at % 64) } else { part.into() };
        self.bytes.extend_from_slice(&tail.to_le_bytes());
        self.bytes.resize(begin + g.entry_slot / 8, 0);
    }
}
