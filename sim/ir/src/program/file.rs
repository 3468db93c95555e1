//! The program file. All numbers are little endian.
//!
//! | field | bytes |
//! |---|---|
//! | magic `PECANPRG` | 8 |
//! | format version (1) | 4 |
//! | hash of the hardware configuration | 32 |
//! | stream width in bits | 4 |
//! | layers | 8 |
//! | input address, input bytes, output address, output bytes | 4 x 8 |
//! | number of transfers | 8 |
//! | per transfer: kind (0 send, 1 receive), address, bytes | 1 + 8 + 8 |
//! | DRAM size, DRAM image | 8 + size |
//! | BLAKE3 of everything before | 32 |

use std::path::Path;

use super::{Program, ProgramError, Region, Transfer};
use crate::error::{Result, SimError};
use pecan_host::file::write_whole;

const MAGIC: &[u8; 8] = b"PECANPRG";
const VERSION: u32 = 1;
const CHECKSUM_BYTES: usize = 32;

impl Program {
    /// Encodes the program in the file format.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.dram.len() + 17 * self.transfers.len() + 160);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.config_hash);
        out.extend_from_slice(&self.stream_bits.to_le_bytes());
        let regions =
            [self.input.address, self.input.bytes, self.output.address, self.output.bytes];
        for value in [self.layers as u64].into_iter().chain(regions) {
            out.extend_from_slice(&value.to_le_bytes());
        }
        out.extend_from_slice(&(self.transfers.len() as u64).to_le_bytes());
        for transfer in &self.transfers {
            let region = transfer.region();
            out.push(u8::from(matches!(transfer, Transfer::Receive { .. })));
            out.extend_from_slice(&region.address.to_le_bytes());
            out.extend_from_slice(&region.bytes.to_le_bytes());
        }
        out.extend_from_slice(&(self.dram.len() as u64).to_le_bytes());
        out.extend_from_slice(&self.dram);
        let checksum = blake3::hash(&out);
        out.extend_from_slice(checksum.as_bytes());
        out
    }

    /// Decodes and validates a program; `path` only names the origin in errors.
    ///
    /// # Errors
    /// [`ProgramError::Malformed`] for a wrong magic, version or checksum or a cut file,
    /// [`ProgramError::Invalid`] for contents that break the rules.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, ProgramError> {
        let mut reader = FileReader { bytes, at: 0, path };
        if reader.take(8)? != MAGIC {
            return Err(reader.malformed("it does not start with PECANPRG".into()));
        }
        let version = reader.u32()?;
        if version != VERSION {
            let reason = format!("format version {version}, this build reads {VERSION}");
            return Err(reader.malformed(reason));
        }
        let Some(body) = bytes.len().checked_sub(CHECKSUM_BYTES) else {
            return Err(reader.malformed("it is cut short".into()));
        };
        if blake3::hash(&bytes[..body]).as_bytes() != &bytes[body..] {
            return Err(
                reader.malformed("the checksum is wrong: it is damaged or cut short".into())
            );
        }
        reader.bytes = &bytes[..body];
        let mut config_hash = [0; 32];
        config_hash.copy_from_slice(reader.take(32)?);
        let stream_bits = reader.u32()?;
        let layers = reader.u64()? as usize;
        let input = Region { address: reader.u64()?, bytes: reader.u64()? };
        let output = Region { address: reader.u64()?, bytes: reader.u64()? };
        let transfers = reader.transfers()?;
        let size = reader.u64()? as usize;
        let dram = reader.take(size)?.to_vec();
        if reader.at != body {
            return Err(reader.malformed(format!("{} bytes too many", body - reader.at)));
        }
        let program = Self { config_hash, stream_bits, dram, transfers, input, output, layers };
        program.validate()?;
        Ok(program)
    }

    /// Writes the program file; an existing file is replaced in one step, never half written.
    ///
    /// # Errors
    /// [`SimError::Program`] if the program is invalid, [`SimError::Host`] if writing fails.
    pub fn write(&self, path: &Path) -> Result<()> {
        self.validate()?;
        write_whole(path, self.to_bytes()).map_err(SimError::io("write", path))
    }

    /// Reads a program file.
    ///
    /// # Errors
    /// [`SimError::Host`] if it cannot be read, [`SimError::Program`] if it is not a valid program.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(SimError::io("read", path))?;
        Ok(Self::from_bytes(&bytes, path)?)
    }
}

struct FileReader<'a> {
    bytes: &'a [u8],
    at: usize,
    path: &'a Path,
}

impl<'a> FileReader<'a> {
    fn malformed(&self, reason: String) -> ProgramError {
        ProgramError::Malformed { path: self.path.to_path_buf(), reason }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], ProgramError> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| {
            self.malformed(format!("it is cut short: {count} more bytes expected at {}", self.at))
        })?;
        let slice = &self.bytes[self.at..end];
        self.at = end;
        Ok(slice)
    }

    fn u32(&mut self) -> Result<u32, ProgramError> {
        let mut raw = [0; 4];
        raw.copy_from_slice(self.take(4)?);
        Ok(u32::from_le_bytes(raw))
    }

    fn u64(&mut self) -> Result<u64, ProgramError> {
        let mut raw = [0; 8];
        raw.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(raw))
    }

    fn transfers(&mut self) -> Result<Vec<Transfer>, ProgramError> {
        let count = self.u64()?;
        let mut transfers = Vec::new();
        for index in 0..count {
            let kind = self.take(1)?[0];
            let (address, bytes) = (self.u64()?, self.u64()?);
            transfers.push(match kind {
                0 => Transfer::Send { address, bytes },
                1 => Transfer::Receive { address, bytes },
                _ => return Err(self.malformed(format!("transfer {index} has kind {kind}"))),
            });
        }
        Ok(transfers)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn survives_a_round_trip_through_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("network.pecan");
        sample().write(&path).unwrap();
        assert_eq!(Program::read(&path).unwrap(), sample());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn any_flipped_byte_or_cut_is_noticed() {
        let good = sample().to_bytes();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert!(Program::from_bytes(&bad, Path::new("x")).is_err(), "byte {at}");
            assert!(Program::from_bytes(&good[..at], Path::new("x")).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn foreign_files_are_refused_by_name() {
        let error = Program::from_bytes(b"ELF and so on", Path::new("a.out")).unwrap_err();
        assert!(error.to_string().contains("a.out") && error.to_string().contains("PECANPRG"));
    }
}
