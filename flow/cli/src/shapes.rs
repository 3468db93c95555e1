//! Networks of which only the layer shapes are known: topology files in place of a model.

use std::path::Path;

use clap::Args;
use pecan_config::Config;
use pecan_ir::layer::{Network, Tensor};

use super::check::{Mapped, mapped};
use super::{Exit, Failure};
use pecan_map::plan_shapes;
use pecan_map::{Density, Options};
use pecan_net::LayerShape;
use pecan_net::topology::{RandomWeights, Topology, TopologyError, random_input};

/// Share of input values that are not zero: about that of feature maps after a ReLU.
const INPUT_DENSITY: f64 = 0.5;

/// Layers of a topology file and what fills them.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Shapes (MODEL is a .csv)")]
pub(super) struct ShapeArgs {
    /// Use these layers of the topology file only [default: all]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(super) only: Vec<String>,
    /// Share of the random weights that are not zero, 0 to 1; zeros come in groups of the array's lanes
    /// [default: that of the file's column Sparsity, else 1]
    #[arg(long, value_name = "D", value_parser = density)]
    pub(super) density: Option<f64>,
}

pub(super) fn density(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("allowed: a number from 0 to 1".into()),
    }
}

impl From<TopologyError> for Failure {
    fn from(error: TopologyError) -> Self {
        Self::from_error(Exit::BadInput, error)
    }
}

impl ShapeArgs {
    /// The topology in the file `model`, or none if it is no topology file.
    ///
    /// # Errors
    /// [`Failure`] if the file or the choice of layers is wrong, or if flags for topology files are given for another
    /// model.
    pub(super) fn topology(&self, model: &Path) -> Result<Option<Topology>, Failure> {
        if model.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")) {
            return Ok(Some(Topology::read(model)?.select(&self.only)?));
        }
        let given = [(!self.only.is_empty(), "--only"), (self.density.is_some(), "--density")];
        match given.iter().find(|(given, _)| *given) {
            Some((_, flag)) => {
                let what =
                    format!("{flag} is for topology files (.csv), not for {}", model.display());
                Err(Failure::said(Exit::Usage, what))
            }
            None => Ok(None),
        }
    }

    /// Mapping of each layer by itself, for evenly spread weights of the density. No weights are made: the shape
    /// suffices. The error of a layer that does not map takes its place.
    pub(super) fn plan(&self, topology: &Topology, config: &Config) -> Vec<Mapped> {
        let map = |layer: &LayerShape| {
            let density = self.density.or(layer.density()).unwrap_or(1.0);
            let density = Density::new(density).map_err(|error| error.to_string())?;
            let options = Options { density, ..Options::default() };
            let plan = plan_shapes(std::slice::from_ref(layer), config, &options);
            let plan = plan.map_err(|error| error.to_string())?;
            Ok(mapped(plan.layers.into_iter().next().ok_or("no layer")?, config))
        };
        let layers = topology.layers.iter();
        layers.map(|layer| Mapped { name: layer.name.clone(), result: map(layer) }).collect()
    }

    /// Each layer as a network with random weights for the widths and lanes of `config`.
    ///
    /// # Errors
    /// [`Failure`] if a width is out of range.
    pub(super) fn networks<'a>(
        &self,
        topology: &'a Topology,
        config: &Config,
        seed: u64,
    ) -> Result<impl ExactSizeIterator<Item = Network> + use<'a>, Failure> {
        let options = RandomWeights {
            density: self.density,
            lanes: config.array.lanes,
            activation_bits: config.numerics.activation_bits,
            weight_bits: config.numerics.weight_bits,
            seed,
        };
        Ok(topology.networks(&options)?)
    }

    /// `count` random inputs of each layer, half of whose values are zero.
    ///
    /// # Errors
    /// [`Failure`] if a width is out of range.
    pub(super) fn inputs(
        topology: &Topology,
        config: &Config,
        count: u64,
        seed: u64,
    ) -> Result<Vec<Vec<Tensor>>, Failure> {
        let bits = config.numerics.activation_bits;
        let layer = |layer: &LayerShape| {
            let seeds = (0..count).map(|image| seed.wrapping_add(image));
            seeds.map(|seed| random_input(layer.input, INPUT_DENSITY, bits, seed)).collect()
        };
        Ok(topology.layers.iter().map(layer).collect::<Result<_, TopologyError>>()?)
    }

    /// Origin of inputs and weights, for the reader of the results.
    pub(super) fn origin(&self, seed: u64) -> String {
        let weights = match self.density {
            Some(density) => format!("density {density}"),
            None => "the density that the file gives, or 1".into(),
        };
        format!(
            "layer by layer, random weights at {weights} and random inputs at density {INPUT_DENSITY}, \
             seed {seed}"
        )
    }
}
