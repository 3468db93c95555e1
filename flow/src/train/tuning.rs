//! A network in training: its parameters, and what its passes do beside computing it.

use candle_core::{Device, Result as Computed, Tensor, Var};

use super::activation::{Activation, Grid, RoundedWeights, range};
use super::density::Density;
use super::error::TrainError;
use super::network::{Hooks, Inference, Layer, Network, OPEN};
use super::norm::{Average, Moments, Normalize};
use super::optimizer::Parameter;
use super::settings::{Quantization, Settings, check_count};
use crate::net::Masks;
use crate::net::graph::Graph;
use crate::net::quantize::Calibration;

/// Added to variances, relative to the mean variance of the layer's channels: networks of any scale are
/// treated alike.
const EPSILON: f64 = 1e-5;

/// How much of a tensor's range stays from one step to the next, where it is a maximum: maxima are
/// remembered over some hundred steps, yet activations that shrink in training get finer steps.
const MEMORY: f64 = 0.99;

/// The same for percentiles, which are averaged.
const AVERAGING: f64 = 0.95;

/// Normalization behind a layer.
#[derive(Debug)]
struct Norm {
    /// Parameter that scales the normalized values.
    gain: usize,
    epsilon: f64,
    average: Average,
}

/// Where the parameters of a layer are.
#[derive(Debug)]
struct Slots {
    weights: usize,
    /// Bias, or what is added behind normalization.
    shift: usize,
    norm: Option<Norm>,
}

/// A network in training.
pub(super) struct Tuning<'a> {
    network: &'a Network,
    slots: Vec<Slots>,
    pub(super) parameters: Vec<Parameter>,
    quantization: Option<Quantization>,
    /// Largest magnitude of each stored tensor, as far as it is known.
    ranges: Vec<f32>,
    /// Penalty by layer.
    penalties: Vec<f64>,
    /// The parameters as they take part in a pass.
    variables: Vec<Var>,
    /// Penalties of this pass.
    collected: Vec<Tensor>,
    /// Whether moments are to be averaged.
    measuring: bool,
}

/// Measures the moments of every layer's output in inference.
struct Observer {
    inference: Inference,
    averages: Vec<Average>,
}

impl Hooks for Observer {
    fn parameters(&mut self, layer: usize) -> Computed<(Tensor, Option<Tensor>)> {
        self.inference.parameters(layer)
    }

    fn output(&mut self, layer: usize, values: Tensor) -> Computed<Tensor> {
        self.averages[layer].add(&Moments::of(&values)?);
        Ok(values)
    }
}

impl<'a> Tuning<'a> {
    /// The network as it is, masked; `batches` show how its activations are distributed.
    pub(super) fn new(
        network: &'a Network,
        masks: &Masks,
        settings: &Settings,
        batches: &mut dyn Iterator<Item = Computed<Tensor>>,
    ) -> Computed<Self> {
        let penalty = |layer: &Layer| settings.activation_penalty.get(&layer.name).copied();
        let mut tuning = Self {
            network,
            slots: Vec::new(),
            parameters: Vec::new(),
            quantization: settings.quantization,
            ranges: vec![0.0; network.stored()],
            penalties: network.layers.iter().map(|l| penalty(l).unwrap_or(0.0)).collect(),
            variables: Vec::new(),
            collected: Vec::new(),
            measuring: false,
        };
        let averages = match settings.normalization {
            true => observe(network, batches)?,
            false => Vec::new(),
        };
        for (at, layer) in network.layers.iter().enumerate() {
            let moments = averages.get(at).filter(|_| layer.inner).map(Average::moments);
            tuning.push(layer, masks.layer(&layer.name), moments);
        }
        Ok(tuning)
    }

