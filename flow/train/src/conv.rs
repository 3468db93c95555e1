//! Convolution as an operator with gradients.
//!
//! The columns of a few images at a time are unfolded into a buffer that stays in the cache, multiplied, and dropped;
//! the backward pass unfolds them again. Keeping them would move nine times the values of a feature map through memory
//! for a 3x3 kernel, which takes longer than the products.
//!
//! The division of the work by images depends on the shapes only, and partial sums are added in order. So results do
//! not depend on the number of threads.

use std::ops::Range;

use rayon::prelude::*;

use super::geometry::{Geometry, split};
use super::product;
use super::tensor::Tensor;

/// Least columns of one part of the work: enough for the matrix product to be efficient.
const COLUMNS: usize = 512;

/// `weights [O][C / groups * taps] * unfold(input [C][B][H][W]) + bias [O]`, as `[O][B][rows][columns]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Convolution {
    pub(super) geometry: Geometry,
    pub(super) groups: usize,
    pub(super) outputs: usize,
}

impl Convolution {
    /// Images of one part of the work.
    fn images(&self) -> usize {
        COLUMNS.div_ceil(self.geometry.positions()).min(self.geometry.batch).max(1)
    }

    fn range(&self, part: usize) -> Range<usize> {
        let start = part * self.images();
        start..(start + self.images()).min(self.geometry.batch)
    }

    /// Inputs of one output channel: channels of its group, times taps.
    fn inputs(&self) -> usize {
        self.geometry.input.channels / self.groups * self.geometry.taps()
    }

    fn channels(&self, group: usize) -> Range<usize> {
        let count = self.geometry.input.channels / self.groups;
        group * count..(group + 1) * count
    }

    fn forward(
        &self,
        part: usize,
        operands: &[&[f32]],
        columns: &mut Vec<f32>,
        target: Vec<&mut [f32]>,
    ) {
        let (images, inputs) = (self.range(part), self.inputs());
        let width = images.len() * self.geometry.positions();
        let outputs = self.outputs / self.groups;
        columns.resize(inputs * width, 0.0);
        let mut product = vec![0f32; self.outputs * width];
        let bias = operands.get(2).copied().unwrap_or_default();
        product.chunks_mut(width).zip(bias).for_each(|(row, bias)| row.fill(*bias));
        for group in 0..self.groups {
            self.geometry.unfold(operands[0], self.channels(group), images.clone(), columns);
            let kernels = &operands[1][group * outputs * inputs..][..outputs * inputs];
            let rows = &mut product[group * outputs * width..][..outputs * width];
            product::add(kernels, columns, rows, [outputs, inputs, width]);
        }
        target
            .into_iter()
            .zip(product.chunks(width))
            .for_each(|(to, from)| to.copy_from_slice(from));
    }

    /// The part's share of the weights' gradient; adds the gradient of the input to `target`, which is empty where it
    /// is not needed.
    fn backward(
        &self,
        part: usize,
        [input, weights, gradient]: [&[f32]; 3],
        columns: &mut Vec<f32>,
        mut target: Vec<&mut [f32]>,
    ) -> Vec<f32> {
        let (images, inputs) = (self.range(part), self.inputs());
        let positions = self.geometry.positions();
        let width = images.len() * positions;
        let outputs = self.outputs / self.groups;
        columns.resize(inputs * width, 0.0);
        let rows = gradient.chunks(self.geometry.batch * positions);
        let mut own = Vec::with_capacity(self.outputs * width);
        for row in rows {
            own.extend_from_slice(&row[images.start * positions..images.end * positions]);
        }
        let mut result = vec![0f32; self.outputs * inputs];
        for group in 0..self.groups {
            let channels = self.channels(group);
            self.geometry.unfold(input, channels.clone(), images.clone(), columns);
            let rows = &own[group * outputs * width..][..outputs * width];
            let kernels = group * outputs * inputs..(group + 1) * outputs * inputs;
            let sum = &mut result[kernels.clone()];
            product::add_by_transpose(rows, columns, sum, [outputs, width, inputs]);
            if !target.is_empty() {
                let kernels = &weights[kernels];
                product::of_transpose(kernels, rows, columns, [inputs, outputs, width]);
                self.geometry.fold(columns, &mut target[channels]);
            }
        }
        result
    }

    /// The operator on input, weights and, if there is one, bias.
    pub(super) fn apply(self, operands: &[&Tensor]) -> Tensor {
        let values: Vec<&[f32]> = operands.iter().map(|operand| &operand.values[..]).collect();
        let g = &self.geometry;
        let row = g.batch * g.positions();
        let mut output = vec![0f32; self.outputs * row];
        split(&mut output, row, self.images() * g.positions())
            .into_par_iter()
            .enumerate()
            .for_each_init(Vec::new, |columns, (part, target)| {
                self.forward(part, &values, columns, target);
            });
        let dims = [self.outputs, g.batch, g.output[0], g.output[1]];
        Tensor::computed(output, dims, operands, move |result, gradient| {
            self.gradients(&result.inputs, &gradient)
        })
    }

    fn gradients(&self, inputs: &[Tensor], gradient: &[f32]) -> Vec<Vec<f32>> {
        let g = &self.geometry;
        let operands = [&inputs[0].values, &inputs[1].values, gradient];
        let mut down = vec![0f32; if inputs[0].tracked { operands[0].len() } else { 0 }];
        let row = g.batch * g.plane();
        let shares: Vec<Vec<f32>> = split(&mut down, row, self.images() * g.plane())
            .into_par_iter()
            .enumerate()
            .map_init(Vec::new, |columns, (part, target)| {
                self.backward(part, operands, columns, target)
            })
            .collect();
        let mut sum = vec![0f32; self.outputs * self.inputs()];
        for share in shares {
            sum.iter_mut().zip(share).for_each(|(sum, share)| *sum += share);
        }
        let rows = gradient.chunks(g.batch * g.positions());
        vec![down, sum, rows.map(|row| row.iter().sum()).collect()]
    }
}
