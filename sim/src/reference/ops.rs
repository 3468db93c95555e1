//! The operators themselves.

use std::ops::{AddAssign, Mul, Range};

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
    let [rows, cols] = conv.window.kernel;
    let group_in = input.shape.channels / conv.groups;
    let group_out = output.channels / conv.groups;
    let largest = input.data.iter().fold(0, |most, v| most.max(i64::from(*v).abs()));
    let mut data = Vec::with_capacity(output.len());
    for (o, rescale) in requant.iter().enumerate().take(output.channels) {
        let first = o / group_out * group_in;
        let kernel = &conv.weights[o * group_in * rows * cols..][..group_in * rows * cols];
        let bound: i64 = kernel.iter().map(|w| i64::from(*w).abs() * largest).sum();
        // The same sums; narrow ones, where no partial sum can overflow, are several times as fast.
        if bound <= i64::from(i32::MAX) {
            let sums = sums::<i32>(&conv.window, kernel, input, first, output);
            data.extend(sums.into_iter().map(|acc| rescale.apply(i64::from(acc), clamp)));
        } else {
            let sums = sums::<i64>(&conv.window, kernel, input, first, output);
            data.extend(sums.into_iter().map(|acc| rescale.apply(acc, clamp)));
        }
    }
    Tensor { shape: output, data }
}

/// Accumulators of one output channel: its kernel over the input channels from `first` on.
fn sums<T: Copy + From<i32> + AddAssign + Mul<Output = T>>(
    window: &Window,
    kernel: &[i32],
    input: &Tensor,
    first: usize,
    output: Shape,
) -> Vec<T> {
    let Shape { height, width, .. } = input.shape;
    let [rows, cols] = window.kernel;
    let mut sums = vec![T::from(0); output.height * output.width];
    let stride = window.stride[1];
    for (at, &weight) in kernel.iter().enumerate().filter(|(_, weight)| **weight != 0) {
        let (c, r, k) = (at / (rows * cols), at / cols % rows, at % cols);
        let across = inside(window, 1, k, width, output.width);
        let Some(from) = across.clone().next().and_then(|x| source(window, 1, x, k, width)) else {
            continue;
        };
        for y in inside(window, 0, r, height, output.height) {
            let Some(line) = source(window, 0, y, r, height) else { continue };
            let line = &input.data[((first + c) * height + line) * width..][..width];
            let sums = &mut sums[y * output.width..][across.clone()];
            if stride == 1 {
                let pairs = sums.iter_mut().zip(&line[from..]);
                pairs.for_each(|(sum, v)| *sum += T::from(weight) * T::from(*v));
            } else {
                let pairs = sums.iter_mut().zip(line[from..].iter().step_by(stride));
                pairs.for_each(|(sum, v)| *sum += T::from(weight) * T::from(*v));
            }
        }
    }
    sums
}

/// Outputs along an axis whose tap `tap` lies inside the input.
fn inside(window: &Window, axis: usize, tap: usize, extent: usize, outputs: usize) -> Range<usize> {
    let lies = |at: &usize| source(window, axis, *at, tap, extent).is_some();
    let first = (0..outputs).find(lies).unwrap_or(outputs);
    let many = (first..outputs).take_while(lies).count();
    first..first + many
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