    fn push(&mut self, layer: &Layer, mask: Option<&[bool]>, moments: Option<Moments>) {
        let (outputs, inputs) = layer.shape();
        let first = self.parameters.len();
        let weights = Parameter::new(layer.weights.clone(), vec![outputs, inputs], mask, true);
        let vector = |values: Vec<f32>| Parameter::new(values, vec![outputs], None, false);
        self.parameters.push(weights);
        let norm = match moments {
            None => {
                self.parameters.push(vector(layer.bias.clone()));
                None
            }
            Some(Moments { mean, variance }) => {
                let all = variance.iter().sum::<f64>() / variance.len().max(1) as f64;
                // The least keeps a layer of constants finite.
                let epsilon = (EPSILON * all).max(1e-12);
                self.parameters.push(vector(mean.iter().map(|m| *m as f32).collect()));
                let gain = |v: &f64| (v + epsilon).sqrt() as f32;
                self.parameters.push(vector(variance.iter().map(gain).collect()));
                Some(Norm { gain: first + 2, epsilon, average: Average::default() })
            }
        };
        self.slots.push(Slots { weights: first, shift: first + 1, norm });
    }

    /// Makes the parameters variables for the next passes.
    pub(super) fn begin(&mut self) -> Computed<()> {
        let variable = |p: &Parameter| Var::from_slice(&p.values, p.dims.as_slice(), &Device::Cpu);
        self.variables = self.parameters.iter().map(variable).collect::<Computed<_>>()?;
        self.collected.clear();
        Ok(())
    }

    /// The variables, in the order of the parameters.
    pub(super) fn variables(&self) -> &[Var] {
        &self.variables
    }

    /// Sum of the last pass' penalties, if there are any.
    pub(super) fn penalty(&self) -> Computed<Option<Tensor>> {
        let [first, others @ ..] = &self.collected[..] else { return Ok(None) };
        others.iter().try_fold(first.clone(), |sum, next| sum + next).map(Some)
    }

    /// Measures, over `batches`, the moments that folding takes.
    pub(super) fn measure(
        &mut self,
        batches: &mut dyn Iterator<Item = Computed<Tensor>>,
    ) -> Computed<()> {
        self.begin()?;
        self.measuring = true;
        for norm in self.slots.iter_mut().filter_map(|slots| slots.norm.as_mut()) {
            norm.average = Average::default();
        }
        let network = self.network;
        for batch in batches {
            network.forward(batch?, self)?;
            self.collected.clear();
        }
        self.measuring = false;
        Ok(())
    }

    /// Writes weights and bias, with normalization folded in, to `graph`.
    pub(super) fn write(&self, graph: &mut Graph) {
        for (layer, slots) in self.network.layers.iter().zip(&self.slots) {
            let node = graph.node_mut(&layer.name).and_then(|node| node.op.as_mut());
            let Some(linear) = node.and_then(|op| op.linear_mut()) else { continue };
            linear.weights.clone_from(&self.parameters[slots.weights].values);
            linear.bias.clone_from(&self.parameters[slots.shift].values);
            // The integers of the file, if it had any, are no longer those of the weights.
            linear.units.clear();
            if let Some(norm) = &slots.norm {
                let gain = &self.parameters[norm.gain].values;
                norm.fold(layer.inputs(), gain, &mut linear.weights, &mut linear.bias);
            }
        }
    }

    fn follow(&mut self, stored: usize, values: &Tensor) -> Computed<f32> {
        let Some(Quantization { calibration, .. }) = self.quantization else { return Ok(0.0) };
        let percent = match calibration {
            // The input keeps its largest magnitude, as in calibration.
            Calibration::Percentile(percent) if stored > 0 => Some(percent),
            _ => None,
        };
        let now = range(values, percent)?;
        let before = self.ranges[stored];
        let next = match percent {
            _ if before == 0.0 => now,
            None => now.max((f64::from(before) * MEMORY) as f32),
            Some(_) => (f64::from(before) * AVERAGING + f64::from(now) * (1.0 - AVERAGING)) as f32,
        };
        self.ranges[stored] = next;
        Ok(next)
    }
}

