//! The words that the loader delivers to the rows.

use pecan_hdl::geometry::Geometry;

use super::bits::{distance, mask16, ones};
use super::toggle::Toggle;

/// Bits of a coordinate in the input, its sign included.
const COORDINATE: i64 = (1 << 18) - 1;

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
    /// What counts its iterations.
    pub(super) fn toggle(self) -> Toggle {
        match self {
            Self::Pixel => Toggle::PatchPixels,
            Self::Line => Toggle::PatchLines,
            Self::Slice => Toggle::PatchSlices,
            Self::Tile => Toggle::PatchTiles,
        }
    }
}

/// What the loader delivers and the rows take of it.
#[derive(Clone, Debug)]
pub(super) struct Patch {
    mask: u16,
    /// The loader's address.
    address: usize,
    /// Its coordinates in the input and its place in the region.
    coordinates: [i64; 2],
    lattice: [i64; 2],
    /// Loops that end with the step, the innermost in bit 0.
    wraps: u32,
    /// The latest word, its ones, and those that it has in common with the word of the cycle before.
    word: Vec<i16>,
    ones: u64,
    common: u64,
    /// Counts cycles with a word; one is left out at a pause.
    cycle: u64,
    /// Cycle after the latest one in which each row took a word.
    taken: Vec<u64>,
}

impl Patch {
    pub(super) fn new(geometry: &Geometry) -> Self {
        Self {
            mask: mask16(geometry.activation_bits),
            address: 0,
            coordinates: [0; 2],
            lattice: [0; 2],
            wraps: 0,
            word: vec![0; geometry.word_channels],
            ones: 0,
            common: 0,
            cycle: 0,
            taken: vec![0; geometry.rows],
        }
    }

    /// Moves the address; returns its bits that change.
    pub(super) fn point(&mut self, address: usize) -> u64 {
        let before = std::mem::replace(&mut self.address, address);
        u64::from((before ^ address).count_ones())
    }

    /// Moves the coordinates and the place in the region; returns their bits that change.
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

    /// The next step is the last of so many loops, from the innermost on; returns the flags that change.
    pub(super) fn wrap(&mut self, loops: u32) -> u64 {
        let wraps = (1 << loops) - 1;
        u64::from((std::mem::replace(&mut self.wraps, wraps) ^ wraps).count_ones())
    }

    /// The next word does not follow at once.
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

    /// A row takes the word: its data rise from 0 and will fall back, and did not fall in between if it took the
    /// word of the cycle before as well. Returns the bits that change.
    pub(super) fn take(&mut self, row: usize) -> u64 {
        let stays = std::mem::replace(&mut self.taken[row], self.cycle + 1) == self.cycle;
        2 * (self.ones - if stays { self.common } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pecan_hdl::config::Config;

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
