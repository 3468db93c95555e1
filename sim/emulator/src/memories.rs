//! Contents of the device's memories.

use pecan_config::geometry::Geometry;
use pecan_config::isa::unpack_param;

/// An entry of a weight list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `word * B + channel`, where indices are stored.
    pub index: u16,
    /// Ends the list of a group, where indices are stored.
    pub last: bool,
    /// Whether some weight is not zero.
    pub nonzero: bool,
    /// One weight per lane.
    pub weights: [i16; MAX_LANES],
}

/// Most lanes of a PE.
pub const MAX_LANES: usize = 16;

/// Bits of `bytes` from bit `from`, at most 64, least significant first.
#[must_use]
pub(super) fn bits_at(bytes: &[u8], from: usize, count: usize) -> u64 {
    let mask = if count >= 64 { u64::MAX } else { (1 << count) - 1 };
    if from % 8 + count <= 64
        && let Some(whole) = bytes.get(from / 8..).and_then(|rest| rest.first_chunk())
    {
        return u64::from_le_bytes(*whole) >> (from % 8) & mask;
    }
    let mut value = 0u128;
    for (i, byte) in bytes.iter().skip(from / 8).take(9).enumerate() {
        value |= u128::from(*byte) << (8 * i);
    }
    (value >> (from % 8)) as u64 & mask
}

/// Reads `value` as a two's complement number of `bits`.
#[must_use]
pub(super) fn signed(value: u64, bits: usize) -> i64 {
    ((value << (64 - bits)) as i64) >> (64 - bits)
}

impl Entry {
    /// The entry that reads as all zeros.
    pub const ZERO: Entry =
        Entry { index: 0, last: false, nonzero: false, weights: [0; MAX_LANES] };

    /// Unpacks an entry from its slot.
    #[must_use]
    pub(super) fn unpack(slot: &[u8], geometry: &Geometry) -> Self {
        let mut entry = Self::ZERO;
        let width = geometry.weight_bits;
        if geometry.entry_bits <= 64 {
            // The usual case: the entry is one number. This is noticeable for programs with millions of entries.
            let mut rest = bits_at(slot, 0, geometry.entry_bits);
            for weight in &mut entry.weights[..geometry.lanes] {
                *weight = signed(rest & ((1 << width) - 1), width) as i16;
                entry.nonzero |= *weight != 0;
                rest >>= width;
            }
            if geometry.skip {
                entry.index = (rest & ((1 << geometry.index_bits) - 1)) as u16;
                entry.last = rest >> geometry.index_bits == 1;
            }
            return entry;
        }
        for lane in 0..geometry.lanes {
            entry.weights[lane] = signed(bits_at(slot, lane * width, width), width) as i16;
        }
        entry.nonzero = entry.weights.iter().any(|w| *w != 0);
        if geometry.skip {
            let at = geometry.lanes * width;
            entry.index = bits_at(slot, at, geometry.index_bits) as u16;
            entry.last = bits_at(slot, at + geometry.index_bits, 1) == 1;
        }
        entry
    }
}

/// Requantization parameters of one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Param {
    /// Added to the partial sum.
    pub bias: i64,
    /// Factor.
    pub multiplier: u32,
    /// Right shift.
    pub shift: u32,
}

impl Param {
    /// Unpacks the parameters from their slot; the memory keeps as much of the bias as a sum can use.
    pub(super) fn unpack(slot: &[u8], geometry: &Geometry) -> Self {
        let (bias, multiplier, shift) = unpack_param(bits_at(slot, 0, 64));
        let bias = signed(bias as u64, geometry.bias_bits());
        Self { bias, multiplier, shift }
    }
}

/// Global buffer, weight buffers and parameter memory. They start as zeros.
#[derive(Clone, Debug)]
pub(super) struct Memories {
    /// Activations of the global buffer, `B` per word.
    pub buffer: Vec<i16>,
    /// Entries per column.
    pub weights: Vec<Vec<Entry>>,
    /// Requantization parameters by channel.
    pub params: Vec<Param>,
}

impl Memories {
    /// Memories of a configuration.
    #[must_use]
    pub(super) fn new(geometry: &Geometry) -> Self {
        Self {
            buffer: vec![0; geometry.buffer_words * geometry.word_channels],
            weights: vec![vec![Entry::ZERO; geometry.weight_entries]; geometry.cols],
            params: vec![Param::default(); geometry.param_channels],
        }
    }

    /// Writes a buffer word from its slot.
    pub(super) fn write_word(&mut self, address: usize, slot: &[u8], geometry: &Geometry) {
        let (channels, bits) = (geometry.word_channels, geometry.activation_bits);
        let word = &mut self.buffer[address * channels..][..channels];
        for (channel, value) in word.iter_mut().enumerate() {
            *value = signed(bits_at(slot, channel * bits, bits), bits) as i16;
        }
    }

    /// The activations of a buffer word.
    #[must_use]
    pub(super) fn word(&self, address: usize, geometry: &Geometry) -> &[i16] {
        &self.buffer[address * geometry.word_channels..][..geometry.word_channels]
    }

    /// A buffer word as its slot.
    #[must_use]
    pub(super) fn read_word(&self, address: usize, geometry: &Geometry) -> Vec<u8> {
        let (channels, bits) = (geometry.word_channels, geometry.activation_bits);
        let word = &self.buffer[address * channels..][..channels];
        pack_word(word.iter().map(|v| i64::from(*v)), bits, geometry.word_slot)
    }
}

/// Packs values of `bits` (at most 16) into a slot, least significant first.
pub fn pack_word(values: impl IntoIterator<Item = i64>, bits: usize, slot: usize) -> Vec<u8> {
    let mut bytes = vec![0u8; slot / 8];
    for (i, value) in values.into_iter().enumerate() {
        let cut = (value as u64 & ((1 << bits) - 1)) << (i * bits % 8);
        for (k, byte) in bytes.iter_mut().skip(i * bits / 8).take(3).enumerate() {
            *byte |= (cut >> (8 * k)) as u8;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use pecan_config::Config;

    #[test]
    fn words_survive_packing() {
        for bits in [4, 8, 16] {
            let values: Vec<i64> =
                (0..8).map(|i| i * 37 % (1 << bits) - (1 << (bits - 1))).collect();
            let values: Vec<i64> = values.into_iter().map(|v| signed(v as u64, bits)).collect();
            let slot = pack_word(values.iter().copied(), bits, 128);
            let back: Vec<i64> =
                (0..8).map(|i| signed(bits_at(&slot, i * bits, bits), bits)).collect();
            assert_eq!(back, values);
        }
    }

    #[test]
    fn entries_have_weights_below_index_below_last() {
        let geometry = Geometry::of(&Config::default());
        let slot = (0xfe_02_03_04u64 | 5 << 32 | 1 << 38).to_le_bytes();
        let entry = Entry::unpack(&slot, &geometry);
        assert_eq!((entry.index, entry.last, entry.nonzero), (5, true, true));
        assert_eq!(entry.weights[..4], [4, 3, 2, -2]);
    }
}
