//! Positions that a window reads: unfolding feature maps into columns (im2col) and back.
//!
//! A batch of feature maps is stored as `[channel][image][row][column]`. A column holds all inputs of one output
//! position, in the order of a kernel: `[channel][kernel row][kernel column]`.

use std::ops::Range;

use multiversion::multiversion;
use pecan_ir::layer::{Shape, Window};

use super::error::TrainError;
use pecan_net::op::inside;

/// A window over a batch of feature maps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub(super) input: Shape,
    pub(super) window: Window,
    /// Rows and columns of the output.
    pub(super) output: [usize; 2],
    pub(super) batch: usize,
}

/// The output positions at which one tap of the kernel reads values, not padding.
struct Reach {
    rows: Range<usize>,
    columns: Range<usize>,
    /// Input position of output position 0; may be negative.
    offset: [isize; 2],
}

impl Geometry {
    pub(super) fn new(input: Shape, window: Window, batch: usize) -> Result<Self, TrainError> {
        match window.output_size(input.height, input.width) {
            Some(output) => Ok(Self { input, window, output, batch }),
            None => Err(TrainError::Engine(format!("{window:?} does not fit {input:?}"))),
        }
    }

    /// Values of one channel of one image.
    pub(super) fn plane(&self) -> usize {
        self.input.height * self.input.width
    }

