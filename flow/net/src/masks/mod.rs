//! Weights of a network that remain after pruning.

mod error;
mod files;

pub use error::MaskError;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::graph::Graph;

/// For every layer with weights, by node name: flags of the remaining weights, in the order of
/// [`Linear::weights`](super::op::Linear::weights).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Masks(pub BTreeMap<String, Vec<bool>>);

impl Masks {
    /// The weights of `graph` that are not 0.
    #[must_use]
    pub fn of(graph: &Graph) -> Self {
        let layers = graph.iter().filter_map(|node| {
            let linear = node.op.as_ref()?.linear()?;
            Some((node.name.clone(), linear.weights.iter().map(|w| *w != 0.0).collect()))
        });
        Self(layers.collect())
    }

    /// The mask of a layer, if it has one.
    #[must_use]
    pub fn layer(&self, name: &str) -> Option<&[bool]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// Sets the removed weights to 0. Layers without a mask stay unchanged.
    pub fn apply(&self, graph: &mut Graph) {
        for (name, mask) in &self.0 {
            let node = graph.node_mut(name).and_then(|node| node.op.as_mut());
            let Some(linear) = node.and_then(|op| op.linear_mut()) else { continue };
            let pairs = linear.weights.iter_mut().zip(mask);
            pairs.filter(|(_, keep)| !**keep).for_each(|(weight, _)| *weight = 0.0);
        }
    }

    /// Number of remaining weights, and of all.
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        let kept = self.0.values().flatten().filter(|keep| **keep).count();
        (kept, self.0.values().map(Vec::len).sum())
    }

    /// Share of the remaining weights; 1 without weights.
    #[must_use]
    pub fn density(&self) -> f64 {
        match self.count() {
            (_, 0) => 1.0,
            (kept, all) => kept as f64 / all as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::Model;

    #[test]
    fn masked_weights_are_zero_and_stay_masked() {
        let model = include_bytes!("../../../../tests/data/lenet_digits.onnx");
        let mut graph = Graph::import(&Model::decode(model, "lenet").unwrap()).unwrap();
        let mut masks = Masks::of(&graph);
        let all = masks.count().1;
        assert_eq!(masks.density(), masks.count().0 as f64 / all as f64);
        let before = masks.count().0;
        let (name, mask) = masks.0.iter_mut().next().unwrap();
        let (name, cut) = (name.clone(), mask.iter().take(10).filter(|keep| **keep).count());
        mask.iter_mut().take(10).for_each(|keep| *keep = false);
        masks.apply(&mut graph);
        assert_eq!(masks.count(), (before - cut, all));
        assert_eq!(Masks::of(&graph), masks);
        assert!(masks.layer(&name).unwrap()[..10].iter().all(|keep| !keep));
        assert_eq!(masks.layer("nothing"), None);
    }
}

#[cfg(test)]
mod file_tests;
