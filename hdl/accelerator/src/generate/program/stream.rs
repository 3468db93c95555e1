//! Beats of a stream.

use std::fmt::Write as _;

/// Beats of `bits` each, as words of 32 bits, low word first.
pub(super) struct Beats {
    bits: usize,
    beats: Vec<Vec<u32>>,
}

impl Beats {
    pub(super) fn new(bits: usize) -> Self {
        Self { bits, beats: Vec::new() }
    }

    /// A command word or an argument: the low 32 bits of a beat.
    pub(super) fn word(&mut self, word: u32) {
        self.beats.push(vec![word]);
    }

    /// Items of `slot` bits, packed from the least significant bit; the unused bits of the last beat are zero.
    pub(super) fn payload(&mut self, slot: usize, items: impl IntoIterator<Item = Item>) {
        let mut words = Vec::new();
        let mut filled = 0;
        for item in items {
            for bit in (0..slot).map(|i| item.0.get(i).copied().unwrap_or(false)) {
                if filled % 32 == 0 {
                    words.push(0_u32);
                }
                if let Some(word) = words.last_mut() {
                    *word |= u32::from(bit) << (filled % 32);
                }
                filled += 1;
            }
        }
        self.beats.extend(words.chunks(self.bits / 32).map(<[u32]>::to_vec));
    }

    pub(super) fn count(&self) -> usize {
        self.beats.len()
    }

    /// One line per beat, most significant digit first.
    pub(super) fn hex(&self) -> String {
        let mut text = String::new();
        for beat in &self.beats {
            for word in (0..self.bits / 32).rev() {
                let _ = write!(text, "{:08x}", beat.get(word).unwrap_or(&0));
            }
            text.push('\n');
        }
        text
    }
}

/// Bits of an item, least significant first.
#[derive(Default)]
pub(super) struct Item(Vec<bool>);

impl Item {
    /// Adds the low `bits` bits of a number in two's complement.
    pub(super) fn field(mut self, value: i64, bits: usize) -> Self {
        self.0.extend((0..bits).map(|bit| value >> bit & 1 == 1));
        self
    }
}
