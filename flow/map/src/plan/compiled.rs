//! Output of the mapper for a network: programs, and mapping and prediction of their layers.

use pecan_config::geometry::Geometry;
use pecan_config::isa::counter::Counters;
use pecan_ir::layer::Tensor;
use pecan_ir::program::Program;

use crate::lower::placement::Layout;
use crate::mapping::Mapping;

/// Mapping and prediction of a layer, with ideal memory.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerMapping {
    /// Name of the layer.
    pub name: String,
    /// Whether the layer only moves values (concatenation, padding).
    pub copy: bool,
    /// The mapping.
    pub mapping: Mapping,
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
    /// The program for the device.
    pub program: Program,
    /// The layers.
    pub layers: Vec<LayerMapping>,
    /// Predicted cycles of the program with ideal memory.
    pub cycles: u64,
    /// For the images after the first, where all weights and parameters of the network fit the device at once.
    pub later: Option<Later>,
    pub(crate) geometry: Geometry,
    pub(crate) input: Layout,
    pub(crate) output: Layout,
}

/// Program for images after the first, which uses the weights and parameters that the first program loaded; input and
/// output have the same places.
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
