//! Mutations of bytes: of any file, and of those with a structure around their content.

use std::io::{Cursor, Read, Write};

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Largest file that is made, in bytes.
const LARGEST: usize = 1 << 18;

/// Bytes of the checksum at the end of a program.
const CHECKSUM: usize = 32;

/// Numbers at the edges of types and limits.
const NUMBERS: [&str; 18] = [
    "0",
    "-1",
    "1",
    "127",
    "128",
    "255",
    "256",
    "32768",
    "65536",
    "2147483647",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "1e308",
    "-1e308",
    "nan",
    "inf",
    "0x7fffffff",
];

/// Tokens that open, close or separate in one of the formats, and control characters of terminals.
const TOKENS: [&str; 28] = [
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    ",",
    ";",
    ":",
    "=",
    "\n",
    "\\",
    "/*",
    "*/",
    "//",
    "#",
    "\u{1b}[31m",
    "\u{202e}",
    "\0",
    "!",
    "&",
    "INSTANCE a ",
    "cell (a) {",
    "[a]\n",
    "a = 1\n",
    "\t",
];

/// A file of the corpus with one to six mutations.
pub(super) fn bytes(rng: &mut ChaCha8Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = corpus.choose(rng).cloned().unwrap_or_default();
    for _ in 0..rng.random_range(1..=6) {
        mutation(rng, &mut bytes, corpus);
        bytes.truncate(LARGEST);
    }
    bytes
}

/// A random part of `length` bytes: most are short.
fn part(rng: &mut ChaCha8Rng, length: usize) -> std::ops::Range<usize> {
    let from = rng.random_range(0..=length);
    let most = (length - from).min(1 << rng.random_range(0..14));
    from..from + rng.random_range(0..=most)
}

fn mutation(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let (range, at) = (part(rng, bytes.len()), rng.random_range(0..=bytes.len()));
    match rng.random_range(0..12) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(range)),
        2 => {
            let copy = bytes[range].to_vec();
            drop(bytes.splice(at..at, copy));
        }
        3 => {
            let other = corpus.choose(rng).cloned().unwrap_or_default();
            let copy = other[part(rng, other.len())].to_vec();
            drop(bytes.splice(range, copy));
        }
        4 => {
            // A long repetition, or deep nesting where the part opens a bracket.
            let copy = bytes[range].to_vec();
            let count = rng.random_range(1..=LARGEST / (copy.len() + 1));
            drop(bytes.splice(at..at, copy.repeat(count)));
        }
        5 => {
            let token = TOKENS.choose(rng).copied().unwrap_or_default();
            let count = if rng.random_bool(0.3) { rng.random_range(1..50_000) } else { 1 };
            drop(bytes.splice(at..at, token.repeat(count).into_bytes()));
        }
        6 => number(rng, bytes, at),
        7 => {
            // A number of the file's own format, little endian.
            let value = 1u64 << rng.random_range(0..64);
            let value = if rng.random_bool(0.5) { value.wrapping_sub(1) } else { value };
            let width = [1, 2, 4, 8][rng.random_range(0..4)];
            let end = (at + width).min(bytes.len());
            bytes[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
        }
        _ => {
            for _ in 0..rng.random_range(1..=4) {
                if let Some(at) = (!bytes.is_empty()).then(|| rng.random_range(0..bytes.len())) {
                    bytes[at] ^= 1 << rng.random_range(0..8);
                }
            }
        }
    }
}

/// Replaces the first number behind `at` by another.
fn number(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>, at: usize) {
    let digit = |byte: &u8| byte.is_ascii_digit();
    let Some(start) = bytes[at..].iter().position(digit).map(|first| at + first) else { return };
    let length = bytes[start..].iter().position(|byte| !digit(byte));
    let end = length.map_or(bytes.len(), |length| start + length);
    let value = NUMBERS.choose(rng).copied().unwrap_or_default();
    drop(bytes.splice(start..end, value.bytes()));
}

/// An archive of the corpus with one mutated member and a right checksum, so that the reader reads its contents.
pub(super) fn archive(rng: &mut ChaCha8Rng, corpus: &[Vec<u8>]) -> Option<Vec<u8>> {
    if rng.random_bool(0.3) {
        return None;
    }
    let mut source = ZipArchive::new(Cursor::new(corpus.choose(rng)?)).ok()?;
    let mut members = Vec::new();
    for index in 0..source.len() {
        let mut entry = source.by_index(index).ok()?;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).ok()?;
        members.push((entry.name().to_owned(), bytes));
    }
    let victim = rng.random_range(0..members.len().max(1));
    let mut target = ZipWriter::new(Cursor::new(Vec::new()));
    for (index, (name, mut bytes)) in members.into_iter().enumerate() {
        if index == victim {
            let head = bytes.len().min(128);
            match rng.random_range(0..3) {
                0 => {
                    let at = rng.random_range(0..=head);
                    number(rng, &mut bytes, at);
                }
                1 => {
                    let mut front = bytes[..head].to_vec();
                    mutation(rng, &mut front, &[]);
                    drop(bytes.splice(..head, front));
                }
                _ => mutation(rng, &mut bytes, &[]),
            }
            bytes.truncate(LARGEST);
        }
        let method = if rng.random_bool(0.5) {
            CompressionMethod::Stored
        } else {
            CompressionMethod::Deflated
        };
        target.start_file(name, SimpleFileOptions::default().compression_method(method)).ok()?;
        target.write_all(&bytes).ok()?;
    }
    Some(target.finish().ok()?.into_inner())
}

/// A program with the right checksum, so that its contents are read.
pub(super) fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len().saturating_sub(CHECKSUM));
    let checksum = blake3::hash(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    bytes
}
