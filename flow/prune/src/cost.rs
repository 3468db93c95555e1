//! Cost of a pruned network: exact counts from a plan, without executing it.

use std::collections::BTreeMap;

use pecan_ir::layer::{Network, Op};

use super::{ChannelClass, PruneError, PruneLayer, Setting};
use pecan_energy::{Block, Breakdown, Data, Estimate, Planned, Rates, Target};
use pecan_map as map;
use pecan_map::compile;
use pecan_net::Masks;
use pecan_net::quantize::{Quantized, compact};

/// Energy of the weights of a layer, in the technology's unit per image.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Price {
    /// An empty entry: the cycle, its place in the weight buffer, its load.
    pub entry: f64,
    /// A weight in it: its multiplications.
    pub weight: f64,
}

/// Energy that removals save.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prices {
    layers: BTreeMap<String, Price>,
    /// By class of channels: energy of a channel besides the weights that write and read it.
    channels: Vec<f64>,
}

impl Prices {
    /// Prices of layers by name, and of the channels of each class.
    #[must_use]
    pub fn new(layers: BTreeMap<String, Price>, channels: Vec<f64>) -> Self {
        Self { layers, channels }
    }

    /// The prices of a layer.
    #[must_use]
    pub fn layer(&self, name: &str) -> Price {
        self.layers.get(name).copied().unwrap_or_default()
    }

    /// Energy of a channel of a class besides its weights.
    #[must_use]
    pub fn channel(&self, class: usize) -> f64 {
        self.channels.get(class).copied().unwrap_or(0.0)
    }

    /// Energy of the entries and weights that are in the first mask and not in the second.
    #[must_use]
    pub fn saved(&self, layers: &[PruneLayer], [before, after]: [&Masks; 2]) -> f64 {
        let mut saved = 0.0;
        for layer in layers {
            let masks = [before, after].map(|m| m.layer(&layer.name).unwrap_or_default());
            if masks[0] != masks[1] {
                let price = self.layer(&layer.name);
                let [b, a] = masks.map(|mask| {
                    let weights = mask.iter().filter(|keep| **keep).count();
                    price.entry * layer.occupied(mask) as f64 + price.weight * weights as f64
                });
                saved += b - a;
            }
        }
        saved
    }
}

/// Entries and weights of a layer of an integer network.
#[derive(Clone, Copy, Debug, Default)]
struct Filling {
    entries: usize,
    weights: usize,
}

/// Predicts the energy of a network under other masks.
///
/// Counts come from a plan and equal those of the hardware. Toggles per count stay as measured, and the multipliers'
/// energy follows the number of weights. Loads of weights count as in the measurement: a network whose weights stay in
/// the device loads them for the first image only.
#[derive(Debug)]
pub struct CostModel<'a> {
    target: &'a Target,
    options: &'a map::Options,
    quantized: &'a Quantized,
    layers: &'a [PruneLayer],
    rates: Vec<Rates>,
    /// By layer with weights: its number in the integer network, filling, and energy of the multipliers.
    bases: Vec<(usize, Filling, f64)>,
    /// Measured minus predicted energy of the measured network.
    bias: f64,
    images: usize,
}

impl<'a> CostModel<'a> {
    /// The model of a measured network: `quantized` with all its channels, which satisfies `masks` already, and its
    /// energy, a mean over the images of the setting.
    ///
    /// # Errors
    /// The network does not map.
    pub fn new(
        setting: &'a Setting,
        layers: &'a [PruneLayer],
        quantized: &'a Quantized,
        masks: &Masks,
        estimate: &Estimate,
    ) -> Result<Self, PruneError> {
        let rates = estimate.layers.iter().map(|l| Rates::of(&l.events)).collect();
        let mut model = Self {
            target: &setting.target,
            options: &setting.mapper,
            quantized,
            layers,
            rates,
            bases: Vec::new(),
            bias: 0.0,
            images: setting.images,
        };
        let network = model.network(masks);
        for layer in layers {
            let number = network.layers.iter().position(|l| l.name == layer.name);
            let number = number.ok_or_else(|| PruneError::layer(&layer.name, "is not mapped"))?;
            let multipliers = estimate.layers[number].energy.block(Block::Mac);
            model.bases.push((number, model.filling(&network, number), multipliers));
        }
        model.bias = estimate.energy() - model.predict(&network)?;
        Ok(model)
    }

    /// Energy under `masks`, which keep only weights that the measured network has.
    ///
    /// # Errors
    /// The network does not map.
    pub fn energy(&self, masks: &Masks) -> Result<f64, PruneError> {
        Ok(self.predict(&self.network(masks))? + self.bias)
    }

