//! Training.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::batch::{Order, assemble, augment};
use super::error::TrainError;
use super::fold::Folded;
use super::infer::{forward, logits};
use super::loss::{Loss, Targets, loss};
use super::network::Network;
use super::optimizer::{Rule, schedule};
use super::settings::{
    Distillation, Progress, Set, Settings, Summary, Teacher, check_count, check_inputs,
};
use super::tensor::{Tensor, trace};
use super::tuning::{Tuning, check_masks, kept};
use pecan_net::Masks;
use pecan_net::graph::Graph;

/// Samples for the moments of normalization, before and after training: the error of a deviation is then below 2 % even
/// for a layer with one position per sample.
const MEASURED: usize = 2048;

/// Samples of one pass of measurement.
const MEASURED_BATCH: usize = 128;

/// Source of the teacher's logits.
enum Source<'a> {
    None,
    /// By sample.
    Given(&'a [Vec<f32>]),
    /// By sample, as it is and with left and right exchanged.
    Mirrored([&'a [Vec<f32>]; 2]),
    /// By sample.
    Computed(Vec<Vec<f32>>),
    /// Computed on the changed inputs of each step.
    Network(Box<Network>),
}

/// Independent streams of random numbers.
fn stream(seed: u64, number: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(number);
    rng
}

struct Trainer<'a> {
    set: &'a Set<'a>,
    settings: &'a Settings,
    network: &'a Network,
    source: Source<'a>,
    order: Order,
    changes: ChaCha8Rng,
    batch: usize,
    steps: usize,
}

/// Trains the weights of `graph` that `masks` keeps, and all biases; layers without a mask keep all weights. The graph
/// is changed at the end only. Ranges that its file gives for tensors behind the input are dropped, as the values have
/// changed. `progress` is called after every step.
///
/// # Errors
/// An empty set, samples of the wrong size, labels or teacher that do not fit; illegal settings; masks that
/// are not those of the graph; a node that cannot be trained; a loss that is not finite.
pub fn tune(
    graph: &mut Graph,
    masks: &Masks,
    set: &Set<'_>,
    settings: &Settings,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Summary, TrainError> {
    let mut network = Network::new(graph)?;
    settings.check(&network)?;
    set.check(&network, settings)?;
    check_masks(&network, masks)?;
    for layer in &mut network.layers {
        let own = &layer.weights;
        layer.weights = Tensor::new(kept(&own.values, masks.layer(&layer.name)), own.dims);
    }
    let measured = selection(set.inputs, settings);
    let batches =
        || measured.chunks(batch_size(&measured)).map(|b| assemble(network.input_shape, b));
    let mut tuning = Tuning::new(&network, masks, settings, &mut batches())?;
    let summary = Trainer::new(&network, set, settings)?.run(&mut tuning, progress)?;
    if settings.normalization {
        tuning.measure(&mut batches())?;
    }
    let result = tuning.folded();
    if !result.iter().all(Folded::is_finite) {
        let (steps, learning_rate) = (summary.steps, settings.learning_rate);
        return Err(TrainError::Diverged { step: steps, steps, learning_rate, loss: f64::NAN });
    }
    result.into_iter().for_each(|layer| layer.write(graph));
    let input = graph.input;
    let inner = graph.tensors.iter_mut().enumerate().filter(|(tensor, _)| *tensor != input);
    inner.for_each(|(_, tensor)| tensor.given = None);
    Ok(summary)
}

fn batch_size(samples: &[&[f32]]) -> usize {
    MEASURED_BATCH.min(samples.len()).max(1)
}

/// The samples for the moments: whole batches, so that each counts the same.
fn selection<'a>(inputs: &[&'a [f32]], settings: &Settings) -> Vec<&'a [f32]> {
    let count = inputs.len().min(MEASURED);
    let count = count - count % MEASURED_BATCH.min(count).max(1);
    let mut order = Order::new(inputs.len(), stream(settings.seed, 2));
    order.take(count).into_iter().map(|at| inputs[at]).collect()
}

impl<'a> Trainer<'a> {
    fn new(
        network: &'a Network,
        set: &'a Set<'a>,
        settings: &'a Settings,
    ) -> Result<Self, TrainError> {
        let samples = set.inputs.len();
        let batch = settings.batch.min(samples);
        let source = match (set.teacher, settings.distillation) {
            (None, _) | (_, None) => Source::None,
            (Some(Teacher::Logits(logits)), _) => Source::Given(logits),
            (Some(Teacher::Mirrored(both)), _) => Source::Mirrored(both),
            (Some(Teacher::Network(graph)), _) => teacher(network, graph, set, settings)?,
        };
        Ok(Self {
            set,
            settings,
            network,
            source,
            order: Order::new(samples, stream(settings.seed, 0)),
            changes: stream(settings.seed, 1),
            batch,
            steps: (settings.epochs * samples as f64 / batch as f64).ceil() as usize,
        })
    }

