//! Layers of which only the shapes are known.

use pecan_ir::layer::{Shape, Window};

/// The shape of a convolution, or of a fully connected layer as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerShape {
    /// Name of the layer.
    pub name: String,
    /// Channels and pixels of the input.
    pub input: Shape,
    /// Output channels.
    pub outputs: usize,
    /// Window.
    pub window: Window,
    /// Channel groups; as many as channels for a depthwise convolution.
    pub groups: usize,
    /// `[N, M]`: of every M weights, N are not zero; none if that is not known.
    pub sparsity: Option<[usize; 2]>,
}

impl LayerShape {
    /// Channels and pixels of the output.
    ///
    /// # Errors
    /// A contradiction in the shape.
    pub fn output(&self) -> Result<Shape, &'static str> {
        let (input, groups) = (self.input, self.groups);
        if input.is_empty() || self.outputs == 0 {
            return Err("has no channel or no pixel");
        }
        let divides = |channels: usize| groups > 0 && channels.is_multiple_of(groups);
        if !divides(input.channels) || !divides(self.outputs) {
            return Err("has a number of groups that does not divide its channels");
        }
        let zero = self.window.stride.contains(&0) || self.window.kernel.contains(&0);
        let size = self.window.output_size(input.height, input.width).filter(|_| !zero);
        let [height, width] = size.ok_or("has a window that does not fit its input")?;
        Ok(Shape::new(self.outputs, height, width))
    }

    /// Share of the weights that are not zero, where it is known.
    #[must_use]
    pub fn density(&self) -> Option<f64> {
        self.sparsity.map(|[kept, of]| kept as f64 / of as f64)
    }

    /// Number of weights.
    #[must_use]
    pub fn weights(&self) -> usize {
        let [rows, columns] = self.window.kernel;
        self.outputs * self.input.channels / self.groups.max(1) * rows * columns
    }
}
