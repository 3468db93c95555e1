//! One round: choose, remove, reconstruct, tune.

use std::collections::BTreeMap;
use std::time::Instant;

use super::covariance::Covariance;
use super::criterion::{Ranking, Reason, Round};
use super::dense::Dense;
use super::driver::Search;
use super::outcome::{Event, Phases};
use super::reconstruction::reconstruct;
use super::{ChannelClass, CostModel, PruneError, PruneLayer, Setting, classes, close};
use pecan_energy::{Block, Estimate};
use pecan_net::Masks;
use pecan_net::graph::Graph;
use pecan_net::quantize::Quantized;
use pecan_train as train;
use pecan_train::{Augmentation, Capture, Set, Teacher};

/// Halvings in the search for the amount to remove.
const HALVINGS: usize = 14;

/// Learning rate of each further training of a round, relative to the one before.
const AGAIN: f64 = 0.3;

/// What a round needs besides the network.
#[derive(Clone, Copy)]
pub(super) struct RoundContext<'a> {
    pub(super) search: Search<'a>,
    /// Layers with weights.
    pub(super) layers: &'a [PruneLayer],
    /// Seed of the round.
    pub(super) seed: u64,
}

/// One of the trainings of a round.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    /// Number, from 0.
    pub(super) number: usize,
    /// Loss of one nonzero value in the input of each layer, from [`penalties`].
    pub(super) penalty: &'a BTreeMap<String, f64>,
}

/// A measured network between rounds.
pub(super) struct RoundState<'a> {
    pub(super) graph: &'a mut Graph,
    pub(super) masks: &'a Masks,
    pub(super) quantized: &'a Quantized,
    pub(super) estimate: &'a Estimate,
}

/// Removals of a round.
pub(super) struct Removed {
    pub(super) masks: Masks,
    /// Energy that the plan predicts.
    pub(super) predicted: f64,
    pub(super) reasons: Vec<Reason>,
}

/// Removes weights until the predicted energy is at most `goal` and reconstructs the remaining ones; `None` if the
/// criterion cannot remove enough. Times are added to `phases`.
///
/// # Errors
/// The network cannot be run or mapped, or its activations are not finite.
pub(super) fn remove(
    context: RoundContext<'_>,
    state: &mut RoundState<'_>,
    goal: f64,
    phases: &mut Phases,
) -> Result<Option<Removed>, PruneError> {
    let RoundContext { search: Search { setting, dense, criterion, .. }, layers, seed } = context;
    let start = Instant::now();
    let covariance = covariance(setting, dense, state.graph, seed)?;
    phases.statistics += start.elapsed().as_secs_f64();
    let start = Instant::now();
    let model = CostModel::new(setting, layers, state.quantized, state.masks, state.estimate)?;
    let classes = classes(&state.quantized.network, layers);
    let prices = model.prices(state.masks, &classes)?;
    let by_name = |of: fn(&pecan_energy::LayerEstimate) -> f64| -> BTreeMap<String, f64> {
        state.estimate.layers.iter().map(|l| (l.name.clone(), of(l))).collect()
    };
    let macs = state.estimate.layers.iter().map(|l| (l.name.clone(), l.macs)).collect();
    let round = Round {
        graph: state.graph,
        layers,
        masks: state.masks,
        covariance: &covariance,
        classes: &classes,
        prices: &prices,
        energy: &by_name(|l| l.energy.total()),
        macs: &macs,
    };
    let choice = (criterion.prepare)(&round)?;
    let found = least(choice.as_ref(), &model, goal, &|masks| close(&classes, layers, masks))?;
    let Some((amount, masks, predicted)) = found else {
        return Ok(None);
    };
    let reasons = choice.reasons(amount)?;
    drop(choice);
    phases.selection += start.elapsed().as_secs_f64();
    let start = Instant::now();
    if criterion.reconstructs {
        reconstruct_all(layers, &covariance, &masks, state.graph)?;
    } else {
        keep_means(layers, &covariance, [state.masks, &masks], &classes, state.graph);
    }
    masks.apply(state.graph);
    phases.reconstruction += start.elapsed().as_secs_f64();
    Ok(Some(Removed { masks, predicted, reasons }))
}

/// The least amount whose predicted energy is at most `goal`.
fn least(
    choice: &dyn Ranking,
    model: &CostModel<'_>,
    goal: f64,
    close: &dyn Fn(&mut Masks),
) -> Result<Option<(f64, Masks, f64)>, PruneError> {
    let at = |amount: f64| {
        let mut masks = choice.masks(amount)?;
        close(&mut masks);
        let energy = model.energy(&masks)?;
        Ok::<_, PruneError>((amount, masks, energy))
    };
    let (mut low, mut best) = (0.0, at(1.0)?);
    if best.2 > goal {
        return Ok(None);
    }
    for _ in 0..HALVINGS {
        let middle = at(0.5 * (low + best.0))?;
        if middle.2 <= goal {
            best = middle;
        } else {
            low = middle.0;
        }
    }
    Ok(Some(best))
}

