//! Pooling as operators with gradients. Every plane (one channel of one image) is independent.

use rayon::prelude::*;

use super::geometry::Geometry;
use super::tensor::{Dims, Tensor};

/// Least planes of one piece of parallel work.
const PLANES: usize = 16;

/// Maximum over a window; padding never is the maximum, as if it were minus infinity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Maximum(pub(super) Geometry);

/// Sum over a window divided by a number; padding counts as zeros.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mean {
    pub(super) geometry: Geometry,
    pub(super) divisor: f32,
}

/// Computes every output plane from its input plane.
fn forward(g: &Geometry, x: &[f32], plane: impl Fn(&[f32], &mut [f32]) + Sync) -> (Vec<f32>, Dims) {
    let mut output = vec![0f32; g.input.channels * g.batch * g.positions()];
    output
        .par_chunks_mut(g.positions())
        .zip(x.par_chunks(g.plane()))
        .with_min_len(PLANES)
        .for_each(|(y, x)| plane(x, y));
    (output, [g.input.channels, g.batch, g.output[0], g.output[1]])
}

impl Maximum {
    fn step(&self) -> usize {
        self.0.window.stride[1]
    }

    fn plane(&self, x: &[f32], y: &mut [f32]) {
        y.fill(f32::NEG_INFINITY);
        for tap in 0..self.0.taps() {
            self.0.lines(tap, |from, to| {
                let source = x[from].iter().step_by(self.step());
                y[to].iter_mut().zip(source).for_each(|(y, x)| *y = y.max(*x));
            });
        }
    }

    /// The gradient is added at the first maximum of a window.
    fn back(&self, x: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32]) {
        let mut open = vec![true; y.len()];
        for tap in 0..self.0.taps() {
            self.0.lines(tap, |from, to| {
                let source = x[from.clone()].iter().zip(&mut dx[from]).step_by(self.step());
                for (at, (x, dx)) in to.zip(source) {
                    if open[at] && *x == y[at] {
                        open[at] = false;
                        *dx += dy[at];
                    }
                }
            });
        }
    }

    pub(super) fn apply(self, input: &Tensor) -> Tensor {
        let (values, dims) = forward(&self.0, &input.values, |x, y| self.plane(x, y));
        Tensor::computed(values, dims, &[input], move |result, gradient| {
            let (x, y) = (&result.inputs[0].values, &result.values);
            let (plane, positions) = (self.0.plane(), self.0.positions());
            let mut down = vec![0f32; x.len()];
            let results = y.par_chunks(positions).zip(gradient.par_chunks(positions));
            down.par_chunks_mut(plane)
                .zip(x.par_chunks(plane).zip(results))
                .with_min_len(PLANES)
                .for_each(|(dx, (x, (y, dy)))| self.back(x, y, dy, dx));
            vec![down]
        })
    }
}

impl Mean {
    fn plane(&self, x: &[f32], y: &mut [f32]) {
        for tap in 0..self.geometry.taps() {
            self.geometry.lines(tap, |from, to| {
                let source = x[from].iter().step_by(self.geometry.window.stride[1]);
                y[to].iter_mut().zip(source).for_each(|(y, x)| *y += *x);
            });
        }
        y.iter_mut().for_each(|y| *y /= self.divisor);
    }

    fn back(&self, dy: &[f32], dx: &mut [f32]) {
        let dy: Vec<f32> = dy.iter().map(|d| d / self.divisor).collect();
        for tap in 0..self.geometry.taps() {
            self.geometry.lines(tap, |to, from| self.geometry.add(&dy[from], &mut dx[to]));
        }
    }

    pub(super) fn apply(self, input: &Tensor) -> Tensor {
        let (values, dims) = forward(&self.geometry, &input.values, |x, y| self.plane(x, y));
        let count = input.values.len();
        Tensor::computed(values, dims, &[input], move |_, gradient| {
            let mut down = vec![0f32; count];
            down.par_chunks_mut(self.geometry.plane())
                .zip(gradient.par_chunks(self.geometry.positions()))
                .with_min_len(PLANES)
                .for_each(|(dx, dy)| self.back(dy, dx));
            vec![down]
        })
    }
}
