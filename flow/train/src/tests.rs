use std::collections::BTreeMap;

use super::*;
use pecan_net::Masks;
use pecan_net::data::{Samples, Selection};
use pecan_net::graph::{Graph, Node};
use pecan_net::onnx::Model;
use pecan_net::op::argmax;
use pecan_net::quantize::{Calibration, Options, calibrate, quantize};
use pecan_net::testing::{ModelBuilder, digits, lenet, shared_file};

pub(super) fn lenet_graph() -> Graph {
    Graph::import(&lenet()).unwrap()
}

pub(super) fn settings(epochs: f64) -> Settings {
    // A small network with few samples needs a high rate.
    let learning_rate = 5e-2;
    Settings { epochs, learning_rate, distillation: None, seed: 3, ..Settings::default() }
}

/// Keeps the largest `share` of the weights of every layer.
fn prune(graph: &mut Graph, share: f64) -> Masks {
    prune_but(graph, share, 0)
}

/// The same, except for so many layers at the beginning and at the end.
pub(super) fn prune_but(graph: &mut Graph, share: f64, ends: usize) -> Masks {
    let mut masks = Masks::of(graph);
    let linear =
        |node: &Node| Some((node.name.clone(), node.op.as_ref()?.linear()?.weights.clone()));
    let layers: Vec<(String, Vec<f32>)> = graph.iter().filter_map(linear).collect();
    for (name, weights) in &layers[ends..layers.len() - ends] {
        let mut order: Vec<usize> = (0..weights.len()).collect();
        order.sort_by(|a, b| weights[*b].abs().total_cmp(&weights[*a].abs()));
        let kept = (order.len() as f64 * share).round() as usize;
        let mask = masks.0.get_mut(name).unwrap();
        order[kept..].iter().for_each(|&at| mask[at] = false);
    }
    masks.apply(graph);
    masks
}

pub(super) fn weights(graph: &Graph) -> Vec<(Vec<f32>, Vec<f32>)> {
    let linear = graph.iter().filter_map(|node| node.op.as_ref()?.linear());
    linear.map(|linear| (linear.weights.clone(), linear.bias.clone())).collect()
}

fn train(
    graph: &mut Graph,
    masks: &Masks,
    samples: &Samples,
    settings: &Settings,
) -> Result<Summary, TrainError> {
    let inputs = samples.as_slices();
    let set = Set { inputs: &inputs, labels: samples.labels.as_deref(), teacher: None };
    tune(graph, masks, &set, settings, &mut |_| {})
}

/// Largest difference of two sets of outputs, relative to the largest output.
fn difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    let most = a.iter().flatten().fold(0f32, |m, v| m.max(v.abs()));
    assert_eq!(a.len(), b.len());
    let pairs = a.iter().flatten().zip(b.iter().flatten());
    pairs.fold(0f32, |m, (a, b)| m.max((a - b).abs())) / most
}

/// The tensor that the first host operation reads, or the output.
fn before_host(graph: &Graph, input: &[f32]) -> Vec<f32> {
    let host = graph.iter().find(|n| ["Softmax", "ArgMax"].contains(&n.op_type.as_str()));
    let tensor = host.map_or(graph.output, |node| node.inputs[0]);
    graph.forward(input).unwrap().swap_remove(tensor)
}

fn agrees(graph: &Graph, samples: &Samples) {
    let inputs = samples.as_slices();
    let fast = logits(graph, &inputs).unwrap();
    let exact: Vec<Vec<f32>> = inputs.iter().map(|input| before_host(graph, input)).collect();
    assert!(difference(&exact, &fast) < 1e-4, "{}", graph.origin);
}

#[test]
fn logits_are_those_of_the_graph() {
    agrees(&lenet_graph(), &digits("0..70", None));
    let files = [
        ("models/kws_dscnn.onnx", "data/kws01.npz"),
        ("models/resnet8_cifar10_jpegft.onnx", "data/cifar10_test.npz"),
        ("models/int8/resnet8_cifar10_jpegft_minmax.onnx", "data/cifar10_test.npz"),
    ];
    for (model, data) in files {
        let (Some(model), Some(data)) = (shared_file(model), shared_file(data)) else { continue };
        let selection = Selection { rows: "0..65".parse().unwrap(), ..Selection::default() };
        let graph = Graph::import(&Model::read(&model).unwrap()).unwrap();
        agrees(&graph, &Samples::load(&data, &selection).unwrap());
    }
}

