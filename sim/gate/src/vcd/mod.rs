//! VCD files: value changes of the variables of a simulation (IEEE 1364, clause 18), counted while they are read.
//!
//! The file is read once, word by word; held are the names of its variables and the state of the bits that are nets of
//! the design. The crate `vcd`, which tests write files with, has no lines in its errors, refuses types of
//! SystemVerilog, and holds comments and values of any length.

mod count;
mod header;
mod slots;
#[cfg(test)]
mod tests;
mod words;

use std::path::Path;

pub(super) use count::count;
pub(super) use header::Header;
pub(super) use words::Words;

use super::error::{GateError, Result};
use pecan_text::escape::{escape_name, shorten};

/// Most characters of a word of a file that are shown.
const SHOWN: usize = 60;

/// A part of the time of a VCD file, in ns of its time: changes later than its begin and up to its end.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Window {
    /// Begin; without it, that of the file.
    pub from_ns: Option<f64>,
    /// End; without it, that of the file.
    pub to_ns: Option<f64>,
}

impl Window {
    /// Checks that the window has a length.
    pub(super) fn check(&self) -> Result<()> {
        let refuse = |key, value: f64, allowed: String| {
            Err(GateError::Option { key, value: value.to_string(), allowed })
        };
        let possible = |value: f64| value.is_finite() && value >= 0.0;
        match (self.from_ns, self.to_ns) {
            (Some(from), _) if !possible(from) => {
                refuse("from_ns", from, "a number of at least 0".into())
            }
            (_, Some(to)) if !possible(to) => refuse("to_ns", to, "a number of at least 0".into()),
            (from, Some(to)) if to <= from.unwrap_or(0.0) => {
                refuse("to_ns", to, format!("a number above {}, the begin", from.unwrap_or(0.0)))
            }
            _ => Ok(()),
        }
    }
}

/// Why a file cannot be read.
#[derive(Debug)]
pub(super) enum Fault {
    Io(std::io::Error),
    /// A problem, with its line if it has one.
    Problem(Option<u64>, String),
}

impl Fault {
    /// The error for a file.
    pub(super) fn of(self, file: &Path) -> GateError {
        match self {
            Self::Io(source) => GateError::io("read", file)(source),
            Self::Problem(line, problem) => {
                let problem = escape_name(&problem).into_owned();
                GateError::Vcd { file: file.to_path_buf(), line, problem }
            }
        }
    }
}

impl From<String> for Fault {
    fn from(problem: String) -> Self {
        Self::Problem(None, problem)
    }
}

/// A word of a file as it is shown.
fn shown(word: &[u8]) -> String {
    let text = String::from_utf8_lossy(&word[..word.len().min(4 * SHOWN)]);
    format!("`{}`", shorten(&text, SHOWN))
}
