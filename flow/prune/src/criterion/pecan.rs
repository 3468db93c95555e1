//! The criterion of this project: in the whole network, the removal that saves most energy per increase of the loss is
//! next.
//!
//! For every block of output channels [`entry_order`] computes the order of removal of its entries and the increase of
//! the network's loss for each. The price of an entry in its layer comes from the energy model on the hardware's own
//! counts. Entries of all blocks of all layers are then removed by loss per energy: budgets of layers are the outcome,
//! not an input. Where they save as much per loss, single weights in remaining entries are removed too (they save their
//! multiplications, but no cycle), and whole channels (they also save the energy of computing, storing and reading
//! them).

use rayon::prelude::*;

use super::{Ranking, Reason, Round};
use crate::channel_order::{Consumer, channel_order};
use crate::layer::LayerState;
use crate::obs::{Removal, entry_order};
use crate::{ChannelClass, PruneError, PruneLayer};
use pecan_net::Masks;

/// A candidate for removal.
#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    /// The weights of a block of rows at an input.
    Entry { layer: usize, block: usize, input: usize },
    /// One weight.
    Single { layer: usize, at: usize },
    /// A channel of a class.
    Channel { class: usize, channel: usize },
}

/// A candidate with its loss and its saving.
#[derive(Clone, Copy, Debug)]
struct Item {
    what: What,
    weights: usize,
    loss: f64,
    saved: f64,
    /// Loss per energy, at least that of its predecessors in the order of removal.
    key: f64,
}

impl Item {
    fn new(what: What, weights: usize, loss: f64, saved: f64) -> Self {
        Self { what, weights, loss, saved, key: loss / saved.max(f64::MIN_POSITIVE) }
    }
}

#[derive(Debug)]
struct Ranked<'a> {
    round: &'a Round<'a>,
    entries: Vec<Item>,
    /// Single weights and channels.
    others: Vec<Item>,
}

pub(super) fn prepare<'a>(round: &'a Round<'a>) -> Result<Box<dyn Ranking + 'a>, PruneError> {
    let (mut entries, mut others) = (Vec::new(), Vec::new());
    for (number, layer) in round.layers.iter().enumerate() {
        let found = layer_order(round, layer)?;
        entries.extend(entry_items(round, number, layer, &found));
        others.extend(single_items(round, number, layer)?);
    }
    let classes = round.classes.par_iter().enumerate();
    let channels = classes.map(|(number, class)| channel_items(round, number, class));
    others.extend(channels.collect::<Result<Vec<_>, PruneError>>()?.into_iter().flatten());
    // The sort is stable, and equals are found in a fixed order.
    entries.sort_by(|a, b| a.key.total_cmp(&b.key));
    others.sort_by(|a, b| a.key.total_cmp(&b.key));
    Ok(Box::new(Ranked { round, entries, others }))
}

/// The order of removal in every block of a layer.
fn layer_order(
    round: &Round<'_>,
    layer: &PruneLayer,
) -> Result<Vec<Vec<Vec<Removal>>>, PruneError> {
    let state = round.state(layer)?;
    layer.blocks.par_iter().map(|block| entry_order(&state, block)).collect()
}

/// Single weights. The update of the remaining weights is ignored: very many are removed at once.
fn single_items(
    round: &Round<'_>,
    number: usize,
    layer: &PruneLayer,
) -> Result<Vec<Item>, PruneError> {
    let LayerState { weights, mask, covariance, .. } = round.state(layer)?;
    let price = round.prices.layer(&layer.name).weight;
    let k = layer.inputs;
    let damping: Vec<f64> = (0..layer.groups).map(|group| covariance.damping(group)).collect();
    let item = |at: usize| {
        let (output, group) = (at / k, layer.group(at / k));
        let variance = covariance.group(group)[at % k * (k + 1)] + damping[group];
        let square = f64::from(weights[at]).powi(2);
        let loss = 0.5 * covariance.sensitivity[output] * square * variance;
        Item::new(What::Single { layer: number, at }, 1, loss, price)
    };
    Ok((0..mask.len()).filter(|at| mask[*at]).map(item).collect())
}

fn entry_items(
    round: &Round<'_>,
    number: usize,
    layer: &PruneLayer,
    found: &[Vec<Vec<Removal>>],
) -> Vec<Item> {
    let price = round.prices.layer(&layer.name);
    let mut items = Vec::new();
    for (block, order) in layer.blocks.iter().zip(found) {
        for part in order {
            let mut key = 0f64;
            for removal in part {
                let what = What::Entry { layer: number, block: block.start, input: removal.input };
                let saved = price.entry + price.weight * removal.weights as f64;
                let item = Item::new(what, removal.weights, removal.loss, saved);
                key = key.max(item.key);
                items.push(Item { key, ..item });
            }
        }
    }
    items
}

