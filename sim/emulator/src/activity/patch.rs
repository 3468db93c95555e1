//! The words that the loader delivers to the rows.

use pecan_config::geometry::Geometry;

use super::bits::{distance, mask16, ones};
use super::toggle::Toggle;

/// Bits of a coordinate in the input, its sign included.
const COORDINATE: i64 = (1 << 18) - 1;

/// Loops whose iterations each begin at an address of their own: words, pixels, lines, reduction tiles along x, y and
/// the channels, tiles along x and y.
const LOOPS: usize = 8;

/// A loop of the loader around the words of a pixel.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    /// Columns of a region.
    Pixel,
    /// Rows of a region.
    Line,
    /// Parts of the kernel and of the channels.
    Slice,
    /// Tiles of the output.
    Tile,
}

impl Level {
    /// Toggle that counts its iterations.
    pub(super) fn toggle(self) -> Toggle {
        match self {
            Self::Pixel => Toggle::PatchPixels,
            Self::Line => Toggle::PatchLines,
            Self::Slice => Toggle::PatchSlices,
            Self::Tile => Toggle::PatchTiles,
        }
    }
}

/// Words that the loader delivers, and rows that accept them.
#[derive(Clone, Debug)]
pub(super) struct Patch {
    mask: u16,
    /// Largest address.
    last: usize,
    /// The address at which the present iteration of each loop began, from the innermost on: the first is the loader's
    /// address itself. None before the first word of a kernel.
    began: Option<[usize; LOOPS]>,
    address: usize,
    /// Operands of the adder that made the address.
    addends: [usize; 2],
    /// Its coordinates in the input and its place in the region.
    coordinates: [i64; 2],
    lattice: [i64; 2],
    /// Loops that are at their last iteration, the innermost in bit 0.
    at_last: u32,
    /// The latest word, its ones, and the ones in common with the word of the cycle before.
    word: Vec<i16>,
    ones: u64,
    common: u64,
    /// Counts cycles with a word, with a gap of one at a pause.
    cycle: u64,
    /// Cycle after the latest one in which each row stored a word.
    taken: Vec<u64>,
}

impl Patch {
    pub(super) fn new(geometry: &Geometry) -> Self {
        Self {
            mask: mask16(geometry.activation_bits),
            last: (1 << geometry.buffer_bits) - 1,
            began: None,
            address: 0,
            addends: [0; 2],
            coordinates: [0; 2],
            lattice: [0; 2],
            at_last: 0,
            word: vec![0; geometry.word_channels],
            ones: 0,
            common: 0,
            cycle: 0,
            taken: vec![0; geometry.rows],
        }
    }

    /// Start of a kernel.
    pub(super) fn start(&mut self) {
        self.pause();
        self.began = None;
    }

    /// Moves the address: it is the start of the innermost unfinished loop plus that loop's increment. Returns the
    /// bits of the address and of these operands that change.
    pub(super) fn point(&mut self, address: usize) -> [u64; 2] {
        let bits = |a: usize, b: usize| u64::from((a ^ b).count_ones());
        let moved = bits(std::mem::replace(&mut self.address, address), address);
        let Some(began) = &mut self.began else {
            self.began = Some([address; LOOPS]);
            return [moved, 0];
        };
        let ended = (self.at_last.trailing_ones() as usize).min(LOOPS - 1);
        let from = began[ended];
        began[..=ended].fill(address);
        let addends = [from, address.wrapping_sub(from) & self.last];
        let old = std::mem::replace(&mut self.addends, addends);
        [moved, bits(old[0], addends[0]) + bits(old[1], addends[1])]
    }

    /// Moves the coordinates and the place in the region; returns the bits of each that change.
    pub(super) fn place(&mut self, coordinates: [i64; 2], lattice: [i64; 2]) -> [u64; 2] {
        let before = [
            std::mem::replace(&mut self.coordinates, coordinates),
            std::mem::replace(&mut self.lattice, lattice),
        ];
        let bits = |a: [i64; 2], b: [i64; 2]| {
            (0..2).map(|axis| u64::from(((a[axis] ^ b[axis]) & COORDINATE).count_ones())).sum()
        };
        [bits(before[0], coordinates), bits(before[1], lattice)]
    }

    /// Sets the loops that are at their last iteration at the next step; it ends a loop if all loops inside are, too.
    /// Returns the number of loops that end with only one of this step and the one before, and of further loops that
    /// would end if the last iterations of both steps coincided.
    pub(super) fn wrap(&mut self, last: u32) -> [u64; 2] {
        let before = std::mem::replace(&mut self.at_last, last);
        let [old, new, both] =
            [before, last, before | last].map(|bits| u64::from(bits.trailing_ones()));
        [old.abs_diff(new), both - old.max(new)]
    }

    /// The next word does not follow directly.
    pub(super) fn pause(&mut self) {
        self.cycle += 1;
    }

    /// Delivers the next word; returns the bits of the bus that change.
    pub(super) fn deliver(&mut self, values: &[i16]) -> u64 {
        let changed = distance(&self.word, values, self.mask);
        let before = std::mem::replace(&mut self.ones, ones(values, self.mask));
        // Bits that are 1 in only one of two words differ.
        self.common = (before + self.ones - changed) / 2;
        self.word.copy_from_slice(values);
        self.cycle += 1;
        changed
    }

    /// A row stores the word: its data rise from 0 and will fall back. They did not fall in between if the row stored
    /// the word of the cycle before as well. Returns the bits that change.
    pub(super) fn take(&mut self, row: usize) -> u64 {
        let stays = std::mem::replace(&mut self.taken[row], self.cycle + 1) == self.cycle;
        2 * (self.ones - if stays { self.common } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pecan_config::Config;

    #[test]
    fn addresses_are_sums_of_where_a_loop_began_and_its_increment() {
        let mut patch = Patch::new(&Geometry::of(&Config::default()));
        let mut point = |loops: Option<u32>, to| {
            match loops {
                None => patch.start(),
                Some(loops) => drop(patch.wrap((1 << loops) - 1)),
            }
            patch.point(to)
        };
        assert_eq!(point(None, 4), [1, 0]);
        // 4 + 1.
        assert_eq!(point(Some(0), 5), [1, 1 + 1]);
        // The next pixel: 4 + 8, where 4 + 1 was before.
        assert_eq!(point(Some(1), 12), [2, 2]);
        // 12 + 1 after 4 + 8.
        assert_eq!(point(Some(0), 13), [1, 1 + 2]);
        // The last tile ends: 4 + 16.
        assert_eq!(point(Some(8), 20), [3, 1 + 2]);
        assert_eq!(point(None, 4), [1, 0]);
    }

    #[test]
    fn a_row_sees_only_the_words_that_it_takes() {
        let geometry = Geometry::of(&Config::default());
        let word = |first: i16| {
            let mut word = vec![0; geometry.word_channels];
            word[0] = first;
            word
        };
        let mut patch = Patch::new(&geometry);
        assert_eq!(patch.deliver(&word(7)), 3);
        assert_eq!([patch.take(0), patch.take(1)], [6, 6]);
        // From 7 to 5 one bit falls, so the rise of 5 and the fall of 7 are one toggle.
        assert_eq!(patch.deliver(&word(5)), 1);
        assert_eq!(patch.take(0), 0);
        assert_eq!(patch.deliver(&word(1)), 1);
        // Row 0: up 3, down 1, down 1, down 1. Row 1 was at 0 in between.
        assert_eq!([patch.take(0), patch.take(1)], [0, 2]);
        patch.pause();
        assert_eq!(patch.deliver(&word(1)), 0);
        assert_eq!(patch.take(0), 2);
    }
}
