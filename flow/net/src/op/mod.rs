//! Operators. Each is one file that defines how to parse its node, its output shape, its float computation and its
//! hardware form; and one line in [`REGISTRY`].

mod add;
mod affine;
mod argmax;
mod attributes;
mod average_pool;
mod batch_normalization;
mod clip;
mod concat;
mod constant;
mod conv;
mod dropout;
mod flatten;
mod gemm;
mod identity;
mod max_pool;
mod node;
mod pad;
mod product;
mod qdq;
mod refusal;
mod reorder;
mod reshape;
mod softmax;
mod window;

use std::fmt::Debug;

use pecan_ir::layer::{Shape, Window};
use serde::{Deserialize, Serialize};

pub use self::argmax::argmax;
pub use attributes::Attributes;
pub(crate) use clip::clip;
pub(crate) use constant::value as constant_value;
pub use node::{Input, NodeView};
pub use qdq::Grid;
pub(crate) use qdq::dequantized;
pub use refusal::UNKNOWN;
pub(crate) use refusal::foreign;
pub use window::inside;

/// Parses a node; the error lists all its problems.
pub type Parse = fn(&NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>>;

/// The operators that can be imported, by ONNX name.
pub const REGISTRY: &[(&str, Parse)] = &[
    ("Add", affine::parse_add),
    ("ArgMax", argmax::parse),
    ("AveragePool", average_pool::parse),
    ("BatchNormalization", batch_normalization::parse),
    ("Cast", identity::parse_cast),
    ("Clip", clip::parse_clip),
    ("Concat", concat::parse),
    ("Conv", conv::parse),
    ("DequantizeLinear", qdq::parse),
    ("Div", affine::parse_div),
    ("Dropout", dropout::parse),
    ("Flatten", flatten::parse),
    ("Gemm", gemm::parse),
    ("GlobalAveragePool", average_pool::parse_global),
    ("Identity", identity::parse),
    ("LogSoftmax", softmax::parse_log),
    ("MatMul", gemm::parse_matmul),
    ("MaxPool", max_pool::parse),
    ("Mul", affine::parse_mul),
    ("Pad", pad::parse),
    ("QuantizeLinear", qdq::parse),
    ("Relu", clip::parse_relu),
    ("Reshape", reshape::parse),
    ("Sigmoid", softmax::parse_sigmoid),
    ("Softmax", softmax::parse),
    ("Squeeze", reorder::parse_squeeze),
    ("Sub", affine::parse_sub),
    ("Transpose", reorder::parse_transpose),
    ("Unsqueeze", reorder::parse_unsqueeze),
];

/// The parser of `op_type`.
///
/// # Errors
/// No such operator, with the reason.
pub fn find(op_type: &str) -> Result<Parse, String> {
    let found = REGISTRY.iter().find(|(name, _)| *name == op_type);
    found.map(|(_, parse)| *parse).ok_or_else(|| refusal::reason(op_type))
}

/// One tensor of one sample in the float network.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    /// Extent of each axis without the batch.
    pub shape: &'a [usize],
    /// Row-major values.
    pub data: &'a [f32],
}

/// Parameters of a layer that multiplies and accumulates.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// Number of output channels.
    pub outputs: usize,
    /// `[out][in / groups][kernel row][kernel column]`, row-major (`[out][in]` for `Gemm`).
    pub weights: Vec<f32>,
    /// One per output channel.
    pub bias: Vec<f32>,
    /// Initializer that the weights come from.
    pub weight_name: String,
    /// Initializer that the bias comes from, if any.
    pub bias_name: Option<String>,
    /// Whether the initializer has the input channel before the output channel.
    pub transposed: bool,
    /// Real value of one unit of a weight, by output channel, where the file gives integer weights; empty
    /// where the weights are floats.
    pub units: Vec<f64>,
}

impl Linear {
    /// Multiplies output channel `o` by `scale[o]` and then adds `shift[o]`, or every channel by the only factor and
    /// adds the only summand; false if the lengths differ.
    pub fn scale_outputs(&mut self, scale: &[f32], shift: &[f32]) -> bool {
        if scale.len() != shift.len() || ![1, self.outputs].contains(&scale.len()) {
            return false;
        }
        let at = |values: &[f32], o: usize| values[o % values.len()];
        let per_output = (self.weights.len() / self.outputs.max(1)).max(1);
        for (o, kernel) in self.weights.chunks_mut(per_output).enumerate() {
            kernel.iter_mut().for_each(|w| *w *= at(scale, o));
        }
        for (o, unit) in self.units.iter_mut().enumerate() {
            *unit *= f64::from(at(scale, o).abs());
        }
        for (o, b) in self.bias.iter_mut().enumerate() {
            *b = *b * at(scale, o) + at(shift, o);
        }
        true
    }

    /// `values`, one per weight in the order of [`Linear::weights`], in the order of the initializer: to
    /// write a pruning mask or changed weights back to the file.
    pub fn to_file_order<T: Copy>(&self, values: &[T]) -> Vec<T> {
        if !self.transposed || self.outputs == 0 {
            return values.to_vec();
        }
        let inputs = values.len() / self.outputs;
        let positions = (0..inputs).flat_map(|i| (0..self.outputs).map(move |o| o * inputs + i));
        positions.map(|at| values[at]).collect()
    }

