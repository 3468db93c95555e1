//! Order in which the channels of a class are removed, and the loss of each removal.
//!
//! As with entries ([`entry_order`](super::obs::entry_order)), channels are removed one after the other: they can
//! replace each other, so several that are cheap one by one are expensive together. The loss of a channel is that of
//! its inputs in the layers that read it.

use super::layer::LayerState;
use super::obs::{PART, WHOLE};
use super::{PruneError, matrix};

/// A layer that reads the channels of a class.
pub(super) struct Consumer {
    parts: Vec<Subset>,
    /// By channel: its part, and its inputs in there.
    places: Vec<(usize, Vec<usize>)>,
    sensitivity: Vec<f64>,
}

/// Some of its inputs; correlations between subsets are ignored.
struct Subset {
    size: usize,
    /// Inverse Hessian of the inputs that remain, `[size][size]`.
    inverse: Vec<f64>,
    /// Weights, and whether each remains, `[input][output channel]`.
    weights: Vec<Vec<f64>>,
    kept: Vec<Vec<f32>>,
    open: Vec<bool>,
}

impl Consumer {
    /// A layer of one group; each of `channels` channels has equally many of its inputs.
    ///
    /// # Errors
    /// The layer's inputs are not finite.
    pub(super) fn new(state: &LayerState<'_>, channels: usize) -> Result<Self, PruneError> {
        let LayerState { layer, mask, covariance, .. } = *state;
        let taps = (layer.inputs / channels.max(1)).max(1);
        let lives = |input: &usize| (0..layer.outputs).any(|o| mask[o * layer.inputs + input]);
        let live: Vec<usize> = (0..layer.inputs).filter(lives).collect();
        let most = if live.len() > WHOLE { (PART / taps).max(1) } else { channels.max(1) };
        let mut places = vec![(0, Vec::new()); channels];
        let mut parts = Vec::new();
        for at in live.chunk_by(|a, b| a / taps / most == b / taps / most) {
            for (place, input) in at.iter().enumerate() {
                let own = &mut places[input / taps];
                own.0 = parts.len();
                own.1.push(place);
            }
            parts.push(Subset::new(state, at)?);
        }
        Ok(Self { parts, places, sensitivity: covariance.sensitivity.clone() })
    }

    /// Loss of removing a channel, given all removals before and the optimal update of the remaining weights.
    fn loss(&self, channel: usize) -> Result<f64, PruneError> {
        let (part, inputs) = &self.places[channel];
        match inputs.is_empty() {
            true => Ok(0.0),
            false => Ok(0.5 * self.parts[*part].form(inputs, &self.sensitivity)?),
        }
    }

    fn remove(&mut self, channel: usize) {
        let (part, inputs) = &self.places[channel];
        inputs.iter().for_each(|input| self.parts[*part].eliminate(*input));
    }

    /// Whether the removal of one channel changes what another costs.
    fn related(&self, [a, b]: [usize; 2]) -> bool {
        self.places[a].0 == self.places[b].0
    }
}

impl Subset {
    fn new(state: &LayerState<'_>, at: &[usize]) -> Result<Self, PruneError> {
        let LayerState { layer, weights, mask, covariance } = *state;
        let (k, outputs) = (layer.inputs, 0..layer.outputs);
        let inverse = matrix::inverse(covariance.group(0), k, at, covariance.damping(0))?;
        let kept = |i: &usize| outputs.clone().map(|o| f32::from(mask[o * k + i])).collect();
        let kept: Vec<Vec<f32>> = at.iter().map(kept).collect();
        let weight = |(i, kept): (&usize, &Vec<f32>)| {
            let of = |(o, kept): (usize, &f32)| f64::from(weights[o * k + i] * kept);
            kept.iter().enumerate().map(of).collect()
        };
        let weights = at.iter().zip(&kept).map(weight).collect();
        Ok(Self { size: at.len(), inverse, weights, kept, open: vec![true; at.len()] })
    }

    /// Sum over output channels of the squared error by the removal of `inputs`, by sensitivity.
    fn form(&self, inputs: &[usize], sensitivity: &[f64]) -> Result<f64, PruneError> {
        let n = self.size;
        if let [input] = inputs {
            let pivot = self.inverse[input * (n + 1)].max(f64::MIN_POSITIVE);
            let squares = self.weights[*input].iter().zip(sensitivity).map(|(w, s)| w * w * s);
            return Ok(squares.sum::<f64>() / pivot);
        }
        let side = |o: usize| inputs.iter().map(|i| self.weights[*i][o]).collect();
        let sides: Vec<Vec<f64>> = (0..sensitivity.len()).map(side).collect();
        // Rounding may have made a nearly singular part singular.
        let mean = inputs.iter().map(|i| self.inverse[i * (n + 1)]).sum::<f64>();
        let damping = 1e-9 * mean / inputs.len() as f64;
        let solved = matrix::solve(&self.inverse, n, inputs, damping, &sides)?;
        let form = |(a, b): (&Vec<f64>, Vec<f64>)| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let forms = sides.iter().zip(solved).map(form);
        Ok(forms.zip(sensitivity).map(|(form, s)| s * form.max(0.0)).sum())
    }

    /// Removes an input, updates the other weights, and reduces the inverse to the remaining inputs.
    fn eliminate(&mut self, input: usize) {
        self.open[input] = false;
        let open = (0..self.size).filter(|i| self.open[*i]);
        let shares = matrix::eliminate(&mut self.inverse, self.size, input, open);
        let gone = std::mem::take(&mut self.weights[input]);
        for (i, share) in shares {
            let pairs = self.weights[i].iter_mut().zip(&self.kept[i]).zip(&gone);
            pairs.for_each(|((weight, kept), gone)| *weight -= share * gone * f64::from(*kept));
        }
    }
}