/// Every kind of step in one network: concatenation, sums, averages, limits, shapes.
pub(super) fn branches() -> Graph {
    let pattern = |count: usize, phase: f32| -> Vec<f32> {
        (0..count).map(|i| ((i as f32) * 0.7 + phase).sin() * 0.4).collect()
    };
    let model = ModelBuilder::new(&[2, 6, 6])
        .floats("w1", &[4, 2, 3, 3], &pattern(72, 0.0))
        .floats("w2", &[4, 2, 1, 1], &pattern(8, 1.0))
        .floats("w3", &[8, 1, 3, 3], &pattern(72, 2.0))
        .node("Conv", &["x", "w1"], "a", &[("pads", &[1, 1, 1, 1])])
        .node("Conv", &["x", "w2"], "b", &[])
        .node("Relu", &["a"], "ra", &[])
        .node("Add", &["ra", "b"], "s", &[])
        .node("MaxPool", &["s"], "m", &[("kernel_shape", &[3, 3]), ("pads", &[1, 1, 1, 1])])
        .node("Concat", &["m", "s"], "c", &[("axis", &[1])])
        .node("Conv", &["c", "w3"], "d", &[("pads", &[1, 1, 1, 1]), ("group", &[8])])
        .node("Relu", &["d"], "rd", &[])
        .node("AveragePool", &["rd"], "p", &[("kernel_shape", &[2, 2]), ("strides", &[2, 2])])
        .node("Flatten", &["p"], "f", &[])
        .ints("shape", &[0, 72])
        .node("Reshape", &["f", "shape"], "g", &[])
        .node("MatMul", &["g", "w4t"], "y", &[])
        .floats("w4t", &[72, 3], &pattern(216, 3.0))
        .model();
    Graph::import(&model).unwrap()
}

pub(super) fn waves(samples: usize, size: usize) -> Vec<Vec<f32>> {
    let sample = |s: usize| (0..size).map(move |i| ((s * 31 + i * 7) as f32 * 0.37).sin());
    (0..samples).map(|s| sample(s).collect()).collect()
}

#[test]
fn branches_compute_and_train() {
    let mut graph = branches();
    let samples = waves(70, 72);
    let inputs: Vec<&[f32]> = samples.iter().map(Vec::as_slice).collect();
    let exact = graph.outputs(&inputs).unwrap();
    assert!(difference(&exact, &logits(&graph, &inputs).unwrap()) < 1e-4);
    let teacher = Teacher::Logits(&exact);
    let set = Set { inputs: &inputs, labels: None, teacher: Some(teacher) };
    // Training has to remove a wrong bias.
    let masks = Masks::default();
    graph.node_mut("n_d").unwrap().op.as_mut().unwrap().linear_mut().unwrap().bias.fill(0.3);
    let before = difference(&exact, &graph.outputs(&inputs).unwrap());
    let settings = Settings { epochs: 100.0, batch: 35, ..Settings::default() };
    let summary = tune(&mut graph, &masks, &set, &settings, &mut |_| {}).unwrap();
    let after = difference(&exact, &graph.outputs(&inputs).unwrap());
    assert!(after < before / 2.0 && summary.steps == 200, "{before} {after} {summary:?}");
}

#[test]
fn normalization_alone_changes_nothing() {
    let samples = digits("train_idx", Some(300));
    let inputs = samples.as_slices();
    let mut graph = lenet_graph();
    let masks = prune(&mut graph, 0.2);
    let before = logits(&graph, &inputs).unwrap();
    train(&mut graph, &masks, &samples, &settings(0.0)).unwrap();
    let after = logits(&graph, &inputs).unwrap();
    println!("difference {}", difference(&before, &after));
    assert!(difference(&before, &after) < 1e-3);
    assert!(Masks::of(&graph).density() <= masks.density());
}

