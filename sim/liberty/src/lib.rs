//! Liberty libraries: units, cells and their energy, delay and leakage tables.
//!
//! Internally all capacitances are fF, times ps, energies pJ and leakages W. Internal-power tables
//! are in `capacitive_load_unit * voltage_unit^2`.

mod boolean;
mod build;
mod cell;
mod error;
mod power;
pub mod sram;
pub mod syntax;
mod table;
mod units;

use std::collections::BTreeMap;
use std::path::Path;

pub use boolean::Truth;
pub use cell::Cell;
pub use cell::{CellFunction, Output, Pin, Power, Selection};
pub use error::{LibertyError, Result};
pub use table::Table;

use pecan_host::file::inflate;
use pecan_text::escape::escape_name;
use syntax::SyntaxError;
use units::Units;

/// Cells of one or several Liberty files.
#[derive(Debug, Clone)]
pub struct Library {
    /// Nominal voltage in V.
    pub voltage: f64,
    /// Names of the libraries read.
    pub names: Vec<String>,
    cells: Vec<Cell>,
    index: BTreeMap<String, usize>,
}

impl Library {
    /// Reads Liberty files, plain or compressed with gzip. A cell that occurs twice, in one file or in two, is an
    /// error.
    ///
    /// # Errors
    /// [`LibertyError`]: a file cannot be read, is malformed, or disagrees with another; there is none; a cell occurs
    /// twice.
    pub fn read<P: AsRef<Path>>(files: &[P]) -> Result<Self> {
        let mut library: Option<Self> = None;
        for file in files {
            let file = file.as_ref();
            let text = read_text(file)?;
            let one = Self::parse(&text).map_err(|error| LibertyError::text(file, &error))?;
            library = Some(match library {
                None => one,
                Some(all) => all.merge(one, file)?,
            });
        }
        library.ok_or(LibertyError::NoFile)
    }

    /// Parses the text of one Liberty file.
    ///
    /// # Errors
    /// The line and the problem.
    pub fn parse(text: &str) -> std::result::Result<Self, SyntaxError> {
        let shown = |error: SyntaxError| SyntaxError::new(error.line, escape_name(&error.problem));
        let group = syntax::parse(text).map_err(shown)?;
        let units = Units::read(&group).map_err(shown)?;
        once(&group).map_err(shown)?;
        let cells = build::cells(&group, &units).map_err(shown)?;
        let index = cells.iter().enumerate().map(|(i, c)| (c.name.clone(), i)).collect();
        let names = group.args.iter().map(|n| (*n).to_string()).collect();
        Ok(Self { voltage: units.voltage, names, cells, index })
    }

    fn merge(mut self, other: Self, file: &Path) -> Result<Self> {
        if (self.voltage - other.voltage).abs() > 1e-9 {
            return Err(LibertyError::Differ {
                file: file.to_path_buf(),
                key: "nom_voltage",
                expected: self.voltage.to_string(),
                found: other.voltage.to_string(),
            });
        }
        self.names.extend(other.names);
        for cell in other.cells {
            let name = cell.name.clone();
            if self.index.insert(name, self.cells.len()).is_some() {
                let problem = format!("cell {} is in a file before, too", cell.name);
                return Err(LibertyError::text(file, &SyntaxError::new(cell.line, problem)));
            }
            self.cells.push(cell);
        }
        Ok(self)
    }

    /// The cell of this name.
    pub fn cell(&self, name: &str) -> Option<&Cell> {
        self.index.get(name).map(|&i| &self.cells[i])
    }

    /// All cells, in the order of the files.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Position of the cell of this name among all.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }
}

/// Refuses a library in which a cell occurs twice: tools differ in which one they use.
///
/// # Errors
/// The line of the second one and the problem.
pub fn once(library: &syntax::Group<'_>) -> std::result::Result<(), SyntaxError> {
    let mut lines = BTreeMap::new();
    for cell in library.all("cell") {
        let name = cell.args.first().copied().unwrap_or_default();
        if let Some(first) = lines.insert(name, cell.line) {
            let problem = format!("cell {name} is there twice; first in line {first}");
            return Err(SyntaxError::new(cell.line, problem));
        }
    }
    Ok(())
}

/// The text of a file, uncompressed if it is gzip. Comments may be in any encoding: bytes that are not UTF-8 are read
/// as Latin-1, so that places in the text do not move.
///
/// # Errors
/// [`LibertyError::Io`].
pub fn read_text(file: &Path) -> Result<String> {
    let bytes = std::fs::read(file).map_err(LibertyError::io("read", file))?;
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        inflate(&bytes).map_err(LibertyError::io("unpack", file))?
    } else {
        bytes
    };
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| error.into_bytes().iter().map(|&byte| char::from(byte)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_of_two_files_is_refused_with_its_line() {
        let text = "library (l) {\n time_unit : \"1ns\";\n voltage_unit : \"1V\";\n \
            leakage_power_unit : \"1nW\";\n capacitive_load_unit (1, pf);\n nom_voltage : 1.0;\n \
            cell (A) { area : 1; }\n}\n";
        let folder = tempfile::tempdir().unwrap();
        let files = ["a.lib", "b.lib"].map(|name| folder.path().join(name));
        files.iter().for_each(|file| std::fs::write(file, text).unwrap());
        assert_eq!(Library::read(&files[..1]).unwrap().cells().len(), 1);
        let error = Library::read(&files).unwrap_err().to_string();
        assert!(error.contains("b.lib:7: cell A is in a file before, too"), "{error}");
    }
}
