//! The operators themselves.

use std::ops::{AddAssign, Mul};

use multiversion::multiversion;

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
/// `output` is the shape of the result. The accumulator has 64 bits. Shapes are not checked here:
/// [`crate::layer::Network::validate`] checks them; a layer that fails it may panic.
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
    let padded = Padded::new(&conv.window, input, output);
    let mut data = Vec::with_capacity(output.len());
    for (o, rescale) in requant.iter().enumerate().take(output.channels) {
        let first = o / group_out * group_in;
        let kernel = &conv.weights[o * group_in * rows * cols..][..group_in * rows * cols];
        let bound: i64 = kernel.iter().map(|w| i64::from(*w).abs() * largest).sum();
        // The same sums in narrow integers, where no partial sum can overflow, are several times as fast.
        if bound <= i64::from(i32::MAX) {
            let sums = sums::<i32>(&conv.window, kernel, &padded, first, output);
            data.extend(sums.into_iter().map(|acc| rescale.apply(i64::from(acc), clamp)));
        } else {
            let sums = sums::<i64>(&conv.window, kernel, &padded, first, output);
            data.extend(sums.into_iter().map(|acc| rescale.apply(acc, clamp)));
        }
    }
    Tensor { shape: output, data }
}

/// The input of a convolution with its padding, row by row: where taps are adjacent, a tap reads one contiguous range
/// for all outputs.
struct Padded {
    values: Vec<i32>,
    height: usize,
    width: usize,
}

impl Padded {
    fn new(window: &Window, input: &Tensor, output: Shape) -> Self {
        let extent = |axis: usize, inputs: usize, outputs: usize| {
            let read = (outputs - 1) * window.stride[axis]
                + (window.kernel[axis] - 1) * window.dilation[axis]
                + 1;
            read.max(inputs + window.pads[axis])
        };
        let Shape { channels, height: rows, width: columns } = input.shape;
        let (height, width) = (extent(0, rows, output.height), extent(1, columns, output.width));
        let mut values = vec![0; channels * height * width];
        for (line, row) in input.data.chunks(columns.max(1)).enumerate() {
            let (channel, y) = (line / rows, line % rows + window.pads[0]);
            let at = (channel * height + y) * width + window.pads[1];
            values[at..at + columns].copy_from_slice(row);
        }
        Self { values, height, width }
    }
}

/// Accumulators of one output channel: its kernel over the input channels from `first` on.
#[multiversion(targets("x86_64+avx2"))]
fn sums<T: Copy + From<i32> + AddAssign + Mul<Output = T>>(
    window: &Window,
    kernel: &[i32],
    input: &Padded,
    first: usize,
    output: Shape,
) -> Vec<T> {
    let [rows, cols] = window.kernel;
    let Padded { values, height, width } = input;
    // One sum for every position of a row of the padded input; the positions that are no outputs are dropped at the
    // end.
    let stride = window.stride;
    let count = (output.height - 1) * width * stride[0] + (output.width - 1) * stride[1] + 1;
    let mut sums = vec![T::from(0); output.height * width];
    let line = (output.width - 1) * stride[1] + 1;
    for (at, &weight) in kernel.iter().enumerate().filter(|(_, weight)| **weight != 0) {
        let (c, r, k) = (at / (rows * cols), at / cols % rows, at % cols);
        let at = ((first + c) * height + r * window.dilation[0]) * width + k * window.dilation[1];
        let read = &values[at..at + count];
        let mut add = |from: &[i32], to: usize| {
            let pairs = sums[to..].iter_mut().zip(from);
            pairs.for_each(|(sum, v)| *sum += T::from(weight) * T::from(*v));
        };
        if stride[0] == 1 {
            add(read, 0);
        } else {
            (0..output.height).for_each(|y| add(&read[y * stride[0] * width..][..line], y * width));
        }
    }
    let rows = sums.chunks(*width).flat_map(|row| row.iter().step_by(stride[1]).take(output.width));
    rows.copied().collect()
}

/// Maximum over a window, rescaled by `requant` and clamped; padding never is the maximum.
///
/// `output` is the shape of the result. Shapes are not checked, as in [`conv`].
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
/// Both inputs have the shape of the result; shapes are not checked, as in [`conv`].
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