    fn run(
        mut self,
        tuning: &mut Tuning<'_>,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Summary, TrainError> {
        let settings = self.settings;
        let rule = Rule {
            optimizer: settings.optimizer,
            weight_decay: settings.weight_decay,
            norm: settings.gradient_norm,
        };
        let warmup = (self.steps as f64 * settings.warmup) as usize;
        let per_epoch = self.set.inputs.len().div_ceil(self.batch);
        let mut totals = Totals::default();
        for step in 1..=self.steps {
            let rate = settings.learning_rate * schedule(step, self.steps, warmup);
            let (batch, gradients) = self.step(tuning)?;
            let finite = gradients.iter().flatten().all(|g| g.is_finite());
            if !batch.value.is_finite() || !finite {
                let (loss, steps) = (if finite { batch.value } else { f64::NAN }, self.steps);
                return Err(TrainError::Diverged { step, steps, learning_rate: rate, loss });
            }
            rule.step(&mut tuning.parameters, gradients, rate, step);
            if (step - 1).is_multiple_of(per_epoch) {
                totals = Totals::default();
            }
            totals.add(&batch, self.batch);
            progress(&Progress {
                epoch: (step * self.batch) as f64 / self.set.inputs.len() as f64,
                step,
                steps: self.steps,
                loss: totals.loss(),
                accuracy: totals.accuracy(),
            });
        }
        let (loss, accuracy) = (totals.loss(), totals.accuracy());
        Ok(Summary { steps: self.steps, loss, accuracy })
    }

    /// Loss of the next batch and the gradient of every parameter.
    fn step(&mut self, tuning: &mut Tuning<'_>) -> Result<(Loss, Vec<Vec<f32>>), TrainError> {
        let chosen = self.order.take(self.batch);
        let shape = self.network.input_shape;
        let changed: Vec<(Vec<f32>, bool)> = match &self.settings.augmentation[..] {
            [] => Vec::new(),
            changes => chosen
                .iter()
                .map(|&at| augment(shape, self.set.inputs[at], changes, &mut self.changes))
                .collect(),
        };
        let inputs: Vec<&[f32]> = match changed.is_empty() {
            true => chosen.iter().map(|&at| self.set.inputs[at]).collect(),
            false => changed.iter().map(|(values, _)| values.as_slice()).collect(),
        };
        let mirrored: Vec<bool> = changed.iter().map(|(_, mirrored)| *mirrored).collect();
        let targets = self.targets(&chosen, &inputs, &mirrored)?;
        tuning.begin();
        let logits = self.network.forward(assemble(shape, &inputs), tuning)?;
        let loss = loss(&logits.values, inputs.len(), &targets);
        let roots = std::iter::once((&logits, loss.gradient.clone())).chain(tuning.penalties());
        let mut gradients = trace(roots.collect());
        let values =
            tuning.variables().iter().map(|variable| match gradients.remove(&variable.key()) {
                Some(gradient) => gradient,
                // The output does not depend on the parameter.
                None => vec![0.0; variable.values.len()],
            });
        Ok((loss, values.collect()))
    }

    /// Targets of the outputs for `inputs`, which are the `chosen` samples, changed or not.
    fn targets(
        &self,
        chosen: &[usize],
        inputs: &[&[f32]],
        mirrored: &[bool],
    ) -> Result<Targets, TrainError> {
        let by_sample = |all: &[Vec<f32>]| chosen.iter().map(|&at| all[at].clone()).collect();
        let logits = match &self.source {
            Source::None => None,
            Source::Given(logits) => Some(by_sample(logits)),
            Source::Computed(logits) => Some(by_sample(logits)),
            Source::Mirrored(both) => {
                let pairs = chosen.iter().zip(mirrored);
                Some(
                    pairs.map(|(&at, &mirrored)| both[usize::from(mirrored)][at].clone()).collect(),
                )
            }
            Source::Network(teacher) => Some(forward(teacher, inputs)?),
        };
        let labels = self.set.labels.map(|all| chosen.iter().map(|&at| all[at]).collect());
        let teacher = self.settings.distillation.zip(logits).map(|(distillation, logits)| {
            let Distillation { share, temperature } = distillation;
            (if labels.is_some() { share } else { 1.0 }, temperature, logits)
        });
        let rest = teacher.as_ref().map_or(1.0, |(share, ..)| 1.0 - share);
        Ok(Targets { labels: labels.map(|labels| (rest, labels)), teacher })
    }
}

/// A teacher network, whose logits are computed in advance where the inputs do not change.
fn teacher<'a>(
    network: &Network,
    graph: &Graph,
    set: &Set<'_>,
    settings: &Settings,
) -> Result<Source<'a>, TrainError> {
    let teacher = Network::new(graph)?;
    check_inputs(&teacher, set.inputs)?;
    check_count("outputs of the teacher", network.outputs, teacher.outputs)?;
    if settings.augmentation.is_empty() {
        return Ok(Source::Computed(logits(graph, set.inputs)?));
    }
    Ok(Source::Network(Box::new(teacher)))
}

/// Sums over the steps of an epoch.
#[derive(Default)]
struct Totals {
    loss: f64,
    hits: usize,
    samples: usize,
}

impl Totals {
    fn add(&mut self, loss: &Loss, samples: usize) {
        self.loss += loss.value * samples as f64;
        self.hits += loss.hits;
        self.samples += samples;
    }

    fn loss(&self) -> f64 {
        self.loss / self.samples.max(1) as f64
    }

    fn accuracy(&self) -> f64 {
        self.hits as f64 / self.samples.max(1) as f64
    }
}
