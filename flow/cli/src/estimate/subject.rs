//! Subjects of `pecan estimate`: networks that are executed, and layers of which only the shapes are known.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use pecan_ir::layer::{Network, Tensor};
use pecan_ir::memory::MemoryModel;

use super::rates;
use crate::data::{DataArgs, Inputs};
use crate::estimate::goal::Goal;
use crate::run::{import, quantize_for};
use crate::{Exit, Failure};
use pecan_energy::{Estimate, Events, Planned, Rates, Target, action_costs, measure};
use pecan_map::{Density, Objective, Options};
use pecan_net::LayerShape;
use pecan_net::graph::Graph;
use pecan_net::onnx::Model;
use pecan_net::topology::Topology;

/// The density of the layers whose names have a prefix.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LayerDensity {
    name: String,
    density: f64,
}

impl FromStr for LayerDensity {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("allowed: NAME=D, for example fc=0.1")?;
        Ok(Self { name: name.trim().to_owned(), density: crate::shapes::density(value.trim())? })
    }
}

impl fmt::Display for LayerDensity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.density)
    }
}

impl LayerDensity {
    fn fits(&self, layer: &LayerShape) -> bool {
        let start = layer.name.get(..self.name.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(&self.name))
    }
}

/// A subject of an estimate.
pub(crate) enum Subject {
    /// A network and its inputs.
    Model { name: String, graph: Box<Graph>, inputs: Box<Inputs> },
    /// Layers with the densities of their weights.
    Shapes { name: String, layers: Vec<(LayerShape, Density)>, activation_density: f64 },
}

impl Subject {
    /// A model with its inputs.
    pub(crate) fn model(path: &Path, data: &DataArgs, seed: u64) -> Result<Self, Failure> {
        let graph = import(&Model::read(path)?, false)?;
        let inputs = data.load(&graph, seed)?;
        let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self::Model { name, graph: Box::new(graph), inputs: Box::new(inputs) })
    }

    /// The layers of a topology file. Weights have `density`, where given, except in the layers of `exceptions`.
    pub(crate) fn shapes(
        topology: Topology,
        density: Option<f64>,
        exceptions: &[LayerDensity],
        activation_density: f64,
    ) -> Result<Self, Failure> {
        let unused = |e: &&LayerDensity| !topology.layers.iter().any(|layer| e.fits(layer));
        if let Some(exception) = exceptions.iter().find(unused) {
            let names: Vec<&str> = topology.layers.iter().map(|l| l.name.as_str()).collect();
            let what = format!(
                "--layer-density {exception}: no layer's name begins so; layers: {}",
                names.join(", ")
            );
            return Err(Failure::said(Exit::BadInput, what));
        }
        let mut layers = Vec::with_capacity(topology.layers.len());
        for layer in topology.layers {
            let named = exceptions.iter().rfind(|e| e.fits(&layer)).map(|e| e.density);
            let own = named.or(density).or(layer.density()).unwrap_or(1.0);
            let own = Density::new(own).map_err(|e| Failure::from_error(Exit::BadInput, e))?;
            layers.push((layer, own));
        }
        Ok(Self::Shapes { name: topology.name, layers, activation_density })
    }

    /// Name for the reader.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Model { name, .. } | Self::Shapes { name, .. } => name,
        }
    }

    /// The estimate, and the source of its inputs.
    pub(crate) fn estimate(
        &self,
        target: &Target,
        goal: Goal,
        memory: &MemoryModel,
    ) -> Result<(Estimate, String), Failure> {
        match self {
            Self::Model { name, graph, inputs } => {
                let quantized = quantize_for(graph, inputs, &target.config)?;
                let network = Network { name: name.clone(), ..quantized.network.clone() };
                let tensors: Vec<Tensor> =
                    inputs.samples.iter().map(|s| quantized.quantize_input(s)).collect();
                let estimate = measured(target, &network, &tensors, goal, memory)?;
                Ok((estimate, inputs.origin.clone()))
            }
            Self::Shapes { name, layers, activation_density } => {
                let (rates, elsewhere) = rates::rates(target)?;
                let g = target.model.geometry();
                let rates =
                    rates.with_activation_density(*activation_density, g.lanes, g.zero_gating);
                let estimate = planned(target, name, layers, &rates, goal)?;
                let densities: Vec<f64> = layers.iter().map(|(_, d)| d.share()).collect();
                Ok((estimate, shapes_origin(&densities, *activation_density) + &elsewhere))
            }
        }
    }
}

fn shapes_origin(densities: &[f64], activations: f64) -> String {
    let least = densities.iter().copied().fold(f64::INFINITY, f64::min);
    let most = densities.iter().copied().fold(0.0, f64::max);
    let weights = if least < most { format!("{least} to {most}") } else { least.to_string() };
    format!(
        "layer shapes, each by itself; weights at density {weights} evenly spread, activations at density {activations}"
    )
}

/// The objective of the mapper, with prices at these rates.
fn objective(target: &Target, goal: Goal, rates: &Rates) -> Result<Objective, Failure> {
    Ok(match goal {
        Goal::Delay => Objective::Delay,
        Goal::Energy => Objective::Energy(action_costs(target, rates)?),
        Goal::Edp => Objective::Edp(action_costs(target, rates)?),
    })
}

/// Measures a network. Prices need an activity first: that of the fastest mapping is used.
fn measured(
    target: &Target,
    network: &Network,
    inputs: &[Tensor],
    goal: Goal,
    memory: &MemoryModel,
) -> Result<Estimate, Failure> {
    let fastest = measure(target, network, inputs, &Options::default(), memory)?;
    if goal == Goal::Delay {
        return Ok(fastest);
    }
    let mut events = Events::default();
    fastest.layers.iter().for_each(|layer| events.add(&layer.events));
    let objective = objective(target, goal, &Rates::of(&events))?;
    let options = Options { objective, ..Options::default() };
    Ok(measure(target, network, inputs, &options, memory)?)
}

/// Plans layers one by one, each with its density.
fn planned(
    target: &Target,
    name: &str,
    layers: &[(LayerShape, Density)],
    rates: &Rates,
    goal: Goal,
) -> Result<Estimate, Failure> {
    let objective = objective(target, goal, rates)?;
    let mut total: Option<Estimate> = None;
    for (shape, density) in layers {
        let options = Options { objective: objective.clone(), density: *density };
        let shapes = std::slice::from_ref(shape);
        let rates = std::slice::from_ref(rates);
        let one = Planned::shapes(target, name, shapes, &options, rates)?.into_estimate();
        match &mut total {
            Some(total) => total.append(one),
            None => total = Some(one),
        }
    }
    // A topology file has at least one layer.
    total.ok_or_else(|| Failure::said(Exit::BadInput, "no layer"))
}
