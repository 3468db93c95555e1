//! Criteria of pruning, which decide the weights to remove. Each is one file and one line in [`REGISTRY`].
//!
//! A criterion analyses a network once per round and returns a [`Ranking`], from which masks for any amount follow. The
//! driver chooses the amount: it removes as much as brings the predicted energy to the round's goal, so all criteria
//! are compared at the same energies.

mod magnitude;
mod ordered;
mod pecan;

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::cost::Prices;
use super::covariance::Covariance;
use super::layer::LayerState;
use super::{ChannelClass, PruneError, PruneLayer};
use pecan_net::Masks;
use pecan_net::graph::Graph;

/// A network before a round of pruning.
#[derive(Debug)]
pub struct Round<'a> {
    /// The network.
    pub graph: &'a Graph,
    /// Its layers with weights.
    pub layers: &'a [PruneLayer],
    /// Their remaining weights.
    pub masks: &'a Masks,
    /// Covariance of every layer, by name, for criteria that use data.
    pub covariance: &'a BTreeMap<String, Covariance>,
    /// Channels that can be removed as a whole.
    pub classes: &'a [ChannelClass],
    /// Energy of entries, weights and channels.
    pub prices: &'a Prices,
    /// Energy of every layer, by name, in the technology's unit.
    pub energy: &'a BTreeMap<String, f64>,
    /// Multiply-accumulates of every layer, by name.
    pub macs: &'a BTreeMap<String, u64>,
}

impl<'a> Round<'a> {
    /// Weights of a layer.
    pub(crate) fn weights(&self, layer: &PruneLayer) -> &'a [f32] {
        let node = self.graph.iter().find(|node| node.name == layer.name);
        let linear = node.and_then(|node| node.op.as_ref()?.linear());
        linear.map_or(&[], |linear| &linear.weights)
    }

    /// Mask of a layer.
    pub(crate) fn mask(&self, layer: &PruneLayer) -> &'a [bool] {
        self.masks.layer(&layer.name).unwrap_or_default()
    }

    /// A layer with its weights, mask and covariance.
    ///
    /// # Errors
    /// There is no covariance of the layer.
    pub(crate) fn state<'s>(&'s self, layer: &'s PruneLayer) -> Result<LayerState<'s>, PruneError> {
        let covariance = self.covariance(layer)?;
        Ok(LayerState { layer, weights: self.weights(layer), mask: self.mask(layer), covariance })
    }

    fn covariance(&self, layer: &PruneLayer) -> Result<&'a Covariance, PruneError> {
        let missing = || PruneError::layer(&layer.name, "has no statistics");
        self.covariance.get(&layer.name).ok_or_else(missing)
    }
}

/// Reason of a removal.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Reason {
    /// Layer.
    pub layer: String,
    /// First output channel of the block, or the output channel; of a whole channel, its number.
    pub output: Option<usize>,
    /// Input and tap: column of the weight matrix; none for a whole channel.
    pub input: Option<usize>,
    /// Weights that are removed together.
    pub weights: usize,
    /// Predicted increase of the loss, or the criterion's own measure.
    pub loss: f64,
    /// Energy that is saved, in the technology's unit, where the criterion knows it.
    pub saved: Option<f64>,
}

/// Order in which a criterion removes the weights of a network.
pub trait Ranking: Debug {
    /// Masks after removing an amount: 0 removes nothing, 1 the most that the criterion ever removes. Larger amounts
    /// remove more.
    ///
    /// # Errors
    /// The statistics of a layer are not finite.
    fn masks(&self, amount: f64) -> Result<Masks, PruneError>;

    /// Reasons of the removals of `amount`.
    ///
    /// # Errors
    /// As for the masks.
    fn reasons(&self, amount: f64) -> Result<Vec<Reason>, PruneError>;
}

/// Analysis of a network by a criterion.
pub type Prepare = for<'a> fn(&'a Round<'a>) -> Result<Box<dyn Ranking + 'a>, PruneError>;

/// A criterion of pruning.
#[derive(Clone, Copy, Debug)]
pub struct Criterion {
    /// Name on the command line.
    pub name: &'static str,
    /// Description, for the reader.
    pub doc: &'static str,
    /// Analyses a network.
    pub prepare: Prepare,
    /// Whether the remaining weights are reconstructed by least squares before training.
    pub reconstructs: bool,
    /// Whether it is a baseline.
    pub baseline: bool,
    /// Whether it also chooses the widths of the hardware, and trains activations towards zeros where these save
    /// energy.
    pub codesigns: bool,
}

/// All criteria.
pub const REGISTRY: &[Criterion] = &[
    Criterion {
        name: "pecan",
        doc: "energy saved per increase of the loss, by entries of the hardware's lists, over all layers at once",
        prepare: pecan::prepare,
        reconstructs: true,
        baseline: false,
        codesigns: true,
    },
    Criterion {
        name: "eap",
        doc: "Yang, Chen, Sze (CVPR 2017): layers of most energy first, by effect on the outputs",
        prepare: ordered::by_energy,
        reconstructs: true,
        baseline: false,
        codesigns: false,
    },
    Criterion {
        name: "macs",
        doc: "as eap, layers of most multiplications first",
        prepare: ordered::by_macs,
        reconstructs: true,
        baseline: true,
        codesigns: false,
    },
    Criterion {
        name: "weights",
        doc: "as eap, layers of most weights first",
        prepare: ordered::by_weights,
        reconstructs: true,
        baseline: true,
        codesigns: false,
    },
    Criterion {
        name: "magnitude",
        doc: "smallest weights of the whole network first",
        prepare: magnitude::global,
        reconstructs: false,
        baseline: true,
        codesigns: false,
    },
    Criterion {
        name: "magnitude-layer",
        doc: "smallest weights first, relative to the root mean square of their layer",
        prepare: magnitude::relative,
        reconstructs: false,
        baseline: true,
        codesigns: false,
    },
    Criterion {
        name: "magnitude-uniform",
        doc: "the same share of every layer, its smallest weights",
        prepare: magnitude::uniform,
        reconstructs: false,
        baseline: true,
        codesigns: false,
    },
    Criterion {
        name: "magnitude-entries",
        doc: "entries of the hardware's lists with the least sum of squares, relative to their layer",
        prepare: magnitude::entries,
        reconstructs: false,
        baseline: true,
        codesigns: false,
    },
];

/// The default criterion.
pub const DEFAULT: &Criterion = &REGISTRY[0];

/// The criterion of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Criterion> {
    REGISTRY.iter().find(|criterion| criterion.name == name)
}
