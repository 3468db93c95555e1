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

/// Which groups of a layer walk lists of the same lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alike {
    /// All, those that only pad a word included: lists without indices.
    All,
    /// All of so many; those behind them are empty.
    First(usize),
    /// None.
    None,
}

/// How many entries each lane group has at each channel word and tap.
#[derive(Clone, Debug)]
pub(super) struct Occupancy {
    /// Per group that differs from others: entries in the box from the origin to each point (F. C. Crow,
    /// "Summed-Area Tables for Texture Mapping", SIGGRAPH 1984), so that a slice of any size takes eight reads.
    sums: Vec<u32>,
    /// Channel words, kernel rows, kernel columns.
    extent: [usize; 3],
    lanes: usize,
    alike: Alike,
}

impl Occupancy {
    /// Counts the entries of a layer.
    pub(super) fn of(problem: &Problem<'_>, geometry: &Geometry) -> Self {
        let g = geometry;
        let [ky, kx] = [problem.axes[0].kernel, problem.axes[1].kernel];
        let words =
            if problem.per_channel() { 1 } else { problem.inputs.div_ceil(g.word_channels) };
        let groups = problem.outputs.div_ceil(g.lanes);
        let alike = match (g.skip, problem.alike()) {
            (false, _) => Alike::All,
            (true, true) => Alike::First(groups),
            (true, false) => Alike::None,
        };
        let extent = [words, ky, kx];
        let stored = if alike == Alike::None { groups } else { 1 };
        let mut sums = Vec::with_capacity(stored * (words + 1) * (ky + 1) * (kx + 1));
        for group in 0..stored {
            integrate(&counts(problem, group * g.lanes, extent, g), extent, &mut sums);
        }
        Self { sums, extent, lanes: g.lanes, alike }
    }

    /// Whether runs over either range of output channels walk lists of the same lengths, for a reason that needs
    /// no look at them.
    pub(super) fn same(&self, a: &Range<usize>, b: &Range<usize>) -> bool {
        let full = |groups: usize| a.end.max(b.end) <= groups * self.lanes;
        a.len() == b.len()
            && match self.alike {
                Alike::All => true,
                Alike::First(groups) => full(groups),
                Alike::None => false,
            }
    }

    /// Entries of one lane group (its first output channel is `output`) in a slice; at least one.
    fn entries(&self, output: usize, slice: &TapBox) -> u32 {
        let [words, ky, kx] = self.extent;
        let size = (words + 1) * (ky + 1) * (kx + 1);
        let group = match self.alike {
            Alike::All => 0,
            Alike::First(groups) if output / self.lanes >= groups => return 1,
            Alike::First(_) => 0,
            Alike::None => output / self.lanes,
        };
        let Some(sums) = self.sums.get(group * size..(group + 1) * size) else { return 1 };
        let channel_words = if words == 1 { 0..1 } else { slice[0].clone() };
        let at = |c: usize, y: usize, x: usize| sums[(c * (ky + 1) + y) * (kx + 1) + x];
        let plane = |c: usize| {
            let [y, x] = [&slice[1], &slice[2]];
            at(c, y.end, x.end) + at(c, y.start, x.start)
                - at(c, y.start, x.end)
                - at(c, y.end, x.start)
        };
        (plane(channel_words.end) - plane(channel_words.start)).max(1)
    }

    /// Entries per slice of the group whose first output channel is `output`.
    pub(super) fn by_slice(&self, output: usize, taps: &TapBox, slice: SliceBox) -> Vec<u32> {
        slices(taps, slice).map(|part| self.entries(output, &part)).collect()
    }
}

/// Entries of the group from output channel `first` on, at each channel word and tap.
fn counts(problem: &Problem<'_>, first: usize, extent: [usize; 3], g: &Geometry) -> Vec<u32> {
    let [words, ky, kx] = extent;
    let used = |input: usize, at: usize| {
        !g.skip || problem.any_weight(first, g.lanes, input, [at / kx, at % kx])
    };
    let mut counts = vec![0u32; words * ky * kx];
    if problem.per_channel() {
        counts.iter_mut().enumerate().for_each(|(at, count)| *count = u32::from(used(0, at)));
        return counts;
    }
    for input in problem.inputs_of(first, g.lanes, g.skip) {
        let row = &mut counts[input / g.word_channels * ky * kx..][..ky * kx];
        row.iter_mut().enumerate().for_each(|(at, count)| *count += u32::from(used(input, at)));
    }
    counts
}

/// Appends the sums over all boxes that begin at the origin.
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
    // Where all groups are alike, one is enough to look at.
    let alike = occupancy.same(channels, channels);
    let shared = alike.then(|| occupancy.by_slice(channels.start, taps, slice));
    let column = |c: usize| {
        let groups = column_groups(channels, c, geometry);
        if let Some(shared) = &shared {
            let count = groups.count() as u32;
            return if count == 0 {
                Vec::new()
            } else {
                shared.iter().map(|n| n * count).collect()
            };
        }
        let mut sum: Vec<u32> = Vec::new();
        for output in groups {
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
