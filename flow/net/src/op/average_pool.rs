//! `AveragePool` and `GlobalAveragePool`.

use pecan_ir::layer::{Shape, Window};

use super::{Lowering, NodeView, Operator, Value, feature_map, one, window};

#[derive(Debug)]
struct AveragePool {
    /// `None`: the whole feature map.
    window: Option<Window>,
    /// Whether padding counts as zeros in the divisor.
    count_padding: bool,
    /// Padding at the end that `ceil_mode` added and that never counts, rows and columns.
    extra: [usize; 2],
}

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(1, 1);
    let a = &node.attributes;
    let size = node.data(0).and_then(|s| feature_map(s).ok()).map(|[_, h, w]| [h, w]);
    let mut w = window::parse(a, None, size);
    let given = [w.pads[2], w.pads[3]];
    if a.int_of("ceil_mode", 0, &[0, 1]) == 1
        && let Some(size) = size
    {
        window::round_up(&mut w, size);
    }
    let count_padding = a.int_of("count_include_pad", 0, &[0, 1]) == 1;
    let extra = [w.pads[2] - given[0], w.pads[3] - given[1]];
    node.done(Some(AveragePool { window: Some(w), count_padding, extra }))
}

pub(super) fn parse_global(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(1, 1);
    node.data(0);
    node.done(Some(AveragePool { window: None, count_padding: false, extra: [0; 2] }))
}

impl AveragePool {
    fn window(&self, size: [usize; 2]) -> Window {
        let whole = Window { kernel: size, stride: [1; 2], dilation: [1; 2], pads: [0; 4] };
        self.window.unwrap_or(whole)
    }

    /// Divisors of the sums, by output row (`axis` 0) or column (1).
    fn divisors(&self, size: [usize; 2], axis: usize) -> Vec<usize> {
        let w = self.window(size);
        let outputs = w.output_size(size[0], size[1]).map_or(0, |s| s[axis]);
        let (first, end) = if self.count_padding {
            (0, w.pads[axis] + size[axis] + w.pads[axis + 2] - self.extra[axis])
        } else {
            (w.pads[axis], w.pads[axis] + size[axis])
        };
        // Taps at `o * stride + t * dilation` from `first` on and before `end`.
        let count = |o: usize| {
            let before = |bound: usize| {
                let room = bound.saturating_sub(o * w.stride[axis]);
                room.div_ceil(w.dilation[axis]).min(w.kernel[axis])
            };
            before(end) - before(first)
        };
        (0..outputs).map(count).collect()
    }
}

impl Operator for AveragePool {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        let [channels, height, width] = feature_map(one(inputs)?)?;
        let window = self.window([height, width]);
        let [rows, cols] = window::output_size(&window, [height, width])?;
        if window.has_empty_window(height, width) {
            return Err(format!("{window:?} has a window in the padding only"));
        }
        Ok(vec![channels, rows, cols])
    }

    fn forward(&self, inputs: &[Value<'_>], output: &[usize]) -> Vec<f32> {
        let size = [inputs[0].shape[1], inputs[0].shape[2]];
        let window = self.window(size);
        let [down, across] = [0, 1].map(|axis| self.divisors(size, axis));
        let ones = vec![1.0; window.kernel[0] * window.kernel[1]];
        let (rows, cols) = (output[1], output[2]);
        let mut result = vec![0f32; output.iter().product()];
        let images = inputs[0].data.chunks((size[0] * size[1]).max(1));
        for (plane, image) in result.chunks_mut((rows * cols).max(1)).zip(images) {
            window::accumulate(&window, &ones, image, size, plane, [rows, cols]);
            for (at, value) in plane.iter_mut().enumerate() {
                *value /= (down[at / cols] * across[at % cols]) as f32;
            }
        }
        result
    }

    fn taps(&self, inputs: &[&[usize]]) -> usize {
        let size = inputs.first().and_then(|shape| feature_map(shape).ok());
        let [_, height, width] = size.unwrap_or_default();
        let [rows, columns] = self.window([height, width]).kernel;
        rows.saturating_mul(columns)
    }

    /// All windows need the same divisor, as it becomes part of the rescaling.
    fn lower(&self, inputs: &[Shape]) -> Lowering<'_> {
        let [input] = inputs else {
            return Lowering::Unsupported(format!("{} data inputs; expected 1", inputs.len()));
        };
        let size = [input.height, input.width];
        let mut divisor = 1;
        for (axis, what) in ["rows", "columns"].into_iter().enumerate() {
            let all = self.divisors(size, axis);
            let first = all.first().copied().unwrap_or(1);
            if let Some(other) = all.iter().find(|d| **d != first) {
                return Lowering::Unsupported(format!(
                    "windows of {first} and of {other} {what} in one layer (padding or `ceil_mode` with \
                     `count_include_pad` = {}); supported: one divisor for all windows",
                    i64::from(self.count_padding)
                ));
            }
            divisor *= first;
        }
        Lowering::Average { window: self.window(size), divisor }
    }

    fn absorb_padding(&mut self, pads: [usize; 4]) -> bool {
        let Some(window) = &mut self.window else { return false };
        // Explicit zeros count, so the present padding then has to count, too.
        if self.extra != [0; 2] || (!self.count_padding && window.pads != [0; 4]) {
            return false;
        }
        self.count_padding = true;
        window::widen(window, pads);
        true
    }
}