    /// Output positions of one image.
    pub(super) fn positions(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Taps of the kernel.
    pub(super) fn taps(&self) -> usize {
        self.window.kernel[0] * self.window.kernel[1]
    }

    fn reach(&self, tap: usize) -> Reach {
        let w = &self.window;
        let at = [tap / w.kernel[1], tap % w.kernel[1]];
        let offset = [0, 1].map(|a| (at[a] * w.dilation[a]) as isize - w.pads[a] as isize);
        Reach {
            rows: inside(self.output[0], self.input.height, w.stride[0], offset[0]),
            columns: inside(self.output[1], self.input.width, w.stride[1], offset[1]),
            offset,
        }
    }

    /// Calls `line(input range, output range)` for every row in which `tap` reads values. Input positions
    /// of a range are `stride` apart.
    pub(super) fn lines(&self, tap: usize, line: impl FnMut(Range<usize>, Range<usize>)) {
        self.lines_within(&self.reach(tap), line);
    }

    fn lines_within(&self, reach: &Reach, mut line: impl FnMut(Range<usize>, Range<usize>)) {
        if reach.columns.is_empty() {
            return;
        }
        let stride = self.window.stride;
        let first = (reach.columns.start * stride[1]).wrapping_add_signed(reach.offset[1]);
        let length = (reach.columns.len() - 1) * stride[1] + 1;
        for y in reach.rows.clone() {
            let row = (y * stride[0]).wrapping_add_signed(reach.offset[0]) * self.input.width;
            let out = y * self.output[1];
            line(
                row + first..row + first + length,
                out + reach.columns.start..out + reach.columns.end,
            );
        }
    }

    /// The columns of `images`, restricted to `channels`: `[channel][tap][image][position]`, padding as 0.
    pub(super) fn unfold(
        &self,
        values: &[f32],
        channels: Range<usize>,
        images: Range<usize>,
        columns: &mut [f32],
    ) {
        let (plane, positions, taps) = (self.plane(), self.positions(), self.taps());
        for (row, columns) in columns.chunks_mut(images.len() * positions).enumerate() {
            let (channel, tap) = (channels.start + row / taps, row % taps);
            let reach = self.reach(tap);
            let whole = reach.rows.len() * reach.columns.len() == positions;
            let piece = self.piece(&reach);
            for (image, target) in images.clone().zip(columns.chunks_mut(positions)) {
                let source = &values[(channel * self.batch + image) * plane..][..plane];
                if let Some((from, to)) = piece.clone() {
                    target[..to.start].fill(0.0);
                    target[to.end..].fill(0.0);
                    target[to].copy_from_slice(&source[from]);
                    self.clear_sides(&reach, target);
                    continue;
                }
                if !whole {
                    target.fill(0.0);
                }
                self.lines_within(&reach, |from, to| self.read(&source[from], &mut target[to]));
            }
        }
    }

    /// Where the rows of a map and of the output are equally long and read with stride 1, a tap reads one contiguous
    /// range of the map for one contiguous range of the output, except for values that [`Geometry::clear_sides`]
    /// clears.
    fn piece(&self, reach: &Reach) -> Option<(Range<usize>, Range<usize>)> {
        let width = self.input.width;
        let alike = self.window.stride == [1, 1] && self.output[1] == width;
        if !alike || reach.rows.is_empty() || reach.columns.is_empty() {
            return None;
        }
        let start = reach.rows.start * width + reach.columns.start;
        let end = (reach.rows.end - 1) * width + reach.columns.end;
        let [down, across] = reach.offset;
        let shift = down * width.cast_signed() + across;
        Some((start.wrapping_add_signed(shift)..end.wrapping_add_signed(shift), start..end))
    }

    /// Clears the values of output rows beyond the columns for which the tap reads values.
    fn clear_sides(&self, reach: &Reach, target: &mut [f32]) {
        let width = self.output[1];
        if reach.columns.len() < width {
            for row in target.chunks_mut(width).take(reach.rows.end).skip(reach.rows.start) {
                row[..reach.columns.start].fill(0.0);
                row[reach.columns.end..].fill(0.0);
            }
        }
    }

    fn read(&self, source: &[f32], target: &mut [f32]) {
        match self.window.stride[1] {
            1 => target.copy_from_slice(source),
            step => {
                target.iter_mut().zip(source.iter().step_by(step)).for_each(|(t, s)| *t = *s);
            }
        }
    }

    /// The transpose of [`Geometry::unfold`]: adds `columns` to the values that they were read from, and drops those of
    /// padding. `channels` has, for each channel, the values of the images.
    pub(super) fn fold(&self, columns: &mut [f32], channels: &mut [&mut [f32]]) {
        let (plane, positions, taps) = (self.plane(), self.positions(), self.taps());
        let images = channels.first().map_or(0, |c| c.len() / plane);
        for (row, columns) in columns.chunks_mut(images * positions).enumerate() {
            let (channel, reach) = (channels[row / taps].chunks_mut(plane), self.reach(row % taps));
            let piece = self.piece(&reach);
            for (target, source) in channel.zip(columns.chunks_mut(positions)) {
                if let Some((to, from)) = piece.clone() {
                    self.clear_sides(&reach, source);
                    self.add(&source[from], &mut target[to]);
                    continue;
                }
                self.lines_within(&reach, |to, from| self.add(&source[from], &mut target[to]));
            }
        }
    }

    /// Adds a line of the output to the input line that the tap reads.
    pub(super) fn add(&self, source: &[f32], target: &mut [f32]) {
        match self.window.stride[1] {
            1 => add(target, source),
            step => {
                target.iter_mut().step_by(step).zip(source).for_each(|(t, s)| *t += s);
            }
        }
    }

    /// Row `row` of [`Geometry::unfold`] over all images, at `columns` only.
    pub(super) fn gather(&self, values: &[f32], row: usize, columns: &[usize], out: &mut [f32]) {
        let (plane, positions, taps) = (self.plane(), self.positions(), self.taps());
        let (channel, reach) = (row / taps, self.reach(row % taps));
        for (&column, out) in columns.iter().zip(out) {
            let (image, at) = (column / positions, column % positions);
            let (y, x) = (at / self.output[1], at % self.output[1]);
            *out = if reach.rows.contains(&y) && reach.columns.contains(&x) {
                let [stride_y, stride_x] = self.window.stride;
                let row = (y * stride_y).wrapping_add_signed(reach.offset[0]);
                let column = (x * stride_x).wrapping_add_signed(reach.offset[1]);
                values[(channel * self.batch + image) * plane + row * self.input.width + column]
            } else {
                0.0
            };
        }
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn add(target: &mut [f32], source: &[f32]) {
    target.iter_mut().zip(source).for_each(|(t, s)| *t += s);
}

/// Splits rows of `row` values into parts of `part` values each: for every part, its values in each row.
pub(super) fn split(values: &mut [f32], row: usize, part: usize) -> Vec<Vec<&mut [f32]>> {
    let mut parts: Vec<Vec<&mut [f32]>> = Vec::new();
    parts.resize_with(row.div_ceil(part.max(1)), Vec::new);
    for row in values.chunks_mut(row.max(1)) {
        for (part, values) in parts.iter_mut().zip(row.chunks_mut(part.max(1))) {
            part.push(values);
        }
    }
    parts
}
