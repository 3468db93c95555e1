//! Sizes of the hardware that follow from the configuration, in the terms of `docs/command-stream.md`.

use crate::config::{Config, address_bits};
use crate::isa::{self, register::Width};

/// Bits of lattice coordinates: rows and columns of a slice's region, counted in lattice steps.
pub const LATTICE_BITS: usize = 10;

/// Sizes of one accelerator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Rows of PEs.
    pub rows: usize,
    /// Columns of PEs.
    pub cols: usize,
    /// Multipliers per PE.
    pub lanes: usize,
    /// Width of activations.
    pub act_bits: usize,
    /// Width of weights.
    pub weight_bits: usize,
    /// Width of accumulators.
    pub acc_bits: usize,
    /// Activations per buffer word.
    pub channels: usize,
    /// Words of one scratchpad half.
    pub patch_words: usize,
    /// Psum words of a PE, both banks.
    pub psum_depth: usize,
    /// Words of the global buffer.
    pub buffer_words: usize,
    /// Entries of a weight buffer.
    pub weight_entries: usize,
    /// Channels of the parameter memory: both halves of two runs' parameters, a power of two.
    pub param_channels: usize,
    /// Drain lanes.
    pub drain_lanes: usize,
    /// Whether entries carry an index and a `last` flag.
    pub skip: bool,
    /// Whether zero operands are gated.
    pub zero_gating: bool,
    /// Bits of a stream beat.
    pub stream_bits: usize,
    /// Bits of a performance counter.
    pub counter_bits: usize,
}

impl Geometry {
    /// Sizes of the accelerator that `config` describes.
    pub fn of(config: &Config) -> Self {
        let pass = config.array.cols * config.array.lanes * (config.pe.psum_depth / 2);
        Self {
            rows: config.array.rows,
            cols: config.array.cols,
            lanes: config.array.lanes,
            act_bits: config.numerics.activation_bits,
            weight_bits: config.numerics.weight_bits,
            acc_bits: config.numerics.accumulator_bits,
            channels: config.buffers.channels_per_word,
            patch_words: config.pe.scratchpad_words,
            psum_depth: config.pe.psum_depth,
            buffer_words: config.buffer_words(),
            weight_entries: config.buffers.weight_entries,
            param_channels: (2 * pass).next_power_of_two().max(2 * config.drain.lanes),
            drain_lanes: config.drain.lanes,
            skip: config.stores_index(),
            zero_gating: config.pe.zero_gating,
            stream_bits: config.stream.bits,
            counter_bits: config.counters.bits,
        }
    }

    /// Address bits of the global buffer.
    pub fn addr_bits(&self) -> usize {
        address_bits(self.buffer_words)
    }

    /// Address bits of a word of one scratchpad half.
    pub fn patch_bits(&self) -> usize {
        address_bits(self.patch_words)
    }

    /// Address bits of a scratchpad word, the half included.
    pub fn scratch_bits(&self) -> usize {
        self.patch_bits() + 1
    }

    /// Bits of a count of words of one scratchpad half, the full half included.
    pub fn patch_count_bits(&self) -> usize {
        self.patch_bits() + 1
    }

    /// log2 of the channels of a word.
    pub fn channel_bits(&self) -> usize {
        self.channels.trailing_zeros() as usize
    }

    /// log2 of the lanes.
    pub fn lane_bits(&self) -> usize {
        self.lanes.trailing_zeros() as usize
    }

    /// Bits of a stored list index: an activation of one scratchpad half.
    pub fn index_bits(&self) -> usize {
        self.patch_bits() + self.channel_bits()
    }

    /// Address bits of a psum word.
    pub fn psum_bits(&self) -> usize {
        address_bits(self.psum_depth)
    }

    /// Bits of a group count of a column (0 to half the psum depth).
    pub fn group_bits(&self) -> usize {
        address_bits(self.psum_depth / 2 + 1)
    }

    /// Address bits of a weight buffer.
    pub fn weight_addr_bits(&self) -> usize {
        address_bits(self.weight_entries)
    }

    /// Rows of the parameter memory (`drain_lanes` channels each).
    pub fn param_rows(&self) -> usize {
        self.param_channels / self.drain_lanes
    }

    /// Bits of one weight entry: the weights of all lanes, with skip also index and `last`.
    pub fn entry_bits(&self) -> usize {
        self.lanes * self.weight_bits + if self.skip { self.index_bits() + 1 } else { 0 }
    }

    /// Stream bits of a weight entry.
    pub fn weight_slot(&self) -> usize {
        isa::slot_bits(self.entry_bits())
    }

    /// Stream bits of a buffer word.
    pub fn word_slot(&self) -> usize {
        isa::slot_bits(self.channels * self.act_bits)
    }

    /// Bits of the bias in the parameter memory.
    pub fn bias_bits(&self) -> usize {
        self.acc_bits.min(isa::BIAS_BITS)
    }

    /// Drain steps of one group of all columns.
    pub fn chunks_per_group(&self) -> usize {
        self.cols * self.lanes / self.drain_lanes
    }

    /// Drain steps of one buffer word.
    pub fn chunks_per_word(&self) -> usize {
        self.channels / self.drain_lanes
    }

    /// Bits of a configuration register.
    pub fn width(&self, width: Width) -> usize {
        match width {
            Width::Bits(bits) => bits,
            Width::BufferAddress => self.addr_bits(),
            Width::PatchAddress => self.patch_bits(),
            Width::PatchCount => self.patch_count_bits(),
            Width::Activation => self.act_bits,
            Width::Lattice => LATTICE_BITS,
            Width::WeightAddress => self.weight_addr_bits(),
            Width::ParamRow => address_bits(self.param_rows()),
        }
    }
}
