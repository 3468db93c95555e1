use super::tests::{branches, waves};
use super::*;
use pecan_net::graph::Graph;
use pecan_net::testing::ModelBuilder;

/// Compares every measurement of a small layer with its definition.
#[test]
fn captures_are_what_they_say() {
    let graph = branches();
    let mut pruned = branches();
    let d = pruned.node_mut("n_a").unwrap().op.as_mut().unwrap().linear_mut().unwrap();
    d.weights.iter_mut().step_by(3).for_each(|w| *w = 0.0);
    let samples = waves(130, 72);
    let inputs: Vec<&[f32]> = samples.iter().map(Vec::as_slice).collect();
    let labels: Vec<usize> = (0..130).map(|s| s % 3).collect();
    let capture = Capture {
        inputs: &inputs,
        labels: Some(&labels),
        teacher: Some(&graph),
        sensitivity: true,
        columns: usize::MAX,
        seed: 1,
    };
    let all = captures(&pruned, &capture).unwrap();
    // The last layer: its inputs are a tensor of the graph, its outputs the logits.
    let (name, last) = all.iter().find(|(_, s)| s.outputs == 3).unwrap();
    let node = pruned.iter().find(|n| n.name == *name).unwrap();
    let x: Vec<Vec<f32>> =
        inputs.iter().map(|i| pruned.forward(i).unwrap().swap_remove(node.inputs[0])).collect();
    let y = graph.outputs(&inputs).unwrap();
    let own = pruned.outputs(&inputs).unwrap();
    let mean = |f: &dyn Fn(usize) -> f64| (0..130).map(f).sum::<f64>() / 130.0;
    let close = |a: f64, b: f64, what: &str| {
        assert!((a - b).abs() < 1e-4 * (1.0 + b.abs()), "{what}: {a} {b}");
    };
    for (i, j) in [(0, 0), (3, 50), (71, 20)] {
        let expected = mean(&|s| f64::from(x[s][i]) * f64::from(x[s][j]));
        close(f64::from(last.gram[i * 72 + j]), expected, "gram");
        close(last.mean[i], mean(&|s| f64::from(x[s][i])), "mean");
        let o = i % 3;
        let expected = mean(&|s| f64::from(y[s][o]) * f64::from(x[s][j]));
        close(f64::from(last.cross.as_ref().unwrap()[o * 72 + j]), expected, "cross");
        close(last.target.as_ref().unwrap()[o], mean(&|s| f64::from(y[s][o])), "target");
        let gradient = |s: usize| {
            let p = super::loss::log_softmax(&own[s], 1.0)[o].exp();
            (p - f64::from(u8::from(labels[s] == o))).powi(2)
        };
        let distance = |s: usize| -> f64 {
            x[s].iter().zip(&last.mean).map(|(x, m)| (f64::from(*x) - m).powi(2)).sum()
        };
        let expected = mean(&|s| gradient(s) * distance(s)) / mean(&distance);
        // The subtracted mean is that of the samples so far.
        let ratio = last.sensitivity[o] / expected;
        assert!((ratio - 1.0).abs() < 0.03, "sensitivity: {ratio}");
    }
    assert_eq!((last.positions, last.groups, last.inputs), (130, 1, 72));
    let depthwise = &all["n_d"];
    assert_eq!((depthwise.groups, depthwise.inputs, depthwise.positions), (8, 9, 130 * 36));
    assert_eq!(depthwise.gram.len(), 8 * 81);
    let few = captures(&pruned, &Capture { columns: 500, labels: None, ..capture }).unwrap();
    assert!(few.iter().all(|(name, s)| s.positions == all[name].positions.min(500)));
    let diagonal = |s: &LayerStatistics| -> f32 { (0..9).map(|i| s.gram[i * 10]).sum() };
    let (some, every) = (diagonal(&few["n_d"]), diagonal(depthwise));
    assert!((some / every - 1.0).abs() < 0.3, "{some} {every}");
}

/// Positions with equal inputs and gradients of one sign: their errors add up to that of one position with the sum of
/// the gradients.
#[test]
fn errors_of_one_direction_add_up() {
    let sensitivity = |positions: usize| {
        let model = ModelBuilder::new(&[1, 1, positions as i64])
            .floats("w", &[2, 1, 1, 1], &[0.3, -0.2])
            .node("Conv", &["x", "w"], "c", &[])
            .node("GlobalAveragePool", &["c"], "p", &[])
            .node("Flatten", &["p"], "y", &[])
            .model();
        let graph = Graph::import(&model).unwrap();
        let value = |s: usize| ((s * 37 % 19) as f32 - 9.0) / 9.0;
        let samples: Vec<Vec<f32>> = (0..64).map(|s| vec![value(s); positions]).collect();
        let inputs: Vec<&[f32]> = samples.iter().map(Vec::as_slice).collect();
        let labels: Vec<usize> = (0..64).map(|s| s % 2).collect();
        let capture = Capture {
            inputs: &inputs,
            labels: Some(&labels),
            teacher: None,
            sensitivity: true,
            columns: usize::MAX,
            seed: 1,
        };
        captures(&graph, &capture).unwrap()["n_c"].sensitivity[0]
    };
    let (one, four) = (sensitivity(1), sensitivity(4));
    assert!(one > 0.0 && (four / one - 1.0).abs() < 1e-3, "{one} {four}");
}
