//! A compiled network as the device sees it: a DRAM image and the transfers that feed and drain the device.

mod file;
mod order;

pub use order::{OrderedTransfer, Ordering};

pub use crate::error::ProgramError;
use crate::error::Result;

/// One DMA transfer between DRAM and the device. Addresses and sizes are bytes; sizes are whole beats.
///
/// Beats are little endian: byte 0 of a beat travels in bits 7..0 of data port 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// DRAM to the input stream.
    Send {
        /// First byte read.
        address: u64,
        /// Bytes read.
        bytes: u64,
    },
    /// Output stream to DRAM.
    Receive {
        /// First byte written.
        address: u64,
        /// Bytes written.
        bytes: u64,
    },
}

impl Transfer {
    /// The DRAM bytes that the transfer touches.
    pub fn region(&self) -> Region {
        match *self {
            Self::Send { address, bytes } | Self::Receive { address, bytes } => {
                Region { address, bytes }
            }
        }
    }
}

/// A contiguous part of DRAM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Region {
    /// First byte.
    pub address: u64,
    /// Number of bytes.
    pub bytes: u64,
}

impl Region {
    /// First byte behind the region; saturates.
    pub fn end(&self) -> u64 {
        self.address.saturating_add(self.bytes)
    }

    /// The region as a range of indices into a DRAM image that contains it.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.address as usize..self.end() as usize
    }
}

/// One network compiled for one configuration.
///
/// The transfers have the effect of executing them one after another: sends are delivered in order as one continuous
/// stream and receives consume the output stream in order; across the two directions a transfer waits for every earlier
/// one of the other direction that overlaps its bytes (see [`Ordering`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Hash of the hardware configuration that the program was compiled for.
    pub config_hash: [u8; 32],
    /// Width of each stream in bits, a multiple of 32.
    pub stream_bits: u32,
    /// Initial contents of DRAM: commands, weights, and room for activations.
    pub dram: Vec<u8>,
    /// Data transfers, in program order.
    pub transfers: Vec<Transfer>,
    /// Region of the network's input.
    pub input: Region,
    /// Region of the network's output.
    pub output: Region,
    /// Number of MARK commands, one at the end of every layer.
    pub layers: usize,
}

impl Program {
    /// Bytes per beat of the streams.
    pub fn beat_bytes(&self) -> u64 {
        u64::from(self.stream_bits / 8)
    }

    /// Identifier that the hardware of this configuration shows in status register 0: the first four
    /// bytes of the hash, big endian.
    pub fn id(&self) -> u32 {
        let [a, b, c, d, ..] = self.config_hash;
        u32::from_be_bytes([a, b, c, d])
    }

    /// Total bytes sent to and received from the device in one run.
    pub fn traffic(&self) -> (u64, u64) {
        self.transfers.iter().fold((0, 0), |(sent, received), transfer| match transfer {
            Transfer::Send { bytes, .. } => (sent + bytes, received),
            Transfer::Receive { bytes, .. } => (sent, received + bytes),
        })
    }

    /// Checks that the stream width is legal and every transfer and region lies inside DRAM.
    ///
    /// # Errors
    /// [`ProgramError::Invalid`] naming the first offending field.
    pub fn validate(&self) -> Result<(), ProgramError> {
        let invalid = |what: String, value: String, allowed: String| {
            Err(ProgramError::Invalid { what, value, allowed })
        };
        if self.stream_bits == 0 || !self.stream_bits.is_multiple_of(32) || self.stream_bits > 4096
        {
            let allowed = "a multiple of 32 up to 4096".into();
            return invalid("stream_bits".into(), self.stream_bits.to_string(), allowed);
        }
        let size = self.dram.len() as u64;
        for (name, region) in [("input", self.input), ("output", self.output)] {
            if region.address.checked_add(region.bytes).is_none_or(|end| end > size) {
                let allowed = format!("inside the DRAM image of {size} bytes");
                return invalid(format!("{name} region"), format!("{region:?}"), allowed);
            }
        }
        for (index, transfer) in self.transfers.iter().enumerate() {
            let region = transfer.region();
            let inside = region.address.checked_add(region.bytes).is_some_and(|end| end <= size);
            if !inside || region.bytes == 0 || !region.bytes.is_multiple_of(self.beat_bytes()) {
                let allowed = format!(
                    "one or more whole beats of {} bytes inside the DRAM image of {size} bytes",
                    self.beat_bytes()
                );
                return invalid(format!("transfer {index}"), format!("{transfer:?}"), allowed);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn sample() -> Program {
        Program {
            config_hash: std::array::from_fn(|i| i as u8),
            stream_bits: 64,
            dram: (0..=255).collect(),
            transfers: vec![
                Transfer::Send { address: 0, bytes: 64 },
                Transfer::Receive { address: 128, bytes: 8 },
            ],
            input: Region { address: 0, bytes: 16 },
            output: Region { address: 128, bytes: 8 },
            layers: 1,
        }
    }

    #[test]
    fn identifier_is_big_endian() {
        assert_eq!(sample().id(), 0x0001_0203);
        assert_eq!(sample().traffic(), (64, 8));
    }

    #[test]
    fn bad_fields_are_named() {
        let text = |edit: fn(&mut Program)| {
            let mut program = sample();
            edit(&mut program);
            program.validate().unwrap_err().to_string()
        };
        assert!(sample().validate().is_ok());
        assert!(text(|p| p.stream_bits = 40).contains("stream_bits is 40"));
        assert!(text(|p| p.output.address = 255).contains("output region"));
        assert!(text(|p| p.input.bytes = u64::MAX).contains("input region"));
        assert!(
            text(|p| p.transfers[1] = Transfer::Receive { address: 0, bytes: 12 })
                .contains("transfer 1")
        );
        assert!(
            text(|p| p.transfers[0] = Transfer::Send { address: 256, bytes: 8 })
                .contains("transfer 0")
        );
    }
}
