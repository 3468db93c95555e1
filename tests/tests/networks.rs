//! Trained networks on the RTL: every value as in the integer reference, every counter as predicted.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use pecan_config::{Config, preset};
use pecan_ir::memory::{DramTiming, MemoryModel};
use pecan_net::data::{Rows, Samples, Selection};
use pecan_net::graph::Graph;
use pecan_net::onnx::Model;
use pecan_net::op::argmax;
use pecan_net::quantize;
use pecan_net::topology::random_input;
use pecan_tests::bench::{Bench, Checked};
use pecan_tests::{digits, shapes};
use pecan_verilator::harness::{Settings, Stalls};

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

fn shared() -> PathBuf {
    pecan_test_support::shared()
}

/// Each convolution of resnet8 as a network of its own, with its activations of one image.
fn resnet8_convolutions(name: &str) {
    let shared = shared();
    let model = shared.join("models/resnet8_cifar10_jpegft.onnx");
    if !model.exists() {
        let _ = pecan_test_support::present(&model);
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

/// A network of the test material with the rows for calibration and test.
struct Material {
    model: PathBuf,
    calibration: (PathBuf, Rows, usize),
    test: (PathBuf, Rows),
}

impl Material {
    fn lenet() -> Self {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
        let digits = data.join("digits.npz");
        Self {
            model: data.join("lenet_digits.onnx"),
            calibration: (digits.clone(), Rows::Key("train_idx".into()), 100),
            test: (digits, Rows::Key("test_idx".into())),
        }
    }

    fn keywords() -> Self {
        let data = shared().join("data/kws01.npz");
        Self {
            model: shared().join("models/kws_dscnn.onnx"),
            calibration: (data.clone(), Rows::Range(0, Some(100)), 100),
            test: (data, Rows::Range(100, None)),
        }
    }

    fn resnet8() -> Self {
        Self {
            model: shared().join("models/resnet8_cifar10_jpegft.onnx"),
            calibration: (shared().join("data/cifar10_train.npz"), Rows::All, 50),
            test: (shared().join("data/cifar10_test.npz"), Rows::All),
        }
    }

    /// `images` on a preset, quantized at its widths: all results and all counters are equal.
    fn run(&self, name: &str, images: usize, settings: &Settings) -> Option<Checked> {
        self.run_on(name, &preset(name).unwrap(), images, settings)
    }

    fn run_on(
        &self,
        config_name: &str,
        config: &Config,
        images: usize,
        settings: &Settings,
    ) -> Option<Checked> {
        let absent =
            [&self.model, &self.calibration.0, &self.test.0].into_iter().find(|p| !p.exists());
        if let Some(path) = absent {
            let _ = pecan_test_support::present(path);
            return None;
        }
        let graph = Graph::import(&Model::read(&self.model).unwrap()).unwrap();
        let (data, rows, limit) = &self.calibration;
        let calibration = samples(data, rows.clone(), Some(*limit));
        let options = quantize::Options {
            activation_bits: config.numerics.activation_bits,
            weight_bits: config.numerics.weight_bits,
        };
        let quantized = quantize::quantize_with(&graph, &calibration.as_slices(), options).unwrap();
        let test = samples(&self.test.0, self.test.1.clone(), Some(images));
        let inputs: Vec<_> = test.iter().map(|x| quantized.quantize_input(x)).collect();
        assert_eq!(inputs.len(), images);
        let bench = Bench::new(config).unwrap();
        let checked = bench.check(&quantized.network, &inputs, settings).unwrap();
        let cycles = checked.cycles / images as u64;
        let name = &quantized.network.name;
        println!(
            "{name} on {config_name}: {images} images, 0 mismatches, {cycles} cycles per image"
        );
        Some(checked)
    }

    /// A few images on `edge` and one on each other preset.
    fn on_every_preset(&self) {
        for (name, images) in [("edge", 3), ("tiny", 1), ("large", 1), ("eyeriss", 1)] {
            self.run(name, images, &Settings::default());
        }
    }

    /// Random stalls on both streams change no value.
    fn with_back_pressure(&self) {
        for name in ["edge", "eyeriss"] {
            let stalls = Stalls { seed: 11, input: 0.3, output: 0.5 };
            let plain = self.run(name, 1, &Settings::default());
            let stalled = self.run(name, 1, &Settings { stalls, ..Settings::default() });
            if let (Some(plain), Some(stalled)) = (plain, stalled) {
                assert_eq!(plain.outputs, stalled.outputs);
                assert!(stalled.cycles > plain.cycles);
            }
        }
    }
}

#[test]
fn lenet_on_every_preset() {
    Material::lenet().on_every_preset();
}

#[test]
fn keywords_on_every_preset() {
    Material::keywords().on_every_preset();
}

#[test]
fn resnet8_on_every_preset() {
    Material::resnet8().on_every_preset();
}

#[test]
fn back_pressure_on_every_network() {
    for material in [Material::lenet(), Material::keywords(), Material::resnet8()] {
        material.with_back_pressure();
    }
}

/// The first three layers of AlexNet, each by itself, with random weights.
#[test]
fn alexnet_convolutions_on_edge() {
    let bench = Bench::new(&preset("edge").unwrap()).unwrap();
    for network in shapes::networks("alexnet", &shapes::alexnet()[..3]).unwrap() {
        let input = random_input(network.tensors[0], 0.5, 8, 1).unwrap();
        let checked = bench.check(&network, &[input], &Settings::default()).unwrap();
        println!("{} on edge: {} cycles, 0 mismatches", network.name, checked.cycles);
    }
}

#[test]
fn resnet18_block_on_edge() {
    let network = shapes::residual_block().unwrap();
    let input = random_input(network.tensors[0], 0.5, 8, 1).unwrap();
    let bench = Bench::new(&preset("edge").unwrap()).unwrap();
    let checked = bench.check(&network, &[input], &Settings::default()).unwrap();
    println!("{} on edge: {} cycles, 0 mismatches", network.name, checked.cycles);
    let output = &checked.outputs[0].data;
    assert!(output.iter().filter(|v| **v > 0).count() * 5 > output.len());
}

/// With larger weight buffers all lists of the digits network stay in the device, so only the first image loads
/// them.
#[test]
fn weights_stay_in_the_device() {
    let mut config = preset("edge").unwrap();
    config.buffers.weight_entries = 8192;
    let run = |images| {
        let settings = Settings::default();
        Material::lenet().run_on("edge with 8192 entries", &config, images, &settings).unwrap()
    };
    let (one, five) = (run(1), run(5));
    assert!(one.resident && five.resident);
    assert_eq!(five.outputs[0], one.outputs[0]);
    println!("{} cycles for the first image, {} for five", one.cycles, five.cycles);
    assert!(five.cycles < 4 * one.cycles);
}
