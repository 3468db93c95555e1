//! Hamming distances of the values of the hardware.

/// Bits that differ between two rows of values of which only the bits of `mask` exist.
pub(super) fn distance(a: &[i16], b: &[i16], mask: u16) -> u64 {
    a.iter().zip(b).map(|(a, b)| u64::from(((a ^ b) as u16 & mask).count_ones())).sum()
}

/// Multiplexers, per bit of a word, whose select moves when the address of a file of two halves changes. The lowest
/// bit selects the half; bit `k` above it selects between `words >> k` pairs in a half of `words` words.
pub(super) fn selects(words: usize, from: usize, to: usize) -> u64 {
    let changed = from ^ to;
    let bits = (0..usize::BITS).filter(|k| changed >> k & 1 == 1);
    bits.map(|k| if k == 0 { 1 } else { words >> k } as u64).sum()
}

/// Ones of values of which only the bits of `mask` exist.
pub(super) fn ones(values: &[i16], mask: u16) -> u64 {
    values.iter().map(|v| u64::from((*v as u16 & mask).count_ones())).sum()
}

/// The low `bits` (at most 16).
pub(super) fn mask16(bits: usize) -> u16 {
    (u32::MAX >> (32 - bits)) as u16
}

/// The low `bits` (at most 64).
pub(super) fn mask64(bits: usize) -> u64 {
    u64::MAX >> (64 - bits)
}

/// A bus or register that holds several values and counts the bits that change.
#[derive(Clone, Debug)]
pub(super) struct Bus {
    last: Vec<i16>,
    mask: u16,
}

impl Bus {
    /// A bus of `lanes` values of `bits`, 0 at first.
    pub(super) fn new(lanes: usize, bits: usize) -> Self {
        Self { last: vec![0; lanes], mask: mask16(bits) }
    }

    /// The latest values.
    pub(super) fn shown(&self) -> &[i16] {
        &self.last
    }

    /// Sets the next values; returns the bits that change.
    pub(super) fn show(&mut self, values: &[i16]) -> u64 {
        let bits = distance(&self.last, values, self.mask);
        self.last.copy_from_slice(values);
        bits
    }
}

/// A stream port that counts the bits that change from beat to beat.
#[derive(Clone, Debug, Default)]
pub(super) struct Port {
    last: Vec<u8>,
}

impl Port {
    /// Sets the next beat; returns the bits that change.
    pub(super) fn show(&mut self, beat: &[u8]) -> u64 {
        self.last.resize(beat.len(), 0);
        let pairs = self.last.iter().zip(beat);
        let bits = pairs.map(|(a, b)| u64::from((a ^ b).count_ones())).sum();
        self.last.copy_from_slice(beat);
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_see_only_the_bits_that_exist() {
        assert_eq!(
            (mask16(4), mask16(16), mask64(40), mask64(64)),
            (15, 0xffff, (1 << 40) - 1, u64::MAX)
        );
        // -1 is four ones; 7 and -8 differ in all four bits.
        assert_eq!(distance(&[-1, 7], &[0, -8], mask16(4)), 8);
        assert_eq!(ones(&[-1, 5, -8], mask16(4)), 4 + 2 + 1);
        // Of 8 words in a half: the half, 4 pairs, 2 pairs, 1 pair.
        assert_eq!([1, 2, 4, 8, 15].map(|to| selects(8, 0, to)), [1, 4, 2, 1, 8]);
        let mut bus = Bus::new(2, 8);
        assert_eq!([bus.show(&[3, -1]), bus.show(&[3, -1]), bus.show(&[0, -2])], [10, 0, 3]);
        let mut port = Port::default();
        assert_eq!([port.show(&[255, 1]), port.show(&[254, 0])], [9, 2]);
    }
}
