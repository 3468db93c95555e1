//! The loop: rounds of pruning until the accuracy falls.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::checkpoint::Checkpoint;
use super::round::{Standing, remove, tune};
use super::rule::{Reason, Rule};
use super::score::{Answers, Integers, answers, cost, integers};
use super::{Parameters, PruneError, PruneLayer, Setting};
use crate::energy::Estimate;
use crate::net::Masks;
use crate::net::graph::Graph;
use crate::train::{self, Progress};

/// So far below the bound further training does not help.
const HOPELESS: f64 = 0.08;

/// The dense network, which everything is compared with.
#[derive(Debug)]
pub struct Dense<'a> {
    /// The network.
    pub graph: &'a Graph,
    /// Its integers.
    pub quantized: Integers,
    /// What it takes.
    pub estimate: Estimate,
    /// Its answers on the validation samples.
    pub validation: Answers,
    /// Its logits on the tuning samples.
    pub logits: Vec<Vec<f32>>,
}

impl<'a> Dense<'a> {
    /// Quantizes, measures and scores the network.
    ///
    /// # Errors
    /// A part of the data is empty, or the network cannot be quantized, mapped or run.
    pub fn new(setting: &Setting, graph: &'a Graph) -> Result<Self, PruneError> {
        setting.data.check()?;
        let quantized = integers(setting, graph)?;
        let estimate = cost(setting, &quantized)?;
        let validation = answers(&quantized, &setting.data.validation)?;
        let logits = train::logits(graph, &setting.data.tuning.slices())?;
        Ok(Self { graph, quantized, estimate, validation, logits })
    }
}

/// Seconds by phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Phases {
    /// Statistics of the layers.
    pub statistics: f64,
    /// Choosing what goes.
    pub selection: f64,
    /// Least squares.
    pub refit: f64,
    /// Training.
    pub tuning: f64,
    /// Accuracy and energy.
    pub scoring: f64,
}

impl Phases {
    /// All together.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.statistics + self.selection + self.refit + self.tuning + self.scoring
    }
}

/// A network on the way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Round, from 1; 0 is the dense network.
    pub round: usize,
    /// Accuracy of the integers on the validation samples.
    pub accuracy: f64,
    /// Energy per image, in the technology's unit.
    pub energy: f64,
    /// Energy that was predicted before it was measured.
    pub predicted: f64,
    /// Cycles per image.
    pub cycles: f64,
    /// Share of the weights that remain.
    pub density: f64,
    /// Whether the accuracy is within the bound.
    pub good: bool,
}

/// How a method came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The accuracy fell below the bound.
    Accuracy,
    /// The budgets of energy and cycles are met.
    Budget,
    /// Nothing is left to remove.
    Exhausted,
    /// All rounds were done.
    Rounds,
}

/// What happens, for whoever watches.
#[derive(Debug)]
pub enum Event<'a> {
    /// A round begins, towards an energy.
    Round(usize, f64),
    /// A step of training.
    Tuning(Progress),
    /// A network was scored.
    Scored(&'a Point),
    /// What a round removed and why.
    Removed(usize, &'a [Reason]),
}

/// A network with what is known about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Network {
    pub(super) parameters: Parameters,
    pub(super) masks: Masks,
    pub(super) point: Point,
}

/// Everything that a run holds between rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) best: Network,
    pub(super) points: Vec<Point>,
    pub(super) step: f64,
    pub(super) failures: usize,
    pub(super) round: usize,
    pub(super) phases: Phases,
    pub(super) ending: Option<Ending>,
}

/// What a method found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Name of the rule.
    pub rule: &'static str,
    /// Weights and biases of the best network: that of least energy within the bounds.
    pub parameters: Parameters,
    /// What remains of its weights.
    pub masks: Masks,
    /// Its figures.
    pub point: Point,
    /// All networks on the way, the dense one first.
    pub points: Vec<Point>,
    /// How it ended.
    pub ending: Ending,
    /// Seconds by phase.
    pub phases: Phases,
}

/// Prunes `graph`, a copy of the dense network, by `rule`; it holds the best network in the end. With a checkpoint, a
/// run that was stopped goes on behind its last finished round, with the same result.
///
/// # Errors
/// The network cannot be mapped or run, training fails, or the checkpoint cannot be written.
pub fn prune(
    setting: &Setting,
    dense: &Dense<'_>,
    rule: &Rule,
    graph: &mut Graph,
    checkpoint: Option<&Checkpoint>,
    watch: &mut dyn FnMut(&Event<'_>),
) -> Result<Outcome, PruneError> {
    let layers = PruneLayer::all(dense.graph, setting.target.config.array.lanes);
    if layers.is_empty() {
        return Err(PruneError::NoLayers { origin: dense.graph.origin.clone() });
    }
    let saved = checkpoint.and_then(|checkpoint| checkpoint.load(rule.name));
    let mut run =
        Run { setting, dense, rule, layers, state: saved.unwrap_or_else(|| State::new(dense)) };
    while run.state.ending.is_none() {
        run.round(graph, watch)?;
        if let Some(checkpoint) = checkpoint {
            checkpoint.save(rule.name, &run.state)?;
        }
    }
    let State { best, points, phases, ending, .. } = run.state;
    best.parameters.apply(graph);
    Ok(Outcome {
        rule: rule.name,
        parameters: best.parameters,
        masks: best.masks,
        point: best.point,
        points,
        ending: ending.unwrap_or(Ending::Rounds),
        phases,
    })
}

impl State {
    fn new(dense: &Dense<'_>) -> Self {
        let masks = Masks::of(dense.graph);
        let energy = dense.estimate.energy();
        let point = Point {
            round: 0,
            accuracy: dense.validation.accuracy(),
            energy,
            predicted: energy,
            cycles: dense.estimate.cycles,
            density: masks.density(),
            good: true,
        };
        let parameters = Parameters::of(dense.graph);
        Self {
            best: Network { parameters, masks, point: point.clone() },
            points: vec![point],
            step: 0.0,
            failures: 0,
            round: 0,
            phases: Phases::default(),
            ending: None,
        }
    }
}

struct Run<'a> {
    setting: &'a Setting,
    dense: &'a Dense<'a>,
    rule: &'a Rule,
    layers: Vec<PruneLayer>,
    state: State,
}

