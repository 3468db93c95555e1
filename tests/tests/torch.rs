//! The loop of a PyTorch user (`docs/pytorch.md`): prune here, fine-tune in PyTorch with the masks, read the result.
//!
//! PyTorch comes from Debian's packages, as the one of the Python index brings gigabytes of GPU libraries. CI installs
//! it; elsewhere the test is skipped.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

use pecan_net::Masks;
use pecan_net::data::{Samples, Selection};
use pecan_net::export::pruned;
use pecan_net::graph::Graph;
use pecan_net::onnx::Model;
use pecan_net::op::argmax;
use pecan_tests::digits;
use pecan_tests::judge::{run, script};

/// A Python with PyTorch, numpy and onnx: that of the path, or the system's.
fn python() -> Option<&'static str> {
    let complete = |python: &&str| {
        let mut command = Command::new(python);
        command.args(["-c", "import numpy, onnx, torch"]);
        command.output().is_ok_and(|out| out.status.success())
    };
    let found = ["python3", "/usr/bin/python3"].into_iter().find(complete);
    if found.is_none() {
        let packages = "python3-torch and python3-onnx (Debian), or torch and onnx for `python3`";
        pecan_test_support::skip(&format!("no PyTorch; install {packages}"));
    }
    found
}

/// Removes so many percent of the weights of every layer, the smallest ones.
fn prune(graph: &mut Graph, percent: usize) {
    for node in graph.nodes.node_weights_mut() {
        let Some(linear) = node.op.as_mut().and_then(|op| op.linear_mut()) else { continue };
        let mut order: Vec<f32> = linear.weights.iter().map(|w| w.abs()).collect();
        order.sort_by(f32::total_cmp);
        let limit = order[order.len() * percent / 100];
        linear.weights.iter_mut().filter(|w| w.abs() < limit).for_each(|w| *w = 0.0);
    }
}

fn accuracy(graph: &Graph, test: &Samples) -> f64 {
    let outputs = graph.outputs(&test.as_slices()).unwrap();
    let labels = test.expect_labels(10).unwrap();
    let right = outputs.iter().zip(labels).filter(|(o, l)| argmax(o) == **l).count();
    100.0 * right as f64 / labels.len() as f64
}

#[test]
fn fine_tuning_in_pytorch_keeps_what_was_removed() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let model = Model::read(&digits::data("lenet_digits.onnx")).unwrap();
    let mut graph = Graph::import(&model).unwrap();
    prune(&mut graph, 90);
    let masks = Masks::of(&graph);
    pruned(&model, &graph).unwrap().write(&place("pruned.onnx")).unwrap();
    masks.write(&model, &graph, &place("masks.npz")).unwrap();

    let mut command = Command::new(python);
    command.arg(script("torch_loop.py")).arg(place("pruned.onnx")).arg(place("masks.npz"));
    command.arg(digits::data("digits.npz")).arg(place("tuned.onnx")).arg("10");
    let printed = run(&mut command).unwrap();
    let stated: Vec<f64> = printed.split_whitespace().map(|v| v.parse().unwrap()).collect();

    let tuned_model = Model::read(&place("tuned.onnx")).unwrap();
    let tuned = Graph::import(&tuned_model).unwrap();
    for (name, left) in &Masks::of(&tuned).0 {
        let mask = masks.layer(name).unwrap();
        assert!(left.iter().zip(mask).all(|(left, keep)| *keep || !left), "{name}");
    }
    let selection = Selection { rows: "test_idx".parse().unwrap(), ..Selection::default() };
    let test = Samples::load(&digits::data("digits.npz"), &selection).unwrap();
    let reached = [accuracy(&graph, &test), accuracy(&tuned, &test)];
    println!(
        "{:.1} % of the weights remain; accuracy {:.2} % pruned, {:.2} % fine-tuned; PyTorch says {stated:?}",
        100.0 * masks.density(),
        reached[0],
        reached[1]
    );
    for (ours, theirs) in reached.iter().zip(&stated) {
        // Two labels of one image may be equal within rounding.
        assert!((ours - theirs).abs() <= 0.3, "{ours} {theirs}");
    }
    assert!(reached[1] >= 95.0 && reached[1] >= reached[0], "{reached:?}");
}