/// A channel that can be removed.
struct Candidate {
    channel: usize,
    saved: f64,
    /// Loss given all removals so far.
    loss: f64,
}

/// Order of removal of channels that save `saved` each, `None` for channels that do not exist any more: always the one
/// with the least loss per energy. Returned with the loss of each, given all removals before.
///
/// # Errors
/// As [`Consumer::new`].
pub(super) fn channel_order(
    readers: &mut [Consumer],
    saved: &[Option<f64>],
) -> Result<Vec<(usize, f64)>, PruneError> {
    let loss = |readers: &[Consumer], channel: usize| {
        readers.iter().map(|reader| reader.loss(channel)).sum::<Result<f64, _>>()
    };
    let mut open: Vec<Candidate> = Vec::new();
    for (channel, saved) in saved.iter().enumerate() {
        if let Some(saved) = saved {
            let saved = saved.max(f64::MIN_POSITIVE);
            open.push(Candidate { channel, saved, loss: loss(readers, channel)? });
        }
    }
    let mut order = Vec::with_capacity(open.len());
    let key = |candidate: &Candidate| candidate.loss / candidate.saved;
    while let Some(least) = (0..open.len()).min_by(|a, b| key(&open[*a]).total_cmp(&key(&open[*b])))
    {
        let gone = open.swap_remove(least);
        order.push((gone.channel, gone.loss));
        readers.iter_mut().for_each(|reader| reader.remove(gone.channel));
        for other in &mut open {
            if readers.iter().any(|reader| reader.related([gone.channel, other.channel])) {
                other.loss = loss(readers, other.channel)?;
            }
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PruneLayer;
    use crate::covariance::Covariance;

    /// Four equal channels of one input: removing three costs nothing, removing the last costs all.
    #[test]
    fn channels_that_stand_in_for_each_other_are_dear_together() {
        let layer = PruneLayer::new("fc", [1, 4, 1], 1);
        let covariance = Covariance {
            inputs: 4,
            covariance: vec![1.0; 16],
            mean: vec![0.0; 4],
            wanted: None,
            power: vec![0.0],
            sensitivity: vec![2.0],
        };
        let (weights, mask) = (&[1.0; 4], &[true; 4]);
        let state = LayerState { layer: &layer, weights, mask, covariance: &covariance };
        let mut readers = [Consumer::new(&state, 4).unwrap()];
        let order = channel_order(&mut readers, &[Some(1.0); 4]).unwrap();
        let losses: Vec<f64> = order.iter().map(|(_, loss)| *loss).collect();
        // The weights of all move to the last one: half of the sensitivity times the square of 4.
        assert!(losses[..3].iter().all(|loss| *loss < 0.5), "{losses:?}");
        assert!((losses[3] - 16.0).abs() < 0.5, "{losses:?}");
    }

    /// Channels of two inputs each against the removal of both by definition, and a weight that is not there.
    #[test]
    fn a_channel_costs_what_its_inputs_cost_together() {
        let layer = PruneLayer::new("conv", [2, 4, 1], 1);
        let matrix =
            vec![2.0, 0.5, 0.3, 0.0, 0.5, 1.0, 0.0, 0.2, 0.3, 0.0, 1.5, 0.4, 0.0, 0.2, 0.4, 1.0];
        let covariance = Covariance {
            inputs: 4,
            covariance: matrix.clone(),
            mean: vec![0.0; 4],
            wanted: None,
            power: vec![0.0],
            sensitivity: vec![1.0, 3.0],
        };
        let weights = [1.0f32, -1.0, 2.0, 0.5, 0.3, 0.7, -0.2, 1.0];
        let mask = [true, true, true, true, true, false, true, true];
        let (own, mask) = (&weights, &mask);
        let state = LayerState { layer: &layer, weights: own, mask, covariance: &covariance };
        let mut readers = [Consumer::new(&state, 2).unwrap()];
        let order = channel_order(&mut readers, &[Some(1.0), Some(1e-9)]).unwrap();
        assert_eq!(order[0].0, 0);
        // Loss of 0 and 1 with the optimal update of inputs 2 and 3: the Schur complement of their covariance.
        let c = |i: usize, j: usize| {
            matrix[i * 4 + j] + if i == j { covariance.damping(0) } else { 0.0 }
        };
        let det = c(2, 2) * c(3, 3) - c(2, 3) * c(3, 2);
        let schur = |i: usize, j: usize| {
            let (a, b) = ([c(i, 2), c(i, 3)], [c(2, j), c(3, j)]);
            let solved = [c(3, 3) * b[0] - c(2, 3) * b[1], c(2, 2) * b[1] - c(3, 2) * b[0]];
            c(i, j) - (a[0] * solved[0] + a[1] * solved[1]) / det
        };
        let form = |w: [f64; 2]| {
            w[0] * w[0] * schur(0, 0) + 2.0 * w[0] * w[1] * schur(0, 1) + w[1] * w[1] * schur(1, 1)
        };
        let expected = 0.5 * (form([1.0, -1.0]) + 3.0 * form([0.3, 0.0]));
        assert!((order[0].1 - expected).abs() < 1e-6 * expected, "{order:?} {expected}");
        let none = channel_order(&mut readers[..0], &[None, Some(1.0)]).unwrap();
        assert_eq!(none, [(1, 0.0)]);
    }
}