impl Run<'_> {
    fn round(
        &mut self,
        graph: &mut Graph,
        watch: &mut dyn FnMut(&Event<'_>),
    ) -> Result<(), PruneError> {
        let schedule = &self.setting.schedule;
        if self.state.round == 0 {
            self.state.step = schedule.step;
        }
        if self.state.round >= schedule.rounds {
            self.state.ending = Some(Ending::Rounds);
            return Ok(());
        }
        self.state.round += 1;
        let round = self.state.round;
        let goal = self.state.best.point.energy * self.state.step;
        watch(&Event::Round(round, goal));
        self.state.best.parameters.apply(graph);
        let seed = self.setting.tuning.seed.wrapping_mul(1000) + round as u64;
        let start = Instant::now();
        let quantized = integers(self.setting, graph)?;
        let estimate = cost(self.setting, &quantized)?;
        self.state.phases.scoring += start.elapsed().as_secs_f64();
        let masks = self.state.best.masks.clone();
        let (quantized, estimate) = (&quantized.full, &estimate);
        let mut standing = Standing { graph, masks: &masks, quantized, estimate };
        let phases = &mut self.state.phases;
        let network = (self.dense, &self.layers[..]);
        let removed =
            remove(self.setting, network, self.rule, &mut standing, goal, (seed, phases))?;
        let Some(removed) = removed else {
            self.state.ending = Some(Ending::Exhausted);
            return Ok(());
        };
        watch(&Event::Removed(round, &removed.reasons));
        let mut point = None;
        for attempt in 0..=schedule.patience {
            let seed = seed + 100 * attempt as u64;
            let phases = &mut self.state.phases;
            tune(
                self.setting,
                self.dense,
                (graph, &removed.masks),
                (attempt, seed, phases),
                watch,
            )?;
            let scored = self.score(graph, &removed.masks, removed.predicted)?;
            watch(&Event::Scored(&scored));
            let lost = self.dense.validation.accuracy() - scored.accuracy;
            let done = scored.good || lost > self.setting.bounds.accuracy_drop + HOPELESS;
            point = Some(scored);
            if done {
                break;
            }
        }
        if let Some(point) = point {
            self.judge(point, Network::of(graph, removed.masks))
        }
        Ok(())
    }

    fn score(&mut self, graph: &Graph, masks: &Masks, predicted: f64) -> Result<Point, PruneError> {
        let start = Instant::now();
        let quantized = integers(self.setting, graph)?;
        let estimate = cost(self.setting, &quantized)?;
        let answers = answers(&quantized, &self.setting.data.validation)?;
        let accuracy = answers.accuracy();
        self.state.phases.scoring += start.elapsed().as_secs_f64();
        let bounds = &self.setting.bounds;
        let margin = bounds.margin * answers.paired_error(&self.dense.validation);
        let lost = self.dense.validation.accuracy() - accuracy + margin;
        Ok(Point {
            round: self.state.round,
            accuracy,
            energy: estimate.energy(),
            predicted,
            cycles: estimate.cycles,
            density: masks.density(),
            good: lost <= bounds.accuracy_drop + 1e-9,
        })
    }

    /// Takes a network or leaves it.
    fn judge(&mut self, point: Point, (parameters, masks): (Parameters, Masks)) {
        let bounds = &self.setting.bounds;
        self.state.points.push(point.clone());
        if point.good && point.energy < self.state.best.point.energy {
            let within = |value: f64, bound: Option<f64>| bound.is_none_or(|b| value <= b);
            let asked = bounds.energy.is_some() || bounds.cycles.is_some();
            if asked && within(point.energy, bounds.energy) && within(point.cycles, bounds.cycles) {
                self.state.ending = Some(Ending::Budget);
            }
            self.state.best = Network { parameters, masks, point };
            return;
        }
        self.state.failures += 1;
        self.state.step = self.state.step.sqrt();
        if self.state.failures > self.setting.schedule.failures {
            self.state.ending = Some(Ending::Accuracy);
        }
    }
}

impl Network {
    fn of(graph: &Graph, masks: Masks) -> (Parameters, Masks) {
        (Parameters::of(graph), masks)
    }
}