/// Covariance of all layers on the first tuning samples, with the dense network's outputs as target.
fn covariance(
    setting: &Setting,
    dense: &Dense<'_>,
    graph: &Graph,
    seed: u64,
) -> Result<BTreeMap<String, Covariance>, PruneError> {
    let inputs = setting.data.tuning.slices();
    let inputs = &inputs[..inputs.len().min(setting.schedule.samples)];
    let capture = Capture {
        inputs,
        labels: None,
        teacher: Some(dense.graph),
        sensitivity: true,
        columns: setting.schedule.columns,
        seed,
    };
    let statistics = train::captures(graph, &capture)?;
    Ok(statistics.into_iter().map(|(name, layer)| (name, Covariance::of(layer))).collect())
}

fn reconstruct_all(
    layers: &[PruneLayer],
    covariance: &BTreeMap<String, Covariance>,
    masks: &Masks,
    graph: &mut Graph,
) -> Result<(), PruneError> {
    for layer in layers {
        let (Some(covariance), Some(mask)) =
            (covariance.get(&layer.name), masks.layer(&layer.name))
        else {
            continue;
        };
        let node = graph.node_mut(&layer.name).and_then(|node| node.op.as_mut());
        let Some(linear) = node.and_then(|op| op.linear_mut()) else { continue };
        reconstruct(layer, covariance, mask, &mut linear.weights, &mut linear.bias)?;
    }
    Ok(())
}

/// Adds the contribution of channels that have become constant, between the first masks and the second, to the biases
/// of their readers, for criteria that do not reconstruct.
fn keep_means(
    layers: &[PruneLayer],
    covariance: &BTreeMap<String, Covariance>,
    masks: [&Masks; 2],
    classes: &[ChannelClass],
    graph: &mut Graph,
) {
    for class in classes {
        let gone = |channel: &usize| {
            let [was, is] = masks.map(|masks| class.remains(layers, masks, *channel));
            was == [true; 2] && is != [true; 2]
        };
        let gone: Vec<usize> = (0..class.channels).filter(gone).collect();
        for layer in class.readers.iter().map(|at| &layers[*at]) {
            let node = graph.node_mut(&layer.name).and_then(|node| node.op.as_mut());
            let (Some(linear), Some(covariance)) =
                (node.and_then(|op| op.linear_mut()), covariance.get(&layer.name))
            else {
                continue;
            };
            for channel in &gone {
                for at in class.column(layer, *channel) {
                    let mean = covariance.group_mean(0)[at % layer.inputs];
                    linear.bias[at / layer.inputs] += linear.weights[at] * mean as f32;
                }
            }
        }
    }
}

/// Loss that one nonzero value in the input of a layer adds, by layer: its multiplications' share of the energy, times
/// `weight`.
pub(super) fn penalties(
    layers: &[PruneLayer],
    estimate: &Estimate,
    weight: f64,
) -> BTreeMap<String, f64> {
    let total = estimate.energy();
    let own = |name: &str| layers.iter().any(|layer| layer.name == name);
    let weighted = estimate.layers.iter().filter(|layer| weight > 0.0 && own(&layer.name));
    weighted
        .map(|layer| (layer.name.clone(), weight * layer.energy.block(Block::Mac) / total))
        .collect()
}

/// Trains a network under its masks.
///
/// # Errors
/// As [`train::tune`].
pub(super) fn tune(
    context: RoundContext<'_>,
    graph: &mut Graph,
    masks: &Masks,
    attempt: Attempt<'_>,
    watch: &mut dyn FnMut(&Event<'_>),
) -> Result<(), PruneError> {
    let Search { setting, dense, .. } = context.search;
    let inputs = setting.data.tuning.slices();
    let teacher = match (&dense.logits[..], &setting.tuning.augmentation[..]) {
        ([plain], []) => Teacher::Logits(plain),
        ([plain, mirrored], [Augmentation::Flip]) => Teacher::Mirrored([plain, mirrored]),
        _ => Teacher::Network(dense.graph),
    };
    let labels = setting.data.labelled.then_some(&setting.data.tuning.labels[..]);
    let set = Set { inputs: &inputs, labels, teacher: Some(teacher) };
    // Further training continues from the training before; steps as large as at first would undo it.
    let learning_rate = setting.tuning.learning_rate * AGAIN.powi(attempt.number as i32);
    let seed = context.seed + 100 * attempt.number as u64;
    let activation_penalty = attempt.penalty.clone();
    let settings =
        train::Settings { seed, learning_rate, activation_penalty, ..setting.tuning.clone() };
    train::tune(graph, masks, &set, &settings, &mut |progress| watch(&Event::Tuning(*progress)))?;
    Ok(())
}
