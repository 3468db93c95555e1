//! Lengths of the weight lists of a layer.

use crate::space::reduction::ReductionRange;
use crate::space::reduction::ReductionTile;
use std::collections::HashMap;
use std::ops::Range;

use pecan_config::geometry::Geometry;

use crate::space::workload::Workload;

/// Number of entries of each lane group at each channel word and tap.
#[derive(Clone, Debug)]
pub(crate) struct Occupancy {
    /// Per kind of group: entries in the range from the origin to each point (F. C. Crow, "Summed-Area Tables for
    /// Texture Mapping", SIGGRAPH 1984), so that a reduction tile of any size takes eight reads.
    sums: Vec<u32>,
    /// Kind of every lane group; groups of a kind have as many entries everywhere.
    kinds: Vec<usize>,
    /// Channel words, kernel rows, kernel columns.
    extent: [usize; 3],
    lanes: usize,
}

impl Occupancy {
    /// Counts the entries of a layer.
    pub(crate) fn of(workload: &Workload<'_>, geometry: &Geometry) -> Self {
        let g = geometry;
        let [ky, kx] = [workload.axes[0].kernel, workload.axes[1].kernel];
        let words =
            if workload.per_channel() { 1 } else { workload.inputs.div_ceil(g.word_channels) };
        let extent = [words, ky, kx];
        let groups = workload.outputs.div_ceil(g.lanes);
        let padded = workload.outputs.next_multiple_of(g.word_channels) / g.lanes;
        let mut known: HashMap<Vec<u32>, usize> = HashMap::new();
        let mut sums = Vec::new();
        let mut kind = |counts: Vec<u32>| {
            let next = known.len();
            *known.entry(counts).or_insert_with_key(|counts| {
                integrate(counts, extent, &mut sums);
                next
            })
        };
        let kinds = if !g.skip {
            // All groups have the same entries, those that only pad a word included.
            vec![kind(counts(workload, 0, extent, g)); padded]
        } else {
            let alike = workload.alike(g.lanes);
            let mut kinds: Vec<usize> = Vec::with_capacity(padded);
            for k in 0..groups {
                match kinds.last() {
                    Some(before) if !k.is_multiple_of(alike) => kinds.push(*before),
                    _ => kinds.push(kind(counts(workload, k * g.lanes, extent, g))),
                }
            }
            if padded > groups {
                let empty = kind(vec![0; words * ky * kx]);
                kinds.resize(padded, empty);
            }
            kinds
        };
        Self { sums, kinds, extent, lanes: g.lanes }
    }

    /// Kind of the group whose first output channel is `output`.
    pub(crate) fn kind(&self, output: usize) -> usize {
        self.kinds.get(output / self.lanes).copied().unwrap_or(0)
    }

    /// Whether kernels over either range of output channels have lists of the same lengths.
    pub(crate) fn same(&self, a: &Range<usize>, b: &Range<usize>) -> bool {
        let groups = |r: &Range<usize>| self.kinds.get(r.start / self.lanes..r.end / self.lanes);
        groups(a) == groups(b)
    }

    /// Number of groups of each kind among those with these first output channels.
    fn kinds_of(&self, outputs: impl Iterator<Item = usize>) -> Vec<(usize, u32)> {
        let mut kinds: Vec<(usize, u32)> = Vec::new();
        for output in outputs {
            let kind = self.kind(output);
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, count)) => *count += 1,
                None => kinds.push((kind, 1)),
            }
        }
        kinds
    }

    /// Adds the entries per reduction tile of `times` groups of a kind; each has at least one in every tile.
    fn add(
        &self,
        kind: usize,
        times: u32,
        taps: &ReductionRange,
        slice: ReductionTile,
        total: &mut [u32],
    ) {
        let [words, ky, kx] = self.extent;
        let size = (words + 1) * (ky + 1) * (kx + 1);
        let sums = &self.sums[kind * size..(kind + 1) * size];
        let channels = if words == 1 { 0..1 } else { taps[0].clone() };
        let at = |c: usize, y: usize, x: usize| sums[(c * (ky + 1) + y) * (kx + 1) + x];
        let mut total = total.iter_mut();
        for c in channels.clone().step_by(slice[0]) {
            let c_end = (c + slice[0]).min(channels.end);
            for y in taps[1].clone().step_by(slice[1]) {
                let y_end = (y + slice[1]).min(taps[1].end);
                let edge = |x: usize| {
                    at(c_end, y_end, x) + at(c, y, x) - at(c_end, y, x) - at(c, y_end, x)
                };
                let mut before = edge(taps[2].start);
                for x in taps[2].clone().step_by(slice[2]) {
                    let after = edge((x + slice[2]).min(taps[2].end));
                    if let Some(total) = total.next() {
                        *total += times * (after - before).max(1);
                    }
                    before = after;
                }
            }
        }
    }

    /// Entries per reduction tile of the group whose first output channel is `output`.
    pub(crate) fn by_slice(
        &self,
        output: usize,
        taps: &ReductionRange,
        slice: ReductionTile,
    ) -> Vec<u32> {
        let mut total = vec![0; slice_count(taps, slice)];
        self.add(self.kind(output), 1, taps, slice, &mut total);
        total
    }
}

