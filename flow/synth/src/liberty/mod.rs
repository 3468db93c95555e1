//! What synthesis needs to know of a cell library: which cells there are, their area and their kind.

mod scan;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pecan_host::file::inflate;
use pecan_text::escape::escape_name;
use serde::Serialize;

use self::scan::{Item, items};
use super::words::is_identifier;
use super::{Result, ToolError};

/// Liberty text that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}, line {line}: {reason}", path.display())]
pub struct LibertyError {
    /// The file.
    pub path: PathBuf,
    /// Line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

/// What a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CellKind {
    /// Gates, buffers, tie cells.
    Combinational,
    /// A flip-flop.
    Flop,
    /// A latch.
    Latch,
    /// A clock gate with its latch.
    ClockGate,
}

impl CellKind {
    /// Whether the cell keeps a state.
    #[must_use]
    pub fn sequential(self) -> bool {
        self != Self::Combinational
    }
}

/// Facts of one cell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CellInfo {
    /// Area in square micrometres.
    pub area_um2: f64,
    /// What it is.
    pub kind: CellKind,
}

/// The liberty files of a process, read and joined into one.
#[derive(Clone, Debug)]
pub struct Library {
    /// The files as found.
    pub files: Vec<PathBuf>,
    /// BLAKE3 of their contents, in hexadecimal, unpacked where they were compressed.
    pub hash: String,
    /// Every cell, marked unusable or not, by name.
    pub cells: BTreeMap<String, CellInfo>,
    /// Liberty text with the cells of every file, those not to be used marked as such: what both Yosys and
    /// abc can read, whatever their version.
    pub text: String,
}

impl Library {
    /// Reads the files (also gzip-compressed ones, `.gz`) and marks the cells that match `dont_use`, whose
    /// entries may contain `*`.
    ///
    /// # Errors
    /// [`ToolError::Run`] if a file cannot be read, [`ToolError::Liberty`] if it is not liberty text.
    pub fn read(files: &[PathBuf], dont_use: &[String]) -> Result<Self> {
        let mut hasher = blake3::Hasher::new();
        let mut texts = Vec::new();
        for path in files {
            let text = read_text(path)?;
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
            texts.push((path.as_path(), text));
        }
        let (text, cells) = join(&texts, dont_use)?;
        Ok(Self {
            files: files.to_vec(),
            hash: hasher.finalize().to_hex().to_string(),
            cells,
            text,
        })
    }
}

/// The text of a file, unpacked if its name ends in `.gz`.
///
/// # Errors
/// [`ToolError::Run`] if it cannot be read or is not UTF-8.
pub(super) fn read_text(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(ToolError::io("read", path))?;
    let bytes = match path.extension().is_some_and(|e| e == "gz") {
        true => inflate(&bytes).map_err(ToolError::io("unpack", path))?,
        false => bytes,
    };
    let other = |error| std::io::Error::new(std::io::ErrorKind::InvalidData, error);
    String::from_utf8(bytes).map_err(other).map_err(ToolError::io("read", path))
}

/// The first library with the cells, and the templates that it lacks, of the others.
fn join(
    texts: &[(&Path, String)],
    dont_use: &[String],
) -> Result<(String, BTreeMap<String, CellInfo>), LibertyError> {
    let mut cells = BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    let mut joined = String::new();
    for (index, (path, text)) in texts.iter().enumerate() {
        let wrong = |at, reason: &str| error(path, text, at, reason);
        let body = library(path, text)?;
        let mut copied = body.start;
        if index == 0 {
            joined.push_str(&text[..body.start]);
        }
        for item in items(text, body.clone()).map_err(|at| wrong(at, "this is not closed"))? {
            let Item::Group { kind, name, span, body: inner } = item else { continue };
            if index == 0 {
                joined.push_str(&text[copied..span.start]);
            }
            copied = span.end;
            let new = seen.insert((kind.to_owned(), name.to_owned()));
            if kind == "cell" {
                if !new {
                    return Err(wrong(span.start, &format!("cell {name} is there twice")));
                }
                cells.insert(name.to_owned(), cell(path, text, name, inner.clone())?);
            }
            if new || index == 0 {
                joined.push_str(&text[span.start..inner.start]);
                if kind == "cell" && dont_use.iter().any(|pattern| matches(pattern, name)) {
                    joined.push_str(" dont_use : true;");
                }
                joined.push_str(&text[inner.start..span.end]);
                joined.push('\n');
            }
        }
    }
    joined.push_str("}\n");
    Ok((joined, cells))
}

/// The body of the library group.
fn library(path: &Path, text: &str) -> Result<std::ops::Range<usize>, LibertyError> {
    let top =
        items(text, 0..text.len()).map_err(|at| error(path, text, at, "this is not closed"))?;
    top.into_iter()
        .find_map(|item| match item {
            Item::Group { kind: "library", body, .. } => Some(body),
            _ => None,
        })
        .ok_or_else(|| error(path, text, 0, "there is no `library (...) { ... }` in the file"))
}

fn cell(
    path: &Path,
    text: &str,
    name: &str,
    body: std::ops::Range<usize>,
) -> Result<CellInfo, LibertyError> {
    let start = body.start;
    let wrong = |at, reason: &str| error(path, text, at, reason);
    if !is_identifier(name) {
        let reason = format!("a cell is called {name:?}; allowed: letters, digits and `_ $ [ ] .`");
        return Err(wrong(start, &reason));
    }
    let (mut area, mut kind) = (None, CellKind::Combinational);
    for item in items(text, body).map_err(|at| wrong(at, "this is not closed"))? {
        match item {
            Item::Attribute { name: "area", value } => {
                let number =
                    value.parse::<f64>().ok().filter(|area| *area >= 0.0 && area.is_finite());
                let reason = || wrong(start, &format!("cell {name}: area = {value} is no area"));
                area = Some(number.ok_or_else(reason)?);
            }
            Item::Attribute { name: "clock_gating_integrated_cell", .. } => {
                kind = CellKind::ClockGate;
            }
            Item::Group { kind: "ff" | "ff_bank", .. } if kind != CellKind::ClockGate => {
                kind = CellKind::Flop;
            }
            Item::Group { kind: "latch" | "latch_bank", .. } if kind != CellKind::ClockGate => {
                kind = CellKind::Latch;
            }
            _ => {}
        }
    }
    let area_um2 = area.ok_or_else(|| wrong(start, &format!("cell {name} has no area")))?;
    Ok(CellInfo { area_um2, kind })
}

fn error(path: &Path, text: &str, at: usize, reason: &str) -> LibertyError {
    let line = text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    LibertyError { path: path.to_owned(), line, reason: escape_name(reason).into_owned() }
}

/// Whether the name matches a pattern in which `*` stands for anything. Each part takes the first place that it fits
/// in, so that many stars take no more time than one.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    let inner = name.strip_prefix(head).and_then(|name| name.strip_suffix(tail));
    let Some(mut left) = inner else { return false };
    middle.split('*').all(|part| {
        let found = left.find(part);
        left = found.map_or("", |at| &left[at + part.len()..]);
        found.is_some()
    })
}

#[cfg(test)]
mod tests;
