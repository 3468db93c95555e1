//! Reads files of one kind from the standard input, one after the other, with the readers of the product. It is used by
//! `tests/mutated.rs`, which monitors time, memory and the end of this process.
//!
//! A file is its length (four bytes, little endian) and its bytes. The answer to each is a line: whether it was read or
//! refused, the time in milliseconds and the peak memory since the last one, in kB.

// A fault has to end the process.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{self, Read, Write};
use std::time::Instant;

use pecan_tests::mutation::Kind;

fn main() {
    let kind = std::env::args().nth(1).and_then(|name| Kind::named(&name)).expect("a kind of file");
    let reader = kind.reader();
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut length = [0; 4];
    while input.read_exact(&mut length).is_ok() {
        let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
        input.read_exact(&mut bytes).expect("a whole file");
        // Resets the high-water mark of memory.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        let (start, before) = (Instant::now(), memory("VmRSS:"));
        let outcome = if reader(&bytes) { "read" } else { "refused" };
        let (time, memory) = (start.elapsed().as_millis(), memory("VmHWM:").saturating_sub(before));
        writeln!(output, "{outcome} {time} {memory}").expect("an answer");
        output.flush().expect("an answer");
    }
}

/// A figure of this process in kB; 0 where the system does not report it.
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
