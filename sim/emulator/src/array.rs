//! The PE array: scratchpads, partial sums and the processing of weight lists.
//!
//! Data are stored with rows innermost, so that one entry is a short loop over rows that vectorizes.

use pecan_config::geometry::Geometry;

use super::activity::List;
use super::memories::Entry;
use super::shape::KernelShape;

/// Partial sums: 32 bits where the accumulator is at most that wide (arithmetic modulo 2^32 is exact
/// then), else 64.
pub(super) trait Sum: Copy + Default + Ord + Send + Sync + 'static {
    /// From 64 bits, modulo the width of the type.
    fn of(value: i64) -> Self;
    /// Sign-extended.
    fn wide(self) -> i64;
    /// Adds a product.
    fn add(self, activation: i16, weight: i16) -> Self;
}

impl Sum for i32 {
    fn of(value: i64) -> Self {
        value as i32
    }
    fn wide(self) -> i64 {
        i64::from(self)
    }
    fn add(self, activation: i16, weight: i16) -> Self {
        self.wrapping_add(i32::from(activation) * i32::from(weight))
    }
}

impl Sum for i64 {
    fn of(value: i64) -> Self {
        value
    }
    fn wide(self) -> i64 {
        self
    }
    fn add(self, activation: i16, weight: i16) -> Self {
        self.wrapping_add(i64::from(i32::from(activation) * i32::from(weight)))
    }
}

/// Rows are padded to a multiple of this.
const VECTOR: usize = 8;

/// Data-dependent events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Activity {
    /// Lane-cycles with an operation.
    pub(super) lanes: u64,
    /// Activation reads.
    pub(super) reads: u64,
}

/// State of the array.
#[derive(Clone, Debug)]
pub(super) struct Array<S> {
    geometry: Geometry,
    padded: usize,
    /// `[half][word * B + channel][row]`. All columns hold the same, so there is one copy.
    scratch: [Vec<i16>; 2],
    /// Valid rows with a nonzero activation, per activation of the current reduction tile.
    nonzero: Vec<u32>,
    /// `[column][psum word][lane][row]`.
    psum: Vec<S>,
}

/// One reduction tile of one tile, as the columns process it.
pub(super) struct Walk<'a> {
    /// The shape of the kernel.
    pub(super) shape: &'a KernelShape,
    /// Half of the scratchpad.
    pub(super) half: usize,
    /// Psum bank.
    pub(super) bank: usize,
    /// The reduction tile is the tile's first.
    pub(super) first: bool,
    /// The reduction tile is the tile's last.
    pub(super) last: bool,
    /// Rows that take part.
    pub(super) valid: u32,
    /// Whether each row takes part.
    pub(super) rows: &'a [bool],
    /// Columns that wait for the reduction tile; known only with an observer.
    pub(super) waits: &'a [(usize, u64)],
}

impl Walk<'_> {
    /// The list of one group of one column, for the observer.
    pub(super) fn list(&self, column: usize, group: usize) -> List<'_> {
        let single = self.shape.columns[column].groups == 1;
        let accumulate = self.shape.accumulate;
        List {
            column,
            half: self.half,
            psum_word: 2 * group + self.bank,
            valid: self.rows,
            per_channel: self.shape.per_channel,
            maximum: self.shape.maximum,
            from_zero: self.first && !accumulate,
            from_psum: if self.first { accumulate } else { !single },
            to_psum: self.last || !single,
            waits: group == 0 && self.waits.iter().any(|(waiting, _)| *waiting == column),
        }
    }
}

impl<S: Sum> Array<S> {
    /// The array with all state zero.
    #[must_use]
    pub(super) fn new(geometry: &Geometry) -> Self {
        let padded = geometry.rows.next_multiple_of(VECTOR);
        let points = geometry.scratch_words * geometry.word_channels;
        let sums = geometry.cols * 2 * geometry.psum_bank * geometry.lanes * padded;
        Self {
            geometry: geometry.clone(),
            padded,
            scratch: [vec![0; points * padded], vec![0; points * padded]],
            nonzero: vec![0; points],
            psum: vec![S::default(); sums],
        }
    }

