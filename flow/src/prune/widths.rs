//! Widths of the hardware as a choice: the same search on accelerators that differ in nothing but the bits of weights and
//! activations.

use super::driver::{Dense, prune};
use super::outcome::{Ending, Event, Outcome};
use super::rule::Rule;
use super::{Checkpoint, PruneError, Setting};
use crate::net::graph::Graph;
use crate::net::quantize::Options;

/// Prunes by `rule` on hardware of each of these widths and keeps the network of least energy within the bounds;
/// `graph` holds it in the end. The dense network on the hardware of `setting` is what all are compared with, in
/// accuracy and in energy. Other widths begin with the dense network, trained for them. Rules that do not choose
/// widths, and an empty list, stay with those of `setting`.
///
/// # Errors
/// As [`prune`]; the configuration does not allow a width.
pub fn prune_widths(
    setting: &Setting,
    widths: &[Options],
    (dense, rule): (&Dense<'_>, &Rule),
    graph: &mut Graph,
    checkpoint: Option<&Checkpoint>,
    watch: &mut dyn FnMut(&Event<'_>),
) -> Result<Outcome, PruneError> {
    let own = [setting.widths()];
    let widths = if rule.codesigns && !widths.is_empty() { widths } else { &own };
    let mut best: Option<Outcome> = None;
    for widths in widths {
        let setting = setting.with_widths(*widths)?;
        let found = prune(&setting, dense, rule, graph, checkpoint, watch)?;
        let enough = found.ending == Ending::Budget;
        best = Some(match best {
            None => found,
            Some(before) => before.or(found),
        });
        if enough {
            break;
        }
    }
    let best = best.ok_or_else(|| PruneError::NoLayers { origin: dense.graph.origin.clone() })?;
    best.parameters.apply(graph);
    Ok(best)
}

impl Outcome {
    /// The better of two, with the ways to both.
    fn or(self, other: Self) -> Self {
        let mut points = self.points.clone();
        // Both begin with the dense network.
        points.extend(other.points.iter().skip(1).cloned());
        let phases = self.phases.plus(&other.phases);
        let better = if other.point.energy < self.point.energy { other } else { self };
        Self { points, phases, ..better }
    }
}
