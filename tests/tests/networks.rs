//! Trained networks on the RTL: every value as in the integer reference, every counter as predicted.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use pecan_flow::data::{Rows, Samples, Selection};
use pecan_flow::net::graph::Graph;
use pecan_flow::net::onnx::Model;
use pecan_flow::net::quantize::{self, Quantized, argmax};
use pecan_hdl::config::{Config, preset};
use pecan_sim::harness::{Settings, Stalls};
use pecan_sim::memory::{DramTiming, MemoryModel};
use pecan_tests::bench::{Bench, Checked};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}

fn samples(path: &Path, rows: Rows, limit: Option<usize>) -> Samples {
    Samples::load(path, &Selection { rows, limit, ..Selection::default() }).unwrap()
}

fn lenet() -> (Quantized, Samples) {
    let graph = Graph::import(&Model::read(&data("lenet_digits.onnx")).unwrap()).unwrap();
    let digits = data("digits.npz");
    let calibration = samples(&digits, Rows::Key("train_idx".into()), Some(100));
    let quantized =
        quantize::quantize_with(&graph, &calibration.as_slices(), quantize::Options::default())
            .unwrap();
    (quantized, samples(&digits, Rows::Key("test_idx".into()), None))
}

fn dram(config: &Config) -> MemoryModel {
    let memory = &config.memory;
    MemoryModel::Dram(DramTiming::new(
        memory.bytes_per_cycle.to_f64(),
        memory.latency_cycles as u64,
    ))
}

fn run_lenet(config: &Config, settings: &Settings) -> (Checked, f64) {
    let (quantized, test) = lenet();
    let inputs: Vec<_> = test.iter().map(|x| quantized.quantize_input(x)).collect();
    let checked = Bench::new(config).unwrap().check(&quantized.network, &inputs, settings).unwrap();
    let labels = test.expect_labels(10).unwrap();
    let right = checked
        .outputs
        .iter()
        .zip(labels)
        .filter(|(output, label)| argmax(&output.data) == **label)
        .count();
    (checked, 100.0 * right as f64 / labels.len() as f64)
}

/// 360 digits, ideal memory: values, accuracy, counters and cycles.
fn digits_are_exact(name: &str) {
    let config = preset(name).unwrap();
    let (checked, accuracy) = run_lenet(&config, &Settings::default());
    println!(
        "{name}: {} digits, {accuracy:.2} %, {} cycles",
        checked.outputs.len(),
        checked.cycles
    );
    assert_eq!(checked.outputs.len(), 360);
    assert!((accuracy - 98.06).abs() <= 0.3, "{accuracy}");
}

#[test]
fn digits_on_edge() {
    digits_are_exact("edge");
}

#[test]
fn digits_on_tiny() {
    digits_are_exact("tiny");
}

#[test]
fn digits_with_dram_and_with_back_pressure() {
    let config = preset("edge").unwrap();
    let with_dram = Settings { memory: dram(&config), ..Settings::default() };
    let (timed, accuracy) = run_lenet(&config, &with_dram);
    let stalls = Stalls { seed: 7, input: 0.3, output: 0.5 };
    let (stalled, stalled_accuracy) =
        run_lenet(&config, &Settings { stalls, ..Settings::default() });
    assert_eq!(accuracy, stalled_accuracy);
    assert_eq!(timed.outputs, stalled.outputs);
    println!("edge: {} cycles with DRAM, {} with random stalls", timed.cycles, stalled.cycles);
}

/// Each convolution of resnet8 as a network of its own, with the activations that one image gives it.
fn resnet8_convolutions(name: &str) {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let model = shared.join("models/resnet8_cifar10_jpegft.onnx");
    if !model.exists() {
        println!("SKIPPED: {} is absent", model.display());
        return;
    }
    let graph = Graph::import_partial(&Model::read(&model).unwrap()).unwrap();
    let images = shared.join("data/cifar10_train.npz");
    let calibration = samples(&images, Rows::All, Some(20));
    let test = samples(&shared.join("data/cifar10_test.npz"), Rows::All, Some(1));
    let ranges = quantize::calibrate(&graph, &calibration.as_slices()).unwrap();
    let layers = quantize::extract(&graph, &ranges, quantize::Options::default()).unwrap();
    let tensors = graph.forward(test.iter().next().unwrap()).unwrap();
    let config = preset(name).unwrap();
    let bench = Bench::new(&config).unwrap();
    let mut convolutions = 0;
    for layer in layers {
        let input = layer.quantized.quantize_input(&tensors[layer.input]);
        for memory in [MemoryModel::Ideal, dram(&config)] {
            let settings = Settings { memory, ..Settings::default() };
            bench.check(&layer.quantized.network, std::slice::from_ref(&input), &settings).unwrap();
        }
        convolutions += usize::from(layer.quantized.network.layers[0].kind == "Conv");
    }
    assert_eq!(convolutions, 9);
}

#[test]
fn resnet8_convolutions_on_edge() {
    resnet8_convolutions("edge");
}

#[test]
fn resnet8_convolutions_on_tiny() {
    resnet8_convolutions("tiny");
}
