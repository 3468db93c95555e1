//! Energy of the on-chip synchronous memories.

use serde::{Deserialize, Serialize};

/// Energy per access and leakage of an SRAM of `words` words of `bits` bits, linear in the width and in the number
/// of bits: `base + per_bit * bits + per_cell * words * bits`. The accelerator's memories read and write in
/// one cycle; a read and a write are accounted as accesses of single-port macros.
///
/// A memory consists of macros within the fitted sizes: as many side by side as its words need, in banks of at most
/// [`Self::bank_words`]. An access activates one bank. The selection of the bank and the wires to it are not modelled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SramModel {
    /// A read.
    pub read: AccessModel,
    /// A write.
    pub write: AccessModel,
    /// Leakage power per bit, in the technology's unit per ns (mW for pJ).
    pub leakage_per_bit: f64,
    /// Most words of a bank: an assumption.
    pub bank_words: usize,
    /// Macros that the figures were fitted to.
    pub points: usize,
    /// Mean and largest relative error of the fit over reads and writes.
    pub error: [f64; 2],
    /// Range of fitted words and bits per word.
    pub range: SramRange,
    /// Source of the figures.
    pub source: String,
}

/// Energy of an access, in the technology's unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessModel {
    /// Per access.
    pub base: f64,
    /// Per bit of the word.
    pub per_bit: f64,
    /// Per bit of the whole memory.
    pub per_cell: f64,
}

/// Sizes that the figures were fitted to, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SramRange {
    /// Words.
    pub words: [usize; 2],
    /// Bits of a word.
    pub bits: [usize; 2],
}

impl SramModel {
    /// Energy of a read and of a write of a memory of `words` words of `bits` bits.
    #[must_use]
    pub fn accesses(&self, words: usize, bits: usize) -> [f64; 2] {
        let bank = words.min(self.bank_words).max(self.range.words[0]);
        let across = bits.div_ceil(self.range.bits[1].max(1)).max(1);
        let width = bits.div_ceil(across).max(self.range.bits[0]);
        [self.read, self.write].map(|access| across as f64 * access.energy(bank, width))
    }
}

impl AccessModel {
    /// Energy of one access to a memory of `words` words of `bits` bits.
    #[must_use]
    pub fn energy(&self, words: usize, bits: usize) -> f64 {
        let bits = bits as f64;
        self.base + self.per_bit * bits + self.per_cell * words as f64 * bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_memories_are_banks_and_wide_words_macros_side_by_side() {
        let read = AccessModel { base: 1.0, per_bit: 0.5, per_cell: 0.001 };
        let model = SramModel {
            read,
            write: AccessModel { base: 2.0, ..read },
            leakage_per_bit: 0.0,
            bank_words: 1024,
            points: 1,
            error: [0.0; 2],
            range: SramRange { words: [64, 4096], bits: [8, 64] },
            source: "made".into(),
        };
        assert_eq!(model.accesses(256, 32)[0], read.energy(256, 32));
        assert_eq!(model.accesses(16_384, 64)[0], read.energy(1024, 64));
        assert_eq!(model.accesses(32, 4)[0], read.energy(64, 8));
        assert_eq!(model.accesses(512, 100)[0], 2.0 * read.energy(512, 50));
        assert_eq!(model.accesses(512, 64)[1], read.energy(512, 64) + 1.0);
    }
}
