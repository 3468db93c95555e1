//! ONNX Runtime as the oracle: the float networks have the same outputs, the integers reach their stated accuracy, and
//! networks that were quantized elsewhere have the same labels.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use pecan_net::data::{Samples, Selection};
use pecan_net::graph::Graph;
use pecan_net::onnx::Model;
use pecan_net::op::argmax;
use pecan_net::quantize;
use pecan_net::quantize::Quantized;
use pecan_tests::judge::{judge, largest_difference};

/// A trained network and its stated accuracy.
struct Case {
    name: &'static str,
    data: PathBuf,
    calibration: &'static str,
    /// Rows of the test, and how many of them.
    test: (PathBuf, &'static str, usize),
    /// Accuracy of 8-bit integers on the whole test data that was stated for the network, in percent.
    stated: f64,
}

impl Case {
    fn samples(path: &Path, rows: &str, limit: Option<usize>) -> Samples {
        let rows = rows.parse().unwrap();
        Samples::load(path, &Selection { rows, limit, ..Selection::default() }).unwrap()
    }

    fn check(&self, model: &Path, quantized_elsewhere: &Path) {
        let (file, rows, count) = &self.test;
        let absent = [model, &self.data, file].into_iter().find(|p| !p.exists());
        if let Some(path) = absent {
            let _ = pecan_test_support::present(path);
            return;
        }
        let test = Self::samples(file, rows, Some(*count));
        let graph = Graph::import(&Model::read(model).unwrap()).unwrap();
        let theirs = judge(model, &test).unwrap();
        let ours = graph.outputs(&test.as_slices()).unwrap();
        let worst = largest_difference(&ours, &theirs);
        let float = accuracy(&theirs, &test);
        let calibration = Self::samples(&self.data, self.calibration, None);
        let options = quantize::Options::default();
        let integers = quantize::quantize_with(&graph, &calibration.as_slices(), options).unwrap();
        let whole = accuracy(&finished(&integers, &test), &test);
        let stated = self.stated;
        println!(
            "{}: {count} samples, largest difference in float {worst:.1e}, ONNX Runtime {float:.2} %, \
             integers {whole:.2} % ({stated} stated)",
            self.name
        );
        assert!(worst < 1e-4, "{worst}");
        assert!((whole - stated).abs() <= 0.3, "{whole}");
        self.check_elsewhere(quantized_elsewhere, &test, whole);
    }

    /// The network as quantized by others, executed by ONNX Runtime and here.
    fn check_elsewhere(&self, model: &Path, test: &Samples, whole: f64) {
        if !model.exists() {
            let _ = pecan_test_support::present(model);
            return;
        }
        let theirs = judge(model, test).unwrap();
        let graph = Graph::import(&Model::read(model).unwrap()).unwrap();
        let here = quantize::quantize_with(&graph, &[], quantize::Options::default()).unwrap();
        let ours = finished(&here, test);
        let same = ours.iter().zip(&theirs).filter(|(a, b)| argmax(a) == argmax(b)).count();
        let same = 100.0 * same as f64 / ours.len() as f64;
        let (a, b) = (accuracy(&ours, test), accuracy(&theirs, test));
        println!(
            "{}, quantized elsewhere: {same:.2} % decide alike; accuracy {a:.2} % here, {b:.2} % in ONNX Runtime",
            self.name
        );
        assert!(same >= 96.0, "{same}");
        assert!((a - b).abs() <= 1.0 && (whole - b).abs() <= 1.0, "{whole}, {a}, {b}");
    }
}

fn finished(quantized: &Quantized, test: &Samples) -> Vec<Vec<f32>> {
    let outputs = quantized.reference_outputs(&test.as_slices()).unwrap();
    outputs.iter().map(|output| quantized.finish(output)).collect()
}

fn accuracy(outputs: &[Vec<f32>], test: &Samples) -> f64 {
    let labels = test.expect_labels(12).unwrap();
    let right = outputs.iter().zip(labels).filter(|(o, l)| argmax(o) == **l).count();
    100.0 * right as f64 / labels.len() as f64
}

fn shared() -> PathBuf {
    pecan_test_support::shared()
}

#[test]
fn digits_agree() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let digits = data.join("digits.npz");
    let case = Case {
        name: "lenet",
        data: digits.clone(),
        calibration: "train_idx",
        test: (digits, "test_idx", 360),
        stated: 98.06,
    };
    let elsewhere = shared().join("models/int8/lenet_digits_minmax.onnx");
    case.check(&data.join("lenet_digits.onnx"), &elsewhere);
}

#[test]
fn keywords_agree() {
    let data = shared().join("data/kws01.npz");
    let case = Case {
        name: "kws",
        data: data.clone(),
        calibration: "0..100",
        test: (data, "100..", 900),
        stated: 90.1,
    };
    let models = shared().join("models");
    case.check(&models.join("kws_dscnn.onnx"), &models.join("int8/kws_dscnn_minmax.onnx"));
}

#[test]
fn images_agree() {
    let data = shared().join("data");
    let case = Case {
        name: "resnet8",
        data: data.join("cifar10_train.npz"),
        calibration: "0..200",
        test: (data.join("cifar10_test.npz"), "all", 500),
        stated: 82.06,
    };
    let models = shared().join("models");
    let name = "resnet8_cifar10_jpegft";
    case.check(
        &models.join(format!("{name}.onnx")),
        &models.join(format!("int8/{name}_minmax.onnx")),
    );
}
