//! Liberty libraries: units, cells and their energy, delay and leakage tables.
//!
//! Internally all capacitances are fF, times ps, energies pJ and leakages W. Internal-power tables
//! are in `capacitive_load_unit * voltage_unit^2`.

mod boolean;
mod build;
mod cell;
mod power;
pub mod sram;
mod syntax;
mod table;
mod units;

use std::collections::BTreeMap;
use std::path::Path;

pub(crate) use boolean::Truth;
pub use cell::Cell;
pub(crate) use cell::{CellFunction, Selection};
pub(crate) use table::Table;

use super::error::{GateError, Result};
use pecan_host::file::inflate;
use pecan_text::escape::escape_name;
use units::Units;

/// Cells of one or several Liberty files that are used together.
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
    /// Reads Liberty files, plain or compressed with gzip. A cell that stands in several of them is
    /// taken from the first.
    ///
    /// # Errors
    /// [`GateError::Io`], [`GateError::Liberty`] with file and line, [`GateError::LibrariesDiffer`]
    /// if the nominal voltages differ, [`GateError::Option`] without files.
    pub fn read<P: AsRef<Path>>(files: &[P]) -> Result<Self> {
        let mut library: Option<Self> = None;
        for file in files {
            let file = file.as_ref();
            let text = read_text(file)?;
            let one = Self::parse(&text).map_err(|(line, problem)| GateError::Liberty {
                file: file.to_path_buf(),
                line,
                problem,
            })?;
            library = Some(match library {
                None => one,
                Some(all) => all.merge(one, file)?,
            });
        }
        library.ok_or_else(|| GateError::Option {
            key: "liberty",
            value: "no file".into(),
            allowed: "one or more Liberty files".into(),
        })
    }

    /// Parses the text of one Liberty file.
    ///
    /// # Errors
    /// The line and what is wrong in it.
    pub fn parse(text: &str) -> std::result::Result<Self, (u32, String)> {
        let shown = |(line, problem): (u32, String)| (line, escape_name(&problem).into_owned());
        let group = syntax::parse(text).map_err(shown)?;
        let units = Units::read(&group).map_err(shown)?;
        let cells = build::cells(&group, &units).map_err(shown)?;
        let index = cells.iter().enumerate().map(|(i, c)| (c.name.clone(), i)).collect();
        let names = group.args.iter().map(|n| (*n).to_string()).collect();
        Ok(Self { voltage: units.voltage, names, cells, index })
    }

    fn merge(mut self, other: Self, file: &Path) -> Result<Self> {
        if (self.voltage - other.voltage).abs() > 1e-9 {
            return Err(GateError::LibrariesDiffer {
                file: file.to_path_buf(),
                key: "nom_voltage",
                expected: self.voltage.to_string(),
                found: other.voltage.to_string(),
            });
        }
        self.names.extend(other.names);
        for cell in other.cells {
            if !self.index.contains_key(&cell.name) {
                self.index.insert(cell.name.clone(), self.cells.len());
                self.cells.push(cell);
            }
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

    pub(crate) fn index_of(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }
}

/// The text of a file, uncompressed if it is gzip.
fn read_text(file: &Path) -> Result<String> {
    let bytes = std::fs::read(file).map_err(GateError::io("read", file))?;
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        inflate(&bytes).map_err(GateError::io("uncompress", file))?
    } else {
        bytes
    };
    // Comments may be in any encoding; what is parsed is ASCII.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
