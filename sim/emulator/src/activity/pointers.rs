//! The addresses at which the sequencers read their weight buffers.

use pecan_config::geometry::Geometry;

/// One address register per column. It points behind the latest fetched entry.
#[derive(Clone, Debug)]
pub(super) struct Pointers {
    mask: usize,
    at: Vec<usize>,
}

impl Pointers {
    pub(super) fn new(geometry: &Geometry) -> Self {
        let mask = (1 << geometry.weight_address_bits) - 1;
        Self { mask, at: vec![0; geometry.cols] }
    }

    /// Sets a column's address; returns the bits that change.
    pub(super) fn jump(&mut self, column: usize, to: usize) -> u64 {
        let before = std::mem::replace(&mut self.at[column], to & self.mask);
        u64::from((before ^ self.at[column]).count_ones())
    }

    /// Fetches so many entries of a column in sequence; returns the bits that change.
    pub(super) fn advance(&mut self, column: usize, entries: usize) -> u64 {
        let from = self.at[column];
        let to = from + entries;
        self.at[column] = to & self.mask;
        // Counting to a power of two beyond the address width changes all of its bits.
        let wraps = to / (self.mask + 1) - from / (self.mask + 1);
        counted(to) - counted(from) - wraps as u64
    }
}

/// Bits that change when a register counts from 0 to `n`: bit `i` changes at every multiple of `2^i`.
fn counted(n: usize) -> u64 {
    2 * n as u64 - u64::from(n.count_ones())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pecan_config::Config;

    #[test]
    fn advancing_is_jumping_entry_by_entry() {
        let mut config = Config::default();
        config.buffers.weight_entries = 64;
        let geometry = Geometry::of(&config);
        for (from, entries) in
            [(0, 0), (0, 1), (3, 1), (5, 20), (31, 33), (60, 10), (63, 1), (1, 64)]
        {
            let (mut fast, mut slow) = (Pointers::new(&geometry), Pointers::new(&geometry));
            fast.jump(1, from);
            slow.jump(1, from);
            let bits: u64 = (1..=entries).map(|i| slow.jump(1, from + i)).sum();
            assert_eq!(fast.advance(1, entries), bits, "{from} {entries}");
            assert_eq!(fast.at, slow.at);
        }
    }
}
