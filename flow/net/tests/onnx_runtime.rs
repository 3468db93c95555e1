//! The integers of quantized files against ONNX Runtime, whose outputs (optimizations off) lie beside the models.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::File;
use std::path::{Path, PathBuf};

use ndarray::ArrayD;
use ndarray_npy::NpzReader;
use pecan_net::graph::Graph;
use pecan_net::onnx::Model;
use pecan_net::quantize::{Options, quantize_with};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/onnx").join(name)
}

/// Ratio of the power of `right` to that of the difference, in dB.
fn sqnr(got: &[f32], right: &[f32]) -> f64 {
    assert_eq!(got.len(), right.len());
    let power = |sum: f64, value: f32| sum + f64::from(value).powi(2);
    let noise = got.iter().zip(right).map(|(a, b)| a - b).fold(0.0, power);
    10.0 * (right.iter().copied().fold(0.0, power) / noise).log10()
}

#[test]
fn grids_that_saturate_are_limits() {
    for name in ["relu-in-the-grid", "relu-in-the-grid-add", "relu6-in-the-grid"] {
        let graph = Graph::import(&Model::read(&file(&format!("{name}.onnx"))).unwrap()).unwrap();
        let mut arrays = NpzReader::new(File::open(file(&format!("{name}.npz"))).unwrap()).unwrap();
        let [x, y]: [ArrayD<f32>; 2] = ["x", "y"].map(|key| arrays.by_name(key).unwrap());
        let (x, y) = (x.as_standard_layout().to_owned(), y.as_standard_layout().to_owned());
        let (values, right) = (x.as_slice().unwrap(), y.as_slice().unwrap());
        let samples: Vec<&[f32]> = values.chunks(values.len() / x.shape()[0]).collect();
        let float = sqnr(&graph.outputs(&samples).unwrap().concat(), right);
        for bits in [8, 16] {
            let options = Options { activation_bits: bits, weight_bits: bits };
            let quantized = quantize_with(&graph, &samples, options).unwrap();
            let outputs = quantized.reference_outputs(&samples).unwrap();
            let got: Vec<f32> = outputs.iter().flat_map(|o| quantized.finish(o)).collect();
            let integers = sqnr(&got, right);
            let found = format!("{name}: float {float:.1} dB, {bits} bits {integers:.1} dB");
            println!("{found}");
            assert!(float > 30.0 && integers > 30.0, "{found}");
        }
    }
}
