//! Written networks in ONNX Runtime: pruned float networks have the results of the graph, integer networks the labels
//! of the integer reference.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use pecan_net::data::{Samples, Selection};
use pecan_net::export::{pruned, quantized_qdq};
use pecan_net::graph::Graph;
use pecan_net::onnx::Model;
use pecan_net::op::argmax;
use pecan_net::quantize;
use pecan_net::quantize::Options;
use pecan_tests::digits;
use pecan_tests::judge::{judge, judge_plainly, largest_difference};

/// A network with data to calibrate and to test.
struct Case {
    model: Model,
    calibration: Samples,
    test: Samples,
}

impl Case {
    /// `None`, and a line that says so, if a file is absent.
    fn load(model: &Path, calibration: (PathBuf, &str), test: (PathBuf, &str)) -> Option<Self> {
        if let Some(path) = [model, &calibration.0, &test.0].into_iter().find(|p| !p.exists()) {
            let _ = pecan_test_support::present(path);
            return None;
        }
        let samples = |(path, rows): (PathBuf, &str)| {
            let rows = rows.parse().unwrap();
            Samples::load(&path, &Selection { rows, ..Selection::default() }).unwrap()
        };
        let model = Model::read(model).unwrap();
        Some(Self { model, calibration: samples(calibration), test: samples(test) })
    }

    fn graph(&self) -> Graph {
        Graph::import(&self.model).unwrap()
    }

    /// Outputs of ONNX Runtime for a written model, with or without its optimizations.
    fn judged(&self, model: &Model, optimized: bool) -> Vec<Vec<f32>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("written.onnx");
        model.write(&path).unwrap();
        let judge = if optimized { judge } else { judge_plainly };
        judge(&path, &self.test).unwrap()
    }

    /// The network with `removed` percent of the weights of every layer at 0 and other biases: the outputs are those of
    /// the graph.
    fn check_pruned(&self, removed: usize) {
        let mut graph = self.graph();
        prune(&mut graph, removed);
        let theirs = self.judged(&pruned(&self.model, &graph).unwrap(), true);
        let ours = graph.outputs(&self.test.as_slices()).unwrap();
        let (worst, same) = (largest_difference(&ours, &theirs), alike(&ours, &theirs));
        let count = ours.len();
        println!(
            "{}, {removed} % removed: largest difference {worst:.1e}, {same} of {count} labels alike",
            self.model.origin
        );
        assert!(worst < 1e-4, "{worst}");
        assert_eq!(same, count);
    }

    /// The labels of the integers of `graph` here and in ONNX Runtime. Outputs are integers, and two of them are often
    /// equal: if one side has such a tie, its other label counts as well.
    fn check_integers(&self, graph: &Graph, options: Options, least: f64) {
        let samples = self.calibration.as_slices();
        let quantized = quantize::quantize_with(graph, &samples, options).unwrap();
        let written = quantized_qdq(&self.model, graph, &quantized).unwrap();
        // The optimizations would make integer maxima of 4 bits, which neither ONNX Runtime nor the standard supports.
        let theirs = self.judged(&written, options.activation_bits != 4);
        let outputs = quantized.reference_outputs(&self.test.as_slices()).unwrap();
        let ours: Vec<Vec<f32>> = outputs.iter().map(|o| quantized.finish(o)).collect();
        let percent = |count: usize| 100.0 * count as f64 / ours.len() as f64;
        let same = percent(alike(&ours, &theirs));
        let legal = |a: &[f32], b: &[f32]| a[argmax(b)] == a[argmax(a)];
        let pairs = ours.iter().zip(&theirs);
        let tied = percent(pairs.filter(|(a, b)| legal(a, b) || legal(b, a)).count());
        let right = |outputs: &[Vec<f32>]| {
            let labels = self.test.expect_labels(outputs[0].len()).unwrap();
            let right = outputs.iter().zip(labels).filter(|(o, l)| argmax(o) == **l).count();
            100.0 * right as f64 / labels.len() as f64
        };
        println!(
            "{}, {options:?}: {same:.2} % of {} labels alike, {tied:.2} % with ties; accuracy {:.2} % here, {:.2} % there",
            self.model.origin,
            ours.len(),
            right(&ours),
            right(&theirs)
        );
        assert!(tied >= least && same >= least - 1.0, "{same} {tied}");
    }
}

/// Removes the smallest weights of every layer, and shifts every bias a little.
fn prune(graph: &mut Graph, percent: usize) {
    for node in graph.nodes.node_weights_mut() {
        let Some(linear) = node.op.as_mut().and_then(|op| op.linear_mut()) else { continue };
        let mut order: Vec<f32> = linear.weights.iter().map(|w| w.abs()).collect();
        order.sort_by(f32::total_cmp);
        let limit = order[order.len() * percent / 100];
        linear.weights.iter_mut().filter(|w| w.abs() < limit).for_each(|w| *w = 0.0);
        for (at, bias) in linear.bias.iter_mut().enumerate() {
            *bias += 0.01 * (at % 5) as f32;
        }
    }
}

fn alike(a: &[Vec<f32>], b: &[Vec<f32>]) -> usize {
    a.iter().zip(b).filter(|(a, b)| argmax(a) == argmax(b)).count()
}

fn shared(name: &str) -> PathBuf {
    pecan_test_support::shared().join(name)
}

fn lenet() -> Case {
    let data = digits::data("digits.npz");
    let model = digits::data("lenet_digits.onnx");
    Case::load(&model, (data.clone(), "train_idx"), (data, "test_idx")).unwrap()
}

fn keywords() -> Option<Case> {
    let data = || shared("data/kws01.npz");
    Case::load(&shared("models/kws_dscnn.onnx"), (data(), "0..100"), (data(), "100.."))
}

fn images() -> Option<Case> {
    Case::load(
        &shared("models/resnet8_cifar10_jpegft.onnx"),
        (shared("data/cifar10_train.npz"), "0..200"),
        (shared("data/cifar10_test.npz"), "0..500"),
    )
}

#[test]
fn pruned_digits() {
    lenet().check_pruned(80);
}

#[test]
fn pruned_keywords_and_images() {
    for case in [keywords(), images()].into_iter().flatten() {
        case.check_pruned(50);
        case.check_pruned(80);
    }
}

#[test]
fn digits_in_integers_of_every_width() {
    let case = lenet();
    let mut half = case.graph();
    prune(&mut half, 50);
    case.check_integers(&half, Options::default(), 99.0);
    for (activation_bits, weight_bits) in [(8, 8), (16, 16), (8, 4), (16, 8), (4, 4)] {
        let options = Options { activation_bits, weight_bits };
        // With activations of 4 bits a tie that is rounded differently, or -8 in place of -7, matters much.
        let least = if activation_bits == 4 { 95.0 } else { 99.0 };
        case.check_integers(&case.graph(), options, least);
    }
}

#[test]
fn keywords_and_images_in_integers() {
    for case in [keywords(), images()].into_iter().flatten() {
        case.check_integers(&case.graph(), Options::default(), 99.0);
    }
}
