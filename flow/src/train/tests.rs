use std::collections::BTreeMap;

use super::*;
use crate::data::{Samples, Selection};
use crate::net::Masks;
use crate::net::graph::Graph;
use crate::net::onnx::Model;
use crate::net::quantize::{Calibration, Options, argmax, calibrate, quantize};
use crate::net::testing::{Builder, digits, lenet, shared_file};

fn lenet_graph() -> Graph {
    Graph::import(&lenet()).unwrap()
}

fn settings(epochs: f64) -> Settings {
    Settings { epochs, distillation: None, seed: 3, ..Settings::default() }
}

/// Keeps the largest `share` of the weights of every layer.
fn prune(graph: &mut Graph, share: f64) -> Masks {
    let mut masks = Masks::of(graph);
    for node in graph.iter() {
        let Some(linear) = node.op.as_ref().and_then(|op| op.linear()) else { continue };
        let mut order: Vec<usize> = (0..linear.weights.len()).collect();
        order.sort_by(|a, b| linear.weights[*b].abs().total_cmp(&linear.weights[*a].abs()));
        let mask = masks.0.get_mut(&node.name).unwrap();
        let kept = (order.len() as f64 * share).round() as usize;
        order[kept..].iter().for_each(|&at| mask[at] = false);
    }
    masks.apply(graph);
    masks
}

fn weights(graph: &Graph) -> Vec<(Vec<f32>, Vec<f32>)> {
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
fn branches() -> Graph {
    let pattern = |count: usize, phase: f32| -> Vec<f32> {
        (0..count).map(|i| ((i as f32) * 0.7 + phase).sin() * 0.4).collect()
    };
    let model = Builder::new(&[2, 6, 6])
        .floats("w1", &[4, 2, 3, 3], &pattern(72, 0.0))
        .floats("w2", &[4, 2, 1, 1], &pattern(8, 1.0))
        .floats("w3", &[8, 1, 3, 3], &pattern(72, 2.0))
        .floats("w4", &[3, 72], &pattern(216, 3.0))
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

fn waves(samples: usize, size: usize) -> Vec<Vec<f32>> {
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
    // The bias of 1 of a masked network is to be learned away.
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

/// A layer without any weight and the one behind it, which sees a constant, stay finite.
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
    let run = |quantization| {
        let mut graph = lenet_graph();
        let masks = prune(&mut graph, 0.1);
        let settings = Settings { quantization, ..settings(6.0) };
        train(&mut graph, &masks, &samples, &settings).unwrap();
        integer_accuracy(&graph, &samples, &test, widths)
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
    let (without, with) = (zeros(0.0), zeros(0.5));
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
}

fn problem(change: impl Fn(&mut Settings), set: &Set<'_>, masks: &Masks) -> String {
    let mut graph = lenet_graph();
    let before = weights(&graph);
    let mut settings = settings(1.0);
    change(&mut settings);
    let error = tune(&mut graph, masks, set, &settings, &mut |_| {}).unwrap_err();
    assert!(weights(&graph) == before);
    error.to_string()
}

#[test]
fn errors_say_what_is_wrong() {
    let samples = digits("train_idx", Some(64));
    let inputs = samples.as_slices();
    let labels = samples.labels.clone().unwrap();
    let none = Masks::default();
    let set = Set { inputs: &inputs, labels: Some(&labels), teacher: None };
    let says = |text: String, part: &str| assert!(text.contains(part), "{text}");
    says(problem(|_| {}, &Set { inputs: &[], ..set }, &none), "no sample");
    let short = [&inputs[0][..5]];
    says(
        problem(|_| {}, &Set { inputs: &short, ..set }, &none),
        "has 5 values; the network takes 64",
    );
    let mut wrong = labels.clone();
    wrong[3] = 10;
    let bad = Set { labels: Some(&wrong), ..set };
    says(problem(|_| {}, &bad, &none), "label 10 of sample 3; the network has 10 outputs");
    says(
        problem(|_| {}, &Set { labels: Some(&labels[1..]), ..set }, &none),
        "63 labels; expected 64",
    );
    says(problem(|_| {}, &Set { labels: None, ..set }, &none), "neither labels nor a teacher");
    let masks = Masks([("nothing".to_string(), vec![true])].into());
    says(problem(|_| {}, &set, &masks), "mask for `nothing`");
    says(problem(|s| s.batch = 0, &set, &none), "batch of 0");
    says(problem(|s| s.learning_rate = f64::NAN, &set, &none), "learning rate of NaN");
    says(problem(|s| s.optimizer = Optimizer::Sgd { momentum: 1.0 }, &set, &none), "momentum of 1");
    let diverging = |s: &mut Settings| {
        s.optimizer = Optimizer::SGD;
        (s.learning_rate, s.gradient_norm, s.normalization) = (1e30, f64::INFINITY, false);
    };
    says(problem(diverging, &set, &none), "learning rate of");
    let mut bad = samples.as_slices()[0].to_vec();
    bad[0] = f32::NAN;
    let inputs: Vec<&[f32]> = vec![&bad; 64];
    let nan = problem(|s| s.normalization = false, &Set { inputs: &inputs, ..set }, &none);
    says(nan, "the loss is NaN in step 1 of 1");
    let teacher = vec![vec![0.0; 9]; 64];
    let set = Set { teacher: Some(Teacher::Logits(&teacher)), ..set };
    let with = |s: &mut Settings| s.distillation = Some(Distillation::default());
    says(problem(with, &set, &none), "9 logits of the teacher; expected 10");
}

/// Every measurement of a small layer against its definition.
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
        close(last.sensitivity[o], mean(&gradient), "sensitivity");
    }
    assert_eq!((last.positions, last.groups, last.inputs), (130, 1, 72));
    let depthwise = &all["n_d"];
    assert_eq!((depthwise.groups, depthwise.inputs, depthwise.positions), (8, 9, 130 * 36));
    assert_eq!(depthwise.gram.len(), 8 * 81);
    let few = captures(&pruned, &Capture { columns: 500, labels: None, ..capture }).unwrap();
    assert!(few.values().all(|s| s.positions == 500.min(s.positions.max(130))));
    let diagonal = |s: &LayerStatistics| -> f32 { (0..9).map(|i| s.gram[i * 10]).sum() };
    let (some, every) = (diagonal(&few["n_d"]), diagonal(depthwise));
    assert!((some / every - 1.0).abs() < 0.3, "{some} {every}");
}
