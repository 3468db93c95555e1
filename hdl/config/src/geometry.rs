//! Sizes and widths that the command set derives from a configuration: one place for the RTL, the
//! emulator and the mapper.

use crate::isa::register::Width;
use crate::isa::{BIAS_BITS, slot_bits};
use crate::{Config, address_bits};

/// Bits of lattice coordinates: rows and columns of a slice's region, counted in lattice steps.
pub const LATTICE_BITS: usize = 10;

/// Geometry of one configuration; lengths in the unit of the name, widths in bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Rows of the array (`R`).
    pub rows: usize,
    /// Columns of the array (`C`).
    pub cols: usize,
    /// Lanes of a PE (`G`).
    pub lanes: usize,
    /// Width of an activation (`A`).
    pub activation_bits: usize,
    /// Width of a weight (`W`).
    pub weight_bits: usize,
    /// Width of a partial sum.
    pub accumulator_bits: usize,
    /// Channels in a buffer word (`B`).
    pub word_channels: usize,
    /// Words in one half of the scratchpad (`S`).
    pub scratch_words: usize,
    /// Partial sums per lane in one bank (`P / 2`).
    pub psum_bank: usize,
    /// Drain lanes (`DL`).
    pub drain_lanes: usize,
    /// Depth of the global buffer in words.
    pub buffer_words: usize,
    /// Address bits of the global buffer.
    pub buffer_bits: usize,
    /// Depth of a column's weight buffer in entries.
    pub weight_entries: usize,
    /// Address bits of a weight buffer.
    pub weight_address_bits: usize,
    /// Bits of a stored index (`log2(S * B)`).
    pub index_bits: usize,
    /// Whether entries carry an index and the flag `last`.
    pub skip: bool,
    /// Whether zero operands are gated.
    pub zero_gating: bool,
    /// Bits of an entry on the stream and in the weight buffer.
    pub entry_bits: usize,
    /// Channels that the parameter memory holds.
    pub param_channels: usize,
    /// Address bits of a row (`DL` channels) of the parameter memory.
    pub param_row_bits: usize,
    /// Bits of a beat.
    pub stream_bits: usize,
    /// Stream bits of a buffer word.
    pub word_slot: usize,
    /// Stream bits of a weight entry.
    pub entry_slot: usize,
    /// Width of a performance counter.
    pub counter_bits: usize,
}

impl Geometry {
    /// Stream bits of a requantization parameter.
    pub const PARAM_SLOT: usize = 64;

