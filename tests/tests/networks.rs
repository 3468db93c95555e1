//! Trained networks on the RTL: every value as in the integer reference, every counter as predicted.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use pecan_flow::data::{Rows, Samples, Selection};
use pecan_flow::net::graph::Graph;
use pecan_flow::net::onnx::Model;
use pecan_flow::net::quantize::{self, argmax};
use pecan_hdl::config::{Config, preset};
use pecan_sim::harness::{Settings, Stalls};
use pecan_sim::memory::{DramTiming, MemoryModel};
use pecan_tests::bench::{Bench, Checked};
use pecan_tests::digits;

fn samples(path: &Path, rows: Rows, limit: Option<usize>) -> Samples {
    Samples::load(path, &Selection { rows, limit, ..Selection::default() }).unwrap()
}

fn dram(config: &Config) -> MemoryModel {
    let memory = &config.memory;
    MemoryModel::Dram(DramTiming::new(
        memory.bytes_per_cycle.to_f64(),
        memory.latency_cycles as u64,
    ))
}

fn run_lenet(config: &Config, settings: &Settings) -> (Checked, f64) {
    let (quantized, test) = (digits::quantized().unwrap(), digits::test_images().unwrap());
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

/// A whole network of the shared test material on a preset, all opinions and counters equal.
fn whole(name: &str, config: &str, calibration: Samples, test: Samples) {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let model = Model::read(&shared.join("models").join(name)).unwrap();
    let graph = Graph::import(&model).unwrap();
    let options = quantize::Options::default();
    let quantized = quantize::quantize_with(&graph, &calibration.as_slices(), options).unwrap();
    let inputs: Vec<_> = test.iter().map(|x| quantized.quantize_input(x)).collect();
    let bench = Bench::new(&preset(config).unwrap()).unwrap();
    let checked = bench.check(&quantized.network, &inputs, &Settings::default()).unwrap();
    let cycles = checked.cycles / inputs.len() as u64;
    println!("{name} on {config}: {} images, {cycles} cycles per image", inputs.len());
}

/// Presets with 8-bit widths, for which the shared networks are quantized here.
const EIGHT_BITS: [&str; 3] = ["edge", "tiny", "large"];

#[test]
fn resnet8_as_a_whole() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let (train, test) = (shared.join("cifar10_train.npz"), shared.join("cifar10_test.npz"));
    if !train.exists() {
        println!("SKIPPED: {} is absent", train.display());
        return;
    }
    for config in EIGHT_BITS {
        let images = if config == "edge" { 3 } else { 1 };
        let calibration = samples(&train, Rows::All, Some(50));
        let test = samples(&test, Rows::All, Some(images));
        whole("resnet8_cifar10_jpegft.onnx", config, calibration, test);
    }
}

#[test]
fn keywords_as_a_whole() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/kws01.npz");
    if !data.exists() {
        println!("SKIPPED: {} is absent", data.display());
        return;
    }
    for config in EIGHT_BITS {
        let images = if config == "edge" { 5 } else { 1 };
        let calibration = samples(&data, Rows::Range(0, Some(100)), None);
        let test = samples(&data, Rows::Range(100, Some(100 + images)), None);
        whole("kws_dscnn.onnx", config, calibration, test);
    }
}
