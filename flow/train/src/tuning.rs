//! A network in training: its parameters, and the callbacks of its passes.

use super::activation::{Activation, Grid, range, round_rows, rounded_weights};
use super::density::density;
use super::error::TrainError;
use super::fold::{Folded, Norm};
use super::layer::Layer;
use super::network::{Hooks, Network, OPEN};
use super::norm::{Average, Moments, normalize};
use super::optimizer::Parameter;
use super::settings::{Quantization, Settings, check_count};
use super::tensor::Tensor;
use pecan_net::Masks;
use pecan_net::quantize::Calibration;

/// Decay per step of the range of a tensor, where it is a maximum: maxima persist over some hundred steps, yet
/// activations that shrink in training get a finer grid.
const MEMORY: f64 = 0.99;

/// The same for percentiles, which are averaged.
const AVERAGING: f64 = 0.95;

/// Numbers of the parameters of a layer.
#[derive(Debug)]
struct Slots {
    weights: usize,
    /// Bias, or shift behind the normalization.
    shift: usize,
    norm: Option<Norm>,
}

/// A network in training.
pub(super) struct Tuning<'a> {
    network: &'a Network,
    slots: Vec<Slots>,
    pub(super) parameters: Vec<Parameter>,
    quantization: Option<Quantization>,
    /// Largest magnitude of each stored tensor so far.
    ranges: Vec<f32>,
    /// Penalty by layer.
    penalties: Vec<f64>,
    /// The parameters as used in a pass.
    variables: Vec<Tensor>,
    /// Densities of this pass and the weights of their penalties.
    densities: Vec<(Tensor, f32)>,
    /// Whether moments are averaged.
    measuring: bool,
}

/// Measures the moments of every layer's output in inference.
struct Observer(Vec<Average>);

impl Hooks for Observer {
    fn output(&mut self, layer: usize, values: Tensor) -> Tensor {
        self.0[layer].add(&Moments::of(&values));
        values
    }
}

impl<'a> Tuning<'a> {
    /// The masked network before training; `batches` show the distribution of its activations.
    pub(super) fn new(
        network: &'a Network,
        masks: &Masks,
        settings: &Settings,
        batches: &mut dyn Iterator<Item = Tensor>,
    ) -> Result<Self, TrainError> {
        let penalty = |layer: &Layer| settings.activation_penalty.get(&layer.name).copied();
        let mut tuning = Self {
            network,
            slots: Vec::new(),
            parameters: Vec::new(),
            quantization: settings.quantization,
            ranges: vec![0.0; network.stored()],
            penalties: network.layers.iter().map(|l| penalty(l).unwrap_or(0.0)).collect(),
            variables: Vec::new(),
            densities: Vec::new(),
            measuring: false,
        };
        let averages = observe(network, batches)?;
        for (layer, average) in network.layers.iter().zip(&averages) {
            let normalized = settings.normalization && layer.inner;
            tuning.push(layer, masks.layer(&layer.name), &average.moments(), normalized);
        }
        Ok(tuning)
    }

    /// Adds the parameters of a layer whose output has `moments`. Weights are trained in units of their root mean
    /// square, the shift in units of the output's deviation. So neither depends on the unit of the values.
    fn push(&mut self, layer: &Layer, mask: Option<&[bool]>, moments: &Moments, normalized: bool) {
        let outputs = layer.output.channels;
        let first = self.parameters.len();
        let unit = root_mean_square(&kept(&layer.weights.values, mask));
        let own = &layer.weights;
        let weights = Parameter::new(own.values.clone(), own.dims, mask, true, unit);
        let unit = deviation(moments);
        let vector =
            |values: Vec<f32>| Parameter::new(values, [outputs, 1, 1, 1], None, false, unit);
        self.parameters.push(weights);
        let norm = match normalized {
            false => {
                self.parameters.push(vector(layer.bias.values.clone()));
                None
            }
            true => {
                let norm = Norm::new(first + 2, moments);
                self.parameters.push(vector(moments.mean.iter().map(|m| *m as f32).collect()));
                self.parameters.push(vector(norm.neutral_gain(moments)));
                Some(norm)
            }
        };
        self.slots.push(Slots { weights: first, shift: first + 1, norm });
    }

    /// Makes the parameters variables for the next passes.
    pub(super) fn begin(&mut self) {
        let variable = |p: &Parameter| Tensor::variable(p.values.clone(), p.dims);
        self.variables = self.parameters.iter().map(variable).collect();
        self.densities.clear();
    }

    /// The variables, in the order of the parameters.
    pub(super) fn variables(&self) -> &[Tensor] {
        &self.variables
    }

    /// Tensors that the last pass' penalties depend on, with the gradient of the penalties there.
    pub(super) fn penalties(&self) -> impl Iterator<Item = (&Tensor, Vec<f32>)> {
        self.densities.iter().map(|(density, weight)| (density, vec![*weight]))
    }

    /// Measures, over `batches`, the moments for folding.
    pub(super) fn measure(
        &mut self,
        batches: &mut dyn Iterator<Item = Tensor>,
    ) -> Result<(), TrainError> {
        self.begin();
        self.measuring = true;
        for norm in self.slots.iter_mut().filter_map(|slots| slots.norm.as_mut()) {
            norm.average = Average::default();
        }
        let network = self.network;
        for batch in batches {
            network.forward(batch, self)?;
            self.densities.clear();
        }
        self.measuring = false;
        Ok(())
    }