/// Number of reduction tiles in a range of taps.
fn slice_count(taps: &ReductionRange, slice: ReductionTile) -> usize {
    (0..3).map(|axis| taps[axis].len().div_ceil(slice[axis])).product()
}

/// Entries of the group from output channel `first` on, at each channel word and tap.
fn counts(workload: &Workload<'_>, first: usize, extent: [usize; 3], g: &Geometry) -> Vec<u32> {
    let [words, ky, kx] = extent;
    let used = |input: usize, at: usize| {
        !g.skip || workload.any_weight(first, g.lanes, input, [at / kx, at % kx])
    };
    let mut counts = vec![0u32; words * ky * kx];
    if workload.per_channel() {
        counts.iter_mut().enumerate().for_each(|(at, count)| *count = u32::from(used(0, at)));
        return counts;
    }
    for input in workload.inputs_of(first, g.lanes, g.skip) {
        let row = &mut counts[input / g.word_channels * ky * kx..][..ky * kx];
        row.iter_mut().enumerate().for_each(|(at, count)| *count += u32::from(used(input, at)));
    }
    counts
}

/// Appends the sums over all ranges that begin at the origin.
fn integrate(counts: &[u32], extent: [usize; 3], sums: &mut Vec<u32>) {
    let [words, ky, kx] = extent;
    let start = sums.len();
    sums.resize(start + (words + 1) * (ky + 1) * (kx + 1), 0);
    let sums = &mut sums[start..];
    let index = |c: usize, y: usize, x: usize| (c * (ky + 1) + y) * (kx + 1) + x;
    for c in 1..=words {
        for y in 1..=ky {
            let mut row = 0;
            for x in 1..=kx {
                row += counts[((c - 1) * ky + y - 1) * kx + x - 1];
                let before = sums[index(c - 1, y, x)] + sums[index(c, y - 1, x)];
                sums[index(c, y, x)] = row + before - sums[index(c - 1, y - 1, x)];
            }
        }
    }
}

/// First output channels of the groups of a column in a kernel over `channels`.
pub(crate) fn column_groups(
    channels: &Range<usize>,
    column: usize,
    geometry: &Geometry,
) -> impl Iterator<Item = usize> + use<> {
    let stride = geometry.cols * geometry.lanes;
    (channels.start + column * geometry.lanes..channels.end).step_by(stride)
}

/// Entries per column and reduction tile of a kernel.
pub(crate) fn lengths(
    occupancy: &Occupancy,
    channels: &Range<usize>,
    taps: &ReductionRange,
    slice: ReductionTile,
    geometry: &Geometry,
) -> Vec<Vec<u32>> {
    let slices = slice_count(taps, slice);
    let kinds: Vec<_> = (0..geometry.cols)
        .map(|column| occupancy.kinds_of(column_groups(channels, column, geometry)))
        .collect();
    let mut lengths: Vec<Vec<u32>> = Vec::with_capacity(geometry.cols);
    for (column, own) in kinds.iter().enumerate() {
        // Most columns of a dense layer have as many groups of each kind as one before.
        let list = match kinds[..column].iter().position(|before| before == own) {
            Some(same) => lengths[same].clone(),
            None => {
                let mut sum = vec![0; if own.is_empty() { 0 } else { slices }];
                own.iter().for_each(|(k, n)| occupancy.add(*k, *n, taps, slice, &mut sum));
                sum
            }
        };
        lengths.push(list);
    }
    lengths
}
