//! The top-level pins of every cycle.

use pecan_ir::error::{Result, SimError};

/// The pins of consecutive clock cycles, settled before the edge that ends each cycle. `status_addr` is 0 throughout,
/// and all state of the device is 0 before the first cycle of a process. So a model of the same design with these
/// inputs has these outputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PinTrace {
    /// Bits of a beat.
    stream_bits: u32,
    /// Records of `record_bytes`, as `cpp/pins.h` writes them.
    bytes: Vec<u8>,
}

/// The pins in one cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinCycle<'a> {
    /// Input: the device is being reset.
    pub reset: bool,
    /// Input: a beat is offered.
    pub in_valid: bool,
    /// Input: the beat, `stream_bits / 8` bytes, low word first. Keeps its value while nothing is offered.
    pub in_data: &'a [u8],
    /// Input: the memory accepts a beat.
    pub out_ready: bool,
    /// Output: the device accepts a beat.
    pub in_ready: bool,
    /// Output: the device offers a beat.
    pub out_valid: bool,
    /// Output: the beat, `stream_bits / 8` bytes, low word first.
    pub out_data: &'a [u8],
    /// Output: layers completed since the header.
    pub layer: u16,
    /// Output: the program has ended.
    pub done: bool,
    /// Output: the device has halted.
    pub error: bool,
}

impl PinTrace {
    pub(super) fn new(stream_bits: u32, bytes: Vec<u8>) -> Result<Self> {
        let trace = Self { stream_bits, bytes };
        if trace.bytes.len().is_multiple_of(trace.record_bytes()) {
            return Ok(trace);
        }
        Err(SimError::Protocol("a record of pins is cut short".into()))
    }

    fn beat_bytes(&self) -> usize {
        self.stream_bits as usize / 8
    }

    fn record_bytes(&self) -> usize {
        3 + 2 * self.beat_bytes()
    }

    /// Bits of a beat.
    #[must_use]
    pub fn stream_bits(&self) -> u32 {
        self.stream_bits
    }

    /// Number of cycles.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() / self.record_bytes()
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The cycles in order.
    pub fn cycles(&self) -> impl ExactSizeIterator<Item = PinCycle<'_>> + DoubleEndedIterator {
        self.bytes.chunks_exact(self.record_bytes()).map(|record| {
            let (head, data) = record.split_at(3);
            let (in_data, out_data) = data.split_at(self.beat_bytes());
            let flag = |bit: u32| head[0] >> bit & 1 == 1;
            PinCycle {
                reset: flag(0),
                in_valid: flag(1),
                in_data,
                in_ready: flag(2),
                out_valid: flag(3),
                out_data,
                out_ready: flag(4),
                done: flag(5),
                error: flag(6),
                layer: u16::from_le_bytes([head[1], head[2]]),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_flags_layer_and_two_beats() {
        let mut bytes = vec![0b0010_0101, 2, 1];
        bytes.extend(0..8);
        bytes.extend([0b0101_1010, 0, 0]);
        bytes.extend(8..16);
        let trace = PinTrace::new(32, bytes.clone()).unwrap();
        assert_eq!((trace.len(), trace.is_empty()), (2, false));
        let [a, b]: [PinCycle<'_>; 2] = trace.cycles().collect::<Vec<_>>().try_into().unwrap();
        assert!(a.reset && a.in_ready && a.done && !a.in_valid && !a.out_valid && !a.error);
        assert_eq!((a.layer, a.in_data, a.out_data), (258, &[0, 1, 2, 3][..], &[4, 5, 6, 7][..]));
        assert!(b.in_valid && b.out_valid && b.out_ready && b.error && !b.reset && !b.done);
        bytes.pop();
        assert!(PinTrace::new(32, bytes).is_err());
        assert!(PinTrace::default().is_empty());
    }
}
