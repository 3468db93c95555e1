//! Layer shapes from topology files of SCALE-Sim (Samajdar et al., "SCALE-Sim: Systolic CNN Accelerator
//! Simulator", 2018): workloads without weights, for estimates and sweeps.
//!
//! A line holds name, rows and columns of the input, rows and columns of the filter, input channels, filters, stride
//! (with `Stride height` and `Stride width` columns in the header: both). A header with `M`, `N`, `K` announces matrix
//! products. The input's size includes its padding. A column `Sparsity` in the header (version 3) holds `N:M`: of M
//! weights, N are not zero. Further columns and empty lines are ignored. Fields are separated by commas, or by
//! semicolons or tabs where the first line has no comma; a field may be quoted. Shapes of successive lines do not
//! chain, so every layer is a network of its own.

mod parse;
mod random;

use std::path::{Path, PathBuf};

use pecan_text::nearest;
use thiserror::Error;

use super::LayerShape;
use super::op::list;

pub use parse::{MOST_MACS, MOST_VALUES};
pub use random::{RandomWeights, random_input};

/// Reasons why a topology file cannot be used.
#[derive(Debug, Error)]
pub enum TopologyError {
    /// The file cannot be read.
    #[error("cannot read topology file {}: {source}", path.display())]
    Read {
        /// File.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// A line has an error.
    #[error("{origin}:{line}:{column}: {problem}")]
    Line {
        /// File.
        origin: String,
        /// Line, from 1.
        line: usize,
        /// Column of the comma-separated line, from 1.
        column: usize,
        /// The problem, and the allowed contents.
        problem: String,
    },
    /// The file has no layer.
    #[error("{origin}: no layer")]
    Empty {
        /// File.
        origin: String,
    },
    /// Layers were chosen that are not in the file.
    #[error("no layer {}; layers: {}", list(chosen), list(names))]
    Choice {
        /// The unknown names, each with the nearest known one.
        chosen: Vec<String>,
        /// Names of the file.
        names: Vec<String>,
    },
    /// A layer contradicts itself.
    #[error("layer `{layer}` {problem}")]
    Shape {
        /// The layer.
        layer: String,
        /// The problem.
        problem: &'static str,
    },
    /// Options of the random weights are out of range.
    #[error("{what} = {value}; allowed: {allowed}")]
    Option {
        /// The option.
        what: &'static str,
        /// Its value.
        value: String,
        /// Allowed values.
        allowed: &'static str,
    },
}

/// The layers of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// File name without extension.
    pub name: String,
    /// Layers in the file's order; never empty. Names are unique: `#2`, `#3` where one repeats. Inputs include
    /// their padding.
    pub layers: Vec<LayerShape>,
}

impl Topology {
    /// Reads `path`.
    ///
    /// # Errors
    /// The file cannot be read, a line is wrong (with line and column), or there is no layer.
    pub fn read(path: &Path) -> Result<Self, TopologyError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| TopologyError::Read { path: path.to_path_buf(), source })?;
        let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        Self::parse(&name, &path.display().to_string(), &text)
    }

    /// Parses `text`; `origin` is its name in errors.
    ///
    /// # Errors
    /// As for [`Topology::read`].
    pub fn parse(name: &str, origin: &str, text: &str) -> Result<Self, TopologyError> {
        let layers = parse::layers(origin, text)?;
        Ok(Self { name: name.into(), layers })
    }

    /// The layers of these names (case is ignored) in the file's order; all, if none is named.
    ///
    /// # Errors
    /// Names that are not in the file, all of them.
    pub fn select(mut self, chosen: &[String]) -> Result<Self, TopologyError> {
        let names: Vec<String> = self.layers.iter().map(|layer| layer.name.clone()).collect();
        let known = |name: &&String| !names.iter().any(|n| n.eq_ignore_ascii_case(name));
        let unknown: Vec<String> =
            chosen.iter().filter(known).map(|name| describe_unknown(name, &names)).collect();
        if !unknown.is_empty() {
            return Err(TopologyError::Choice { chosen: unknown, names });
        }
        let wanted = |layer: &LayerShape| {
            chosen.is_empty() || chosen.iter().any(|name| name.eq_ignore_ascii_case(&layer.name))
        };
        self.layers.retain(wanted);
        Ok(self)
    }
}

fn describe_unknown(name: &str, names: &[String]) -> String {
    match nearest(name, names.iter().map(String::as_str)) {
        Some(nearest) => format!("`{name}` (did you mean `{nearest}`?)"),
        None => format!("`{name}`"),
    }
}

#[cfg(test)]
mod tests;
