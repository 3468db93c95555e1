//! Mapper: compiles a quantized network into a program for one configuration.
//!
//! A layer becomes one or more runs (see `docs/command-stream.md`). The choice of tile, slice and
//! output-channel passes is by predicted cycles; what does not fit the buffers is cut until it does:
//! passes over output channels where the weight buffer is too small, slices that accumulate in the
//! partial sums where not even one pass fits, rectangles of output pixels where the global buffer is too
//! small.

mod balance;
mod boxes;
mod choose;
mod compiler;
mod cost;
mod density;
mod error;
mod layer;
mod lists;
mod memo;
mod objective;
mod pack;
mod passes;
mod place;
mod plan;
mod plan_shapes;
mod predict;
mod problem;
mod ring;
mod run;
mod split;
mod spread;
mod stream;

use pecan_hdl::config::Config;
use pecan_hdl::geometry::Geometry;
use pecan_hdl::isa::counter::Counters;
use pecan_sim::layer::{Network, Tensor};
use pecan_sim::program::Program;

use place::Layout;

pub use choose::Searched;
pub use density::{Density, DensityError};
pub use error::MapError;
pub use objective::{ActionCosts, CostError, Objective};
pub use plan::{DataCounts, LayerPlan, NetworkPlan, plan_network};
pub use plan_shapes::{LayerShape, plan_shapes};

/// Settings of the mapper.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What to minimize.
    pub objective: Objective,
    /// Density of the lists of layers without weights; see [`plan_shapes`].
    pub density: Density,
}

/// How a layer was mapped and what is predicted for it, with ideal memory.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerMapping {
    /// Name of the layer.
    pub name: String,
    /// The mapping in words.
    pub description: String,
    /// Counters between the layer's mark and the one before (active lanes and scratchpad reads depend on
    /// data and are 0).
    pub counters: Counters,
    /// Cycles between the marks.
    pub cycles: u64,
    /// Share of lane-cycles of the array in which an entry was processed.
    pub utilization: f64,
}

/// A compiled network.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What the device executes.
    pub program: Program,
    /// The layers.
    pub layers: Vec<LayerMapping>,
    /// Predicted cycles of the program with ideal memory.
    pub cycles: u64,
    geometry: Geometry,
    input: Layout,
    output: Layout,
}

impl Compiled {
    /// Bytes of the program's input region for an input tensor.
    #[must_use]
    pub fn encode_input(&self, tensor: &Tensor) -> Vec<u8> {
        self.input.encode(tensor, &self.geometry)
    }

    /// The output tensor from the bytes of the program's output region.
    #[must_use]
    pub fn decode_output(&self, bytes: &[u8]) -> Tensor {
        self.output.decode(bytes, &self.geometry)
    }
}

/// Compiles a network for a configuration.
///
/// # Errors
/// The network is inconsistent, has other widths than the configuration, may overflow the accumulator, or
/// exceeds the registers.
pub fn compile(
    network: &Network,
    config: &Config,
    options: &Options,
) -> Result<Compiled, MapError> {
    network.validate()?;
    let geometry = Geometry::of(config);
    check_widths(network, &geometry)?;
    compiler::Job { network, config, geometry: &geometry, options }.compile()
}

/// Whether network and configuration have the same widths.
fn check_widths(network: &Network, geometry: &Geometry) -> Result<(), MapError> {
    let width = |what, network, config| {
        if network == config { Ok(()) } else { Err(MapError::Width { what, network, config }) }
    };
    width("activations", network.activation_bits, geometry.activation_bits)?;
    width("weights", network.weight_bits, geometry.weight_bits)
}
