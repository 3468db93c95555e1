//! Accuracy of whole networks in integers; skipped where the files are absent.

use crate::op::argmax;
use pecan_ir::layer::Op;

use super::*;
use crate::data::{Npz, Samples, Selection};
use crate::onnx::Model;
use crate::testing::shared_file;

/// The methods of calibration that were compared.
const METHODS: [&str; 3] = ["minmax", "percentile:99.99", "percentile:99.9"];

fn load(file: &str, rows: &str) -> Option<Samples> {
    let selection = Selection { rows: rows.parse().unwrap(), ..Selection::default() };
    Some(Samples::load(&shared_file(file)?, &selection).unwrap())
}

fn graph(model: &str) -> Option<Graph> {
    let path = shared_file(&format!("models/{model}.onnx"))?;
    Some(Graph::import(&Model::read(&path).unwrap()).unwrap())
}

fn accuracy(quantized: &Quantized, data: &Samples) -> f64 {
    let start = std::time::Instant::now();
    let outputs = quantized.reference_outputs(&data.as_slices()).unwrap();
    let labels = data.expect_labels(12).unwrap();
    let right = outputs.iter().zip(labels).filter(|(o, l)| argmax(&o.data) == **l).count();
    println!("{} samples in {:.1} s", labels.len(), start.elapsed().as_secs_f64());
    100.0 * right as f64 / labels.len() as f64
}

fn by(graph: &Graph, data: &Samples, method: &str) -> Quantized {
    let ranges = calibrate_by(graph, &data.as_slices(), method.parse().unwrap()).unwrap();
    quantize(graph, &ranges, Options::default()).unwrap()
}

/// Share of the samples whose integer label equals that of the float network: a criterion for methods that needs
/// neither labels nor test data.
fn agreement(graph: &Graph, quantized: &Quantized, data: &Samples) -> f64 {
    let exact = graph.outputs(&data.as_slices()).unwrap();
    let outputs = quantized.reference_outputs(&data.as_slices()).unwrap();
    let same = exact.iter().zip(&outputs).filter(|(e, o)| argmax(e) == argmax(&o.data)).count();
    100.0 * same as f64 / exact.len() as f64
}

#[test]
fn keyword_spotting_in_integers() {
    let (Some(graph), Some(data), Some(test)) =
        (graph("kws_dscnn"), load("data/kws01.npz", "0..100"), load("data/kws01.npz", "100.."))
    else {
        return;
    };
    let quantized = by(&graph, &data, "minmax");
    let accuracy = accuracy(&quantized, &test);
    println!("kws: accuracy {accuracy:.2} %");
    assert!(accuracy >= 90.1 - 0.3, "{accuracy}");
}

#[test]
fn residual_network_in_integers() {
    let (Some(graph), Some(data), Some(test)) = (
        graph("resnet8_cifar10_jpegft"),
        load("data/cifar10_train.npz", "0..200"),
        load("data/cifar10_test.npz", "0..300"),
    ) else {
        return;
    };
    let quantized = by(&graph, &data, "minmax");
    let sums = quantized.network.layers.iter().filter(|l| matches!(l.op, Op::Add(_))).count();
    assert_eq!((sums, quantized.network.layers.len()), (3, 14));
    let outputs = graph.outputs(&test.as_slices()).unwrap();
    let labels = test.expect_labels(10).unwrap();
    let float = outputs.iter().zip(labels).filter(|(o, l)| argmax(o) == **l).count() as f64 / 3.0;
    let accuracy = accuracy(&quantized, &test);
    println!("resnet8, 300 images: float {float:.2} %, integers {accuracy:.2} %");
    assert!(accuracy >= float - 2.0, "{accuracy}");
}

/// All 5,000 images and the choice between methods on training images; minutes of work.
#[test]
#[ignore = "minutes; run with --ignored for the numbers in the documentation"]
fn accuracy_in_full() {
    let (Some(kws), Some(spoken)) = (graph("kws_dscnn"), load("data/kws01.npz", "0..100")) else {
        return;
    };
    for method in METHODS {
        let same = agreement(&kws, &by(&kws, &spoken, method), &spoken);
        println!("kws {method}: agreement on calibration samples {same:.1} %");
    }
    let (Some(graph), Some(data), Some(train), Some(test)) = (
        graph("resnet8_cifar10_jpegft"),
        load("data/cifar10_train.npz", "0..200"),
        load("data/cifar10_train.npz", "200..700"),
        load("data/cifar10_test.npz", "all"),
    ) else {
        return;
    };
    for method in METHODS {
        let same = agreement(&graph, &by(&graph, &data, method), &train);
        println!("resnet8 {method}: agreement on training images {same:.1} %");
    }
    let accuracy = accuracy(&by(&graph, &data, "minmax"), &test);
    println!("resnet8 minmax: accuracy {accuracy:.2} %");
    assert!(accuracy >= 82.06 - 0.3, "{accuracy}");
}

