//! Errors of pruning.

use thiserror::Error;

use pecan_energy::MeasureError;
use pecan_ir::reference::NetworkError;
use pecan_map::MapError;
use pecan_net::graph::{ForwardError, GraphError};
use pecan_net::quantize::QuantizeError;
use pecan_train::TrainError;

/// Reasons why a network cannot be pruned.
#[derive(Debug, Error)]
pub enum PruneError {
    /// The network does not map.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The network cannot be quantized.
    #[error(transparent)]
    Quantize(#[from] QuantizeError),
    /// The network cannot be run.
    #[error(transparent)]
    Forward(#[from] ForwardError),
    /// The network cannot be imported.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The integer network contradicts itself, or an input does not fit.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// Energy cannot be measured.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// Fine-tuning failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A configuration with these widths is not legal.
    #[error(transparent)]
    Config(#[from] pecan_config::ConfigError),
    /// The technology does not price the configuration.
    #[error(transparent)]
    Technology(#[from] pecan_energy::EnergyError),
    /// There is nothing to prune.
    #[error("{origin}: no layer with weights")]
    NoLayers {
        /// File of the network.
        origin: String,
    },
    /// Something about a layer.
    #[error("layer `{layer}` {problem}")]
    Layer {
        /// Name of the layer.
        layer: String,
        /// The problem.
        problem: String,
    },
    /// A part of the data is empty.
    #[error("no {part} samples: {problem}")]
    Empty {
        /// Which part.
        part: &'static str,
        /// The reason, and a remedy.
        problem: String,
    },
    /// Numbers are not finite.
    #[error("{what}")]
    NotFinite {
        /// Statement that names the quantity.
        what: String,
    },
    /// A saved state cannot be read or written.
    #[error("{}: {problem}", path.display())]
    State {
        /// File.
        path: std::path::PathBuf,
        /// The problem.
        problem: String,
    },
}

impl PruneError {
    pub(super) fn layer(name: &str, problem: &str) -> Self {
        Self::Layer { layer: name.to_owned(), problem: problem.to_owned() }
    }
}