    /// The integer network under masks, without the channels that do nothing.
    fn network(&self, masks: &Masks) -> Network {
        let mut quantized = self.quantized.clone();
        for layer in &mut quantized.network.layers {
            let (Op::Conv(conv), Some(mask)) = (&mut layer.op, masks.layer(&layer.name)) else {
                continue;
            };
            let pairs = conv.weights.iter_mut().zip(mask);
            pairs.filter(|(_, keep)| !**keep).for_each(|(weight, _)| *weight = 0);
        }
        compact(&quantized).network
    }

    fn filling(&self, network: &Network, number: usize) -> Filling {
        let layer = &network.layers[number];
        let Op::Conv(conv) = &layer.op else { return Filling::default() };
        let outputs = network.tensors[layer.output].channels;
        let shape = [outputs, conv.weights.len() / outputs.max(1), conv.groups];
        let mask: Vec<bool> = conv.weights.iter().map(|w| *w != 0).collect();
        let lanes = self.target.config.array.lanes;
        let entries = PruneLayer::new(&layer.name, shape, lanes).occupied(&mask);
        Filling { entries, weights: mask.iter().filter(|keep| **keep).count() }
    }

    fn predict(&self, network: &Network) -> Result<f64, PruneError> {
        let planned = Planned::network(self.target, network, self.options, &self.rates)?;
        let estimate = planned.estimate();
        let mut energy = estimate.energy();
        for (number, base, multipliers) in &self.bases {
            // The plan's rates assume as many busy lanes per entry as before.
            let now = self.filling(network, *number);
            let full = share(now.entries, base.entries);
            energy += multipliers * (share(now.weights, base.weights) - full);
        }
        let later = compile(network, &self.target.config, self.options)?.later;
        if later.is_some() {
            let loads: f64 = estimate.layers.iter().map(|l| loads(&l.energy)).sum();
            energy -= loads * (1.0 - 1.0 / self.images.max(1) as f64);
        }
        Ok(energy)
    }

    /// Energy of entries, weights and channels, by the difference that removing some of them makes.
    ///
    /// # Errors
    /// The network does not map.
    pub fn prices(&self, masks: &Masks, classes: &[ChannelClass]) -> Result<Prices, PruneError> {
        let all = self.energy(masks)?;
        let mut prices = Prices::default();
        for (layer, (_, base, multipliers)) in self.layers.iter().zip(&self.bases) {
            let weight = multipliers / base.weights.max(1) as f64;
            let mut price = Price { entry: 0.0, weight };
            let other = self.thinned(masks, layer);
            let gone = entries(layer, masks) - entries(layer, &other);
            let weights = (masks.count().0 - other.count().0) as f64;
            let saved = all - self.energy(&other)?;
            // A layer whose time has another limit saves nothing by fewer entries; its multiplications still count.
            price.entry = ((saved - weight * weights) / gone.max(1) as f64).max(0.0);
            prices.layers.insert(layer.name.clone(), price);
        }
        for class in classes {
            let live = |c: &usize| class.remains(self.layers, masks, *c) == [true; 2];
            let some: Vec<usize> = (0..class.channels).rev().filter(live).collect();
            let some =
                &some[..some.len().min(2 * self.target.config.array.lanes).max(1).min(some.len())];
            let mut other = masks.clone();
            some.iter().for_each(|channel| class.remove(self.layers, &mut other, *channel));
            let saved = all - self.energy(&other)?;
            let of_weights = prices.saved(self.layers, [masks, &other]);
            prices.channels.push(((saved - of_weights) / some.len().max(1) as f64).max(0.0));
        }
        Ok(prices)
    }

    /// Every tenth entry of a layer removed, spread over it.
    fn thinned(&self, masks: &Masks, layer: &PruneLayer) -> Masks {
        let mut other = masks.clone();
        let tenth = |entry: u32| entry.wrapping_mul(2_654_435_761).is_multiple_of(10);
        if let Some(mask) = other.0.get_mut(&layer.name) {
            let pairs = mask.iter_mut().zip(&layer.entry);
            pairs.filter(|(_, entry)| tenth(**entry)).for_each(|(keep, _)| *keep = false);
        }
        other
    }
}

fn entries(layer: &PruneLayer, masks: &Masks) -> usize {
    masks.layer(&layer.name).map_or(0, |mask| layer.occupied(mask))
}

fn share(part: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

/// Energy of moving weights from DRAM into their buffer.
fn loads(energy: &Breakdown) -> f64 {
    energy.table[Block::Dram as usize][Data::Weights as usize]
}
