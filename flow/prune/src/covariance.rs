//! Covariance of the inputs of a layer, from which the effect of removing a weight on its output follows.

use pecan_train::LayerStatistics;

/// Covariance of a layer's inputs around their mean, and its target outputs.
///
/// A bias follows from the means, so everything is centred: for weights `W` that replace `V`, the mean squared change
/// of output `o` is `(w_o - v_o) C (w_o - v_o)^T`.
#[derive(Clone, Debug)]
pub struct Covariance {
    /// Inputs per output channel.
    pub inputs: usize,
    /// Covariance of the inputs, `[group][inputs][inputs]`.
    pub covariance: Vec<f64>,
    /// Means of the inputs, `[group][inputs]`.
    pub mean: Vec<f64>,
    /// Covariance of the target outputs with the inputs, `[output][inputs]`, and the means of these outputs; `None`
    /// where the target is the layer's own output.
    pub wanted: Option<(Vec<f64>, Vec<f64>)>,
    /// Mean square of the inputs, by group: rounding errors of the covariance are proportional to it.
    pub power: Vec<f64>,
    /// Loss per mean squared error of each output channel, in units of twice the loss; see
    /// [`LayerStatistics::sensitivity`].
    pub sensitivity: Vec<f64>,
}

impl Covariance {
    /// The covariance of sampled statistics.
    #[must_use]
    pub fn of(statistics: LayerStatistics) -> Self {
        let LayerStatistics { groups, inputs: k, outputs, mean, gram, cross, target, .. } =
            statistics;
        let mut covariance: Vec<f64> = gram.into_iter().map(f64::from).collect();
        for (gram, mean) in covariance.chunks_mut((k * k).max(1)).zip(mean.chunks(k.max(1))) {
            for (row, a) in gram.chunks_mut(k.max(1)).zip(mean) {
                row.iter_mut().zip(mean).for_each(|(value, b)| *value -= a * b);
            }
        }
        let size = (k * k).max(1);
        let trace = |gram: &[f64]| (0..k).map(|i| gram[i * (k + 1)]).sum::<f64>();
        let variance: Vec<f64> = covariance.chunks(size).map(trace).collect();
        let squares = mean.chunks(k.max(1)).map(|m| m.iter().map(|m| m * m).sum::<f64>());
        let power = variance.iter().zip(squares).map(|(v, s)| (v + s) / k.max(1) as f64).collect();
        let per_group = (outputs / groups.max(1)).max(1);
        let wanted = cross.zip(target).map(|(cross, means)| {
            let mut cross: Vec<f64> = cross.into_iter().map(f64::from).collect();
            for (o, row) in cross.chunks_mut(k.max(1)).enumerate() {
                let inputs = &mean[o / per_group * k..][..k];
                row.iter_mut().zip(inputs).for_each(|(value, x)| *value -= means[o] * x);
            }
            (cross, means)
        });
        let sensitivity = statistics.sensitivity;
        Self { inputs: k, covariance, mean, wanted, power, sensitivity }
    }

    /// Covariance of the inputs of a channel group, `[inputs][inputs]`.
    #[must_use]
    pub fn group(&self, group: usize) -> &[f64] {
        let size = self.inputs * self.inputs;
        &self.covariance[group * size..(group + 1) * size]
    }

    /// Means of the inputs of a channel group.
    #[must_use]
    pub fn group_mean(&self, group: usize) -> &[f64] {
        &self.mean[group * self.inputs..(group + 1) * self.inputs]
    }

    /// Term added to the diagonal of a group's covariance so that it can be inverted: a hundredth of its mean diagonal,
    /// as in E. Frantar and D. Alistarh, "Optimal Brain Compression" (NeurIPS 2022), plus a bound of its rounding
    /// errors, which come from sums in single precision.
    #[must_use]
    pub fn damping(&self, group: usize) -> f64 {
        let k = self.inputs;
        let trace: f64 = (0..k).map(|i| self.group(group)[i * (k + 1)]).sum();
        let power = self.power.get(group).copied().unwrap_or(0.0);
        (0.01 * trace.max(0.0) / k.max(1) as f64 + 1e-4 * power).max(1e-12)
    }
}