    /// `values`, one per weight in the order of the initializer, in the order of [`Linear::weights`]: the
    /// inverse of [`Linear::to_file_order`].
    pub fn from_file_order<T: Copy>(&self, values: &[T]) -> Vec<T> {
        if !self.transposed || self.outputs == 0 {
            return values.to_vec();
        }
        let inputs = values.len() / self.outputs;
        let positions =
            (0..self.outputs).flat_map(|o| (0..inputs).map(move |i| i * self.outputs + o));
        positions.map(|at| values[at]).collect()
    }
}

/// An operation that the host computes on the dequantized output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostOp {
    /// Normalized exponentials over all values.
    Softmax,
    /// Logarithms of normalized exponentials over all values.
    LogSoftmax,
    /// The logistic function of each value.
    Sigmoid,
    /// Position of the largest value, the first of equals.
    ArgMax,
}

impl HostOp {
    /// Computes the operation.
    pub fn apply(self, data: &[f32]) -> Vec<f32> {
        match self {
            Self::Softmax => softmax::softmax(data),
            Self::LogSoftmax => softmax::log_softmax(data),
            Self::Sigmoid => softmax::sigmoid(data),
            Self::ArgMax => vec![argmax::argmax(data) as f32],
        }
    }
}

/// Hardware form of an operator.
#[derive(Debug)]
pub enum Lowering<'a> {
    /// A convolution layer.
    Linear {
        /// Parameters; the weights fit `window` and `groups`.
        linear: &'a Linear,
        /// Geometry.
        window: Window,
        /// Channel groups.
        groups: usize,
    },
    /// A pooling layer.
    MaxPool(Window),
    /// The sum over a window of each channel, divided by a number; padding counts as zeros.
    Average {
        /// Geometry.
        window: Window,
        /// The same for all windows.
        divisor: usize,
    },
    /// The sum of two tensors of equal layout.
    Add,
    /// The channels of all inputs, one after the other.
    Concat,
    /// Smallest and largest value (infinite for none): the clamp of the layer before.
    Clamp([f32; 2]),
    /// Nothing: the same values in the same order.
    Alias,
    /// Nothing: computed by the host, after the last layer.
    Host(HostOp),
    /// Not possible, with the reason.
    Unsupported(String),
}

/// An operator of the float network. Shapes have no batch axis.
pub trait Operator: Debug + Send + Sync {
    /// Shape of the output.
    ///
    /// # Errors
    /// Reason why the operator does not accept such inputs.
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String>;

    /// Computes the output of one sample; `output` is its shape. Inputs have the shapes that `infer`
    /// accepted.
    fn forward(&self, inputs: &[Value<'_>], output: &[usize]) -> Vec<f32>;

    /// Hardware form of the operator, given the layouts of its inputs in memory.
    fn lower(&self, inputs: &[Shape]) -> Lowering<'_>;

    /// Parameters, if it is a layer with weights.
    fn linear(&self) -> Option<&Linear> {
        None
    }

    /// Parameters to change (pruning, folding), if it is a layer with weights.
    fn linear_mut(&mut self) -> Option<&mut Linear> {
        None
    }

    /// Number of parameters.
    fn parameters(&self) -> usize {
        self.linear().map_or(0, |linear| linear.weights.len() + linear.bias.len())
    }

    /// Operations for one value of the output on inputs of these shapes, which `infer` accepted.
    fn taps(&self, _inputs: &[&[usize]]) -> usize {
        self.linear().map_or(1, |linear| linear.weights.len().div_ceil(linear.outputs.max(1)))
    }

    /// Factor and summand per channel, or one of each for all channels, if the operator is no more than that: it can
    /// then be folded into a layer before.
    fn affine(&self) -> Option<(&[f32], &[f32])> {
        None
    }

    /// Absorbs explicit zero padding of its input (top, left, bottom, right); false if it cannot.
    fn absorb_padding(&mut self, _pads: [usize; 4]) -> bool {
        false
    }

    /// The zero padding, if the operator is no more than that: the layer behind may absorb it.
    fn zero_padding(&self) -> Option<[usize; 4]> {
        None
    }

    /// The integer grid, for quantization and dequantization of data.
    fn grid(&self) -> Option<&Grid> {
        None
    }

    /// Whether inference returns its input unchanged: the node is then removed.
    fn is_identity(&self) -> bool {
        false
    }
}

/// The single shape of a one-input operator.
pub(crate) fn one<'a>(inputs: &[&'a [usize]]) -> Result<&'a [usize], String> {
    match inputs {
        [input] => Ok(input),
        _ => Err(format!("{} data inputs; expected 1", inputs.len())),
    }
}

/// A feature map's channels, height and width.
pub(crate) fn feature_map(shape: &[usize]) -> Result<[usize; 3], String> {
    <[usize; 3]>::try_from(shape)
        .map_err(|_| format!("input shape [N, {}]; expected [N, C, H, W]", list(shape)))
}

/// Values that [`list`] shows.
const SHOWN: usize = 32;

/// Values separated by commas; if there are many, the first ones and the number of the others.
pub(crate) fn list<T: ToString>(values: &[T]) -> String {
    let shown = values.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match values.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}, and {more} more"),
    }
}

#[cfg(test)]
mod integer_tests;
#[cfg(test)]
mod tests;
