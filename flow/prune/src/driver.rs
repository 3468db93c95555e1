//! The loop: rounds of pruning until the accuracy falls too low.

use std::time::Instant;

use super::checkpoint::Checkpoint;
use super::criterion::Criterion;
use super::dense::Dense;
use super::outcome::{Ending, Event, Outcome, Point};
use super::round::{Attempt, Removed, RoundContext, RoundState, penalties, remove, tune};
use super::score::{Integers, answers, cost, integers};
use super::state::{Network, State};
use super::{Bounds, Parameters, PruneError, PruneLayer, Setting};
use pecan_energy::Estimate;
use pecan_net::Masks;
use pecan_net::graph::Graph;

/// Distance below the accuracy bound at which further training does not help.
const HOPELESS: f64 = 0.08;

/// Largest correction of predicted energies, as a factor.
const CORRECTION: f64 = 1.25;

/// Target of a round as a share of the energy budget: predictions are off by about so much.
const BELOW: f64 = 0.99;

/// A search for a pruned network.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// Hardware, data, bounds and schedule.
    pub setting: &'a Setting,
    /// The dense network.
    pub dense: &'a Dense<'a>,
    /// How to choose what is removed.
    pub criterion: &'a Criterion,
    /// Where the state is kept after each round, so that a stopped search resumes there.
    pub checkpoint: Option<&'a Checkpoint>,
}

/// Prunes `graph`, a copy of the dense network; it holds the best network in the end. With a checkpoint, a
/// stopped run resumes after its last finished round, with the same result.
///
/// # Errors
/// The network cannot be mapped or run, training fails, or the checkpoint cannot be written.
pub fn prune(
    search: Search<'_>,
    graph: &mut Graph,
    watch: &mut dyn FnMut(&Event<'_>),
) -> Result<Outcome, PruneError> {
    let Search { setting, dense, criterion, checkpoint } = search;
    let layers = PruneLayer::all(dense.graph, setting.target.config.array.lanes);
    if layers.is_empty() {
        return Err(PruneError::NoLayers { origin: dense.graph.origin.clone() });
    }
    let name = format!("{}-{}", criterion.name, setting.widths());
    let saved = checkpoint.and_then(|checkpoint| checkpoint.load(&name));
    let state = saved.unwrap_or_else(|| State::new(dense));
    let mut run = Run { search, layers: &layers, state };
    watch(&Event::Begin(setting.widths()));
    let resumed = (run.state.round > 0).then_some(run.state.round);
    if let Some(round) = resumed {
        watch(&Event::Resumed(round));
        let removed = &run.state.removed;
        removed.iter().for_each(|(round, reasons)| watch(&Event::Removed(*round, reasons)));
    }
    while run.state.ending.is_none() {
        run.next(graph, watch)?;
        if let Some(checkpoint) = checkpoint {
            checkpoint.save(&name, &run.state)?;
        }
    }
    let State { best, points, phases, ending, .. } = run.state;
    best.parameters.apply(graph);
    Ok(Outcome {
        criterion: criterion.name,
        parameters: best.parameters,
        masks: best.masks,
        point: best.point,
        points,
        ending: ending.unwrap_or(Ending::Rounds),
        resumed,
        phases,
    })
}

struct Run<'a> {
    search: Search<'a>,
    layers: &'a [PruneLayer],
    state: State,
}

