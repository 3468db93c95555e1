//! Ranges of the reduction loops C, R and S (input channel words, kernel rows, kernel columns) and their tiles.

use std::ops::Range;

/// A range of taps: channel words, kernel rows, kernel columns.
pub(crate) type ReductionRange = [Range<usize>; 3];

/// Reduction tile of a kernel: extent along channel words, kernel rows and columns.
pub(crate) type ReductionTile = [usize; 3];

/// Reduction tiles of a range of taps in the order in which the hardware processes them.
pub(crate) fn slices(
    taps: &ReductionRange,
    slice: ReductionTile,
) -> impl Iterator<Item = ReductionRange> + '_ {
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
