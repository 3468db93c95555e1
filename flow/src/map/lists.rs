//! Weight lists of a layer: lengths for the search, entries for the program.

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
}

impl Occupancy {
    /// Counts the entries of a layer.
    pub(super) fn of(problem: &Problem<'_>, geometry: &Geometry) -> Self {
        let g = geometry;
        let [ky, kx] = [problem.axes[0].kernel, problem.axes[1].kernel];
        let per_channel = problem.per_channel();
        let words = if per_channel { 1 } else { problem.inputs.div_ceil(g.word_channels) };
        let groups = problem.outputs.div_ceil(g.lanes);
        let mut counts = Vec::with_capacity(groups * words * ky * kx);
        for group in 0..groups {
            for word in 0..words {
                for tap in (0..ky * kx).map(|t| [t / kx, t % kx]) {
                    let from = word * g.word_channels;
                    let channels = from..(from + g.word_channels).min(problem.inputs);
                    let used = |input: &usize| uses(problem, group, *input, tap, g.lanes);
                    let count = match (per_channel, g.skip) {
                        (true, true) => usize::from(uses(problem, group, 0, tap, g.lanes)),
                        (true, false) => 1,
                        (false, true) => channels.filter(used).count(),
                        (false, false) => channels.len(),
                    };
                    counts.push(count as u16);
                }
            }
        }
        Self { counts, extent: [words, ky, kx], lanes: g.lanes }
    }

    /// Entries of one lane group (its first output channel is `output`) in a slice; at least one.
    fn entries(&self, output: usize, slice: &TapBox, dense: bool) -> u32 {
        let group = output / self.lanes;
        let [words, ky, kx] = self.extent;
        // In dense mode all groups walk alike, those that only pad a word included.
        let group = if dense { 0 } else { group };
        let single = words == 1;
        let channel_words = if single { 0..1 } else { slice[0].clone() };
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
}

fn uses(problem: &Problem<'_>, group: usize, input: usize, tap: [usize; 2], lanes: usize) -> bool {
    (0..lanes).any(|lane| problem.weight(group * lanes + lane, input, tap) != 0)
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
    let dense = !geometry.skip;
    let column = |c: usize| {
        let groups: Vec<usize> = column_groups(channels, c, geometry).collect();
        let per_slice = |slice: TapBox| -> u32 {
            groups.iter().map(|k| occupancy.entries(*k, &slice, dense)).sum()
        };
        if groups.is_empty() { Vec::new() } else { slices(taps, slice).map(per_slice).collect() }
    };
    (0..geometry.cols).map(column).collect()
}

/// The packed lists of a run, one byte string of slots per column.
pub(super) fn pack(
    problem: &Problem<'_>,
    channels: &Range<usize>,
    taps: &TapBox,
    slice: SliceBox,
    geometry: &Geometry,
) -> Vec<Vec<u8>> {
    let column = |c: usize| {
        let mut bytes = Vec::new();
        for part in slices(taps, slice) {
            for output in column_groups(channels, c, geometry) {
                let run_channel = output - channels.start;
                pack_group(problem, output, run_channel, &part, slice, geometry, &mut bytes);
            }
        }
        bytes
    };
    (0..geometry.cols).map(column).collect()
}

/// Appends the list of one group in one slice.
fn pack_group(
    problem: &Problem<'_>,
    output: usize,
    run_channel: usize,
    part: &TapBox,
    slice: SliceBox,
    geometry: &Geometry,
    bytes: &mut Vec<u8>,
) {
    let b = geometry.word_channels;
    let mut list: Vec<(usize, Vec<i32>)> = Vec::new();
    let mut visit = |index: usize, input: usize, tap: [usize; 2]| {
        let lanes = 0..geometry.lanes;
        let weights: Vec<i32> = lanes.map(|l| problem.weight(output + l, input, tap)).collect();
        if !geometry.skip || weights.iter().any(|w| *w != 0) {
            list.push((index, weights));
        }
    };
    for y in part[1].clone() {
        for x in part[2].clone() {
            let word = ((y - part[1].start) * slice[2] + x - part[2].start) * slice[0];
            if problem.per_channel() {
                visit(word * b + run_channel, 0, [y, x]);
                continue;
            }
            for input in part[0].start * b..(part[0].end * b).min(problem.inputs) {
                visit(word * b + input - part[0].start * b, input, [y, x]);
            }
        }
    }
    if list.is_empty() {
        list.push((0, vec![0; geometry.lanes]));
    }
    let last = list.len() - 1;
    for (i, (index, weights)) in list.into_iter().enumerate() {
        pack_entry(index, i == last, &weights, geometry, bytes);
    }
}

/// Appends one entry's slot.
fn pack_entry(index: usize, last: bool, weights: &[i32], geometry: &Geometry, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    bytes.resize(start + geometry.entry_slot / 8, 0);
    let mut at = 0;
    let mut put = |value: u64, bits: usize| {
        for bit in 0..bits {
            let byte = &mut bytes[start + (at + bit) / 8];
            *byte |= ((value >> bit & 1) as u8) << ((at + bit) % 8);
        }
        at += bits;
    };
    for weight in weights {
        put(*weight as u64, geometry.weight_bits);
    }
    if geometry.skip {
        put(index as u64, geometry.index_bits);
        put(u64::from(last), 1);
    }
}
