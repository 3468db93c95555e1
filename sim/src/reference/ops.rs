//! The operators themselves, one loop per symbol of their definition.

use crate::layer::{Add, Conv, Requant, Shape, Tensor, Window};

/// The input coordinate that tap `tap` of output coordinate `position` reads on `axis` (0 rows,
/// 1 columns), or `None` in the padding.
fn source(
    window: &Window,
    axis: usize,
    position: usize,
    tap: usize,
    extent: usize,
) -> Option<usize> {
    let padded = position * window.stride[axis] + tap * window.dilation[axis];
    padded.checked_sub(window.pads[axis]).filter(|&at| at < extent)
}

/// Convolution of `input`, rescaled by `requant` (one entry per output channel) and clamped.
///
/// `output` is the shape of the result. The accumulator has 64 bits. Shapes are taken as given:
/// [`crate::layer::Network::validate`] checks them; a layer that fails it may panic here.
pub fn conv(
    conv: &Conv,
    input: &Tensor,
    output: Shape,
    requant: &[Requant],
    clamp: [i32; 2],
) -> Tensor {
    let Shape { channels, height, width } = input.shape;
    let [rows, cols] = conv.window.kernel;
    let group_in = channels / conv.groups;
    let group_out = output.channels / conv.groups;
    let mut data = Vec::with_capacity(output.len());
    for (o, rescale) in requant.iter().enumerate().take(output.channels) {
        let first = o / group_out * group_in;
        let kernel = &conv.weights[o * group_in * rows * cols..][..group_in * rows * cols];
        for y in 0..output.height {
            for x in 0..output.width {
                let mut acc = 0i64;
                for c in 0..group_in {
                    for r in 0..rows {
                        let Some(iy) = source(&conv.window, 0, y, r, height) else { continue };
                        let line = ((first + c) * height + iy) * width;
                        for k in 0..cols {
                            let Some(ix) = source(&conv.window, 1, x, k, width) else { continue };
                            let weight = kernel[(c * rows + r) * cols + k];
                            acc += i64::from(weight) * i64::from(input.data[line + ix]);
                        }
                    }
                }
                data.push(rescale.apply(acc, clamp));
            }
        }
    }
    Tensor { shape: output, data }
}

/// Maximum over a window, rescaled by `requant` and clamped; padding never wins.
///
/// `output` is the shape of the result. Shapes are taken as given, as in [`conv`].
pub fn max_pool(
    window: &Window,
    input: &Tensor,
    output: Shape,
    requant: &[Requant],
    clamp: [i32; 2],
) -> Tensor {
    let Shape { height, width, .. } = input.shape;
    let mut data = Vec::with_capacity(output.len());
    for (c, rescale) in requant.iter().enumerate().take(output.channels) {
        for y in 0..output.height {
            for x in 0..output.width {
                let mut best = i32::MIN;
                for r in 0..window.kernel[0] {
                    let Some(iy) = source(window, 0, y, r, height) else { continue };
                    for k in 0..window.kernel[1] {
                        let Some(ix) = source(window, 1, x, k, width) else { continue };
                        best = best.max(input.data[(c * height + iy) * width + ix]);
                    }
                }
                data.push(rescale.apply(i64::from(best), clamp));
            }
        }
    }
    Tensor { shape: output, data }
}

/// Weighted sum of `inputs` (the layer's input, then the other tensor), rescaled by `requant` (one entry
/// per channel) and clamped.
///
/// Both inputs have the shape of the result; shapes are taken as given, as in [`conv`].
pub fn add(add: &Add, inputs: [&Tensor; 2], requant: &[Requant], clamp: [i32; 2]) -> Tensor {
    let [a, b] = inputs;
    let factors = add.factors.map(i64::from);
    let plane = (a.shape.height * a.shape.width).max(1);
    let pairs = a.data.iter().zip(&b.data).enumerate();
    let data = pairs.map(|(at, (&a, &b))| {
        let acc = factors[0] * i64::from(a) + factors[1] * i64::from(b);
        requant[at / plane].apply(acc, clamp)
    });
    Tensor { shape: a.shape, data: data.collect() }
}
