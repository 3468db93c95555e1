//! Properties of a cell library that synthesis needs: its cells, their area and their kind.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pecan_liberty::syntax::{self, Group, SyntaxError};
use pecan_liberty::{LibertyError, once, read_text};
use serde::Serialize;

use super::Result;
#[cfg(doc)]
use super::ToolError;
use super::words::is_identifier;

/// Kind of a cell.
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
    /// Its kind.
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
    /// Liberty text with the cells of every file, with unusable ones marked, in a form that Yosys and abc of all
    /// versions can read.
    pub text: String,
}

impl Library {
    /// Reads the files (also gzip-compressed ones, `.gz`) and marks the cells that match `dont_use`, whose
    /// entries may contain `*`.
    ///
    /// # Errors
    /// [`ToolError::Liberty`] if a file cannot be read or is not liberty text.
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

/// The first library, with the cells of the others and the templates of these that it lacks.
fn join(
    texts: &[(&Path, String)],
    dont_use: &[String],
) -> Result<(String, BTreeMap<String, CellInfo>), LibertyError> {
    let mut cells = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut joined = String::new();
    for (index, (path, text)) in texts.iter().enumerate() {
        let wrong = |error: SyntaxError| LibertyError::text(path, &error);
        let library = syntax::parse(text).map_err(wrong)?;
        once(&library).map_err(wrong)?;
        let mut copied = library.body.start;
        if index == 0 {
            joined.push_str(&text[..copied]);
        }
        for group in &library.groups {
            if index == 0 {
                joined.push_str(&text[copied..group.span.start]);
            }
            copied = group.span.end;
            let new = seen.insert((group.name.to_owned(), group.args.join(",")));
            let is_cell = group.name == "cell";
            if is_cell {
                let (name, info) = cell(group).map_err(wrong)?;
                if !new {
                    let problem = format!("cell {name} is in a file before, too");
                    return Err(wrong(SyntaxError::new(group.line, problem)));
                }
                cells.insert(name.to_owned(), info);
            }
            if new || index == 0 {
                joined.push_str(&text[group.span.start..group.body.start]);
                let name = group.args.first().copied().unwrap_or_default();
                if is_cell && dont_use.iter().any(|pattern| matches(pattern, name)) {
                    joined.push_str(" dont_use : true;");
                }
                joined.push_str(&text[group.body.start..group.span.end]);
                joined.push('\n');
            }
        }
    }
    joined.push_str("}\n");
    Ok((joined, cells))
}

/// Name and properties of a cell.
fn cell<'a>(group: &Group<'a>) -> Result<(&'a str, CellInfo), SyntaxError> {
    let name = group.args.first().copied().unwrap_or_default();
    let wrong = |problem: String| Err(SyntaxError::new(group.line, problem));
    if !is_identifier(name) {
        return wrong(format!(
            "a cell is called {name:?}; allowed: letters, digits and `_ $ [ ] .`"
        ));
    }
    let has = |names: [&str; 2]| group.groups.iter().any(|inner| names.contains(&inner.name));
    let kind = if group.attribute("clock_gating_integrated_cell").is_some() {
        CellKind::ClockGate
    } else if has(["latch", "latch_bank"]) {
        CellKind::Latch
    } else if has(["ff", "ff_bank"]) {
        CellKind::Flop
    } else {
        CellKind::Combinational
    };
    let Some(value) = group.text("area") else {
        return wrong(format!("cell {name} has no area"));
    };
    match value.parse::<f64>() {
        Ok(area_um2) if area_um2 >= 0.0 && area_um2.is_finite() => {
            Ok((name, CellInfo { area_um2, kind }))
        }
        _ => wrong(format!("cell {name}: area = {value} is no area")),
    }
}

/// Whether the name matches a pattern in which `*` matches any text. Each part matches at its first possible place, so
/// that many stars take no more time than one.
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
