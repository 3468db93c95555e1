//! Mapper: compiles a quantized network into a program for one configuration.
//!
//! A layer becomes one or more runs (see `docs/command-stream.md`).
//!
//! # The mapping space
//!
//! A mapping of a layer is a choice of
//!
//! - the **tile**: `h x w` output pixels, one per row of the array; all `h w <= R` whose patch the loader's
//!   registers span. Layers of single pixels are flattened to one row of pixels first;
//! - the **slice**: channel words, kernel rows and kernel columns that lie in half a scratchpad. Kernel rows and
//!   columns are cut into even parts; of channel words as many as fit, evenly cut, or as many as fit;
//! - the **passes** over output channels: even parts of the channels, and all multiples of what fills the columns
//!   once, whose partial sums fit a psum bank and whose lists fit the weight buffers.
//!
//! If no pass fits, the lists of single slices have to: slices then accumulate in runs of their own, and any even
//! part of the channel words is in the space. The search covers all combinations, bounds each from below, times those
//! that no found cost rules out and so returns a mapping of least [`Objective::cost`]; [`Searched`] counts both. Cost
//! is that of the layer by itself with its tensors in the global buffer. Of equals the first in the order of bounds,
//! then slices (kernel rows, kernel columns, channel words: large first), passes and tiles (large first, then
//! square) wins.
//!
//! Not searched, but decided by rules: which tensors live in the global buffer (all that fit), rectangles of output
//! pixels where one does not (the largest that fit, two at a time where loads hide behind runs), whether all passes of
//! a rectangle come before the next one or all rectangles of a pass (what loads fewer bits), when lists are
//! loaded (as early as nothing in use is overwritten), and the order of lane groups, which levels the columns.
//!
//! A fully connected layer for one image has a single output pixel and so uses one row of the array: rows hold
//! pixels, and no sum runs across rows. Its lists are used once, so the stream bounds it, not the array.
//!
//! # Plans
//!
//! [`plan_network`] and [`plan_shapes()`] predict counters and cycles with the code that builds the program and the
//! clock of the emulator, without the program's bytes.

mod cost;
mod emit;
mod error;
mod lower;
mod plan;
mod space;

use pecan_config::Config;
use pecan_config::geometry::Geometry;
use pecan_config::isa::counter::Counters;
use pecan_ir::layer::{Network, Tensor};
use pecan_ir::program::Program;

use crate::lower::placement::Layout;

pub use crate::cost::objective::{ActionCosts, CostError, Objective};
pub use crate::cost::search::Searched;
pub use crate::lower::layer::MOST_RUNS;
pub use crate::plan::shapes::{Found, plan_shapes, search_shape};
pub use crate::space::density::{Density, DensityError};
pub use error::MapError;
pub use plan::{DataCounts, LayerPlan, NetworkPlan, plan_network};

/// Settings of the mapper.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What to minimize.
    pub objective: Objective,
    /// Density of the lists of layers without weights; see [`plan_shapes()`].
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
    /// For the images after the first, where all weights and parameters of the network fit the device at once.
    pub later: Option<Later>,
    geometry: Geometry,
    input: Layout,
    output: Layout,
}

/// What the device executes while it holds what the program of the first image loaded; input and output have the
/// same places.
#[derive(Clone, Debug)]
pub struct Later {
    /// The program.
    pub program: Program,
    /// The layers.
    pub layers: Vec<LayerMapping>,
    /// Predicted cycles of the program with ideal memory.
    pub cycles: u64,
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
    plan::job::Job { network, config, geometry: &geometry, options }.compile()
}

/// Whether network and configuration have the same widths.
fn check_widths(network: &Network, geometry: &Geometry) -> Result<(), MapError> {
    let width = |what, network, config| {
        if network == config { Ok(()) } else { Err(MapError::Width { what, network, config }) }
    };
    width("activations", network.activation_bits, geometry.activation_bits)?;
    width("weights", network.weight_bits, geometry.weight_bits)
}
