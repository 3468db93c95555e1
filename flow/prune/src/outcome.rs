//! Events and results of a search.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Parameters;
use super::criterion::Reason;
use pecan_net::Masks;
use pecan_net::quantize::Options;
use pecan_train::Progress;

/// Seconds by phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Phases {
    /// Statistics of the layers.
    #[schemars(extend("unit" = "s"))]
    pub statistics: f64,
    /// Choice of the weights to remove.
    #[schemars(extend("unit" = "s"))]
    pub selection: f64,
    /// Least squares.
    #[serde(rename = "refit")]
    #[schemars(extend("unit" = "s"))]
    pub reconstruction: f64,
    /// Training.
    #[schemars(extend("unit" = "s"))]
    pub tuning: f64,
    /// Accuracy and energy.
    #[schemars(extend("unit" = "s"))]
    pub scoring: f64,
}

impl Phases {
    /// The sums of two runs.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            statistics: self.statistics + other.statistics,
            selection: self.selection + other.selection,
            reconstruction: self.reconstruction + other.reconstruction,
            tuning: self.tuning + other.tuning,
            scoring: self.scoring + other.scoring,
        }
    }

    /// All together.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.statistics + self.selection + self.reconstruction + self.tuning + self.scoring
    }
}

/// A network of the search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// Round, from 1; 0 is the dense network.
    pub round: usize,
    /// Accuracy of the integers on the validation samples.
    pub accuracy: f64,
    /// Energy per image, in the technology's unit.
    pub energy: f64,
    /// Energy that was predicted before it was measured.
    #[schemars(extend("unit" = "technology.unit"))]
    pub predicted: f64,
    /// Cycles per image.
    pub cycles: f64,
    /// Share of the weights that remain.
    pub density: f64,
    /// Widths of the integers.
    pub widths: Options,
    /// Whether the accuracy is within the bound.
    pub good: bool,
}

/// Reason why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// Events of a search, for observers.
#[derive(Debug)]
pub enum Event<'a> {
    /// A search begins, on hardware of these widths.
    Begin(Options),
    /// The search resumes after this round of an earlier run; the removals of that run follow.
    Resumed(usize),
    /// A round begins, with a target energy.
    Round(usize, f64),
    /// A step of training.
    Tuning(Progress),
    /// A network was scored.
    Scored(&'a Point),
    /// Removals of a round with their reasons.
    Removed(usize, &'a [Reason]),
}

/// Result of a method.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Name of the criterion.
    pub criterion: &'static str,
    /// Weights and biases of the best network: that of least energy within the bounds.
    pub parameters: Parameters,
    /// Masks of its remaining weights.
    pub masks: Masks,
    /// Its figures, and the widths of its hardware.
    pub point: Point,
    /// All networks on the way, the dense one first.
    pub points: Vec<Point>,
    /// How it ended.
    pub ending: Ending,
    /// Round after which it was resumed; none if it began from the dense network.
    pub resumed: Option<usize>,
    /// Seconds by phase.
    pub phases: Phases,
}
