use crate::op::argmax;
use pecan_ir::layer::Op;

use super::*;
use crate::data::{Samples, Selection};
use crate::onnx::Model;
use crate::testing::{ModelBuilder, digits, lenet, shared_file};

fn accuracy(quantized: &Quantized, data: &Samples) -> f64 {
    let outputs = quantized.reference_outputs(&data.as_slices()).unwrap();
    let labels = data.expect_labels(10).unwrap();
    let right = outputs.iter().zip(labels).filter(|(o, l)| argmax(&o.data) == **l).count();
    100.0 * right as f64 / labels.len() as f64
}

#[test]
fn lenet_keeps_its_accuracy_in_integers() {
    let graph = Graph::import(&lenet()).unwrap();
    let calibration = digits("train_idx", Some(100));
    let ranges = calibrate(&graph, &calibration.as_slices()).unwrap();
    let test = digits("test_idx", None);
    for (bits, least, most) in [(16, 98.05, 98.07), (8, 97.76, 98.36), (4, 90.0, 100.0)] {
        let options = Options { activation_bits: bits, weight_bits: bits };
        let quantized = quantize(&graph, &ranges, options).unwrap();
        let kinds: Vec<&str> = quantized.network.layers.iter().map(|l| l.kind.as_str()).collect();
        assert_eq!(kinds, ["Conv", "Conv", "MaxPool", "Gemm", "Gemm"]);
        let accuracy = accuracy(&quantized, &test);
        let bounds: Vec<u128> = (0..5).map(|l| quantized.network.accumulator_bound(l)).collect();
        println!("{bits} bits: {accuracy:.2} %, accumulator bounds {bounds:?}");
        assert!((least..=most).contains(&accuracy), "{bits} bits: {accuracy}");
    }
}

#[test]
fn lenet_layers_have_the_expected_form() {
    let graph = Graph::import(&lenet()).unwrap();
    let data = digits("train_idx", Some(20));
    let quantized = quantize_with(&graph, &data.as_slices(), Options::default()).unwrap();
    let layers = &quantized.network.layers;
    let Op::Conv(first) = &layers[3].op else { panic!() };
    assert_eq!(first.window.kernel, [4, 4]);
    assert_eq!((layers[0].clamp, layers[4].clamp), ([0, 127], [-127, 127]));
    let macs: u64 = layers.iter().map(|l| l.macs(quantized.network.tensors[l.output])).sum();
    assert_eq!(macs, 337_536);
    // One unit of the output stays close to the float result.
    let sample = data.iter().next().unwrap();
    let exact = graph.outputs(&[sample]).unwrap().concat();
    let output = quantized.reference_outputs(&[sample]).unwrap().remove(0);
    for (a, b) in quantized.finish(&output).iter().zip(&exact) {
        assert!((a - b).abs() < 8.0 * quantized.output_scale as f32, "{a} {b}");
    }
    let text = serde_json::to_string(&quantized).unwrap();
    assert_eq!(serde_json::from_str::<Quantized>(&text).unwrap().network, quantized.network);
}