impl<'a> Run<'a> {
    /// The next round.
    fn next(
        &mut self,
        graph: &mut Graph,
        watch: &mut dyn FnMut(&Event<'_>),
    ) -> Result<(), PruneError> {
        let schedule = &self.search.setting.schedule;
        if self.state.round == 0 {
            self.state.step = schedule.step;
        }
        if self.state.round >= schedule.rounds {
            self.state.ending = Some(Ending::Rounds);
            return Ok(());
        }
        self.state.round += 1;
        self.state.best.parameters.apply(graph);
        let start = Instant::now();
        let quantized = integers(self.search.setting, graph)?;
        let estimate = cost(self.search.setting, &quantized)?;
        self.state.phases.scoring += start.elapsed().as_secs_f64();
        if self.state.best.point.widths == self.search.setting.widths() {
            self.round(graph, &quantized, &estimate, watch)
        } else {
            self.enter(graph, &estimate, watch)
        }
    }

    /// Removes weights, trains, and accepts or rejects the resulting network.
    fn round(
        &mut self,
        graph: &mut Graph,
        quantized: &Integers,
        estimate: &Estimate,
        watch: &mut dyn FnMut(&Event<'_>),
    ) -> Result<(), PruneError> {
        let goal = self.goal();
        watch(&Event::Round(self.state.round, goal));
        let masks = self.state.best.masks.clone();
        let quantized = &quantized.full;
        let mut state = RoundState { graph, masks: &masks, quantized, estimate };
        let correction = self.state.correction;
        let planned = goal / correction;
        let removed = remove(self.context(), &mut state, planned, &mut self.state.phases)?;
        let Some(removed) = removed else {
            self.state.ending = Some(Ending::Exhausted);
            return Ok(());
        };
        watch(&Event::Removed(self.state.round, &removed.reasons));
        let Removed { masks, predicted, reasons } = removed;
        self.state.removed.push((self.state.round, reasons));
        let point = self.train(graph, &masks, predicted * correction, estimate, watch)?;
        let off = correction * point.energy / point.predicted;
        if off.is_finite() {
            self.state.correction = off.clamp(1.0 / CORRECTION, CORRECTION);
        }
        self.judge(point, Parameters::of(graph), masks);
        Ok(())
    }

    /// Trains the dense network for integers of other widths. If it loses too much, these widths are given up.
    fn enter(
        &mut self,
        graph: &mut Graph,
        estimate: &Estimate,
        watch: &mut dyn FnMut(&Event<'_>),
    ) -> Result<(), PruneError> {
        watch(&Event::Round(self.state.round, estimate.energy()));
        let masks = self.state.best.masks.clone();
        let point = self.train(graph, &masks, estimate.energy(), estimate, watch)?;
        self.state.points.push(point.clone());
        if point.good {
            self.state.best = Network { parameters: Parameters::of(graph), masks, point };
        } else {
            self.state.ending = Some(Ending::Accuracy);
        }
        Ok(())
    }

    /// Energy target of this round: not far below the budget, as that would cost accuracy for nothing.
    fn goal(&self) -> f64 {
        let step = self.state.best.point.energy * self.state.step;
        match self.search.setting.bounds {
            Bounds { energy: Some(energy), cycles: None, .. } => step.max(energy * BELOW),
            _ => step,
        }
    }

    fn context(&self) -> RoundContext<'a> {
        let (search, layers) = (self.search, self.layers);
        let seed = search.setting.tuning.seed.wrapping_mul(1000) + self.state.round as u64;
        RoundContext { search, layers, seed }
    }

    /// Trains a network until its accuracy suffices or the trainings are used up; returns the last result. `predicted`
    /// is its energy by the plan, `before` the estimate of the network that it was made from.
    fn train(
        &mut self,
        graph: &mut Graph,
        masks: &Masks,
        predicted: f64,
        before: &Estimate,
        watch: &mut dyn FnMut(&Event<'_>),
    ) -> Result<Point, PruneError> {
        let weight = self.search.setting.schedule.activation_penalty;
        let weight = if self.search.criterion.codesigns { weight } else { 0.0 };
        let penalty = penalties(self.layers, before, weight);
        let mut number = 0;
        loop {
            let start = Instant::now();
            let attempt = Attempt { number, penalty: &penalty };
            tune(self.context(), graph, masks, attempt, watch)?;
            self.state.phases.tuning += start.elapsed().as_secs_f64();
            let point = self.score(graph, masks, predicted)?;
            watch(&Event::Scored(&point));
            let lost = self.search.dense.validation.accuracy() - point.accuracy;
            let hopeless = lost > self.search.setting.bounds.accuracy_drop + HOPELESS;
            if point.good || hopeless || number >= self.search.setting.schedule.patience {
                return Ok(point);
            }
            number += 1;
        }
    }

    fn score(&mut self, graph: &Graph, masks: &Masks, predicted: f64) -> Result<Point, PruneError> {
        let start = Instant::now();
        let quantized = integers(self.search.setting, graph)?;
        let estimate = cost(self.search.setting, &quantized)?;
        let answers = answers(&quantized, &self.search.setting.data.validation)?;
        let accuracy = answers.accuracy();
        self.state.phases.scoring += start.elapsed().as_secs_f64();
        let bounds = &self.search.setting.bounds;
        let margin = bounds.margin * answers.paired_error(&self.search.dense.validation);
        let lost = self.search.dense.validation.accuracy() - accuracy + margin;
        Ok(Point {
            round: self.state.round,
            accuracy,
            energy: estimate.energy(),
            predicted,
            cycles: estimate.cycles,
            density: masks.density(),
            widths: self.search.setting.widths(),
            good: lost <= bounds.accuracy_drop + 1e-9,
        })
    }

    /// Accepts or rejects a network.
    fn judge(&mut self, point: Point, parameters: Parameters, masks: Masks) {
        let bounds = &self.search.setting.bounds;
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
        if self.state.failures > self.search.setting.schedule.failures {
            self.state.ending = Some(Ending::Accuracy);
        }
    }
}
