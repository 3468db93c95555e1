//! State of a run between rounds.

use pecan_net::Masks;
use serde::{Deserialize, Serialize};

use super::Parameters;
use super::criterion::Reason;
use super::dense::Dense;
use super::outcome::{Ending, Phases, Point};

/// A network with its masks and its figures.
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
    /// Measured over predicted energy of the rounds: training changes activations, which no plan knows.
    pub(super) correction: f64,
    /// Removals of each round with their reasons.
    pub(super) removed: Vec<(usize, Vec<Reason>)>,
    pub(super) failures: usize,
    pub(super) round: usize,
    pub(super) phases: Phases,
    pub(super) ending: Option<Ending>,
}

impl State {
    pub(super) fn new(dense: &Dense<'_>) -> Self {
        let masks = Masks::of(dense.graph);
        let energy = dense.estimate.energy();
        let point = Point {
            round: 0,
            accuracy: dense.validation.accuracy(),
            energy,
            predicted: energy,
            cycles: dense.estimate.cycles,
            density: masks.density(),
            widths: dense.widths,
            good: true,
        };
        let parameters = Parameters::of(dense.graph);
        Self {
            best: Network { parameters, masks, point: point.clone() },
            points: vec![point],
            step: 0.0,
            correction: 1.0,
            removed: Vec::new(),
            failures: 0,
            round: 0,
            phases: Phases::default(),
            ending: None,
        }
    }
}
