//! Convolution of floats, in blocks that stay in registers.
//!
//! Every output is the bias, to which the products are added one by one, input channel by input channel and tap by tap:
//! the order in which [`window::accumulate`] adds them, so that both give the same bits. That one is for what blocks do
//! not pay for: groups of few channels, and weights most of which are 0.

use multiversion::multiversion;
use pecan_ir::layer::Window;
use rayon::prelude::*;

use super::{Linear, window};

/// Output channels of a block.
const ROWS: usize = 4;
/// Output pixels of a block.
const COLUMNS: usize = 16;
/// Output pixels whose inputs are gathered at once: several blocks, which stay in the cache.
const STRIP: usize = 4 * COLUMNS;
/// Fewest output channels of a group for blocks.
const LEAST: usize = ROWS;

/// Shape of a convolution.
pub(super) struct Geometry<'a> {
    pub(super) window: &'a Window,
    pub(super) groups: usize,
    /// Input channels.
    pub(super) inputs: usize,
    /// Rows and columns of the input.
    pub(super) size: [usize; 2],
    /// Channels, rows and columns of the output.
    pub(super) outputs: [usize; 3],
}

impl Geometry<'_> {
    fn taps(&self) -> usize {
        self.window.kernel[0] * self.window.kernel[1]
    }

    fn pixels(&self) -> usize {
        self.outputs[1] * self.outputs[2]
    }

    /// Input and output channels of a group.
    fn channels(&self) -> [usize; 2] {
        [self.inputs / self.groups, self.outputs[0] / self.groups]
    }
}

/// The output of a convolution of `input`.
pub(super) fn convolution(g: &Geometry<'_>, linear: &Linear, input: &[f32]) -> Vec<f32> {
    let mut result = vec![0f32; g.outputs[0] * g.pixels()];
    let kept = linear.weights.iter().filter(|weight| **weight != 0.0).count();
    // Blocks multiply zeros (weights and padding) by values: that is 0 if these are finite.
    let is_finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
    let in_blocks = g.channels()[1] >= LEAST && 2 * kept >= linear.weights.len();
    if in_blocks && is_finite(input) && is_finite(&linear.weights) {
        blocks(g, linear, input, &mut result);
    } else {
        planes(g, linear, input, &mut result);
    }
    result
}

/// Plane by plane.
fn planes(g: &Geometry<'_>, linear: &Linear, input: &[f32], result: &mut [f32]) {
    let ([group_in, group_out], taps, [height, width]) = (g.channels(), g.taps(), g.size);
    let planes = result.par_chunks_mut(g.pixels().max(1)).enumerate();
    planes.for_each(|(o, plane)| {
        plane.fill(linear.bias[o]);
        for c in 0..group_in {
            let source = (o / group_out * group_in + c) * height * width;
            let image = &input[source..][..height * width];
            let kernel = &linear.weights[(o * group_in + c) * taps..][..taps];
            window::accumulate(
                g.window,
                kernel,
                image,
                g.size,
                plane,
                [g.outputs[1], g.outputs[2]],
            );
        }
    });
}

/// Strip by strip of output pixels.
fn blocks(g: &Geometry<'_>, linear: &Linear, input: &[f32], result: &mut [f32]) {
    let (pixels, [group_in, group_out]) = (g.pixels(), g.channels());
    let depth = group_in * g.taps();
    let strips = pixels.div_ceil(STRIP);
    let computed: Vec<Vec<f32>> = (0..g.groups * strips)
        .into_par_iter()
        .map_init(Vec::new, |gathered, at| {
            let (group, first) = (at / strips, at % strips * STRIP);
            gather(g, input, group * group_in, first, gathered);
            let mut strip = vec![0f32; group_out * STRIP];
            let weights = &linear.weights[group * group_out * depth..][..group_out * depth];
            let bias = &linear.bias[group * group_out..][..group_out];
            multiply(weights, bias, depth, gathered, &mut strip);
            strip
        })
        .collect();
    for (at, strip) in computed.iter().enumerate() {
        let (group, first) = (at / strips, at % strips * STRIP);
        let count = STRIP.min(pixels - first);
        for (o, line) in strip.chunks(STRIP).enumerate() {
            let target = (group * group_out + o) * pixels + first;
            result[target..target + count].copy_from_slice(&line[..count]);
        }
    }
}

