//! Order in which the entries of a block of output channels are removed, and the loss of each removal.
//!
//! Optimal brain surgeon (B. Hassibi, D. Stork, "Second Order Derivatives for Network Pruning", NIPS 1992), layer by
//! layer as in E. Frantar, D. Alistarh, "Optimal Brain Compression" (NeurIPS 2022): weights are removed one after the
//! other, always the one of least loss after the optimal update of the others, and the inverse Hessian follows by a
//! rank-one update. Here an *entry*, the weights of all lanes at one input, is removed at once. Outputs are weighted by
//! their effect on the loss of the network (a Kronecker-factored Hessian: J. Martens, R. Grosse, "Optimizing Neural
//! Networks with Kronecker-factored Approximate Curvature", ICML 2015).

use std::ops::Range;

use super::covariance::Covariance;
use super::layer::LayerState;
use super::{PruneError, PruneLayer, matrix};

/// Inputs above which a block is split into parts, and the size of these. Correlations between parts are then ignored
/// in the order of removal; the reconstruction of the remaining weights uses all of them.
pub(super) const WHOLE: usize = 1024;
pub(super) const PART: usize = 256;

/// The removal of one entry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Removal {
    /// Input (column of the weight matrix).
    pub(super) input: usize,
    /// Predicted increase of the loss, given all removals before.
    pub(super) loss: f64,
    /// Weights that are removed.
    pub(super) weights: usize,
}

/// The order of removal of all entries of the rows `block`, each with its loss after the optimal update of the
/// remaining weights; in several parts for a layer with very many inputs.
///
/// # Errors
/// The layer's inputs are not finite.
pub(super) fn entry_order(
    state: &LayerState<'_>,
    block: &Range<usize>,
) -> Result<Vec<Vec<Removal>>, PruneError> {
    let k = state.layer.inputs;
    let lives = |input: &usize| block.clone().any(|o| state.mask[o * k + input]);
    let live: Vec<usize> = (0..k).filter(lives).collect();
    let part = if live.len() > WHOLE { PART } else { WHOLE };
    let order = |at: &[usize]| Ok(BlockPart::new(*state, block, at)?.removals());
    live.chunks(part).map(order).collect()
}

/// The rows of a block that read the same inputs, with the inverse Hessian of the remaining inputs.
struct Rows {
    rows: Vec<usize>,
    inverse: Vec<f64>,
}

/// Some inputs of a block.
struct BlockPart<'a> {
    layer: &'a PruneLayer,
    block: Range<usize>,
    mask: &'a [bool],
    covariance: &'a Covariance,
    /// The inputs, by number.
    at: &'a [usize],
    sets: Vec<Rows>,
    /// Weights, `[row of the block][input of the part]`.
    values: Vec<Vec<f64>>,
}

impl<'a> BlockPart<'a> {
    fn new(
        state: LayerState<'a>,
        block: &Range<usize>,
        at: &'a [usize],
    ) -> Result<Self, PruneError> {
        let LayerState { layer, weights, mask, covariance } = state;
        let k = layer.inputs;
        let mut sets: Vec<Rows> = Vec::new();
        for group in block.clone().map(|o| layer.group(o)) {
            if sets.last().is_some_and(|set: &Rows| layer.group(set.rows[0]) == group) {
                continue;
            }
            let rows = block.clone().filter(|o| layer.group(*o) == group).collect();
            let damping = covariance.damping(group);
            let inverse = matrix::inverse(covariance.group(group), k, at, damping)?;
            sets.push(Rows { rows, inverse });
        }
        let value = |o: usize, i: &usize| f64::from(weights[o * k + i]) * keep(mask[o * k + i]);
        let values = block.clone().map(|o| at.iter().map(|i| value(o, i)).collect()).collect();
        Ok(Self { layer, block: block.clone(), mask, covariance, at, sets, values })
    }

    fn kept(&self, o: usize, j: usize) -> bool {
        self.mask[o * self.layer.inputs + self.at[j]]
    }

    /// Removes everything, entry by entry.
    fn removals(&mut self) -> Vec<Removal> {
        let n = self.at.len();
        let mut open: Vec<usize> = (0..n).collect();
        let mut order = Vec::with_capacity(n);
        while !open.is_empty() {
            let costs = open.iter().map(|j| self.cost(*j)).enumerate();
            let Some((place, loss)) = costs.min_by(|a, b| a.1.total_cmp(&b.1)) else { break };
            let j = open.swap_remove(place);
            let weights = self.block.clone().filter(|o| self.kept(*o, j)).count();
            order.push(Removal { input: self.at[j], loss, weights });
            for set in &mut self.sets {
                let shares = matrix::eliminate(&mut set.inverse, n, j, open.iter().copied());
                for o in &set.rows {
                    let kept = |i: usize| self.mask[o * self.layer.inputs + self.at[i]];
                    let own = &mut self.values[o - self.block.start];
                    let gone = std::mem::take(&mut own[j]);
                    let answers = shares.iter().filter(|(i, _)| gone != 0.0 && kept(*i));
                    answers.for_each(|(i, share)| own[*i] -= share * gone);
                }
            }
        }
        order
    }

