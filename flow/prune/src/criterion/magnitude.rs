//! Criteria that use weights only.

use super::{Ranking, Reason, Round};
use crate::{PruneError, PruneLayer};
use pecan_net::Masks;

/// Weights in the order of removal.
#[derive(Debug)]
struct Sorted<'a> {
    round: &'a Round<'a>,
    /// Score, layer, weight.
    order: Vec<(f32, usize, usize)>,
}

pub(super) fn global<'a>(round: &'a Round<'a>) -> Result<Box<dyn Ranking + 'a>, PruneError> {
    Ok(Box::new(Sorted::by(round, |_, weights| weights.iter().map(|w| w.abs()).collect())))
}

pub(super) fn relative<'a>(round: &'a Round<'a>) -> Result<Box<dyn Ranking + 'a>, PruneError> {
    Ok(Box::new(Sorted::by(round, |layer, weights| {
        let scale = root_mean_square(weights, round.mask(layer));
        weights.iter().map(|w| w.abs() / scale).collect()
    })))
}

/// A weight's score is the share of its layer that is removed before it.
pub(super) fn uniform<'a>(round: &'a Round<'a>) -> Result<Box<dyn Ranking + 'a>, PruneError> {
    Ok(Box::new(Sorted::by(round, |layer, weights| {
        let mask = round.mask(layer);
        let mut live: Vec<usize> = (0..weights.len()).filter(|at| mask[*at]).collect();
        live.sort_by(|a, b| weights[*a].abs().total_cmp(&weights[*b].abs()));
        let mut scores = vec![0.0; weights.len()];
        let count = live.len().max(1) as f32;
        live.iter().enumerate().for_each(|(rank, at)| scores[*at] = rank as f32 / count);
        scores
    })))
}

pub(super) fn entries<'a>(round: &'a Round<'a>) -> Result<Box<dyn Ranking + 'a>, PruneError> {
    Ok(Box::new(Sorted::by(round, |layer, weights| {
        let mask = round.mask(layer);
        let scale = root_mean_square(weights, mask);
        let mut squares = vec![0f32; layer.entries];
        for (at, entry) in layer.entry.iter().enumerate().filter(|(at, _)| mask[*at]) {
            squares[*entry as usize] += weights[at].powi(2);
        }
        layer.entry.iter().map(|entry| squares[*entry as usize].sqrt() / scale).collect()
    })))
}

/// Root mean square of the weights that remain; never 0.
fn root_mean_square(weights: &[f32], mask: &[bool]) -> f32 {
    let live = weights.iter().zip(mask).filter(|(_, keep)| **keep);
    let (sum, count) = live.fold((0.0, 0), |(sum, count), (w, _)| (sum + w * w, count + 1));
    (sum / count.max(1) as f32).sqrt().max(f32::MIN_POSITIVE)
}

impl<'a> Sorted<'a> {
    fn by(round: &'a Round<'a>, scores: impl Fn(&PruneLayer, &[f32]) -> Vec<f32>) -> Self {
        let mut order = Vec::new();
        for (number, layer) in round.layers.iter().enumerate() {
            let mask = round.mask(layer);
            let scores = scores(layer, round.weights(layer));
            let live = scores.iter().enumerate().filter(|(at, _)| mask[*at]);
            order.extend(live.map(|(at, score)| (*score, number, at)));
        }
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        Self { round, order }
    }

    fn removed(&self, amount: f64) -> &[(f32, usize, usize)] {
        let count = (self.order.len() as f64 * amount.clamp(0.0, 1.0)).round() as usize;
        &self.order[..count.min(self.order.len())]
    }
}

impl Ranking for Sorted<'_> {
    fn masks(&self, amount: f64) -> Result<Masks, PruneError> {
        let mut masks: Vec<Vec<bool>> =
            self.round.layers.iter().map(|layer| self.round.mask(layer).to_vec()).collect();
        self.removed(amount).iter().for_each(|(_, layer, at)| masks[*layer][*at] = false);
        let names = self.round.layers.iter().map(|layer| layer.name.clone());
        Ok(Masks(names.zip(masks).collect()))
    }

    fn reasons(&self, amount: f64) -> Result<Vec<Reason>, PruneError> {
        let reason = |(score, number, at): &(f32, usize, usize)| {
            let layer = &self.round.layers[*number];
            let (output, input) = (Some(at / layer.inputs), Some(at % layer.inputs));
            let loss = f64::from(*score);
            Reason { layer: layer.name.clone(), output, input, weights: 1, loss, saved: None }
        };
        Ok(self.removed(amount).iter().map(reason).collect())
    }
}
