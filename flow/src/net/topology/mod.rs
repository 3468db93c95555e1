//! Layer shapes from topology files of SCALE-Sim (Samajdar et al., "SCALE-Sim: Systolic CNN Accelerator
//! Simulator", 2018): workloads without weights, for estimates and sweeps.
//!
//! A line holds name, rows and columns of the input, rows and columns of the filter, input channels,
//! filters, stride (with `Stride height` and `Stride width` columns in the header: both). A header with
//! `M`, `N`, `K` announces matrix products. The input's size includes its padding. Further columns are
//! ignored, as are empty lines. Shapes of successive lines do not chain, so every layer is a network of
//! its own.

mod parse;
mod random;

use std::path::{Path, PathBuf};

use pecan_sim::layer::{Shape, Window};
use thiserror::Error;

pub use random::{RandomWeights, random_input};

/// A topology file that cannot be used.
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
    /// A line is wrong.
    #[error("{origin}:{line}:{column}: {problem}")]
    Line {
        /// File.
        origin: String,
        /// Line, from 1.
        line: usize,
        /// Column of the comma-separated line, from 1.
        column: usize,
        /// What is wrong, and what is allowed.
        problem: String,
    },
    /// There is nothing in the file.
    #[error("{origin}: no layer")]
    Empty {
        /// File.
        origin: String,
    },
    /// Layers were chosen that are not in the file.
    #[error("no layer {}; layers: {}", chosen.join(", "), names.join(", "))]
    Choice {
        /// The unknown names, each with the nearest known one.
        chosen: Vec<String>,
        /// Names of the file.
        names: Vec<String>,
    },
    /// Options of the random weights are out of range.
    #[error("{what} = {value}; allowed: {allowed}")]
    Option {
        /// The option.
        what: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
}

/// The shape of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopologyLayer {
    /// Name in the file; made unique by `#2`, `#3` where it repeats.
    pub name: String,
    /// Input, padding included.
    pub input: Shape,
    /// Output.
    pub output: Shape,
    /// Kernel and strides; no padding, no dilation.
    pub window: Window,
    /// 1, or the channels of a depthwise layer.
    pub groups: usize,
    /// Line in the file, from 1.
    pub line: usize,
}

impl TopologyLayer {
    /// Number of weights.
    pub fn weights(&self) -> usize {
        let [rows, columns] = self.window.kernel;
        self.output.channels * self.input.channels / self.groups * rows * columns
    }

    /// Multiply-accumulates.
    pub fn macs(&self) -> u64 {
        (self.weights() * self.output.height * self.output.width) as u64
    }
}

/// The layers of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// File name without extension.
    pub name: String,
    /// Layers in the file's order; never empty.
    pub layers: Vec<TopologyLayer>,
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

    /// Parses `text`; `origin` is what errors call it.
    ///
    /// # Errors
    /// As for [`Topology::read`].
    pub fn parse(name: &str, origin: &str, text: &str) -> Result<Self, TopologyError> {
        let layers = parse::layers(origin, text)?;
        Ok(Self { name: name.into(), layers })
    }

    /// The layers of these names (upper and lower case are alike) in the file's order; all, if none is named.
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
        let wanted = |layer: &TopologyLayer| {
            chosen.is_empty() || chosen.iter().any(|name| name.eq_ignore_ascii_case(&layer.name))
        };
        self.layers.retain(wanted);
        Ok(self)
    }
}

fn describe_unknown(name: &str, names: &[String]) -> String {
    let distance = |known: &&String| strsim::damerau_levenshtein(known, name);
    match names.iter().min_by_key(distance).filter(|nearest| distance(nearest) <= 2) {
        Some(nearest) => format!("`{name}` (did you mean `{nearest}`?)"),
        None => format!("`{name}`"),
    }
}

#[cfg(test)]
mod tests;
