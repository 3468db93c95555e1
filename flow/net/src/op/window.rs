//! Window attributes common to convolution and pooling.

use std::ops::Range;

use multiversion::multiversion;
use pecan_ir::layer::Window;

use super::Attributes;

/// Largest kernel, stride, dilation or padding: far above any network's, low enough that no product of
/// them overflows.
const LIMIT: usize = 4096;

/// Reads `kernel_shape`, `strides`, `dilations`, `pads` and `auto_pad`.
///
/// `kernel` is the extent of the weights (`None` where the attribute decides), `input` the rows and columns of the
/// input, which `SAME` padding needs.
pub(super) fn parse(
    a: &Attributes<'_>,
    kernel: Option<[usize; 2]>,
    input: Option<[usize; 2]>,
) -> Window {
    let given: [usize; 2] = a.sizes("kernel_shape", 0, 1, LIMIT);
    let kernel = match kernel {
        Some(kernel) => {
            a.require(given == [0; 2] || given == kernel, || {
                format!("attribute `kernel_shape` = {given:?} but the weights have {kernel:?}")
            });
            a.require(kernel.iter().all(|k| (1..=LIMIT).contains(k)), || {
                format!("kernel {kernel:?}; supported: 1 to {LIMIT}")
            });
            kernel
        }
        None => {
            a.require(given != [0; 2], || "attribute `kernel_shape` is missing or wrong".into());
            given
        }
    };
    let stride = a.sizes("strides", 1, 1, LIMIT);
    let dilation = a.sizes("dilations", 1, 1, LIMIT);
    let mut pads: [usize; 4] = a.sizes("pads", 0, 0, LIMIT);
    match a.text("auto_pad", "NOTSET").as_str() {
        "NOTSET" | "" => {}
        "VALID" => pads = [0; 4],
        same @ ("SAME_UPPER" | "SAME_LOWER") => {
            for axis in 0..2 {
                let Some(extent) = input.map(|i| i[axis]) else { continue };
                let reach = kernel[axis].saturating_sub(1) * dilation[axis] + 1;
                let outputs = extent.div_ceil(stride[axis]);
                let total =
                    (outputs.saturating_sub(1) * stride[axis] + reach).saturating_sub(extent);
                let (less, more) = (total / 2, total - total / 2);
                let upper = same == "SAME_UPPER";
                pads[axis] = if upper { less } else { more };
                pads[axis + 2] = if upper { more } else { less };
            }
        }
        other => a.problem(format!(
            "attribute `auto_pad` = {other}; supported: NOTSET, VALID, SAME_UPPER, SAME_LOWER"
        )),
    }
    Window { kernel, stride, dilation, pads }
}

/// Output size of `window` on `size`, or the reason why there is none.
pub(super) fn output_size(window: &Window, size: [usize; 2]) -> Result<[usize; 2], String> {
    window.output_size(size[0], size[1]).ok_or_else(|| {
        format!("{window:?} does not fit an input of {} rows and {} columns", size[0], size[1])
    })
}

/// The output positions of one axis whose tap with offset `offset` (may be negative) lies inside an input of `extent`:
/// `position * stride + offset` is the input position.
pub fn inside(outputs: usize, extent: usize, stride: usize, offset: isize) -> Range<usize> {
    let first = if offset < 0 { offset.unsigned_abs().div_ceil(stride) } else { 0 };
    let room = extent as isize - offset;
    let end = if room <= 0 { 0 } else { room.unsigned_abs().div_ceil(stride) };
    let end = end.min(outputs);
    first.min(end)..end
}

/// Adds explicit zero padding to `window`: top, left, bottom, right.
pub(super) fn widen(window: &mut Window, pads: [usize; 4]) {
    window.pads.iter_mut().zip(pads).for_each(|(own, more)| *own += more);
}

/// Extends the padding at the end so that rounding down yields the size of `ceil_mode`. A last window that would start
/// in the padding at the end is left out, as the operator requires.
pub(super) fn round_up(window: &mut Window, size: [usize; 2]) {
    for (axis, extent) in size.into_iter().enumerate() {
        let reach = window.kernel[axis].saturating_sub(1) * window.dilation[axis] + 1;
        let (begin, end) = (window.pads[axis], window.pads[axis + 2]);
        let Some(slack) = (extent + begin + end).checked_sub(reach) else { continue };
        let last = slack.div_ceil(window.stride[axis]) * window.stride[axis];
        if last < extent + begin {
            window.pads[axis + 2] = (last + reach).saturating_sub(extent + begin).max(end);
        }
    }
}

/// Adds one input plane's share to one output plane. Taps are outside so that the innermost loop runs
/// along rows with a constant weight, which the compiler vectorizes.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn accumulate(
    window: &Window,
    kernel: &[f32],
    image: &[f32],
    size: [usize; 2],
    plane: &mut [f32],
    output: [usize; 2],
) {
    let offset = |axis: usize, tap: usize| {
        (tap * window.dilation[axis]) as isize - window.pads[axis] as isize
    };
    let stride = window.stride;
    for (tap, &weight) in kernel.iter().enumerate() {
        if weight == 0.0 {
            continue;
        }
        let dy = offset(0, tap / window.kernel[1]);
        let dx = offset(1, tap % window.kernel[1]);
        let columns = inside(output[1], size[1], stride[1], dx);
        if columns.is_empty() {
            continue;
        }
        let first = (columns.start * stride[1]).wrapping_add_signed(dx);
        for y in inside(output[0], size[0], stride[0], dy) {
            let line = (y * stride[0]).wrapping_add_signed(dy) * size[1];
            let source = &image[line + first..line + size[1]];
            let target = &mut plane[y * output[1]..][columns.clone()];
            if stride[1] == 1 {
                for (t, s) in target.iter_mut().zip(source) {
                    *t += weight * s;
                }
            } else {
                for (t, s) in target.iter_mut().zip(source.iter().step_by(stride[1])) {
                    *t += weight * s;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_matches_enumeration() {
        for stride in 1..4 {
            for offset in -6isize..8 {
                for outputs in 0..6 {
                    let expected: Vec<usize> = (0..outputs)
                        .filter(|&p| (0..5).contains(&((p * stride) as isize + offset)))
                        .collect();
                    let got: Vec<usize> = inside(outputs, 5, stride, offset).collect();
                    assert_eq!(got, expected, "stride {stride} offset {offset} {outputs}");
                }
            }
        }
    }
}
