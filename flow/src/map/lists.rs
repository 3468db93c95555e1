//! Weight lists of a layer: how long they are.

use std::ops::Range;

use pecan_hdl::geometry::Geometry;

use super::problem::Problem;

/// A box of taps: channel words, kernel rows, kernel columns.
pub(super) type TapBox = [Range<usize>; 3];

/// How the taps of a run are cut into slices: extent along channel words, kernel rows and columns.
pub(super) type SliceBox = [usize; 3];

/// Slices of a tap box in the order in which the hardware walks them.
pub(super) fn slices(taps: &TapBox, slice: SliceBox) -> impl Iterator<Item = TapBox> + '_ {
    let cut = move |axis: usize| {
        let range = taps[axis].clone();
        let end = range.end;
        range.step_by(slice[axis]).map(move |from| from..(from + slice[axis]).min(end))
    };
    cut(0).flat_map(move |c| {
        cut(1).flat_map(move |y| {
            let c = c.clone();
            cut(2).map(move |x| [c.clone(), y.clone(), x])
        })
    })
}

/// How many entries each lane group has at each channel word and tap.
#[derive(Clone, Debug)]
pub(super) struct Occupancy {
    counts: Vec<u16>,
    extent: [usize; 3],
    lanes: usize,
    /// All groups walk alike, those that only pad a word included.
    dense: bool,
}

impl Occupancy {
    /// Counts the entries of a layer.
    pub(super) fn of(problem: &Problem<'_>, geometry: &Geometry) -> Self {
        let g = geometry;
        let [ky, kx] = [problem.axes[0].kernel, problem.axes[1].kernel];
        let per_channel = problem.per_channel();
        let words = if per_channel { 1 } else { problem.inputs.div_ceil(g.word_channels) };
        let groups = if g.skip { problem.outputs.div_ceil(g.lanes) } else { 1 };
        let mut counts = vec![0u16; groups * words * ky * kx];
        for (group, counts) in counts.chunks_mut(words * ky * kx).enumerate() {
            let first = group * g.lanes;
            if per_channel {
                for (at, count) in counts.iter_mut().enumerate() {
                    let used = problem.any_weight(first, g.lanes, 0, [at / kx, at % kx]);
                    *count = u16::from(used || !g.skip);
                }
                continue;
            }
            for input in problem.inputs_of(first, g.lanes, g.skip) {
                let row = &mut counts[input / g.word_channels * ky * kx..][..ky * kx];
                for (at, count) in row.iter_mut().enumerate() {
                    let used =
                        !g.skip || problem.any_weight(first, g.lanes, input, [at / kx, at % kx]);
                    *count += u16::from(used);
                }
            }
        }
        Self { counts, extent: [words, ky, kx], lanes: g.lanes, dense: !g.skip }
    }

    /// Entries of one lane group (its first output channel is `output`) in a slice; at least one.
    fn entries(&self, output: usize, slice: &TapBox) -> u32 {
        let [words, ky, kx] = self.extent;
        let group = if self.dense { 0 } else { output / self.lanes };
        let channel_words = if words == 1 { 0..1 } else { slice[0].clone() };
        let mut total = 0;
        for c in channel_words {
            for y in slice[1].clone() {
                let row = ((group * words + c) * ky + y) * kx;
                let range = row + slice[2].start..row + slice[2].end;
                let counts = self.counts.get(range).unwrap_or(&[]);
                total += counts.iter().map(|n| u32::from(*n)).sum::<u32>();
            }
        }
        total.max(1)
    }

    /// Entries per slice of the group whose first output channel is `output`.
    pub(super) fn by_slice(&self, output: usize, taps: &TapBox, slice: SliceBox) -> Vec<u32> {
        slices(taps, slice).map(|part| self.entries(output, &part)).collect()
    }
}

/// First output channels of the groups that a column walks in a run over `channels`.
pub(super) fn column_groups(
    channels: &Range<usize>,
    column: usize,
    geometry: &Geometry,
) -> impl Iterator<Item = usize> + use<> {
    let stride = geometry.cols * geometry.lanes;
    (channels.start + column * geometry.lanes..channels.end).step_by(stride)
}

/// Entries per column and slice of a run.
pub(super) fn lengths(
    occupancy: &Occupancy,
    channels: &Range<usize>,
    taps: &TapBox,
    slice: SliceBox,
    geometry: &Geometry,
) -> Vec<Vec<u32>> {
    let column = |c: usize| {
        let mut sum: Vec<u32> = Vec::new();
        for output in column_groups(channels, c, geometry) {
            let group = occupancy.by_slice(output, taps, slice);
            if sum.is_empty() {
                sum = group;
            } else {
                sum.iter_mut().zip(group).for_each(|(total, n)| *total += n);
            }
        }
        sum
    };
    (0..geometry.cols).map(column).collect()
}
