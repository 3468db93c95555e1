//! `MaxPool`: maximum over a window.

use pecan_ir::layer::{Shape, Window};

use super::{Lowering, NodeView, Operator, Value, feature_map, one, window};

#[derive(Debug)]
struct MaxPool {
    window: Window,
}

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(1, 1);
    let a = &node.attributes;
    let size = node.data(0).and_then(|s| feature_map(s).ok()).map(|[_, h, w]| [h, w]);
    let mut window = window::parse(a, None, size);
    a.int_of("storage_order", 0, &[0]);
    if a.int_of("ceil_mode", 0, &[0, 1]) == 1
        && let Some(size) = size
    {
        window::round_up(&mut window, size);
    }
    node.done(Some(MaxPool { window }))
}

impl Operator for MaxPool {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        let [channels, height, width] = feature_map(one(inputs)?)?;
        let [rows, cols] = window::output_size(&self.window, [height, width])?;
        if self.window.has_empty_window(height, width) {
            return Err(format!("{:?} has a window in the padding only", self.window));
        }
        Ok(vec![channels, rows, cols])
    }

    fn forward(&self, inputs: &[Value<'_>], output: &[usize]) -> Vec<f32> {
        let (height, width) = (inputs[0].shape[1], inputs[0].shape[2]);
        let [rows, cols] = [output[1], output[2]];
        let w = &self.window;
        let mut result = vec![f32::NEG_INFINITY; output.iter().product()];
        let planes = inputs[0].data.chunks((height * width).max(1));
        for (plane, image) in result.chunks_mut((rows * cols).max(1)).zip(planes) {
            for r in 0..w.kernel[0] {
                let dy = (r * w.dilation[0]) as isize - w.pads[0] as isize;
                for y in window::inside(rows, height, w.stride[0], dy) {
                    let line = (y * w.stride[0]).wrapping_add_signed(dy) * width;
                    for k in 0..w.kernel[1] {
                        let dx = (k * w.dilation[1]) as isize - w.pads[1] as isize;
                        for x in window::inside(cols, width, w.stride[1], dx) {
                            let value = image[line + (x * w.stride[1]).wrapping_add_signed(dx)];
                            let best = &mut plane[y * cols + x];
                            *best = best.max(value);
                        }
                    }
                }
            }
        }
        result
    }

    fn taps(&self, _: &[&[usize]]) -> usize {
        self.window.kernel[0] * self.window.kernel[1]
    }

    fn lower(&self, _: &[Shape]) -> Lowering<'_> {
        Lowering::MaxPool(self.window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::window::round_up;

    #[test]
    fn rounding_up_follows_the_rule_on_the_last_window() {
        let window = |pads| Window { kernel: [2, 2], stride: [2, 2], dilation: [1, 1], pads };
        let mut w = window([0; 4]);
        round_up(&mut w, [5, 4]);
        assert_eq!(w.output_size(5, 4), Some([3, 2]));
        // The third window would start in the padding at the end.
        let mut w = window([1, 1, 1, 1]);
        round_up(&mut w, [3, 3]);
        assert_eq!(w.output_size(3, 3), Some([2, 2]));
        let pool = MaxPool { window: window([0; 4]) };
        assert_eq!(pool.infer(&[&[3, 5, 4]]), Ok(vec![3, 2, 2]));
    }
}