/// Moments of every layer's output over `batches`.
fn observe(
    network: &Network,
    batches: &mut dyn Iterator<Item = Computed<Tensor>>,
) -> Computed<Vec<Average>> {
    let averages = vec![Average::default(); network.layers.len()];
    let mut observer = Observer { inference: Inference::new(network)?, averages };
    for batch in batches {
        network.forward(batch?, &mut observer)?;
    }
    Ok(observer.averages)
}

impl Norm {
    /// Folds the normalization into weights and bias (which is what is added behind it so far).
    ///
    /// The output of a channel that does not vary is its shift. Its weights, which then see only zeros or
    /// are 0, become 0: divided by a deviation of nothing they would be huge.
    fn fold(&self, inputs: usize, gain: &[f32], weights: &mut [f32], bias: &mut [f32]) {
        let moments = self.average.moments();
        for (channel, kernel) in weights.chunks_mut(inputs.max(1)).enumerate() {
            let (mean, variance) = (moments.mean[channel], moments.variance[channel]);
            let constant = variance < self.epsilon * 1e-2;
            let scale = match constant {
                true => 0.0,
                false => f64::from(gain[channel]) / (variance + self.epsilon).sqrt(),
            };
            kernel.iter_mut().for_each(|w| *w = (f64::from(*w) * scale) as f32);
            bias[channel] = (f64::from(bias[channel]) - mean * scale) as f32;
        }
    }
}

impl Hooks for Tuning<'_> {
    fn parameters(&mut self, layer: usize) -> Computed<(Tensor, Option<Tensor>)> {
        let slots = &self.slots[layer];
        let weights = self.variables[slots.weights].as_tensor();
        let weights = match self.quantization {
            Some(q) => weights.apply_op1(RoundedWeights { bits: q.widths.weight_bits })?,
            None => weights.clone(),
        };
        let bias = match slots.norm {
            Some(_) => None,
            None => Some(self.variables[slots.shift].as_tensor().clone()),
        };
        Ok((weights, bias))
    }

    fn input(&mut self, layer: usize, values: &Tensor) -> Computed<()> {
        let weight = self.penalties[layer];
        if weight > 0.0 && values.track_op() {
            self.collected.push((values.apply_op1(Density)? * weight)?);
        }
        Ok(())
    }

    fn output(&mut self, layer: usize, values: Tensor) -> Computed<Tensor> {
        let slots = &mut self.slots[layer];
        let Some(norm) = &mut slots.norm else { return Ok(values) };
        let moments = Moments::of(&values)?;
        if self.measuring {
            norm.average.add(&moments);
        }
        let (gain, shift) = (&self.variables[norm.gain], &self.variables[slots.shift]);
        values.apply_op3(gain, shift, Normalize::new(&moments, norm.epsilon))
    }

    fn limit(
        &mut self,
        stored: Option<usize>,
        bounds: [f32; 2],
        values: Tensor,
    ) -> Computed<Tensor> {
        let grid = match (stored, self.quantization) {
            (Some(stored), Some(q)) => {
                // The range is that of the limited values, which the bounds may cut off.
                let most = bounds[0].abs().max(bounds[1].abs());
                let limited = values.apply_op1_no_bwd(&Activation { bounds, grid: None })?;
                let range = self.follow(stored, &limited)?.min(most);
                Grid::new(range, q.widths.activation_bits)
            }
            _ => None,
        };
        if bounds == OPEN && grid.is_none() {
            return Ok(values);
        }
        values.apply_op1(Activation { bounds, grid })
    }
}

/// Checks that every mask belongs to a layer and has its size.
pub(super) fn check_masks(network: &Network, masks: &Masks) -> Result<(), TrainError> {
    for (name, mask) in &masks.0 {
        let Some(layer) = network.layers.iter().find(|layer| layer.name == *name) else {
            let problem = format!("mask for `{name}`, which is no layer with weights");
            return Err(TrainError::Settings(problem));
        };
        check_count(&format!("mask values of `{name}`"), layer.weights.len(), mask.len())?;
    }
    Ok(())
}
