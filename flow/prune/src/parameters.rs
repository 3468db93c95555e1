//! Weights and biases of a network, stored apart from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use pecan_net::graph::Graph;

/// Everything that training changes of a network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    /// By node name.
    layers: BTreeMap<String, Layer>,
    /// Ranges that the file gives, by tensor: training drops them, as the values change.
    given: Vec<Option<f64>>,
}

/// In the order of [`Linear`](pecan_net::op::Linear).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Layer {
    weights: Vec<f32>,
    bias: Vec<f32>,
    /// Units of the file's integers, if it has any; likewise.
    units: Vec<f64>,
}

impl Parameters {
    /// Those of `graph`.
    #[must_use]
    pub fn of(graph: &Graph) -> Self {
        let layers = graph.iter().filter_map(|node| {
            let linear = node.op.as_ref()?.linear()?.clone();
            let (weights, bias, units) = (linear.weights, linear.bias, linear.units);
            Some((node.name.clone(), Layer { weights, bias, units }))
        });
        let given = graph.tensors.iter().map(|tensor| tensor.given).collect();
        Self { layers: layers.collect(), given }
    }

    /// Writes them to `graph`, which has the same layers and tensors.
    pub fn apply(&self, graph: &mut Graph) {
        for (name, layer) in &self.layers {
            let node = graph.node_mut(name).and_then(|node| node.op.as_mut());
            if let Some(linear) = node.and_then(|op| op.linear_mut()) {
                linear.weights.clone_from(&layer.weights);
                linear.bias.clone_from(&layer.bias);
                linear.units.clone_from(&layer.units);
            }
        }
        for (tensor, given) in graph.tensors.iter_mut().zip(&self.given) {
            tensor.given = *given;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pecan_net::onnx::Model;

    /// Ranges and units of the file are restored with the parameters and replaced with those of training: a run that
    /// resumes from its saved state sees the network that it left.
    #[test]
    fn a_network_is_what_its_parameters_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/lenet_digits.onnx");
        let model = Model::read(std::path::Path::new(path)).unwrap();
        let mut graph = Graph::import(&model).unwrap();
        let name =
            graph.iter().find(|node| node.op.as_ref().is_some_and(|op| op.linear().is_some()));
        let name = name.unwrap().name.clone();
        let set = |graph: &mut Graph, given: Option<f64>, units: Vec<f64>, weight: f32| {
            graph.tensors.iter_mut().for_each(|tensor| tensor.given = given);
            let linear = graph.node_mut(&name).unwrap().op.as_mut().unwrap().linear_mut().unwrap();
            (linear.units, linear.weights[0]) = (units, weight);
        };
        set(&mut graph, Some(2.0), vec![0.25], 0.5);
        let file = Parameters::of(&graph);
        set(&mut graph, None, Vec::new(), 0.75);
        let trained = Parameters::of(&graph);
        file.apply(&mut graph);
        assert_eq!(Parameters::of(&graph), file);
        assert!(graph.tensors.iter().all(|tensor| tensor.given == Some(2.0)));
        trained.apply(&mut graph);
        assert_eq!(Parameters::of(&graph), trained);
        assert!(graph.tensors.iter().all(|tensor| tensor.given.is_none()));
    }
}
