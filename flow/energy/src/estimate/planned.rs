//! Estimates from plans, updated layer by layer.

use std::time::Instant;

use pecan_config::isa::counter::Counters;
use pecan_ir::layer::{Layer, Network, Op, Shape};

use super::floor::{self, Floor, compressed};
use super::{Estimate, LayerEstimate, Rates, Target};
use pecan_map::plan_shapes;
use pecan_map::{LayerPlan, MapError, NetworkPlan, Options, plan_network};
use pecan_net::LayerShape;

/// An estimate that keeps its plan.
///
/// Energy of the first image; where all weights stay in the device, later ones do not load them.
#[derive(Clone, Debug)]
pub struct Planned {
    target: Target,
    plan: NetworkPlan,
    rates: Vec<Rates>,
    estimate: Estimate,
}

impl Planned {
    /// Plans a network. `rates` are those of its layers, or one for all; they come from a measurement
    /// ([`Rates::of`] the events of an estimate).
    ///
    /// # Errors
    /// The network does not map.
    pub fn network(
        target: &Target,
        network: &Network,
        options: &Options,
        rates: &[Rates],
    ) -> Result<Self, MapError> {
        let start = Instant::now();
        let plan = plan_network(network, &target.config, options)?;
        Ok(Self::of(target, &network.name, plan, rates, start))
    }

    /// Plans layers of which only the shapes are known, each by itself: it loads its input and stores its output.
    ///
    /// # Errors
    /// A shape contradicts itself or does not map.
    pub fn shapes(
        target: &Target,
        name: &str,
        shapes: &[LayerShape],
        options: &Options,
        rates: &[Rates],
    ) -> Result<Self, MapError> {
        let start = Instant::now();
        let plan = plan_shapes(shapes, &target.config, options)?;
        Ok(Self::of(target, name, plan, rates, start))
    }

    fn of(target: &Target, name: &str, plan: NetworkPlan, rates: &[Rates], start: Instant) -> Self {
        let none = Rates::of(&Default::default());
        let rate = |k: usize| rates.get(k).or(rates.last()).cloned().unwrap_or(none.clone());
        let rates = (0..plan.layers.len()).map(rate).collect();
        let estimate = Estimate {
            network: name.to_owned(),
            activity: "counts of a plan, activity from averages".to_owned(),
            layers: Vec::new(),
            cycles: 0.0,
            searched: plan.searched(),
            mapping_time: start.elapsed(),
        };
        let mut planned = Self { target: target.clone(), plan, rates, estimate };
        planned.estimate.layers =
            (0..planned.plan.layers.len()).map(|number| planned.layer(number)).collect();
        planned.estimate.cycles = planned.plan.cycles as f64;
        planned
    }

    /// The present estimate.
    #[must_use]
    pub fn estimate(&self) -> &Estimate {
        &self.estimate
    }

    /// The estimate.
    #[must_use]
    pub fn into_estimate(self) -> Estimate {
        self.estimate
    }

    /// Replaces a layer by one with other weights; see [`NetworkPlan::replan`]. The rates stay.
    ///
    /// # Errors
    /// As [`NetworkPlan::replan`]; the estimate then stays unchanged.
    pub fn replan(&mut self, index: usize, layer: Layer) -> Result<&Estimate, MapError> {
        let before: Vec<Counters> = self.plan.layers.iter().map(|layer| layer.counts).collect();
        self.plan.replan(index, layer)?;
        Ok(self.update(index, &before))
    }

    /// Replaces a layer by one of another shape; see [`NetworkPlan::replan_shape`].
    ///
    /// # Errors
    /// As [`NetworkPlan::replan_shape`]; the estimate then stays unchanged.
    pub fn replan_shape(
        &mut self,
        index: usize,
        shape: &LayerShape,
    ) -> Result<&Estimate, MapError> {
        let before: Vec<Counters> = self.plan.layers.iter().map(|layer| layer.counts).collect();
        self.plan.replan_shape(index, shape)?;
        Ok(self.update(index, &before))
    }

    /// Recomputes the energy of a changed layer and of those whose counts changed with it, as their lists load beside
    /// it.
    fn update(&mut self, index: usize, before: &[Counters]) -> &Estimate {
        for number in 0..self.plan.layers.len() {
            if number == index || before.get(number) != Some(&self.plan.layers[number].counts) {
                self.estimate.layers[number] = self.layer(number);
            }
        }
        self.estimate.cycles = self.plan.cycles as f64;
        self.estimate.searched = self.plan.searched();
        &self.estimate
    }

    /// Energy of a layer.
    fn layer(&self, number: usize) -> LayerEstimate {
        let (model, planned) = (&self.target.model, &self.plan.layers[number]);
        let rates = &self.rates[number];
        let mut events = rates.events(&planned.counts);
        let mut energy = model.energy(&events, &planned.data);
        let closing = rates.events(&planned.closing);
        energy.add_all(&model.energy(&closing, &planned.closing_data));
        events.add(&closing);
        let bits = |data: &pecan_map::DataCounts| data.dram_bits(model.geometry().stream_bits);
        let (own, after) = (bits(&planned.data), bits(&planned.closing_data));
        let dram_bits = std::array::from_fn(|k| (own[k] + after[k]) as f64);
        LayerEstimate {
            name: planned.name.clone(),
            mapping: planned.mapping.clone(),
            macs: planned.macs,
            other_operations: planned.other_operations,
            copy: planned.copy,
            events,
            dram_bits,
            energy,
            floor: self.floor(number, planned, dram_bits),
        }
    }

    /// The minimal work of a layer, with its assumed activity.
    fn floor(
        &self,
        number: usize,
        planned: &LayerPlan,
        [weights, inputs, outputs, _]: [f64; 4],
    ) -> Floor {
        let g = self.target.model.geometry();
        let share = if g.zero_gating { self.rates[number].active_share(g.lanes) } else { 1.0 };
        let Some((network, layer)) = self.plan.layer(number) else { return Floor::default() };
        let own = &network.layers[layer];
        let tensor = |tensor: usize| {
            let count = network.tensors[tensor].len() as f64;
            compressed(count, count * share, g.activation_bits)
        };
        let stored = match &own.op {
            Op::Conv(conv) if conv.weights.is_empty() => {
                let shapes = [own.input, own.output].map(|tensor| network.tensors[tensor]);
                self.assumed_bits(conv, shapes, own)
            }
            _ => floor::stored_bits(own, g),
        };
        let mut bits = stored.min(weights);
        if layer == 0 {
            bits += tensor(0).min(inputs);
        }
        if layer + 1 == network.layers.len() {
            bits += tensor(own.output).min(outputs);
        }
        Floor { nonzero_macs: planned.nonzero_macs as f64 * share, dram_bits: bits }
    }

    /// Bits of weights that are not given, at the density of the plan.
    fn assumed_bits(
        &self,
        conv: &pecan_ir::layer::Conv,
        [input, output]: [Shape; 2],
        layer: &Layer,
    ) -> f64 {
        let g = self.target.model.geometry();
        let taps: usize = conv.window.kernel.iter().product();
        let count = (output.channels * taps * input.channels / conv.groups.max(1)) as f64;
        let kept = count * self.plan.density().share();
        compressed(count, kept, g.weight_bits) + floor::stored_bits(layer, g)
    }
}
