//! The quantized network, which the mapper compiles, the integer reference computes and the hardware executes.
//!
//! All arithmetic is on signed symmetric integers: activations have one scale per tensor, weights one per
//! output channel, and zero is exactly 0. Scales are part of the front end; here everything is integer.

use serde::{Deserialize, Serialize};

/// Channels, height and width of a feature map (one image; the batch is not a hardware dimension).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shape {
    /// Number of channels.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
}

impl Shape {
    /// Shape of `channels` x `height` x `width`.
    pub fn new(channels: usize, height: usize, width: usize) -> Self {
        Self { channels, height, width }
    }

    /// Number of values in a tensor of this shape.
    pub fn len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether the shape holds no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A feature map in channel, row, column order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Extent.
    pub shape: Shape,
    /// `channels * height * width` values, channel outermost.
    pub data: Vec<i32>,
}

/// Rescaling of one output channel: `clamp(((acc + bias) * multiplier + (1 << (shift - 1))) >> shift)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requant {
    /// Added to the accumulator before scaling.
    pub bias: i64,
    /// Unsigned factor, below 2^15.
    pub multiplier: u32,
    /// Right shift, 1 to 47.
    pub shift: u32,
}

/// Window geometry shared by convolution and pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    /// Kernel rows and columns.
    pub kernel: [usize; 2],
    /// Distance of output pixels in input rows and columns.
    pub stride: [usize; 2],
    /// Distance of kernel taps in input rows and columns.
    pub dilation: [usize; 2],
    /// Padding: top, left, bottom, right (ONNX order for two spatial axes).
    pub pads: [usize; 4],
}

/// A convolution; a fully connected layer is one whose kernel covers its whole input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conv {
    /// Window geometry.
    pub window: Window,
    /// Channel groups; equal to the input channels for a depthwise convolution.
    pub groups: usize,
    /// `[out][in / groups][kernel row][kernel column]`, row-major.
    pub weights: Vec<i32>,
}

/// A weighted sum of two tensors of one shape, value by value:
/// `acc = factors[0] * input + factors[1] * other`.
///
/// The factors convert two tensors of different scales to a common scale; the rescaling then converts that to the scale
/// of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Add {
    /// Index of the second tensor that is read; may equal [`Layer::input`].
    pub other: usize,
    /// Factors of the two tensors, within the range of a weight.
    pub factors: [i32; 2],
}

/// Operation of a layer.
///
/// There are few operations because others are special cases: an average over windows (also a global
/// one) is a [`Op::Conv`] with as many groups as channels, weights 1 and the divisor in the rescaling; a
/// concatenation of channels is, per input, a 1x1 [`Op::Conv`] that copies it into its range of channels
/// and leaves the rest 0, and then [`Op::Add`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// Multiply-accumulate over a window.
    Conv(Conv),
    /// Maximum over a window; padding never is the maximum.
    MaxPool(Window),
    /// Weighted sum of two tensors.
    Add(Add),
}

/// One layer: operation, then bias, rescaling and clamp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Unique name, from the network file.
    pub name: String,
    /// Operator name as the user knows it (`Conv`, `Gemm`, `MaxPool`, `GlobalAveragePool`).
    pub kind: String,
    /// The operation.
    pub op: Op,
    /// Index of the input tensor; an [`Op::Add`] names its second one itself.
    pub input: usize,
    /// Index of the output tensor.
    pub output: usize,
    /// One entry per output channel.
    pub requant: Vec<Requant>,
    /// Smallest and largest value of the output (ReLU has 0 as the smallest).
    pub clamp: [i32; 2],
}

impl Layer {
    /// Indices of the tensors that the layer reads, in the order of its operands (one may occur twice).
    pub fn inputs(&self) -> impl Iterator<Item = usize> + use<> {
        let other = match &self.op {
            Op::Add(add) => Some(add.other),
            Op::Conv(_) | Op::MaxPool(_) => None,
        };
        std::iter::once(self.input).chain(other)
    }
}

/// A network of integer layers in execution order. Tensor 0 is the network's input, the last layer's
/// output is the network's output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Name for messages and results.
    pub name: String,
    /// Shape of every tensor, by index.
    pub tensors: Vec<Shape>,
    /// Layers in execution order; several may read one tensor.
    pub layers: Vec<Layer>,
    /// Width of activations in bits.
    pub activation_bits: usize,
    /// Width of weights in bits.
    pub weight_bits: usize,
}