/// A layer without any weight and its reader, whose input is constant, stay finite.
#[test]
fn dead_channels_stay_finite() {
    let samples = digits("train_idx", Some(256));
    let mut graph = lenet_graph();
    let mut masks = Masks::of(&graph);
    let name = graph.iter().find(|n| n.op_type == "Conv").unwrap().name.clone();
    masks.0.get_mut(&name).unwrap().fill(false);
    for normalization in [true, false] {
        let settings = Settings { normalization, ..settings(2.0) };
        train(&mut graph, &masks, &samples, &settings).unwrap();
        let all = weights(&graph);
        let most =
            all.iter().flat_map(|(w, b)| w.iter().chain(b)).fold(0f32, |m, v| m.max(v.abs()));
        assert!(most < 1e2, "{most}");
        assert!(all[0].0.iter().all(|w| *w == 0.0));
    }
}

#[test]
fn pruned_digits_recover() {
    let (samples, test) = (digits("train_idx", None), digits("test_idx", None));
    let (inputs, labels) = (test.as_slices(), test.expect_labels(10).unwrap());
    let mut graph = lenet_graph();
    let dense = accuracy(&graph, &inputs, labels).unwrap();
    let masks = prune(&mut graph, 0.1);
    let pruned = accuracy(&graph, &inputs, labels).unwrap();
    let mut last = 0.0;
    let set_inputs = samples.as_slices();
    let set = Set { inputs: &set_inputs, labels: samples.labels.as_deref(), teacher: None };
    let mut show = |p: &Progress| last = p.epoch;
    let summary = tune(&mut graph, &masks, &set, &settings(8.0), &mut show).unwrap();
    let tuned = accuracy(&graph, &inputs, labels).unwrap();
    println!("digits: dense {dense:.4}, pruned {pruned:.4}, tuned {tuned:.4}; {summary:?}");
    assert!(tuned >= 0.95 && last >= 8.0, "{tuned} {last}");
    for (name, mask) in &masks.0 {
        let linear = graph.node_mut(name).unwrap().op.as_ref().unwrap().linear().unwrap().clone();
        assert!(linear.weights.iter().zip(mask).all(|(w, keep)| *keep || *w == 0.0));
    }
}

#[test]
fn the_seed_decides() {
    let samples = digits("train_idx", Some(200));
    let widths = Options { activation_bits: 8, weight_bits: 8 };
    let run = |seed: u64| {
        let mut graph = lenet_graph();
        let masks = prune(&mut graph, 0.3);
        let settings = Settings {
            seed,
            augmentation: vec![Augmentation::Flip, Augmentation::Shift(1)],
            quantization: Some(Quantization { widths, calibration: Calibration::MinMax }),
            ..settings(1.5)
        };
        train(&mut graph, &masks, &samples, &settings).unwrap();
        weights(&graph)
    };
    let (first, second) = (run(1), run(1));
    assert!(first == second);
    assert!(first != run(2));
}

/// Inputs in another unit, with first weights that compensate for it, train to the same network, bit for bit: factors
/// are powers of two, which floating-point numbers represent exactly.
#[test]
fn training_does_not_depend_on_the_unit_of_the_input() {
    let samples = digits("train_idx", Some(300));
    let widths = Options { activation_bits: 8, weight_bits: 8 };
    let run = |unit: f32, normalization: bool| {
        let mut graph = lenet_graph();
        let first = graph.iter().find(|n| n.op.as_ref().is_some_and(|op| op.linear().is_some()));
        let name = first.unwrap().name.clone();
        let masks = prune(&mut graph, 0.3);
        let linear = graph.node_mut(&name).unwrap().op.as_mut().unwrap().linear_mut().unwrap();
        linear.weights.iter_mut().for_each(|w| *w /= unit);
        let scaled: Vec<Vec<f32>> =
            samples.iter().map(|x| x.iter().map(|v| v * unit).collect()).collect();
        let inputs: Vec<&[f32]> = scaled.iter().map(Vec::as_slice).collect();
        let set = Set { inputs: &inputs, labels: samples.labels.as_deref(), teacher: None };
        let settings = Settings {
            normalization,
            quantization: Some(Quantization { widths, calibration: Calibration::MinMax }),
            ..settings(2.0)
        };
        let summary = tune(&mut graph, &masks, &set, &settings, &mut |_| {}).unwrap();
        let mut weights = weights(&graph);
        weights[0].0.iter_mut().for_each(|w| *w *= unit);
        (summary, weights)
    };
    for normalization in [true, false] {
        let usual = run(1.0, normalization);
        for unit in [256.0, 1.0 / 64.0] {
            assert!(run(unit, normalization) == usual, "{unit}, normalization {normalization}");
        }
    }
}