#[test]
fn files_that_are_quantized_keep_their_scales() {
    for (model, file, rows, least) in [
        ("lenet_digits", "data/digits.npz", "test_idx", 98.06 - 0.3),
        ("kws_dscnn", "data/kws01.npz", "100..", 90.1 - 0.3),
        ("resnet8_cifar10_jpegft", "data/cifar10_test.npz", "0..300", 80.0),
    ] {
        let (Some(graph), Some(test)) = (graph(&format!("int8/{model}_minmax")), load(file, rows))
        else {
            continue;
        };
        // No sample is needed: the file gives every range.
        let quantized = quantize_with(&graph, &[], Options::default()).unwrap();
        let accuracy = accuracy(&quantized, &test);
        println!("{model}, QDQ: {accuracy:.2} %");
        assert!(accuracy >= least, "{model}: {accuracy}");
    }
}

/// Signal-to-noise ratio of the dequantized outputs against those of ONNX Runtime in float.
#[test]
fn golden_outputs_within_quantization_noise() {
    for (model, key, file, rows, least) in [
        ("lenet_digits", "lenet", "data/digits.npz", "train_idx", 25.0),
        ("kws_dscnn", "kws", "data/kws01.npz", "0..100", 12.0),
        ("resnet8_cifar10_jpegft", "resnet8_jpegft", "data/cifar10_train.npz", "0..200", 12.0),
    ] {
        let (Some(graph), Some(data), Some(golden)) =
            (graph(model), load(file, rows), shared_file("data/golden.npz"))
        else {
            continue;
        };
        let mut npz = Npz::open(&golden).unwrap();
        let x = npz.array(&format!("{key}_x")).unwrap().to_f32();
        let exact = npz.array(&format!("{key}_y")).unwrap().to_f32();
        let samples: Vec<&[f32]> = x.chunks(x.len() / 8).collect();
        let quantized = by(&graph, &data, "minmax");
        let outputs = quantized.reference_outputs(&samples).unwrap();
        let got: Vec<f32> = outputs.iter().flat_map(|o| quantized.finish(o)).collect();
        let signal: f32 = exact.iter().map(|v| v * v).sum();
        let noise: f32 = exact.iter().zip(&got).map(|(a, b)| (a - b) * (a - b)).sum();
        let decibels = 10.0 * (signal / noise).log10();
        println!("{model}: {decibels:.1} dB");
        assert!(decibels > least, "{model}: {decibels}");
    }
}

#[test]
fn methods_of_calibration_are_parsed() {
    for text in ["minmax", "percentile:99.99"] {
        assert_eq!(text.parse::<Calibration>().unwrap().to_string(), text);
    }
    for bad in ["max", "percentile", "percentile:x", "percentile:101", "percentile:50"] {
        let text = bad.parse::<Calibration>().unwrap_err().to_string();
        assert!(text.contains(bad) && text.contains("allowed"), "{text}");
    }
}

#[test]
fn percentiles_leave_outliers_out() {
    use crate::testing::ModelBuilder;
    let model = ModelBuilder::new(&[1000]).node("Relu", &["x"], "y", &[]).model();
    let graph = Graph::import(&model).unwrap();
    let mut x = vec![1.0; 1000];
    x[7] = 100.0;
    let range = |method: &str, tensor: usize| {
        calibrate_by(&graph, &[&x], method.parse().unwrap()).unwrap().max_abs[tensor].unwrap()
    };
    assert_eq!(range("minmax", graph.output), 100.0);
    assert!((range("percentile:99", graph.output) - 1.0).abs() < 0.05);
    assert_eq!(range("percentile:100", graph.output), 100.0);
    assert_eq!(range("percentile:99", graph.input), 100.0);
}

/// A file may quantize before a ReLU or a pool only.
#[test]
fn ranges_are_inherited_where_values_cannot_grow() {
    use crate::testing::ModelBuilder;
    let model = ModelBuilder::new(&[1, 2, 2])
        .floats("s", &[], &[0.5])
        .node("QuantizeLinear", &["x", "s"], "q", &[])
        .node("DequantizeLinear", &["q", "s"], "d", &[])
        .node("Relu", &["d"], "r", &[])
        .node("GlobalAveragePool", &["r"], "y", &[])
        .model();
    let graph = Graph::import(&model).unwrap();
    let ranges = calibrate(&graph, &[]).unwrap();
    assert_eq!(ranges.max_abs[graph.output], Some(127.5));
    quantize(&graph, &ranges, Options::default()).unwrap();
}