    /// Writes one row's word into a scratchpad half.
    pub(super) fn store(&mut self, half: usize, word: usize, row: usize, values: &[i16]) {
        let base = word * self.geometry.word_channels;
        let target = &mut self.scratch[half][base * self.padded..];
        for (point, value) in target.chunks_exact_mut(self.padded).zip(values) {
            point[row] = *value;
        }
    }

    /// Counts nonzero activations of the valid rows, once per reduction tile.
    pub(super) fn count_nonzero(&mut self, half: usize, valid: &[bool]) {
        let points = self.scratch[half].chunks_exact(self.padded);
        for (count, point) in self.nonzero.iter_mut().zip(points) {
            *count = point.iter().zip(valid).map(|(v, ok)| u32::from(*v != 0 && *ok)).sum();
        }
    }

    fn sums(&self, column: usize, word: usize) -> std::ops::Range<usize> {
        let size = self.geometry.lanes * self.padded;
        let start = (column * 2 * self.geometry.psum_bank + word) * size;
        start..start + size
    }

    /// Partial sum of a row and lane.
    #[must_use]
    pub(super) fn sum(&self, column: usize, word: usize, lane: usize, row: usize) -> i64 {
        self.psum[self.sums(column, word).start + lane * self.padded + row].wide()
    }

    /// Processes the list of one group of one column.
    pub(super) fn group<'e>(
        &mut self,
        walk: &Walk<'_>,
        column: usize,
        group: usize,
        entries: impl Iterator<Item = (usize, &'e Entry)>,
    ) -> Activity {
        let range = self.sums(column, walk.bank * self.geometry.psum_bank + group);
        let mut psum = std::mem::take(&mut self.psum);
        let sums = &mut psum[range];
        if walk.first && !walk.shape.accumulate {
            let start = if walk.shape.maximum { self.geometry.activation_min() } else { 0 };
            sums.fill(S::of(i64::from(start)));
        }
        let mut activity = Activity::default();
        for (point, entry) in entries {
            if self.geometry.zero_gating && !entry.nonzero {
                continue;
            }
            self.entry(walk, sums, point, entry);
            self.tally(walk, point, &mut activity);
        }
        let unused = 64 - self.geometry.accumulator_bits;
        for sum in sums {
            *sum = S::of((sum.wide() << unused) >> unused);
        }
        self.psum = psum;
        activity
    }

    /// Adds one entry to the sums of all lanes and rows.
    fn entry(&self, walk: &Walk<'_>, sums: &mut [S], point: usize, entry: &Entry) {
        let scratch = &self.scratch[walk.half];
        let points = self.nonzero.len();
        for (lane, sums) in sums.chunks_exact_mut(self.padded).enumerate() {
            let own = if walk.shape.per_channel { point + lane } else { point };
            let values = &scratch[(own & (points - 1)) * self.padded..][..self.padded];
            if walk.shape.maximum {
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum = (*sum).max(S::of(i64::from(*value)));
                }
            } else {
                let weight = entry.weights[lane];
                for (sums, values) in sums.chunks_exact_mut(VECTOR).zip(values.chunks_exact(VECTOR))
                {
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum = sum.add(*value, weight);
                    }
                }
            }
        }
    }

    fn tally(&self, walk: &Walk<'_>, point: usize, activity: &mut Activity) {
        let lanes = self.geometry.lanes;
        let gated = self.geometry.zero_gating && !walk.shape.maximum;
        let mask = self.nonzero.len() - 1;
        let rows = |p: usize| u64::from(if gated { self.nonzero[p & mask] } else { walk.valid });
        if walk.shape.per_channel {
            let active: u64 = (0..lanes).map(|lane| rows(point + lane)).sum();
            activity.lanes += active;
            activity.reads += active;
        } else {
            let active = rows(point);
            activity.lanes += active * lanes as u64;
            activity.reads += active;
        }
    }
}
