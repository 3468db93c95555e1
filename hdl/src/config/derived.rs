//! Values that follow from the configuration: sizes, widths and depths of the hardware.

use super::{Config, Sparsity};

impl Config {
    /// Multipliers in the array: rows x columns x lanes.
    #[must_use]
    pub fn multipliers(&self) -> usize {
        self.array.rows * self.array.cols * self.array.lanes
    }

    /// Output channels that the columns compute at a time: columns x lanes.
    #[must_use]
    pub fn channels_per_pass(&self) -> usize {
        self.array.cols * self.array.lanes
    }

    /// Bits of one global-buffer word: `channels_per_word` activations.
    #[must_use]
    pub fn word_bits(&self) -> usize {
        self.buffers.channels_per_word * self.numerics.activation_bits
    }

    /// Depth of the global buffer in words.
    #[must_use]
    pub fn buffer_words(&self) -> usize {
        self.buffers.global_kib * 8192 / self.word_bits()
    }

    /// Address bits of the global buffer.
    #[must_use]
    pub fn buffer_address_bits(&self) -> usize {
        address_bits(self.buffer_words())
    }

    /// Activations in one half of a PE's scratchpad.
    #[must_use]
    pub fn scratchpad_activations(&self) -> usize {
        self.pe.scratchpad_words * self.buffers.channels_per_word
    }

    /// Address bits of a scratchpad word inside one half.
    #[must_use]
    pub fn scratchpad_address_bits(&self) -> usize {
        address_bits(self.pe.scratchpad_words)
    }

    /// Bits of an index: log2 of the activations in one scratchpad half.
    #[must_use]
    pub fn index_bits(&self) -> usize {
        address_bits(self.scratchpad_activations())
    }

    /// Groups of `lanes` channels in one word: `channels_per_word / lanes`.
    #[must_use]
    pub fn groups_per_word(&self) -> usize {
        self.buffers.channels_per_word / self.array.lanes
    }

    /// Whether entries of the weight lists carry an index.
    #[must_use]
    pub fn stores_index(&self) -> bool {
        self.weights.sparsity == Sparsity::Skip
    }

    /// Bits of one weight-buffer entry: the flag `last`, the index unless the weights are dense,
    /// and one weight per lane.
    #[must_use]
    pub fn entry_bits(&self) -> usize {
        let index = if self.stores_index() { self.index_bits() } else { 0 };
        1 + index + self.array.lanes * self.numerics.weight_bits
    }

    /// Address bits of a column's weight buffer.
    #[must_use]
    pub fn weight_address_bits(&self) -> usize {
        address_bits(self.buffers.weight_entries)
    }

    /// Bits of all columns' weight buffers together.
    #[must_use]
    pub fn weight_buffer_bits(&self) -> usize {
        self.array.cols * self.buffers.weight_entries * self.entry_bits()
    }

    /// Partial sums per lane in one of the two banks.
    #[must_use]
    pub fn psum_bank_depth(&self) -> usize {
        self.pe.psum_depth / 2
    }

    /// Address bits of a lane's partial sums, both banks together.
    #[must_use]
    pub fn psum_address_bits(&self) -> usize {
        address_bits(self.pe.psum_depth)
    }

    /// Bytes of one beat of the input or output stream.
    #[must_use]
    pub fn stream_bytes(&self) -> usize {
        self.stream.bits / 8
    }

    /// 32-bit ports of one beat of the input or output stream.
    #[must_use]
    pub fn stream_words(&self) -> usize {
        self.stream.bits / 32
    }

    /// Smallest and largest activation: the two's complement range of `activation_bits`.
    #[must_use]
    pub fn activation_range(&self) -> (i64, i64) {
        signed_range(self.numerics.activation_bits)
    }

    /// Smallest and largest weight: the two's complement range of `weight_bits`.
    #[must_use]
    pub fn weight_range(&self) -> (i64, i64) {
        signed_range(self.numerics.weight_bits)
    }

    /// Smallest and largest partial sum: the two's complement range of `accumulator_bits`.
    #[must_use]
    pub fn accumulator_range(&self) -> (i64, i64) {
        signed_range(self.numerics.accumulator_bits)
    }
}

/// Bits that address `depth` words; at least one.
#[must_use]
pub fn address_bits(depth: usize) -> usize {
    depth.next_power_of_two().trailing_zeros().max(1) as usize
}

fn signed_range(bits: usize) -> (i64, i64) {
    let half = 1_i64 << (bits - 1);
    (-half, half - 1)
}

#[cfg(test)]
mod tests {
    use super::super::preset;
    use super::*;

    #[test]
    fn edge_has_the_sizes_of_the_blueprint() {
        let config = Config::default();
        assert_eq!(config.multipliers(), 128);
        assert_eq!(config.word_bits(), 64);
        assert_eq!(config.buffer_words(), 16_384);
        assert_eq!(config.buffer_address_bits(), 14);
        assert_eq!(config.scratchpad_activations(), 64);
        assert_eq!(config.index_bits(), 6);
        assert_eq!(config.entry_bits(), 1 + 6 + 32);
        assert_eq!(config.psum_bank_depth(), 8);
        assert_eq!(config.activation_range(), (-128, 127));
        assert_eq!(config.accumulator_range(), (-(1 << 31), (1 << 31) - 1));
    }

    #[test]
    fn dense_entries_have_no_index() {
        let mut config = preset("tiny").unwrap();
        assert_eq!(config.entry_bits(), 1 + 4 + 16);
        config.weights.sparsity = Sparsity::Dense;
        assert_eq!(config.entry_bits(), 1 + 16);
    }

    #[test]
    fn address_bits_cover_the_depth() {
        for (depth, bits) in [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (13_824, 14)] {
            assert_eq!(address_bits(depth), bits, "depth {depth}");
        }
    }
}
