//! Layers with weights.

use candle_core::{DType, Device, Result as Computed, Tensor};
use pecan_ir::layer::{Shape, Window};

use super::conv::Convolution;
use super::geometry::Geometry;

/// A layer with weights.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) name: String,
    pub(super) input: Shape,
    pub(super) output: Shape,
    pub(super) window: Window,
    pub(super) groups: usize,
    /// `[outputs][inputs per group * taps]`.
    pub(super) weights: Vec<f32>,
    pub(super) bias: Vec<f32>,
    /// Whether the output is computed with, not only the network's result.
    pub(super) inner: bool,
}

/// `[C][B][H][W]` as `[C H W][B]`.
pub(super) fn columns(values: &Tensor) -> Computed<Tensor> {
    let (c, b, h, w) = values.dims4()?;
    values.reshape((c, b, h * w))?.transpose(1, 2)?.reshape((c * h * w, b))?.contiguous()
}

/// `window` over the maps of `input`.
pub(super) fn geometry(input: &Tensor, window: Window) -> Computed<Geometry> {
    let (channels, batch, height, width) = input.dims4()?;
    Geometry::new(Shape { channels, height, width }, window, batch)
}

impl Layer {
    /// Inputs of one output channel.
    pub(super) fn inputs(&self) -> usize {
        self.weights.len() / self.output.channels.max(1)
    }

    /// Weights as a tensor of `[outputs][inputs]`.
    pub(super) fn shape(&self) -> (usize, usize) {
        (self.output.channels, self.inputs())
    }

    /// The layer on `[C][B][H][W]`.
    pub(super) fn apply(
        &self,
        input: &Tensor,
        weights: &Tensor,
        bias: Option<&Tensor>,
    ) -> Computed<Tensor> {
        let (_, batch, height, width) = input.dims4()?;
        let w = &self.window;
        let plain = self.groups == 1 && w.pads == [0; 4];
        let channels = self.output.channels;
        let product = if plain && w.kernel == [1, 1] && w.stride == [1, 1] {
            weights.matmul(&input.reshape((self.input.channels, batch * height * width))?)?
        } else if plain && w.kernel == [height, width] && w.dilation == [1, 1] {
            weights.matmul(&columns(input)?)?
        } else {
            let geometry = geometry(input, self.window)?;
            let none = || Tensor::zeros(channels, DType::F32, &Device::Cpu);
            let bias = bias.map_or_else(none, |b| Ok(b.clone()))?;
            let op = Convolution { geometry, groups: self.groups, outputs: channels };
            return input.contiguous()?.apply_op3(weights, &bias, op);
        };
        let product = match bias {
            Some(bias) => product.broadcast_add(&bias.reshape((channels, 1))?)?,
            None => product,
        };
        product.reshape((channels, batch, self.output.height, self.output.width))
    }
}
