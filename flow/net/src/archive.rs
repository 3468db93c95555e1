//! Checks the directory of a zip archive before its reader uses it.
//!
//! Of two members of one name the reader uses the last, and in a damaged file it searches for the directory repeatedly;
//! neither is wanted. An archive that passes has one directory, at the end, with unique names.

use std::collections::HashSet;
use std::io::{Read, Seek, SeekFrom};

use pecan_text::escape::escape_name;
use zip::CompressionMethod;
use zip::read::ZipFile;

/// Most members of an archive.
pub(crate) const MOST_MEMBERS: u64 = 1 << 16;
/// Most bytes of the directory: names of 1 KiB on average.
const MOST_DIRECTORY: u64 = MOST_MEMBERS << 10;

/// Largest expansion of a byte by the deflate format, rounded up.
const MOST_RATIO: u64 = 1040;

/// The size of a member that the directory declares. It counts only up to the largest expansion of the member's bytes.
///
/// # Errors
/// It is larger.
pub(crate) fn declared(member: &ZipFile<'_, impl Read>) -> Result<u64, String> {
    let (size, packed) = (member.size(), member.compressed_size());
    let most = match member.compression() {
        CompressionMethod::Stored => packed,
        _ => packed.saturating_mul(MOST_RATIO),
    };
    if size > most {
        return Err(format!("{packed} bytes cannot unpack to {size}"));
    }
    Ok(size)
}

/// Bytes of the end record without its comment, which has at most 65,535.
const END: usize = 22;
/// Bytes of the record that points to the 64-bit end record, and of that one.
const LOCATOR: usize = 20;
const END_64: usize = 56;
/// Bytes of a member's entry without names and extra fields.
const ENTRY: usize = 46;

const END_MAGIC: &[u8] = b"PK\x05\x06";
const LOCATOR_MAGIC: &[u8] = b"PK\x06\x07";
const END_64_MAGIC: &[u8] = b"PK\x06\x06";
const ENTRY_MAGIC: &[u8] = b"PK\x01\x02";

/// Checks the directory of the archive in `file`.
///
/// # Errors
/// The problem: no end record, too many members, members cut short or present twice.
pub(crate) fn check(file: &mut (impl Read + Seek)) -> Result<(), String> {
    let (members, start, size) = end(file)?;
    if members > MOST_MEMBERS || size > MOST_DIRECTORY {
        return Err(format!(
            "a directory of {members} members and {size} bytes; allowed: at most {MOST_MEMBERS} members and \
             {MOST_DIRECTORY} bytes"
        ));
    }
    let bytes = bytes_at(file, start, size).ok_or("the directory is truncated")?;
    let mut rest = bytes.as_slice();
    let mut names = HashSet::new();
    for member in 0..members {
        let entry = rest.get(..ENTRY).filter(|entry| entry.starts_with(ENTRY_MAGIC));
        let entry = entry.ok_or_else(|| format!("member {member} of the directory is damaged"))?;
        let [name, extra, comment] = [28, 30, 32].map(|at| u16_at(entry, at) as usize);
        let text = rest.get(ENTRY..ENTRY + name).ok_or("the directory is truncated")?;
        if !names.insert(text) {
            let name = String::from_utf8_lossy(text);
            return Err(format!("the member `{}` is there twice", escape_name(&name)));
        }
        rest = rest.get(ENTRY + name + extra + comment..).ok_or("the directory is truncated")?;
    }
    Ok(())
}

/// Number of members, and place and size of the directory, from the end of the file.
fn end(file: &mut (impl Read + Seek)) -> Result<(u64, u64, u64), String> {
    let length = file.seek(SeekFrom::End(0)).map_err(|e| e.to_string())?;
    let tail = length.min((END + LOCATOR) as u64 + u64::from(u16::MAX));
    let tail = bytes_at(file, length - tail, tail).ok_or("it cannot be read")?;
    let is_end = |at: &usize| {
        let record = &tail[*at..];
        record.starts_with(END_MAGIC) && END + u16_at(record, 20) as usize == record.len()
    };
    let at = (0..(tail.len() + 1).saturating_sub(END)).rev().find(is_end);
    let at = at.ok_or("there is no directory at its end")?;
    let record = &tail[at..];
    let (mut members, mut size) = (u16_at(record, 10), u32_at(record, 12));
    let mut end = length - (tail.len() - at) as u64;
    let locator = at.checked_sub(LOCATOR).map(|at| &tail[at..]);
    if let Some(locator) = locator.filter(|record| record.starts_with(LOCATOR_MAGIC)) {
        end = u64_at(locator, 8);
        let record = bytes_at(file, end, END_64 as u64);
        let record = record.filter(|record| record.starts_with(END_64_MAGIC));
        let record = record.ok_or("its 64-bit end record is damaged")?;
        (members, size) = (u64_at(&record, 32), u64_at(&record, 40));
    }
    let start = end.checked_sub(size).ok_or("its directory is larger than the file")?;
    Ok((members, start, size))
}

fn bytes_at(file: &mut (impl Read + Seek), at: u64, count: u64) -> Option<Vec<u8>> {
    file.seek(SeekFrom::Start(at)).ok()?;
    let mut bytes = Vec::new();
    file.take(count).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 == count).then_some(bytes)
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let slice = bytes.get(at..at + N).and_then(|slice| slice.try_into().ok());
    slice.unwrap_or([0; N])
}

fn u16_at(bytes: &[u8], at: usize) -> u64 {
    u16::from_le_bytes(number(bytes, at)).into()
}

fn u32_at(bytes: &[u8], at: usize) -> u64 {
    u32::from_le_bytes(number(bytes, at)).into()
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(number(bytes, at))
}
