//! Settings, data and result of training.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::batch::Augmentation;
use super::error::TrainError;
use super::network::Network;
use super::optimizer::Optimizer;
use pecan_net::graph::Graph;
use pecan_net::quantize::{Calibration, Options};

/// Learning from a teacher's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Distillation {
    /// Its share of the loss, 0 to 1; the rest is the cross entropy with the labels. Without labels the share is 1.
    pub share: f64,
    /// Divisor of the logits, above 0: the higher, the more the small outputs count.
    pub temperature: f64,
}

impl Default for Distillation {
    fn default() -> Self {
        Self { share: 0.7, temperature: 4.0 }
    }
}

/// Rounding during training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quantization {
    /// Widths of the integers.
    pub widths: Options,
    /// Rule for the range of a tensor; use the same in the quantization afterwards.
    pub calibration: Calibration,
}

/// Settings of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Training")]
#[serde(default)]
pub struct Settings {
    /// Number of times that every sample is used; need not be whole.
    pub epochs: f64,
    /// Samples of one step; all, if the set has fewer.
    pub batch: usize,
    /// Highest learning rate: the size of a step of [`Optimizer::ADAMW`] relative to the root mean square of the
    /// weights of a tensor or, for biases, to the deviation of the layer's output.
    pub learning_rate: f64,
    /// Share of the steps in which the learning rate rises to its highest; then it falls to 0.
    pub warmup: f64,
    /// The rule for updates.
    pub optimizer: Optimizer,
    /// Decay of weights (not of bias and normalization); see [`Optimizer`].
    pub weight_decay: f64,
    /// Largest norm of a tensor's gradient, in the units of [`Self::learning_rate`]; longer ones are shortened to it.
    /// Infinite for no limit.
    pub gradient_norm: f64,
    /// Learning from the teacher of the set, if it has one.
    pub distillation: Option<Distillation>,
    /// Whether layers are normalized during training.
    pub normalization: bool,
    /// Rounding as in inference with integers, if wanted.
    pub quantization: Option<Quantization>,
    /// Changes of the inputs.
    pub augmentation: Vec<Augmentation>,
    /// By node name of a layer: weight of the share of nonzero values of its input in the loss (energy grows with this
    /// share). The share is a differentiable measure between 0 and 1: the squared Hoyer measure per channel, divided by
    /// the number of values.
    pub activation_penalty: BTreeMap<String, f64>,
    /// Seed of order and changes.
    pub seed: u64,
}

impl Default for Settings {
    /// Settings for short training (1 to 4 epochs) of pruned networks.
    fn default() -> Self {
        Self {
            epochs: 2.0,
            batch: 64,
            learning_rate: 1e-2,
            warmup: 0.05,
            optimizer: Optimizer::ADAMW,
            weight_decay: 1e-4,
            gradient_norm: 5.0,
            distillation: Some(Distillation::default()),
            normalization: true,
            quantization: None,
            augmentation: Vec::new(),
            activation_penalty: BTreeMap::new(),
            seed: 0,
        }
    }
}

/// Source of a teacher's outputs.
#[derive(Clone, Copy, Debug)]
pub enum Teacher<'a> {
    /// Logits of every sample, as computed by [`logits`](super::logits).
    Logits(&'a [Vec<f32>]),
    /// Logits of every sample as it is and with left and right exchanged ([`mirrored_logits`](super::mirrored_logits)),
    /// where [`Augmentation::Flip`] is the only change.
    Mirrored([&'a [Vec<f32>]; 2]),
    /// A network, which is also applied to changed inputs.
    Network(&'a Graph),
}

/// Training data: labels, teacher or both.
#[derive(Clone, Copy, Debug)]
pub struct Set<'a> {
    /// Samples in channel, row, column order.
    pub inputs: &'a [&'a [f32]],
    /// Number of the right output, by sample.
    pub labels: Option<&'a [usize]>,
    /// Another network to learn from.
    pub teacher: Option<Teacher<'a>>,
}

/// Progress of training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Epochs done, with fraction.
    pub epoch: f64,
    /// Steps done.
    pub step: usize,
    /// All steps.
    pub steps: usize,
    /// Mean loss since the epoch began, without penalties.
    pub loss: f64,
    /// Share of samples since the epoch began whose largest logit was that of the label (of the teacher
    /// without labels).
    pub accuracy: f64,
}

/// Result of training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Steps done.
    pub steps: usize,
    /// Mean loss over the last epoch (or its finished part), without penalties.
    pub loss: f64,
    /// Accuracy over the same samples while they were trained on; see [`Progress::accuracy`].
    pub accuracy: f64,
}

