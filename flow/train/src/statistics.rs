//! Second moments and sensitivities of layers.

use rayon::prelude::*;

use super::capture::Capture;
use super::error::TrainError;
use super::geometry::Geometry;
use super::layer::Layer;
use super::product::{multiply, view};
use super::tensor::Tensor;

/// Measurements of one layer. With `x` the inputs of one output channel at one output position, in the
/// order of its weights, padding as 0; expectations are means over the chosen positions.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerStatistics {
    /// Groups of the convolution; output channels are distributed evenly.
    pub groups: usize,
    /// Number of `x`.
    pub inputs: usize,
    /// Number of output channels.
    pub outputs: usize,
    /// `E[x x^T]`, `[groups][inputs][inputs]`.
    pub gram: Vec<f32>,
    /// `E[x]`, `[groups][inputs]`.
    pub mean: Vec<f64>,
    /// `E[y x^T]`, `[outputs][inputs]`, with `y` the teacher's outputs (with bias, before limits) at the
    /// same positions and `x` those of this network.
    pub cross: Option<Vec<f32>>,
    /// `E[y]` of the teacher, `[outputs]`.
    pub target: Option<Vec<f64>>,
    /// By output channel, the loss per mean squared error of its outputs, in units of twice the loss: the mean over
    /// samples of the squared norm of its weights' gradient (the trace of Fisher's information matrix, empirical with
    /// given labels) divided by the variance of its inputs, both around the mean. 0 where inputs do not vary; empty if
    /// not measured.
    pub sensitivity: Vec<f64>,
    /// Chosen positions.
    pub positions: usize,
}

/// Sums over the batches so far.
pub(super) struct Sums {
    gram: Vec<f32>,
    mean: Vec<f64>,
    cross: Vec<f32>,
    target: Vec<f64>,
    /// Squared norms of the weights' gradients, `[outputs]`.
    pub(super) squares: Vec<f64>,
    positions: usize,
}

impl Sums {
    pub(super) fn new(layer: &Layer, teacher: bool) -> Self {
        let (outputs, inputs) = (layer.output.channels, layer.inputs());
        let targets = if teacher { outputs } else { 0 };
        Self {
            gram: vec![0.0; layer.groups * inputs * inputs],
            mean: vec![0.0; layer.groups * inputs],
            cross: vec![0.0; targets * inputs],
            target: vec![0.0; targets],
            squares: vec![0.0; outputs],
            positions: 0,
        }
    }

    /// Adds the inputs of `layer` from `values` at `chosen`, and the teacher's `outputs` there, if any.
    pub(super) fn add(
        &mut self,
        layer: &Layer,
        values: &Tensor,
        chosen: &[usize],
        outputs: &[f32],
    ) -> Result<(), TrainError> {
        if chosen.is_empty() {
            return Ok(());
        }
        let geometry = Geometry::new(layer.input, layer.window, values.dims[1])?;
        let (all, inputs, count) = (&values.values, layer.inputs(), chosen.len());
        let mut rows = vec![0f32; layer.groups * inputs * count];
        rows.par_chunks_mut(count)
            .enumerate()
            .for_each(|(row, target)| geometry.gather(all, row, chosen, target));
        for (mean, row) in self.mean.iter_mut().zip(rows.chunks(count)) {
            *mean += row.iter().map(|v| f64::from(*v)).sum::<f64>();
        }
        for (target, row) in self.target.iter_mut().zip(outputs.chunks(count)) {
            *target += row.iter().map(|v| f64::from(*v)).sum::<f64>();
        }
        let per_group = layer.output.channels / layer.groups;
        for (group, x) in rows.chunks(inputs * count).enumerate() {
            let x = view(x, inputs, count);
            let gram = &mut self.gram[group * inputs * inputs..][..inputs * inputs];
            accumulate(&multiply(x, x.transpose()), gram);
            if !outputs.is_empty() {
                let y = &outputs[group * per_group * count..][..per_group * count];
                let y = view(y, per_group, count);
                let cross = &mut self.cross[group * per_group * inputs..][..per_group * inputs];
                accumulate(&multiply(y, x.transpose()), cross);
            }
        }
        self.positions += count;
        Ok(())
    }

    /// Means of the inputs so far.
    pub(super) fn mean(&self) -> Vec<f64> {
        self.mean.iter().map(|sum| sum / self.positions.max(1) as f64).collect()
    }

    pub(super) fn finish(
        mut self,
        layer: &Layer,
        capture: &Capture<'_>,
        samples: usize,
    ) -> LayerStatistics {
        let count = self.positions.max(1) as f64;
        let narrow = |values: &mut [f32]| values.iter_mut().for_each(|v| *v /= count as f32);
        let wide = |values: &mut [f64]| values.iter_mut().for_each(|v| *v /= count);
        narrow(&mut self.gram);
        narrow(&mut self.cross);
        wide(&mut self.mean);
        wide(&mut self.target);
        let inputs = layer.inputs();
        let per_group = (self.squares.len() / layer.groups).max(1);
        let variance = |group: usize| -> f64 {
            let gram = &self.gram[group * inputs * inputs..][..inputs * inputs];
            let mean = &self.mean[group * inputs..][..inputs];
            let one = |(at, mean): (usize, &f64)| f64::from(gram[at * (inputs + 1)]) - mean * mean;
            mean.iter().enumerate().map(one).sum()
        };
        let variances: Vec<f64> = (0..layer.groups).map(variance).collect();
        let of_output = |(output, sum): (usize, &f64)| match variances[output / per_group] {
            variance if variance > 0.0 => sum / samples.max(1) as f64 / variance,
            _ => 0.0,
        };
        let sensitivity = self.squares.iter().enumerate().map(of_output).collect();
        LayerStatistics {
            groups: layer.groups,
            inputs,
            outputs: layer.output.channels,
            gram: self.gram,
            mean: self.mean,
            cross: capture.teacher.map(|_| self.cross),
            target: capture.teacher.map(|_| self.target),
            sensitivity: if capture.sensitivity { sensitivity } else { Vec::new() },
            positions: self.positions,
        }
    }
}

fn accumulate(values: &[f32], sum: &mut [f32]) {
    sum.par_iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}
