//! Trials on real networks; skipped where the files are absent. Run with
//! `cargo test --release -p pecan-flow train::trials -- --ignored --nocapture`.

use std::time::Instant;

use super::tests::prune_but;
use super::*;
use pecan_net::data::{Samples, Selection};
use pecan_net::graph::Graph;
use pecan_net::onnx::Model;
use pecan_net::testing::shared_file;

fn load(file: &str, rows: &str) -> Option<Samples> {
    let selection = Selection { rows: rows.parse().unwrap(), ..Selection::default() };
    Some(Samples::load(&shared_file(file)?, &selection).unwrap())
}

fn graph(model: &str) -> Option<Graph> {
    let path = shared_file(&format!("models/{model}.onnx"))?;
    Some(Graph::import(&Model::read(&path).unwrap()).unwrap())
}

/// Half of the weights of all layers but the first and the last are removed by magnitude.
#[test]
#[ignore = "takes minutes"]
fn residual_network_recovers() {
    let name = "resnet8_cifar10_jpegft";
    let (Some(teacher), Some(mut graph), Some(data), Some(test)) = (
        graph(name),
        graph(name),
        load("data/cifar10_train.npz", "0..9000"),
        load("data/cifar10_test.npz", "0..5000"),
    ) else {
        return;
    };
    let (inputs, test_inputs) = (data.as_slices(), test.as_slices());
    let labels = test.expect_labels(10).unwrap();
    let dense = accuracy(&graph, &test_inputs, labels).unwrap();
    let masks = prune_but(&mut graph, 0.5, 1);
    let pruned = accuracy(&graph, &test_inputs, labels).unwrap();
    let given = logits(&teacher, &inputs).unwrap();
    let teacher = Some(Teacher::Logits(&given));
    let set = Set { inputs: &inputs, labels: data.labels.as_deref(), teacher };
    let settings = Settings { epochs: 4.0, ..Settings::default() };
    let start = Instant::now();
    let summary = tune(&mut graph, &masks, &set, &settings, &mut |_| {}).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let tuned = accuracy(&graph, &test_inputs, labels).unwrap();
    println!(
        "dense {dense:.4}, pruned {pruned:.4}, tuned {tuned:.4}; {summary:?}; {seconds:.1} s, {:.0} images/s",
        4.0 * inputs.len() as f64 / seconds
    );
    assert!(tuned > 0.80, "{tuned}");
}

/// Depthwise convolutions, one row of pixels per frame.
#[test]
#[ignore = "takes a minute"]
fn keyword_network_trains() {
    let (Some(mut graph), Some(data)) = (graph("kws_dscnn"), load("data/kws01.npz", "all")) else {
        return;
    };
    let inputs = data.as_slices();
    let labels = data.labels.clone().unwrap();
    let masks = prune_but(&mut graph, 0.5, 1);
    let before = accuracy(&graph, &inputs, &labels).unwrap();
    let set = Set { inputs: &inputs, labels: Some(&labels), teacher: None };
    let settings = Settings { epochs: 3.0, ..Settings::default() };
    let start = Instant::now();
    tune(&mut graph, &masks, &set, &settings, &mut |_| {}).unwrap();
    let speed = 3.0 * inputs.len() as f64 / start.elapsed().as_secs_f64();
    let after = accuracy(&graph, &inputs, &labels).unwrap();
    println!("on its own samples: {before:.4}, then {after:.4}; {speed:.0} samples/s");
    assert!(after > before);
}