/// Checks that every sample has the size of the network's input, and that there is one.
pub(super) fn check_inputs(network: &Network, inputs: &[&[f32]]) -> Result<(), TrainError> {
    let (origin, expected) = (|| network.origin.clone(), network.input_shape.len());
    if inputs.is_empty() {
        return Err(TrainError::Empty { origin: origin() });
    }
    match inputs.iter().position(|input| input.len() != expected) {
        Some(sample) => {
            let got = inputs[sample].len();
            Err(TrainError::Input { origin: origin(), sample, expected, got })
        }
        None => Ok(()),
    }
}

/// Checks that there is one label per sample and that each is an output of the network.
pub(super) fn check_labels(
    network: &Network,
    samples: usize,
    labels: &[usize],
) -> Result<(), TrainError> {
    check_count("labels", samples, labels.len())?;
    match labels.iter().position(|&label| label >= network.outputs) {
        Some(sample) => Err(TrainError::Label {
            origin: network.origin.clone(),
            sample,
            label: labels[sample],
            outputs: network.outputs,
        }),
        None => Ok(()),
    }
}

pub(super) fn check_count(what: &str, expected: usize, got: usize) -> Result<(), TrainError> {
    if expected == got {
        return Ok(());
    }
    Err(TrainError::Count { what: what.to_string(), expected, got })
}

impl Set<'_> {
    /// Checks the set against a network and the settings.
    pub(super) fn check(&self, network: &Network, settings: &Settings) -> Result<(), TrainError> {
        check_inputs(network, self.inputs)?;
        if let Some(labels) = self.labels {
            check_labels(network, self.inputs.len(), labels)?;
        }
        match (self.teacher, &settings.distillation) {
            (None, _) | (_, None) if self.labels.is_none() => {
                let problem = "neither labels nor a teacher to learn from".into();
                return Err(TrainError::Settings(problem));
            }
            (Some(Teacher::Logits(logits)), Some(_)) => {
                self.check_logits(network, logits)?;
                check_changes(settings, &[])?;
            }
            (Some(Teacher::Mirrored(both)), Some(_)) => {
                for logits in both {
                    self.check_logits(network, logits)?;
                }
                check_changes(settings, &[Augmentation::Flip])?;
            }
            _ => {}
        }
        Ok(())
    }

    fn check_logits(&self, network: &Network, logits: &[Vec<f32>]) -> Result<(), TrainError> {
        check_count("teacher logits", self.inputs.len(), logits.len())?;
        logits.iter().try_for_each(|sample| {
            check_count("logits of the teacher", network.outputs, sample.len())
        })
    }
}

/// Checks that a teacher's given logits cover the changes of the inputs.
fn check_changes(settings: &Settings, allowed: &[Augmentation]) -> Result<(), TrainError> {
    if settings.augmentation == allowed {
        return Ok(());
    }
    let problem =
        "other changes of the inputs than the teacher's logits are of need it as a network";
    Err(TrainError::Settings(problem.into()))
}

impl Settings {
    /// Checks that need no data.
    pub(super) fn check(&self, network: &Network) -> Result<(), TrainError> {
        let above_zero = |v: f64| v > 0.0 && v.is_finite();
        let at_least_zero = |v: f64| v >= 0.0 && v.is_finite();
        let rules = [
            (at_least_zero(self.epochs), "epochs", self.epochs, "0 or more"),
            (self.batch > 0, "batch", self.batch as f64, "1 or more"),
            (above_zero(self.learning_rate), "learning rate", self.learning_rate, "above 0"),
            ((0.0..1.0).contains(&self.warmup), "warmup", self.warmup, "0 to below 1"),
            (at_least_zero(self.weight_decay), "weight decay", self.weight_decay, "0 or more"),
            (self.gradient_norm > 0.0, "gradient norm", self.gradient_norm, "above 0"),
        ];
        let fail = |problem: String| Err(TrainError::Settings(problem));
        if let Some((_, what, value, allowed)) = rules.iter().find(|(legal, ..)| !legal) {
            return fail(format!("{what} of {value}; allowed: {allowed}"));
        }
        if let Some(problem) = self.optimizer.problem() {
            return fail(problem);
        }
        if let Some(Distillation { share, temperature }) = self.distillation
            && !((0.0..=1.0).contains(&share) && above_zero(temperature))
        {
            return fail(format!(
                "distillation with a share of {share} and a temperature of {temperature}; allowed: 0 to 1, \
                 above 0"
            ));
        }
        if let Some(Quantization { widths, .. }) = self.quantization {
            let bits = [widths.activation_bits, widths.weight_bits];
            if bits.iter().any(|bits| ![4, 8, 16].contains(bits)) {
                return fail(format!("widths of {bits:?} bits; allowed: 4, 8, 16"));
            }
        }
        for (name, weight) in &self.activation_penalty {
            if !network.layers.iter().any(|layer| layer.name == *name) {
                return fail(format!("penalty for `{name}`, which is no layer with weights"));
            }
            if !at_least_zero(*weight) {
                return fail(format!("penalty of {weight} for `{name}`; allowed: 0 or more"));
            }
        }
        Ok(())
    }
}
