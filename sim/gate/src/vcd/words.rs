//! Words of a file, with their lines.

use std::io::{BufRead, ErrorKind};

use super::{Fault, shown};

/// Longest word, in bytes: a value has one per bit.
pub(crate) const MOST_WORD: usize = 1 << 24;

/// Reads words one after the other.
pub(in super::super) struct Words<R> {
    reader: R,
    word: Vec<u8>,
    /// Line of the word, and line that the reader is in.
    line: u64,
    next: u64,
}

impl<R: BufRead> Words<R> {
    /// Words of `reader`, from line 1 on.
    pub(in super::super) fn new(reader: R) -> Self {
        Self { reader, word: Vec::new(), line: 1, next: 1 }
    }

    /// Reads the next word; false at the end.
    pub(super) fn advance(&mut self) -> Result<bool, Fault> {
        self.word.clear();
        self.line = self.next;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Fault::Io(error)),
            };
            if chunk.is_empty() {
                return Ok(!self.word.is_empty());
            }
            let mut start = 0;
            if self.word.is_empty() {
                let blank = chunk.iter().take_while(|byte| byte.is_ascii_whitespace());
                start = blank.inspect(|byte| self.next += u64::from(**byte == b'\n')).count();
                self.line = self.next;
            }
            let rest = &chunk[start..];
            let length = rest.iter().position(u8::is_ascii_whitespace);
            let end = length.unwrap_or(rest.len());
            if self.word.len() + end > MOST_WORD {
                return Err(self.problem(format!("a word of more than {MOST_WORD} characters")));
            }
            self.word.extend_from_slice(&rest[..end]);
            self.reader.consume(start + end);
            if length.is_some() {
                return Ok(true);
            }
        }
    }

    /// Reads the next word, which must be there.
    pub(super) fn required(&mut self, what: &str) -> Result<(), Fault> {
        if self.advance()? {
            return Ok(());
        }
        Err(self.problem(format!("the file ends where {what} is expected")))
    }

    /// Leaves out everything up to `$end`.
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        loop {
            self.required("`$end`")?;
            if self.word == b"$end" {
                return Ok(());
            }
        }
    }

    /// Reads `$end`.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        self.required("`$end`")?;
        if self.word == b"$end" {
            return Ok(());
        }
        Err(self.problem(format!("{} where `$end` is expected", shown(&self.word))))
    }

    /// The word.
    pub(super) fn word(&self) -> &[u8] {
        &self.word
    }

    /// A problem in the line of the word.
    pub(super) fn problem(&self, problem: String) -> Fault {
        Fault::Problem(Some(self.line), problem)
    }
}
