//! Energy of the on-chip synchronous memories.

use serde::{Deserialize, Serialize};

/// Energy per access and leakage of an SRAM of `words` words of `bits` bits, linear in the width and in the number
/// of bits: `base + per_bit * bits + per_cell * words * bits`. The accelerator's memories read and write in
/// one cycle; a read and a write are accounted as accesses of single-port macros.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SramModel {
    /// A read.
    pub read: AccessModel,
    /// A write.
    pub write: AccessModel,
    /// Leakage power per bit, in the technology's unit per ns (mW for pJ).
    pub leakage_per_bit: f64,
    /// Macros that the figures were fitted to.
    pub points: usize,
    /// Mean and largest relative error of the fit over reads and writes.
    pub error: [f64; 2],
    /// Range of fitted words and bits per word.
    pub range: SramRange,
    /// Where the figures come from.
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

impl AccessModel {
    /// Energy of one access to a memory of `words` words of `bits` bits.
    #[must_use]
    pub fn energy(&self, words: usize, bits: usize) -> f64 {
        let bits = bits as f64;
        self.base + self.per_bit * bits + self.per_cell * words as f64 * bits
    }
}