/// Writes the inputs of a strip of output pixels, one line of [`STRIP`] for each input channel and tap; 0 for padding.
fn gather(
    g: &Geometry<'_>,
    input: &[f32],
    first_channel: usize,
    first: usize,
    gathered: &mut Vec<f32>,
) {
    let ([group_in, _], taps, [height, width], columns) =
        (g.channels(), g.taps(), g.size, g.outputs[2]);
    gathered.clear();
    gathered.resize(group_in * taps * STRIP, 0.0);
    let count = STRIP.min(g.pixels() - first);
    let w = g.window;
    for (line, target) in gathered.chunks_mut(STRIP).enumerate() {
        let (channel, tap) = (first_channel + line / taps, line % taps);
        let image = &input[channel * height * width..][..height * width];
        let offset =
            |axis: usize, tap: usize| (tap * w.dilation[axis]) as isize - w.pads[axis] as isize;
        let dy = offset(0, tap / w.kernel[1]);
        let dx = offset(1, tap % w.kernel[1]);
        let inside = window::inside(columns, width, w.stride[1], dx);
        let mut at = 0;
        // A part of a row of the output at a time.
        while at < count {
            let (y, x) = ((first + at) / columns, (first + at) % columns);
            let part = (columns - x).min(count - at);
            let row = (y * w.stride[0]) as isize + dy;
            let (from, to) = (inside.start.max(x), inside.end.min(x + part));
            if (0..height as isize).contains(&row) && from < to {
                let source = &image[row as usize * width..][..width];
                let begin = (from * w.stride[1]).wrapping_add_signed(dx);
                let target = &mut target[at + from - x..at + to - x];
                if w.stride[1] == 1 {
                    target.copy_from_slice(&source[begin..begin + target.len()]);
                } else {
                    let values = source[begin..].iter().step_by(w.stride[1]);
                    target.iter_mut().zip(values).for_each(|(to, value)| *to = *value);
                }
            }
            at += part;
        }
    }
}

/// Multiplies weights `[outputs][depth]` by gathered inputs `[depth][STRIP]`.
#[multiversion(targets("x86_64+avx2"))]
fn multiply(weights: &[f32], bias: &[f32], depth: usize, gathered: &[f32], strip: &mut [f32]) {
    let outputs = bias.len();
    for column in (0..STRIP).step_by(COLUMNS) {
        for first in (0..outputs).step_by(ROWS) {
            let rows = ROWS.min(outputs - first);
            // Of the last block, which may be smaller, a row is computed more than once.
            let row = |r: usize| first + r.min(rows - 1);
            let mut sums = [[0f32; COLUMNS]; ROWS];
            let kernels: [&[f32]; ROWS] =
                std::array::from_fn(|r| &weights[row(r) * depth..][..depth]);
            sums.iter_mut().enumerate().for_each(|(r, sums)| sums.fill(bias[row(r)]));
            for (k, line) in gathered.chunks_exact(STRIP).enumerate().take(depth) {
                let Some(Ok(values)) =
                    line.get(column..column + COLUMNS).map(<&[f32; COLUMNS]>::try_from)
                else {
                    continue;
                };
                for r in 0..ROWS {
                    let weight = kernels[r][k];
                    for c in 0..COLUMNS {
                        sums[r][c] += weight * values[c];
                    }
                }
            }
            for (r, sums) in sums.iter().enumerate().take(rows) {
                strip[(first + r) * STRIP + column..][..COLUMNS].copy_from_slice(sums);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Both ways give the same bits, for random shapes.
    #[test]
    fn blocks_add_in_the_order_of_planes() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for _ in 0..200 {
            let mut up_to = |most: usize| rng.random_range(1..=most);
            let (groups, taps) = (up_to(3), [up_to(4), up_to(4)]);
            let (group_in, group_out) = (up_to(5), LEAST - 1 + up_to(9));
            let window = Window {
                kernel: taps,
                stride: [up_to(3), up_to(3)],
                dilation: [up_to(2), up_to(2)],
                pads: std::array::from_fn(|_| up_to(4) - 1),
            };
            let size = [8 + up_to(12), 8 + up_to(12)];
            let [rows, columns] = window::output_size(&window, size).unwrap();
            let (inputs, outputs) = (groups * group_in, [groups * group_out, rows, columns]);
            let mut values = |count: usize| -> Vec<f32> {
                (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
            };
            let input = values(inputs * size[0] * size[1]);
            let linear = Linear {
                outputs: outputs[0],
                weights: values(outputs[0] * group_in * taps[0] * taps[1]),
                bias: values(outputs[0]),
                weight_name: String::new(),
                bias_name: None,
                transposed: false,
                units: Vec::new(),
            };
            let g = Geometry { window: &window, groups, inputs, size, outputs };
            let mut expected = vec![0f32; outputs.iter().product()];
            let mut got = expected.clone();
            planes(&g, &linear, &input, &mut expected);
            blocks(&g, &linear, &input, &mut got);
            let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&got), bits(&expected), "{window:?} {size:?}");
        }
    }
}
