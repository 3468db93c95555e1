//! Layers with weights.

use pecan_ir::layer::{Shape, Window};

use super::arrange::{linear, reshape};
use super::conv::Convolution;
use super::error::TrainError;
use super::geometry::Geometry;
use super::tensor::Tensor;

/// A layer with weights.
pub(super) struct Layer {
    pub(super) name: String,
    pub(super) input: Shape,
    pub(super) output: Shape,
    pub(super) window: Window,
    pub(super) groups: usize,
    /// `[outputs][inputs per group * taps]`.
    pub(super) weights: Tensor,
    pub(super) bias: Tensor,
    /// Whether further layers read the output, so that it is not only the network's result.
    pub(super) inner: bool,
}

/// `[C][B][H][W]` as `[C H W][B]`.
pub(super) fn columns(values: &Tensor) -> Tensor {
    let [c, b, h, w] = values.dims;
    reshape(values, [c * h * w, b, 1, 1])
}

/// Geometry of `window` over the maps of `input`.
pub(super) fn geometry(input: &Tensor, window: Window) -> Result<Geometry, TrainError> {
    let [channels, batch, height, width] = input.dims;
    Geometry::new(Shape { channels, height, width }, window, batch)
}

impl Layer {
    /// Inputs of one output channel.
    pub(super) fn inputs(&self) -> usize {
        self.weights.dims[1]
    }

    /// Applies the layer to `[C][B][H][W]`.
    pub(super) fn apply(
        &self,
        input: &Tensor,
        weights: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Tensor, TrainError> {
        let [.., height, width] = input.dims;
        let w = &self.window;
        let plain = self.groups == 1 && w.pads == [0; 4];
        let points = plain && w.kernel == [1, 1] && w.stride == [1, 1];
        let whole = plain && w.kernel == [height, width] && w.dilation == [1, 1];
        if points {
            return Ok(linear(input, weights, bias));
        } else if whole {
            return Ok(linear(&columns(input), weights, bias));
        }
        let (groups, outputs) = (self.groups, self.output.channels);
        let op = Convolution { geometry: geometry(input, self.window)?, groups, outputs };
        let operands: Vec<&Tensor> = [input, weights].into_iter().chain(bias).collect();
        Ok(op.apply(&operands))
    }
}