    /// Weights and bias of every layer, with normalization folded in and weights rounded as in training. Training
    /// optimizes the network of rounded weights; the weights before rounding, which the steps change, need not make a
    /// good network.
    pub(super) fn folded(&self) -> Vec<Folded> {
        let layers = self.network.layers.iter().zip(&self.slots);
        let fold = |(layer, slots): (&Layer, &Slots)| {
            let mut folded = Folded {
                name: layer.name.clone(),
                weights: self.parameters[slots.weights].values.clone(),
                bias: self.parameters[slots.shift].values.clone(),
            };
            if let Some(norm) = &slots.norm {
                norm.fold(layer.inputs(), &self.parameters[norm.gain].values, &mut folded);
            }
            if let Some(Quantization { widths, .. }) = self.quantization {
                round_rows(&mut folded.weights, folded.bias.len(), widths.weight_bits);
            }
            folded
        };
        layers.map(fold).collect()
    }

    fn follow(&mut self, stored: usize, values: &Tensor, bounds: [f32; 2]) -> f32 {
        let Some(Quantization { calibration, .. }) = self.quantization else { return 0.0 };
        let percent = match calibration {
            // The input keeps its largest magnitude, as in calibration.
            Calibration::Percentile(percent) if stored > 0 => Some(percent),
            _ => None,
        };
        let now = range(&values.values, bounds, percent);
        let before = self.ranges[stored];
        let next = match percent {
            _ if before == 0.0 => now,
            None => now.max((f64::from(before) * MEMORY) as f32),
            Some(_) => (f64::from(before) * AVERAGING + f64::from(now) * (1.0 - AVERAGING)) as f32,
        };
        self.ranges[stored] = next;
        next
    }
}

/// The weights that a mask keeps; 0 for the others.
pub(super) fn kept(weights: &[f32], mask: Option<&[bool]>) -> Vec<f32> {
    let keep = |at: usize| mask.is_none_or(|mask| mask.get(at).is_none_or(|keep| *keep));
    weights.iter().enumerate().map(|(at, w)| if keep(at) { *w } else { 0.0 }).collect()
}

/// Root of the mean square of the values that are not 0.
fn root_mean_square(values: &[f32]) -> f32 {
    let count = values.iter().filter(|value| **value != 0.0).count().max(1);
    let squares: f64 = values.iter().map(|value| f64::from(*value) * f64::from(*value)).sum();
    (squares / count as f64).sqrt() as f32
}

/// Deviation of a layer's output, over all channels.
fn deviation(moments: &Moments) -> f32 {
    let count = moments.variance.len().max(1) as f64;
    (moments.variance.iter().sum::<f64>() / count).sqrt() as f32
}

/// Moments of every layer's output over `batches`.
fn observe(
    network: &Network,
    batches: &mut dyn Iterator<Item = Tensor>,
) -> Result<Vec<Average>, TrainError> {
    let mut observer = Observer(vec![Average::default(); network.layers.len()]);
    for batch in batches {
        network.forward(batch, &mut observer)?;
    }
    Ok(observer.0)
}

impl Hooks for Tuning<'_> {
    fn parameters(&mut self, layer: usize, _: &Layer) -> (Tensor, Option<Tensor>) {
        let slots = &self.slots[layer];
        let weights = &self.variables[slots.weights];
        let weights = match self.quantization {
            Some(q) => rounded_weights(weights, q.widths.weight_bits),
            None => weights.clone(),
        };
        let bias = match slots.norm {
            Some(_) => None,
            None => Some(self.variables[slots.shift].clone()),
        };
        (weights, bias)
    }

    fn input(&mut self, layer: usize, values: &Tensor) -> Result<(), TrainError> {
        let weight = self.penalties[layer];
        if weight > 0.0 && values.tracked {
            self.densities.push((density(values), weight as f32));
        }
        Ok(())
    }

    fn output(&mut self, layer: usize, values: Tensor) -> Tensor {
        let slots = &mut self.slots[layer];
        let Some(norm) = &mut slots.norm else { return values };
        let moments = Moments::of(&values);
        if self.measuring {
            norm.average.add(&moments);
        }
        let (gain, shift) = (&self.variables[norm.gain], &self.variables[slots.shift]);
        normalize([&values, gain, shift], &moments, norm.epsilon)
    }

    fn limit(&mut self, stored: Option<usize>, bounds: [f32; 2], values: Tensor) -> Tensor {
        let grid = match (stored, self.quantization) {
            (Some(stored), Some(q)) => {
                // The range is that of the limited values: the bounds may cut it off.
                let most = bounds[0].abs().max(bounds[1].abs());
                let range = self.follow(stored, &values, bounds).min(most);
                Grid::new(range, q.widths.activation_bits)
            }
            _ => None,
        };
        if bounds == OPEN && grid.is_none() {
            return values;
        }
        Activation { bounds, grid }.apply(&values)
    }
}

/// Checks that every mask belongs to a layer and has its size.
pub(super) fn check_masks(network: &Network, masks: &Masks) -> Result<(), TrainError> {
    for (name, mask) in &masks.0 {
        let Some(layer) = network.layers.iter().find(|layer| layer.name == *name) else {
            let problem = format!("mask for `{name}`, which is no layer with weights");
            return Err(TrainError::Settings(problem));
        };
        check_count(&format!("mask values of `{name}`"), layer.weights.values.len(), mask.len())?;
    }
    Ok(())
}
