//! What a pruned network will cost: exact counts from a plan, without running it.

use std::collections::BTreeMap;

use pecan_sim::layer::Op;

use crate::energy::{Block, Data, Estimate, Planned, Rates, Target};
use crate::map::{self, compile};
use crate::net::Masks;
use crate::net::quantize::Quantized;

use super::{PruneError, PruneLayer};

/// What a layer's weights cost, in the technology's unit per image.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Price {
    /// An entry with nothing in it: the cycle, its place in the weight buffer, its load.
    pub entry: f64,
    /// A weight in it: its multiplications.
    pub weight: f64,
}

/// A layer as it was measured.
#[derive(Clone, Debug)]
struct Base {
    /// Number in the integer network.
    number: usize,
    entries: usize,
    weights: usize,
    /// Energy of the multipliers that goes with the weights.
    multipliers: f64,
}

/// Predicts the energy of a network under other masks.
///
/// Counts come from a plan and are those of the hardware; toggles per count stay as measured, and the multipliers'
/// energy follows the number of weights. Loads of weights count as they do in the measurement: a network whose weights
/// stay in the device loads them for the first image only.
#[derive(Debug)]
pub struct Ledger<'a> {
    target: &'a Target,
    options: &'a map::Options,
    quantized: &'a Quantized,
    layers: &'a [PruneLayer],
    bases: Vec<Base>,
    planned: Planned,
    masks: Masks,
    /// Predicted over measured, for the same network.
    bias: f64,
    images: usize,
}

impl<'a> Ledger<'a> {
    /// The ledger of a measured network. `masks` are its own, `estimate` is what it took on so many `images`.
    ///
    /// # Errors
    /// The network does not map.
    pub fn new(
        (target, options): (&'a Target, &'a map::Options),
        (quantized, layers): (&'a Quantized, &'a [PruneLayer]),
        masks: &Masks,
        (estimate, images): (&Estimate, usize),
    ) -> Result<Self, PruneError> {
        let rates: Vec<Rates> = estimate.layers.iter().map(|l| Rates::of(&l.events)).collect();
        let planned = Planned::network(target, &quantized.network, options, &rates)?;
        let bases = layers.iter().map(|layer| {
            let find = |l: &pecan_sim::layer::Layer| l.name == layer.name;
            let number = quantized.network.layers.iter().position(find);
            let number = number.ok_or_else(|| PruneError::layer(&layer.name, "is not mapped"))?;
            let mask = masks.layer(&layer.name).unwrap_or_default();
            Ok(Base {
                number,
                entries: layer.occupied(mask),
                weights: mask.iter().filter(|keep| **keep).count(),
                multipliers: estimate.layers[number].energy.block(Block::Mac),
            })
        });
        let bases = bases.collect::<Result<Vec<_>, PruneError>>()?;
        let masks = masks.clone();
        let mut ledger =
            Self { target, options, quantized, layers, bases, planned, masks, bias: 0.0, images };
        ledger.bias = estimate.energy() - ledger.predict()?;
        Ok(ledger)
    }

    /// Energy under `masks`, which keep nothing that the measured network has not.
    ///
    /// # Errors
    /// The network does not map.
    pub fn energy(&mut self, masks: &Masks) -> Result<f64, PruneError> {
        for (layer, base) in self.layers.iter().zip(&self.bases) {
            let (new, old) = (masks.layer(&layer.name), self.masks.layer(&layer.name));
            let (Some(mask), true) = (new, new != old) else { continue };
            self.planned.replan(base.number, masked(self.quantized, base.number, mask))?;
        }
        self.masks = masks.clone();
        Ok(self.predict()? + self.bias)
    }

    /// Energy of the plan as it stands.
    fn predict(&self) -> Result<f64, PruneError> {
        let estimate = self.planned.estimate();
        let mut energy = estimate.energy();
        for (layer, base) in self.layers.iter().zip(&self.bases) {
            let mask = self.masks.layer(&layer.name).unwrap_or_default();
            // The plan's rates keep as many lanes busy per entry as there were.
            let full = base.multipliers * share(layer.occupied(mask), base.entries);
            let kept = mask.iter().filter(|keep| **keep).count();
            energy += base.multipliers * share(kept, base.weights) - full;
        }
        let loads: f64 = estimate.layers.iter().map(|l| loads(&l.energy)).sum();
        Ok(if self.stays()? { energy - loads * (1.0 - 1.0 / self.images as f64) } else { energy })
    }

    /// Whether the weights stay in the device from image to image.
    fn stays(&self) -> Result<bool, PruneError> {
        let mut network = self.quantized.network.clone();
        for (layer, base) in self.layers.iter().zip(&self.bases) {
            if let Some(mask) = self.masks.layer(&layer.name) {
                network.layers[base.number] = masked(self.quantized, base.number, mask);
            }
        }
        Ok(compile(&network, &self.target.config, self.options)?.later.is_some())
    }

    /// What the entries and weights of each layer cost, by the difference that removing every tenth entry makes.
    ///
    /// # Errors
    /// The network does not map.
    pub fn prices(&mut self, masks: &Masks) -> Result<BTreeMap<String, Price>, PruneError> {
        let mut prices = BTreeMap::new();
        let all = self.energy(masks)?;
        for (layer, base) in self.layers.iter().zip(self.bases.clone()) {
            let Some(mask) = masks.layer(&layer.name) else { continue };
            let mut thinner = mask.to_vec();
            let tenth = |entry: u32| entry.wrapping_mul(2_654_435_761) % 10 == 0;
            let pairs = thinner.iter_mut().zip(&layer.entry);
            pairs.filter(|(_, entry)| tenth(**entry)).for_each(|(keep, _)| *keep = false);
            let gone = layer.occupied(mask) - layer.occupied(&thinner);
            let count = |mask: &[bool]| mask.iter().filter(|keep| **keep).count();
            let weights = count(mask) - count(&thinner);
            let mut other = masks.clone();
            other.0.insert(layer.name.clone(), thinner);
            let saved = all - self.energy(&other)?;
            let weight = base.multipliers / base.weights.max(1) as f64;
            let entry = (saved - weight * weights as f64) / gone.max(1) as f64;
            // A layer that something else bounds saves nothing by itself; its multiplications still count.
            prices.insert(layer.name.clone(), Price { entry: entry.max(0.0), weight });
        }
        self.energy(masks)?;
        Ok(prices)
    }
}

fn share(part: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

/// A layer with weights that a mask does not keep set to 0.
fn masked(quantized: &Quantized, number: usize, mask: &[bool]) -> pecan_sim::layer::Layer {
    let mut layer = quantized.network.layers[number].clone();
    if let Op::Conv(conv) = &mut layer.op {
        let pairs = conv.weights.iter_mut().zip(mask);
        pairs.filter(|(_, keep)| !**keep).for_each(|(weight, _)| *weight = 0);
    }
    layer
}

/// What moving weights from DRAM into their buffer takes.
fn loads(energy: &crate::energy::Breakdown) -> f64 {
    energy.table[Block::Dram as usize][Data::Weights as usize]
}

