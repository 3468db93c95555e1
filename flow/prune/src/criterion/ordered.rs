//! Energy-aware pruning as published: T.-J. Yang, Y.-H. Chen, V. Sze, "Designing Energy-Efficient Convolutional Neural
//! Networks using Energy-Aware Pruning", CVPR 2017.
//!
//! Layers are pruned one after the other, that of most energy first. Within a layer more weights than wanted are
//! removed by magnitude. Then those whose absence changes the outputs most, evaluated together on real data, are
//! restored: weights whose contributions cancel are not important because of their size. (The change is measured as a
//! sum of squares, by the covariance of the inputs, instead of the paper's sum of magnitudes over samples.) The driver
//! reconstructs the remaining weights and tunes the whole network.
//!
//! Other orders of the layers are the baselines of the paper.

use super::{Ranking, Reason, Round};
use crate::{PruneError, PruneLayer, matrix};
use pecan_net::Masks;

/// Share of a layer's remaining weights that each of its turns removes, and turns per layer.
const TURN: f64 = 0.25;
const TURNS: usize = 12;
/// Excess of the removal by magnitude, part of which is restored.
const EXCESS: f64 = 0.3;
/// Number of parts of the restoration, each after a new evaluation of the outputs.
const PARTS: usize = 8;

#[derive(Debug)]
struct Ordered<'a> {
    round: &'a Round<'a>,
    /// Layers in the order of their turns.
    order: Vec<usize>,
}

pub(super) fn by_energy<'a>(round: &'a Round<'a>) -> Result<Box<dyn Ranking + 'a>, PruneError> {
    ordered(round, |layer| round.energy.get(&layer.name).copied().unwrap_or(0.0))
}

pub(super) fn by_macs<'a>(round: &'a Round<'a>) -> Result<Box<dyn Ranking + 'a>, PruneError> {
    ordered(round, |layer| {
        let kept = round.mask(layer).iter().filter(|keep| **keep).count();
        let macs = round.macs.get(&layer.name).copied().unwrap_or(0) as f64;
        macs * kept as f64 / layer.entry.len().max(1) as f64
    })
}

pub(super) fn by_weights<'a>(round: &'a Round<'a>) -> Result<Box<dyn Ranking + 'a>, PruneError> {
    ordered(round, |layer| round.mask(layer).iter().filter(|keep| **keep).count() as f64)
}

fn ordered<'a>(
    round: &'a Round<'a>,
    cost: impl Fn(&PruneLayer) -> f64,
) -> Result<Box<dyn Ranking + 'a>, PruneError> {
    let mut order: Vec<usize> = (0..round.layers.len()).collect();
    let costs: Vec<f64> = round.layers.iter().map(cost).collect();
    order.sort_by(|a, b| costs[*b].total_cmp(&costs[*a]).then(a.cmp(b)));
    // Statistics of every layer are needed: missing ones are reported here.
    round.layers.iter().try_for_each(|layer| round.covariance(layer).map(|_| ()))?;
    Ok(Box::new(Ordered { round, order }))
}

impl Ordered<'_> {
    /// Turns, with fractions, that each layer has had.
    fn turns(&self, amount: f64) -> Vec<f64> {
        let count = self.order.len();
        let all = amount.clamp(0.0, 1.0) * (count * TURNS) as f64;
        let (whole, part) = (all.floor() as usize, all.fract());
        let mut turns = vec![0.0; count];
        for (place, layer) in self.order.iter().enumerate() {
            let full = whole / count.max(1) + usize::from(place < whole % count.max(1));
            turns[*layer] = full as f64 + if place == whole % count.max(1) { part } else { 0.0 };
        }
        turns
    }

    fn layer(&self, layer: &PruneLayer, turns: f64) -> Result<Vec<bool>, PruneError> {
        let mask = self.round.mask(layer);
        let live = mask.iter().filter(|keep| **keep).count();
        let stay = (live as f64 * (1.0 - TURN).powf(turns)).round() as usize;
        if stay >= live {
            return Ok(mask.to_vec());
        }
        let weights = self.round.weights(layer);
        let restored = (stay as f64 * EXCESS) as usize;
        let mut order: Vec<usize> = (0..mask.len()).filter(|at| mask[*at]).collect();
        order.sort_by(|a, b| weights[*b].abs().total_cmp(&weights[*a].abs()).then(a.cmp(b)));
        let mut kept = vec![false; mask.len()];
        order[..stay - restored].iter().for_each(|at| kept[*at] = true);
        self.restore(layer, mask, &mut kept, restored)?;
        Ok(kept)
    }

    /// Brings back the weights whose absence changes the outputs most.
    fn restore(
        &self,
        layer: &PruneLayer,
        mask: &[bool],
        kept: &mut [bool],
        count: usize,
    ) -> Result<(), PruneError> {
        let (weights, covariance) = (self.round.weights(layer), self.round.covariance(layer)?);
        let k = layer.inputs;
        let per_group = (layer.outputs / layer.groups.max(1)).max(1);
        let mut left = count;
        for part in 0..PARTS {
            let missing: Vec<f32> = weights
                .iter()
                .zip(kept.iter())
                .map(|(w, kept)| if *kept { 0.0 } else { *w })
                .collect();
            let mut gains: Vec<(f32, usize)> = Vec::new();
            for group in 0..layer.groups {
                let covariance: Vec<f32> =
                    covariance.group(group).iter().map(|v| *v as f32).collect();
                let (from, to) = (group * per_group * k, (group + 1) * per_group * k);
                let effect = matrix::product(&missing[from..to], &covariance, [per_group, k, k]);
                let open = (from..to).filter(|at| mask[*at] && !kept[*at]);
                gains.extend(open.map(|at| {
                    let (w, own) = (missing[at], covariance[at % k * (k + 1)]);
                    (2.0 * w * effect[at - from] - w * w * own, at)
                }));
            }
            gains.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let now = left.div_ceil(PARTS - part).min(gains.len());
            gains[..now].iter().for_each(|(_, at)| kept[*at] = true);
            left -= now;
        }
        Ok(())
    }
}

impl Ranking for Ordered<'_> {
    fn masks(&self, amount: f64) -> Result<Masks, PruneError> {
        let turns = self.turns(amount);
        let masks = self
            .round
            .layers
            .iter()
            .zip(turns)
            .map(|(layer, turns)| Ok((layer.name.clone(), self.layer(layer, turns)?)));
        Ok(Masks(masks.collect::<Result<_, PruneError>>()?))
    }

    fn reasons(&self, amount: f64) -> Result<Vec<Reason>, PruneError> {
        let masks = self.masks(amount)?;
        let mut reasons = Vec::new();
        for layer in &self.order {
            let layer = &self.round.layers[*layer];
            let (before, after) = (self.round.mask(layer), masks.layer(&layer.name));
            let weights = self.round.weights(layer);
            let saved = Some(self.round.prices.layer(&layer.name).weight);
            for (at, keep) in after.unwrap_or_default().iter().enumerate() {
                if before[at] && !keep {
                    reasons.push(Reason {
                        layer: layer.name.clone(),
                        output: Some(at / layer.inputs),
                        input: Some(at % layer.inputs),
                        weights: 1,
                        loss: f64::from(weights[at].abs()),
                        saved,
                    });
                }
            }
        }
        Ok(reasons)
    }
}
