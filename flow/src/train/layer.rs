//! Layers with weights.

use pecan_sim::layer::{Shape, Window};

use super::arrange::{Linear, Reshape};
use super::conv::Convolution;
use super::error::TrainError;
use super::geometry::Geometry;
use super::tensor::{Dims, Tensor};

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
pub(super) fn columns(values: &Tensor) -> Tensor {
    let [c, b, h, w] = values.dims();
    Tensor::apply(Reshape([c * h * w, b, 1, 1]), &[values])
}

/// `window` over the maps of `input`.
pub(super) fn geometry(input: &Tensor, window: Window) -> Result<Geometry, TrainError> {
    let [channels, batch, height, width] = input.dims();
    Geometry::new(Shape { channels, height, width }, window, batch)
}

impl Layer {
    /// Inputs of one output channel.
    pub(super) fn inputs(&self) -> usize {
        self.weights.len() / self.output.channels.max(1)
    }

    /// Those of the weights, `[outputs][inputs]`.
    pub(super) fn dims(&self) -> Dims {
        [self.output.channels, self.inputs(), 1, 1]
    }

    /// The layer on `[C][B][H][W]`.
    pub(super) fn apply(
        &self,
        input: &Tensor,
        weights: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Tensor, TrainError> {
        let [.., height, width] = input.dims();
        let w = &self.window;
        let plain = self.groups == 1 && w.pads == [0; 4];
        let points = plain && w.kernel == [1, 1] && w.stride == [1, 1];
        let whole = plain && w.kernel == [height, width] && w.dilation == [1, 1];
        let values = if whole && !points { columns(input) } else { input.clone() };
        let operands: Vec<&Tensor> = [&values, weights].into_iter().chain(bias).collect();
        if points || whole {
            return Ok(Tensor::apply(Linear, &operands));
        }
        let (groups, outputs) = (self.groups, self.output.channels);
        let op = Convolution { geometry: geometry(input, self.window)?, groups, outputs };
        Ok(Tensor::apply(op, &operands))
    }
}