/// Savings of each channel of a class: number of weights, and the energy of these and of the channel itself; no energy
/// for channels that do not exist any more.
fn channel_savings(
    round: &Round<'_>,
    number: usize,
    class: &ChannelClass,
) -> Vec<(usize, Option<f64>)> {
    let mut touched: Vec<usize> = class.readers.iter().chain(&class.writers).copied().collect();
    touched.sort_unstable();
    touched.dedup();
    let with_filling = |at: usize| {
        let (layer, mask) = (&round.layers[at], round.mask(&round.layers[at]));
        (at, layer, mask, layer.filling(mask))
    };
    let touched: Vec<_> = touched.into_iter().map(with_filling).collect();
    let savings = |channel: usize| {
        if class.remains(round.layers, round.masks, channel) != [true; 2] {
            return (0, None);
        }
        let (mut weights, mut saved) = (0, round.prices.channel(number));
        for (at, layer, mask, filling) in &touched {
            let gone = class.weights(round.layers, *at, channel).filter(|weight| mask[*weight]);
            let gone: Vec<usize> = gone.collect();
            let price = round.prices.layer(&layer.name);
            saved += price.entry * layer.emptied(filling, &gone) as f64;
            saved += price.weight * gone.len() as f64;
            weights += gone.len();
        }
        (weights, Some(saved))
    };
    (0..class.channels).map(savings).collect()
}

/// Channels, with the savings of all their weights.
fn channel_items(
    round: &Round<'_>,
    number: usize,
    class: &ChannelClass,
) -> Result<Vec<Item>, PruneError> {
    let (weights, saved): (Vec<_>, Vec<_>) =
        channel_savings(round, number, class).into_iter().unzip();
    let reader = |at: &usize| Consumer::new(&round.state(&round.layers[*at])?, class.channels);
    let mut readers = class.readers.iter().map(reader).collect::<Result<Vec<_>, _>>()?;
    let mut key = 0f64;
    let item = |(channel, loss): (usize, f64)| {
        let what = What::Channel { class: number, channel };
        let item = Item::new(what, weights[channel], loss, saved[channel].unwrap_or_default());
        key = key.max(item.key);
        Item { key, ..item }
    };
    Ok(channel_order(&mut readers, &saved)?.into_iter().map(item).collect())
}

impl Ranked<'_> {
    /// The entries and others that are removed at an amount: all up to the same loss per energy.
    fn removed(&self, amount: f64) -> impl Iterator<Item = &Item> {
        let count = (self.entries.len() as f64 * amount.clamp(0.0, 1.0)).round() as usize;
        let entries = &self.entries[..count.min(self.entries.len())];
        let others = match entries.last() {
            Some(last) => self.others.partition_point(|item| item.key <= last.key),
            None => 0,
        };
        entries.iter().chain(&self.others[..others])
    }
}

impl Ranking for Ranked<'_> {
    fn masks(&self, amount: f64) -> Result<Masks, PruneError> {
        let layers = self.round.layers;
        let mut masks = self.round.masks.clone();
        for item in self.removed(amount) {
            match item.what {
                What::Entry { layer, block, input } => {
                    let layer = &layers[layer];
                    let rows = layer.blocks.iter().find(|rows| rows.start == block).cloned();
                    if let Some(mask) = masks.0.get_mut(&layer.name) {
                        rows.unwrap_or_default()
                            .for_each(|o| mask[o * layer.inputs + input] = false);
                    }
                }
                What::Single { layer, at } => {
                    if let Some(mask) = masks.0.get_mut(&layers[layer].name) {
                        mask[at] = false;
                    }
                }
                What::Channel { class, channel } => {
                    self.round.classes[class].remove(layers, &mut masks, channel);
                }
            }
        }
        Ok(masks)
    }

    fn reasons(&self, amount: f64) -> Result<Vec<Reason>, PruneError> {
        let reason = |item: &Item| {
            let (layer, output, input) = match item.what {
                What::Entry { layer, block, input } => (layer, Some(block), Some(input)),
                What::Single { layer, at } => {
                    let inputs = self.round.layers[layer].inputs;
                    (layer, Some(at / inputs), Some(at % inputs))
                }
                What::Channel { class, channel } => {
                    let writer = self.round.classes[class].writers.first().copied();
                    (writer.unwrap_or_default(), Some(channel), None)
                }
            };
            Reason {
                layer: self.round.layers[layer].name.clone(),
                output,
                input,
                weights: item.weights,
                loss: item.loss,
                saved: Some(item.saved),
            }
        };
        Ok(self.removed(amount).map(reason).collect())
    }
}
