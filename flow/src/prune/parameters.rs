//! Weights and biases of a network, apart from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::net::graph::Graph;

/// Weights and bias of every layer that has some, by node name, in the order of
/// [`Linear`](crate::net::op::Linear).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Parameters(BTreeMap<String, (Vec<f32>, Vec<f32>)>);

impl Parameters {
    /// Those of `graph`.
    #[must_use]
    pub fn of(graph: &Graph) -> Self {
        let layers = graph.iter().filter_map(|node| {
            let linear = node.op.as_ref()?.linear()?;
            Some((node.name.clone(), (linear.weights.clone(), linear.bias.clone())))
        });
        Self(layers.collect())
    }

    /// Gives them to `graph`, which has the same layers.
    pub fn apply(&self, graph: &mut Graph) {
        for (name, (weights, bias)) in &self.0 {
            let node = graph.node_mut(name).and_then(|node| node.op.as_mut());
            if let Some(linear) = node.and_then(|op| op.linear_mut()) {
                linear.weights.clone_from(weights);
                linear.bias.clone_from(bias);
            }
        }
    }
}
