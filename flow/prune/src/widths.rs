//! Search over the widths of the hardware: the same pruning on accelerators that differ only in the bits of weights and
//! activations.

use super::PruneError;
use super::driver::{Search, prune};
use super::outcome::{Ending, Event, Outcome};
use pecan_net::graph::Graph;
use pecan_net::quantize::Options;

/// Prunes on hardware of each of these widths and keeps the network of least energy within the bounds;
/// `graph` holds it in the end. The reference for accuracy and energy is the dense network on the hardware of
/// the setting. Searches at other widths begin with the dense network, trained for them. Criteria that do not choose
/// widths, and an empty list, keep those of the setting.
///
/// # Errors
/// As [`prune`]; the configuration does not allow a width.
pub fn prune_widths(
    search: Search<'_>,
    widths: &[Options],
    graph: &mut Graph,
    watch: &mut dyn FnMut(&Event<'_>),
) -> Result<Outcome, PruneError> {
    let own = [search.setting.widths()];
    let widths = if search.criterion.codesigns && !widths.is_empty() { widths } else { &own };
    let mut at = |widths: &Options, graph: &mut Graph| {
        let setting = search.setting.with_widths(*widths)?;
        prune(Search { setting: &setting, ..search }, graph, watch)
    };
    let mut best = at(&widths[0], graph)?;
    for widths in &widths[1..] {
        if best.ending == Ending::Budget {
            break;
        }
        best = best.or(at(widths, graph)?);
    }
    best.parameters.apply(graph);
    Ok(best)
}

impl Outcome {
    /// The better of two outcomes, with the networks of both searches.
    fn or(self, other: Self) -> Self {
        let mut points = self.points.clone();
        // Both begin with the dense network.
        points.extend(other.points.iter().skip(1).cloned());
        let phases = self.phases.plus(&other.phases);
        let resumed = other.resumed.or(self.resumed);
        // Meeting the budgets counts more than energy: a budget of cycles may cost some energy.
        let first = |outcome: &Self| (outcome.ending != Ending::Budget, outcome.point.energy);
        let better = if first(&other) < first(&self) { other } else { self };
        Self { points, phases, resumed, ..better }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Phases, Point};

    fn outcome(ending: Ending, energy: f64) -> Outcome {
        let point = Point {
            round: 1,
            accuracy: 0.9,
            energy,
            predicted: energy,
            cycles: 1.0,
            density: 1.0,
            widths: Options::default(),
            good: true,
        };
        let dense = Point { round: 0, energy: 100.0, ..point.clone() };
        Outcome {
            criterion: "pecan",
            parameters: Default::default(),
            masks: Default::default(),
            resumed: None,
            points: vec![dense, point.clone()],
            point,
            ending,
            phases: Phases { tuning: 1.0, ..Phases::default() },
        }
    }

    #[test]
    fn less_energy_is_better_but_for_budgets_that_are_met() {
        let energy = |a: Outcome, b: Outcome| a.or(b).point.energy;
        let [much, little] = [60.0, 40.0].map(|energy| outcome(Ending::Accuracy, energy));
        assert_eq!(energy(much.clone(), little.clone()), 40.0);
        assert_eq!(energy(little.clone(), much.clone()), 40.0);
        assert_eq!(energy(little.clone(), outcome(Ending::Budget, 60.0)), 60.0);
        let both = much.or(little);
        let ways: Vec<f64> = both.points.iter().map(|point| point.energy).collect();
        assert_eq!((ways, both.phases.tuning), (vec![100.0, 60.0, 40.0], 2.0));
    }
}