/// Each convolution of resnet8 alone, on real inputs, is close to the float one.
#[test]
fn resnet8_convolutions_one_by_one() {
    let (Some(path), Some(data)) =
        (shared_file("models/resnet8_cifar10_jpegft.onnx"), shared_file("data/cifar10_test.npz"))
    else {
        return;
    };
    let graph = Graph::import(&Model::read(&path).unwrap()).unwrap();
    let selection = Selection { rows: "0..20".parse().unwrap(), ..Selection::default() };
    let data = Samples::load(&data, &selection).unwrap();
    let samples = data.as_slices();
    let start = std::time::Instant::now();
    let ranges = calibrate(&graph, &samples).unwrap();
    println!("calibration: {:.4} s per image", start.elapsed().as_secs_f64() / 20.0);
    let layers = extract(&graph, &ranges, Options::default()).unwrap();
    let names: Vec<&str> =
        layers.iter().map(|l| l.quantized.network.layers[0].name.as_str()).collect();
    let convs = ["conv1", "conv2", "conv3", "conv4", "conv5", "conv6", "conv7", "conv8", "conv9"];
    assert_eq!(names, [&convs[..], &["gap1", "fc1"]].concat());
    let tensors = graph.forward(samples[0]).unwrap();
    for layer in &layers {
        let input = layer.quantized.quantize_input(&tensors[layer.input]);
        let start = std::time::Instant::now();
        let output = reference::run(&layer.quantized.network, &input).unwrap().remove(1);
        let seconds = start.elapsed().as_secs_f64();
        let got = layer.quantized.dequantize_output(&output);
        let exact = &tensors[layer.output];
        let signal: f32 = exact.iter().map(|v| v * v).sum();
        let noise: f32 = exact.iter().zip(&got).map(|(a, b)| (a - b) * (a - b)).sum();
        let decibels = 10.0 * (signal / noise).log10();
        println!("{}: {decibels:.1} dB, {seconds:.4} s", layer.quantized.network.name);
        assert!(decibels > 20.0, "{}: {decibels}", layer.quantized.network.name);
    }
}

#[test]
fn relus_fuse_only_where_nothing_else_reads() {
    let model = ModelBuilder::new(&[1, 3, 3])
        .floats("w", &[1, 1, 1, 1], &[1.0])
        .node("Relu", &["x"], "r", &[])
        .node("Conv", &["r", "w"], "c", &[])
        .node("MaxPool", &["c"], "m", &[("kernel_shape", &[2, 2])])
        .node("Relu", &["m"], "y", &[])
        .model();
    let graph = Graph::import(&model).unwrap();
    let x = [-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0];
    let quantized = quantize_with(&graph, &[&x], Options::default()).unwrap();
    let kinds: Vec<&str> = quantized.network.layers.iter().map(|l| l.kind.as_str()).collect();
    assert_eq!(kinds, ["Relu", "Conv", "MaxPool"]);
    let output = quantized.reference_outputs(&[&x]).unwrap().remove(0);
    let exact = graph.outputs(&[&x]).unwrap().concat();
    for (a, b) in quantized.finish(&output).iter().zip(&exact) {
        assert!((a - b).abs() <= quantized.output_scale as f32, "{a} {b}");
    }
}

#[test]
fn softmax_is_left_to_the_host() {
    let model = ModelBuilder::new(&[2])
        .floats("w", &[2, 2], &[1.0, 0.0, 0.0, 1.0])
        .node("Gemm", &["x", "w"], "g", &[])
        .node("Softmax", &["g"], "y", &[])
        .model();
    let graph = Graph::import(&model).unwrap();
    let quantized = quantize_with(&graph, &[&[1.0, -1.0]], Options::default()).unwrap();
    assert_eq!(quantized.host_ops, [HostOp::Softmax]);
    let output = quantized.reference_outputs(&[&[1.0, -1.0]]).unwrap().remove(0);
    assert_eq!(output.data, [127, -127]);
    assert!((quantized.finish(&output)[0] - 0.880_797).abs() < 1e-4);
}

#[test]
fn what_cannot_be_calibrated_is_refused() {
    let graph = Graph::import(&lenet()).unwrap();
    let none = calibrate(&graph, &[]).unwrap_err().to_string();
    assert!(none.contains("no calibration sample"), "{none}");
    let mut bad = vec![0.5; 64];
    bad[3] = f32::NAN;
    let nan = quantize_with(&graph, &[&bad], Options::default()).unwrap_err().to_string();
    assert!(nan.contains("`input`") && nan.contains("not finite"), "{nan}");
    let options = Options { activation_bits: 7, weight_bits: 8 };
    let width = quantize_with(&graph, &[&[0.5; 64]], options).unwrap_err().to_string();
    assert!(width.contains("7 bits; allowed: 4, 8, 16"), "{width}");
    // All-zero calibration is legal: every tensor still gets a scale.
    quantize_with(&graph, &[&[0.0; 64]], Options::default()).unwrap();
}