fn integer_accuracy(graph: &Graph, train: &Samples, test: &Samples, widths: Options) -> f64 {
    let ranges = calibrate(graph, &train.as_slices()[..200]).unwrap();
    let quantized = quantize(graph, &ranges, widths).unwrap();
    let outputs = quantized.reference_outputs(&test.as_slices()).unwrap();
    let labels = test.expect_labels(10).unwrap();
    let hits = outputs.iter().zip(labels).filter(|(o, l)| argmax(&o.data) == **l).count();
    hits as f64 / labels.len() as f64
}

#[test]
fn rounding_in_training_helps_few_bits() {
    let (samples, test) = (digits("train_idx", None), digits("test_idx", None));
    let widths = Options { activation_bits: 4, weight_bits: 4 };
    // The mean of some seeds, as one image is worth 0.3 points.
    let run = |quantization: Option<Quantization>| {
        let one = |seed| {
            let mut graph = lenet_graph();
            let masks = prune(&mut graph, 0.05);
            let settings = Settings { quantization, seed, ..settings(6.0) };
            train(&mut graph, &masks, &samples, &settings).unwrap();
            integer_accuracy(&graph, &samples, &test, widths)
        };
        (0..4).map(one).sum::<f64>() / 4.0
    };
    let without = run(None);
    let with = run(Some(Quantization { widths, calibration: Calibration::MinMax }));
    println!("digits in 4 bits: {without:.4} without, {with:.4} with rounding in training");
    assert!(with > without);
}

#[test]
fn penalties_make_zeros() {
    let samples = digits("train_idx", Some(512));
    let inputs = samples.as_slices();
    let names: Vec<String> = {
        let graph = lenet_graph();
        let linear = graph.iter().filter(|n| n.op.as_ref().is_some_and(|op| op.linear().is_some()));
        linear.map(|n| n.name.clone()).collect()
    };
    let zeros = |weight: f64| {
        let mut graph = lenet_graph();
        let activation_penalty: BTreeMap<String, f64> =
            names.iter().skip(1).map(|name| (name.clone(), weight)).collect();
        let settings = Settings { activation_penalty, ..settings(4.0) };
        train(&mut graph, &Masks::default(), &samples, &settings).unwrap();
        let read = graph.iter().find(|n| n.name == names[1]).unwrap().inputs[0];
        let count = |input: &&[f32]| {
            let values = graph.forward(input).unwrap().swap_remove(read);
            values.iter().filter(|v| **v == 0.0).count() as f64 / values.len() as f64
        };
        inputs.iter().map(count).sum::<f64>() / inputs.len() as f64
    };
    let (without, with) = (zeros(0.0), zeros(2.0));
    println!("zeros before the second layer: {without:.3}, with penalty {with:.3}");
    assert!(with > without + 0.05);
}

#[test]
fn teachers_give_the_same_as_networks_and_as_logits() {
    let samples = digits("train_idx", Some(128));
    let inputs = samples.as_slices();
    let teacher = lenet_graph();
    let given = logits(&teacher, &inputs).unwrap();
    let run = |teacher: Teacher<'_>, augmentation: Vec<Augmentation>| {
        let mut graph = lenet_graph();
        let masks = prune(&mut graph, 0.2);
        let set = Set { inputs: &inputs, labels: None, teacher: Some(teacher) };
        let settings = Settings { epochs: 2.0, augmentation, ..Settings::default() };
        tune(&mut graph, &masks, &set, &settings, &mut |_| {}).unwrap();
        weights(&graph)
    };
    let by_logits = run(Teacher::Logits(&given), Vec::new());
    assert!(by_logits == run(Teacher::Network(&teacher), Vec::new()));
    assert!(by_logits != run(Teacher::Network(&teacher), vec![Augmentation::Shift(1)]));
    let mirrored = mirrored_logits(&teacher, &inputs).unwrap();
    let by_both = run(Teacher::Mirrored([&given, &mirrored]), vec![Augmentation::Flip]);
    assert!(by_both == run(Teacher::Network(&teacher), vec![Augmentation::Flip]));
    assert!(by_both != by_logits);
}