    /// Geometry of a legal configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let (cols, lanes) = (config.array.cols, config.array.lanes);
        let psum_bank = config.pe.psum_depth / 2;
        let skip = config.stores_index();
        let payload = lanes * config.numerics.weight_bits;
        let index_bits =
            address_bits(config.pe.scratchpad_words * config.buffers.channels_per_word);
        let entry_bits = if skip { payload + index_bits + 1 } else { payload };
        // Two halves, so that the parameters of a pass load while the previous pass drains.
        let param_channels = (2 * cols * lanes * psum_bank).next_power_of_two();
        Self {
            rows: config.array.rows,
            cols,
            lanes,
            activation_bits: config.numerics.activation_bits,
            weight_bits: config.numerics.weight_bits,
            accumulator_bits: config.numerics.accumulator_bits,
            word_channels: config.buffers.channels_per_word,
            scratch_words: config.pe.scratchpad_words,
            psum_bank,
            drain_lanes: config.drain.lanes,
            buffer_words: config.buffer_words(),
            buffer_bits: address_bits(config.buffer_words()),
            weight_entries: config.buffers.weight_entries,
            weight_address_bits: address_bits(config.buffers.weight_entries),
            index_bits,
            skip,
            zero_gating: config.pe.zero_gating,
            entry_bits,
            param_channels,
            param_row_bits: address_bits(param_channels / config.drain.lanes),
            stream_bits: config.stream.bits,
            word_slot: slot_bits(config.word_bits()),
            entry_slot: slot_bits(entry_bits),
            counter_bits: config.counters.bits,
        }
    }

    /// Bits of a configuration register.
    #[must_use]
    pub fn register_bits(&self, width: Width) -> usize {
        match width {
            Width::Bits(bits) => bits,
            Width::BufferAddress => self.buffer_bits,
            Width::PatchAddress => address_bits(self.scratch_words),
            Width::PatchCount => address_bits(self.scratch_words) + 1,
            Width::Activation => self.activation_bits,
            Width::Lattice => LATTICE_BITS,
            Width::WeightAddress => self.weight_address_bits,
            Width::ParamRow => self.param_row_bits,
        }
    }

    /// Address bits of a word of one scratchpad half.
    #[must_use]
    pub fn patch_bits(&self) -> usize {
        address_bits(self.scratch_words)
    }

    /// Bits of a count of words of one scratchpad half, the full half included.
    #[must_use]
    pub fn patch_count_bits(&self) -> usize {
        self.patch_bits() + 1
    }

    /// Address bits of a scratchpad word, the half included.
    #[must_use]
    pub fn scratch_bits(&self) -> usize {
        self.patch_bits() + 1
    }

    /// log2 of the channels of a word.
    #[must_use]
    pub fn channel_bits(&self) -> usize {
        self.word_channels.trailing_zeros() as usize
    }

    /// log2 of the lanes.
    #[must_use]
    pub fn lane_bits(&self) -> usize {
        self.lanes.trailing_zeros() as usize
    }

    /// Psum words of a PE, both banks.
    #[must_use]
    pub fn psum_depth(&self) -> usize {
        2 * self.psum_bank
    }

    /// Address bits of a psum word.
    #[must_use]
    pub fn psum_bits(&self) -> usize {
        address_bits(self.psum_depth())
    }

    /// Bits of a column's group count (0 to the depth of a psum bank).
    #[must_use]
    pub fn group_bits(&self) -> usize {
        address_bits(self.psum_bank + 1)
    }

    /// Rows of the parameter memory, `drain_lanes` channels each.
    #[must_use]
    pub fn param_rows(&self) -> usize {
        self.param_channels / self.drain_lanes
    }

    /// Bits of the bias in the parameter memory.
    #[must_use]
    pub fn bias_bits(&self) -> usize {
        self.accumulator_bits.min(BIAS_BITS)
    }

    /// Drain steps of one group of all columns.
    #[must_use]
    pub fn chunks_per_group(&self) -> usize {
        self.cols * self.lanes / self.drain_lanes
    }

    /// Drain steps of one buffer word.
    #[must_use]
    pub fn chunks_per_word(&self) -> usize {
        self.word_channels / self.drain_lanes
    }

    /// Widths of the fields of a weight entry: one weight per lane, then index and `last` where lists
    /// are stored.
    #[must_use]
    pub fn entry_fields(&self) -> Vec<usize> {
        let mut fields = vec![self.weight_bits; self.lanes];
        if self.skip {
            fields.extend([self.index_bits, 1]);
        }
        fields
    }

    /// Output channels of a run in which every column computes `groups` groups.
    #[must_use]
    pub fn channels(&self, groups: usize) -> usize {
        self.cols * self.lanes * groups
    }

    /// Smallest activation.
    #[must_use]
    pub fn activation_min(&self) -> i32 {
        -(1 << (self.activation_bits - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset;

    #[test]
    fn edge_geometry() {
        let g = Geometry::of(&Config::default());
        assert_eq!((g.psum_bank, g.param_channels, g.param_row_bits), (8, 256, 5));
        assert_eq!((g.entry_bits, g.entry_slot, g.word_slot), (39, 64, 64));
        assert_eq!((g.buffer_bits, g.index_bits, g.weight_address_bits), (14, 6, 12));
        assert_eq!(g.register_bits(Width::PatchCount), 4);
    }

    #[test]
    fn dense_entries_hold_weights_only() {
        let mut config = preset("tiny").unwrap();
        config.weights.sparsity = crate::Sparsity::Dense;
        assert_eq!(Geometry::of(&config).entry_bits, 16);
    }
}
