//! The one definition of every configuration key.
//!
//! A line reads `name: type = default, legal values, unit, scope;` with its documentation above.
//! To add a key, add its line here and use it; parser, `--set`, JSON schema, documentation and the
//! random-test dimension follow. A rule between keys is one entry in `rules.rs`.

use super::Rate;
use super::domain::{Domain, Value, even, powers_of_two, range};
use super::key::{Field, Key, Scope, Section, schema};

use Domain::{Choice, Decimal, Flag, Words};

schema! {
    /// The array of processing elements (PEs).
    array: Array {
        /// Rows of PEs: output pixels in flight.
        rows: usize = 8, range(1, 32), "rows", Hardware;
        /// Columns of PEs: groups of output channels in flight.
        cols: usize = 4, range(1, 32), "columns", Hardware;
        /// Multipliers per PE: output channels that share one activation and one index.
        lanes: usize = 4, Choice(&[1, 2, 4, 8, 16]), "lanes", Hardware;
    }

    /// Widths of the signed integers.
    numerics: Numerics {
        /// Width of an activation.
        activation_bits: usize = 8, Choice(&[4, 8, 16]), "bits", Hardware;
        /// Width of a weight.
        weight_bits: usize = 8, Choice(&[4, 8, 16]), "bits", Hardware;
        /// Width of a partial sum.
        accumulator_bits: usize = 32, range(12, 48), "bits", Hardware;
    }

    /// Storage and gating inside a PE.
    pe: Pe {
        /// Words of `buffers.channels_per_word` activations in one half of the scratchpad.
        scratchpad_words: usize = 8, powers_of_two(2, 64), "words", Hardware;
        /// Partial sums per lane, both banks together.
        psum_depth: usize = 16, even(2, 64), "partial sums", Hardware;
        /// Hold the multipliers' operands while the activation is zero.
        zero_gating: bool = true, Flag, "", Hardware;
    }

    /// On-chip memories outside the PEs.
    buffers: Buffers {
        /// Activations (channels of one pixel) per word of the global buffer.
        channels_per_word: usize = 8, Choice(&[2, 4, 8, 16]), "activations", Hardware;
        /// Capacity of the global buffer.
        global_kib: usize = 128, range(1, 4096), "KiB", Hardware;
        /// Capacity of one column's weight buffer.
        weight_entries: usize = 4096, powers_of_two(16, 65536), "entries", Hardware;
    }

    /// The path from the partial sums back to the global buffer.
    drain: Drain {
        /// Partial sums that are requantized per cycle.
        lanes: usize = 8, Choice(&[1, 2, 4, 8, 16]), "lanes", Hardware;
    }

    /// How weight lists are stored.
    weights: Weights {
        /// `skip` stores an index per entry and omits zero groups; `dense` counts instead.
        sparsity: Sparsity = Sparsity::Skip, Words(Sparsity::WORDS), "", Hardware;
    }

    /// The input and output streams.
    stream: Stream {
        /// Width of one beat, in each direction.
        bits: usize = 64, Choice(&[32, 64, 128]), "bits", Hardware;
    }

    /// Performance counters.
    counters: Counters {
        /// Width of each counter.
        bits: usize = 40, range(16, 48), "bits", Hardware;
    }

    /// The simulated DRAM behind the streams; not part of the hardware.
    memory: Memory {
        /// Bandwidth, shared by both directions (up to three decimals).
        bytes_per_cycle: Rate = Rate::from_bytes(8),
            Decimal { min: Rate::from_thousandths(250), max: Rate::from_bytes(64) },
            "bytes/cycle", Simulation;
        /// Delay of the first beat of a transfer.
        latency_cycles: usize = 100, range(0, 10_000), "cycles", Simulation;
    }
}

/// How a column stores its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sparsity {
    /// Every position of the patch has an entry; a counter replaces the index.
    Dense,
    /// An entry carries its index, and groups of zero weights have no entry.
    Skip,
}

impl Sparsity {
    /// The spellings in TOML, in the order of the variants.
    pub const WORDS: &'static [&'static str] = &["dense", "skip"];

    /// The spelling in TOML.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Skip => "skip",
        }
    }
}

impl Field for Sparsity {
    fn to_value(&self) -> Value {
        Value::Word(self.word())
    }
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Word("dense") => Some(Self::Dense),
            Value::Word("skip") => Some(Self::Skip),
            _ => None,
        }
    }
}
