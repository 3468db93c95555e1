//! Derived values for the rules between keys and the users of a configuration. Sizes and widths of the hardware are in
//! [`Geometry`](crate::geometry::Geometry).

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

    /// Whether entries of the weight lists carry an index.
    #[must_use]
    pub fn stores_index(&self) -> bool {
        self.weights.sparsity == Sparsity::Skip
    }

    /// Partial sums per lane in one of the two banks.
    #[must_use]
    pub fn psum_bank_depth(&self) -> usize {
        self.pe.psum_depth / 2
    }

    /// Bytes of one beat of the input or output stream.
    #[must_use]
    pub fn stream_bytes(&self) -> usize {
        self.stream.bits / 8
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
    use super::*;

    #[test]
    fn edge_has_the_sizes_of_the_blueprint() {
        let config = Config::default();
        assert_eq!(config.multipliers(), 128);
        assert_eq!(config.word_bits(), 64);
        assert_eq!(config.buffer_words(), 16_384);
        assert_eq!(config.psum_bank_depth(), 8);
        assert_eq!(config.activation_range(), (-128, 127));
    }

    #[test]
    fn address_bits_cover_the_depth() {
        for (depth, bits) in [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (13_824, 14)] {
            assert_eq!(address_bits(depth), bits, "depth {depth}");
        }
    }
}
