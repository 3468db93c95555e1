//! Our rule: what goes next is what saves most energy per increase of the loss, wherever it is.
//!
//! For every block of output channels [`removals`](crate::prune::obs::removals) gives the order in which its entries
//! go and what each does to the loss of the network; the price of an entry in its layer comes from the energy model on
//! the hardware's own counts. Entries of all blocks of all layers then go by loss per energy: budgets of layers are
//! the outcome, not an input. Single weights in entries that stay go where that pays: they save their
//! multiplications, though no cycle.

use rayon::prelude::*;

use super::{Choice, Reason, Round};
use crate::net::Masks;
use crate::prune::obs::{Removal, removals};
use crate::prune::{PruneError, PruneLayer, matrix};

/// A removal with its place and price.
#[derive(Clone, Debug)]
struct Item {
    layer: usize,
    /// First row of the block.
    block: usize,
    removal: Removal,
    saved: f64,
    /// Loss per energy, not less than that of what goes before it in its block.
    key: f64,
}

/// A weight that may go by itself.
#[derive(Clone, Debug)]
struct Single {
    layer: usize,
    at: usize,
    loss: f64,
    saved: f64,
    key: f64,
}

#[derive(Debug)]
struct Ranked<'a> {
    round: &'a Round<'a>,
    items: Vec<Item>,
    singles: Vec<Single>,
}

pub(super) fn prepare<'a>(round: &'a Round<'a>) -> Result<Box<dyn Choice + 'a>, PruneError> {
    let mut items = Vec::new();
    let mut singles = Vec::new();
    for (number, layer) in round.layers.iter().enumerate() {
        items.extend(layer_items(round, number, layer)?);
        singles.extend(layer_singles(round, number, layer)?);
    }
    let place = |i: &Item| (i.layer, i.block);
    items.sort_by(|a, b| a.key.total_cmp(&b.key).then(place(a).cmp(&place(b))));
    singles.sort_by(|a, b| a.key.total_cmp(&b.key).then((a.layer, a.at).cmp(&(b.layer, b.at))));
    Ok(Box::new(Ranked { round, items, singles }))
}

fn layer_items(
    round: &Round<'_>,
    number: usize,
    layer: &PruneLayer,
) -> Result<Vec<Item>, PruneError> {
    let (weights, mask, moments) = (round.weights(layer), round.mask(layer), round.moments(layer)?);
    let price = round.prices.get(&layer.name).copied().unwrap_or_default();
    let block = |block: &std::ops::Range<usize>| {
        let mut items = Vec::new();
        for part in removals(layer, block, weights, mask, moments)? {
            let mut key = 0f64;
            for removal in part {
                let saved = price.entry + price.weight * removal.weights as f64;
                key = key.max(removal.loss / saved.max(f64::MIN_POSITIVE));
                items.push(Item { layer: number, block: block.start, removal, saved, key });
            }
        }
        Ok(items)
    };
    let blocks: Vec<Vec<Item>> =
        layer.blocks.par_iter().map(block).collect::<Result<_, PruneError>>()?;
    Ok(blocks.into_iter().flatten().collect())
}

/// The loss of removing each weight alone, given the best answer of all others.
fn layer_singles(
    round: &Round<'_>,
    number: usize,
    layer: &PruneLayer,
) -> Result<Vec<Single>, PruneError> {
    let (weights, mask, moments) = (round.weights(layer), round.mask(layer), round.moments(layer)?);
    let saved = round.prices.get(&layer.name).copied().unwrap_or_default().weight;
    let k = layer.inputs;
    let all: Vec<usize> = (0..k).collect();
    let mut singles = Vec::new();
    for group in 0..layer.groups {
        let inverse = matrix::inverse(moments.group(group), k, &all, moments.damping(group))?;
        for o in (0..layer.outputs).filter(|o| layer.group(*o) == group) {
            for i in (0..k).filter(|i| mask[o * k + i]) {
                let at = o * k + i;
                let w = f64::from(weights[at]);
                let loss = 0.5 * moments.sensitivity[o] * w * w / inverse[i * (k + 1)];
                let key = loss / saved.max(f64::MIN_POSITIVE);
                singles.push(Single { layer: number, at, loss, saved, key });
            }
        }
    }
    Ok(singles)
}

impl Ranked<'_> {
    /// The items and singles that go at an amount: all up to the same loss per energy.
    fn removed(&self, amount: f64) -> (&[Item], &[Single]) {
        let count = (self.items.len() as f64 * amount.clamp(0.0, 1.0)).round() as usize;
        let items = &self.items[..count.min(self.items.len())];
        let most = items.last().map_or(0.0, |item| item.key);
        let singles = self.singles.partition_point(|single| single.key <= most);
        (items, &self.singles[..if items.is_empty() { 0 } else { singles }])
    }
}

impl Choice for Ranked<'_> {
    fn masks(&self, amount: f64) -> Result<Masks, PruneError> {
        let layers = self.round.layers;
        let mut masks: Vec<Vec<bool>> =
            layers.iter().map(|layer| self.round.mask(layer).to_vec()).collect();
        let (items, singles) = self.removed(amount);
        for Item { layer: number, block, removal, .. } in items {
            let layer = &layers[*number];
            let rows = layer.blocks.iter().find(|rows| rows.start == *block).cloned();
            for o in rows.unwrap_or_default() {
                masks[*number][o * layer.inputs + removal.input] = false;
            }
        }
        singles.iter().for_each(|single| masks[single.layer][single.at] = false);
        Ok(Masks(layers.iter().map(|layer| layer.name.clone()).zip(masks).collect()))
    }

    fn reasons(&self, amount: f64) -> Vec<Reason> {
        let (items, singles) = self.removed(amount);
        let entry = |item: &Item| Reason {
            layer: self.round.layers[item.layer].name.clone(),
            output: item.block,
            input: item.removal.input,
            weights: item.removal.weights,
            loss: item.removal.loss,
            saved: Some(item.saved),
        };
        let single = |single: &Single| {
            let layer = &self.round.layers[single.layer];
            Reason {
                layer: layer.name.clone(),
                output: single.at / layer.inputs,
                input: single.at % layer.inputs,
                weights: 1,
                loss: single.loss,
                saved: Some(single.saved),
            }
        };
        items.iter().map(entry).chain(singles.iter().map(single)).collect()
    }
}