    /// Loss of removing entry `j` in the present state.
    fn cost(&self, j: usize) -> f64 {
        let n = self.at.len();
        let of = |set: &Rows| {
            let rows = set.rows.iter();
            let square = |o: &usize| {
                self.covariance.sensitivity[*o] * self.values[o - self.block.start][j].powi(2)
            };
            rows.map(square).sum::<f64>() / set.inverse[j * n + j].max(f64::MIN_POSITIVE)
        };
        0.5 * self.sets.iter().map(of).sum::<f64>()
    }
}

fn keep(keep: bool) -> f64 {
    if keep { 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two nearly equal inputs and a third: one of the twins is removed first, as the other replaces it.
    #[test]
    fn the_first_to_go_is_the_one_that_others_replace() {
        let layer = PruneLayer::new("fc", [2, 3, 1], 2);
        let covariance = vec![1.0, 0.999, 0.0, 0.999, 1.0, 0.0, 0.0, 0.0, 1.0];
        let covariance = Covariance {
            inputs: 3,
            covariance,
            mean: vec![0.0; 3],
            wanted: None,
            power: vec![0.0],
            sensitivity: vec![1.0; 2],
        };
        let weights = [1.0, 1.0, 0.5, 1.0, 1.0, 0.5];
        let (layer, weights, mask) = (&layer, &weights, &[true; 6]);
        let state = LayerState { layer, weights, mask, covariance: &covariance };
        let order = entry_order(&state, &(0..2)).unwrap().remove(0);
        // 0.002 without the damping of 0.01, which adds about twice itself.
        assert!(order[0].input < 2 && order[0].loss < 0.025, "{order:?}");
        assert_eq!(order[1].input, 2, "{order:?}");
        // The remaining weight carries both twins: 2 * 0.5 * 2^2.
        assert!((order[2].loss - 4.0).abs() < 0.2, "{order:?}");
        assert!(order.iter().all(|removal| removal.weights == 2));
    }

    /// The sum of the losses is the loss of the optimum, found by least squares.
    #[test]
    fn losses_add_up_to_least_squares() {
        let n = 6;
        let a: Vec<f64> = (0..n * n).map(|i| ((i * 37 % 11) as f64 - 5.0) / 5.0).collect();
        let at = |i: usize, j: usize| (0..n).map(|k| a[i * n + k] * a[j * n + k]).sum::<f64>();
        let covariance: Vec<f64> = (0..n * n).map(|ij| at(ij / n, ij % n)).collect();
        let layer = PruneLayer::new("fc", [1, n, 1], 1);
        let covariance = Covariance {
            inputs: n,
            covariance,
            mean: vec![0.0; n],
            wanted: None,
            power: vec![0.0],
            sensitivity: vec![2.0],
        };
        let weights: Vec<f32> = (0..n).map(|i| 1.0 + i as f32).collect();
        let (layer, mask) = (&layer, &[true; 6]);
        let state = LayerState { layer, weights: &weights, mask, covariance: &covariance };
        let order = entry_order(&state, &(0..1)).unwrap().remove(0);
        let gone: Vec<usize> = order[..3].iter().map(|r| r.input).collect();
        let kept: Vec<usize> = (0..n).filter(|i| !gone.contains(i)).collect();
        let damping = covariance.damping(0);
        let damped = |i: usize, j: usize| {
            covariance.covariance[i * n + j] + if i == j { damping } else { 0.0 }
        };
        let target = |i: usize| (0..n).map(|j| damped(i, j) * f64::from(weights[j])).sum::<f64>();
        let side: Vec<f64> = kept.iter().map(|i| target(*i)).collect();
        let best =
            matrix::solve(&covariance.covariance, n, &kept, damping, &[side]).unwrap().remove(0);
        let mut change: Vec<f64> = weights.iter().map(|w| -f64::from(*w)).collect();
        kept.iter().zip(&best).for_each(|(i, w)| change[*i] += w);
        let error: f64 = (0..n)
            .flat_map(|i| (0..n).map(move |j| (i, j)))
            .map(|(i, j)| change[i] * damped(i, j) * change[j])
            .sum();
        let said: f64 = order[..3].iter().map(|r| r.loss).sum();
        assert!((said - error).abs() < 1e-6 * error.max(1.0), "{said} {error}");
    }
}
