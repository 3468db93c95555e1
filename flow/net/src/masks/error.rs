//! Errors of a file of masks.

use std::path::PathBuf;

use pecan_text::escape::escape_name;
use thiserror::Error;

use crate::data::DataError;
use crate::op::list;

/// Reasons why masks cannot be written or read.
#[derive(Debug, Error)]
pub enum MaskError {
    /// A file operation failed.
    #[error("cannot {action} mask file {}: {source}", path.display())]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// File.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// The archive cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The file is not of the format, or cannot be made.
    #[error("mask file {}: {problem}", path.display())]
    Format {
        /// File.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
    /// An array belongs to no weights of the network.
    #[error(
        "{}: `{}` is no weight tensor of the network{}; weight tensors: {}",
        path.display(), escape_name(key), hint(nearest), list(weights)
    )]
    Unknown {
        /// File.
        path: PathBuf,
        /// Name of the array.
        key: String,
        /// The weight tensor with the nearest spelling.
        nearest: Option<String>,
        /// All weight tensors.
        weights: Vec<String>,
    },
    /// An array does not fit its weights.
    #[error("{}, mask `{}`: {problem}", path.display(), escape_name(key))]
    Array {
        /// File.
        path: PathBuf,
        /// Name of the array.
        key: String,
        /// The problem, and the expected contents.
        problem: String,
    },
    /// A mask does not belong to the network.
    #[error("{origin}: mask of layer `{layer}`{}: {problem}", hint(nearest))]
    Layer {
        /// File of the network.
        origin: String,
        /// Layer that the mask is for.
        layer: String,
        /// Layer of the network with the nearest spelling, where there is none of the name.
        nearest: Option<String>,
        /// The problem.
        problem: String,
    },
    /// The graph is not one of the model.
    #[error(
        "{origin}: no constant `{tensor}` with as many values as the layer's weights; the graph has to be \
         imported from this model"
    )]
    Weights {
        /// File of the model.
        origin: String,
        /// Weight tensor of the graph.
        tensor: String,
    },
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default()
}
