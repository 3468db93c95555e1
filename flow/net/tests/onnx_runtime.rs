//! Networks against ONNX Runtime, whose outputs (optimizations off) lie beside the models.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::File;
use std::path::{Path, PathBuf};

use ndarray::ArrayD;
use ndarray_npy::NpzReader;
use pecan_net::graph::{Graph, check};
use pecan_net::onnx::{Model, data_type};
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

/// Inputs by sample, and the outputs.
fn arrays(path: &Path) -> (Vec<Vec<f32>>, Vec<f32>) {
    let mut arrays = NpzReader::new(File::open(path).unwrap()).unwrap();
    let [x, y]: [ArrayD<f32>; 2] = ["x", "y"].map(|key| arrays.by_name(key).unwrap());
    let (x, y) = (x.as_standard_layout().to_owned(), y.as_standard_layout().to_owned());
    let size = (x.len() / x.shape()[0]).max(1);
    let samples = x.as_slice().unwrap().chunks(size);
    let samples = samples.map(<[f32]>::to_vec).collect();
    (samples, y.as_slice().unwrap().to_vec())
}

/// Quality in dB of the float network, and of the integers of 8 and 16 bits.
fn measure(graph: &Graph, samples: &[Vec<f32>], right: &[f32]) -> (f64, Result<[f64; 2], String>) {
    let samples: Vec<&[f32]> = samples.iter().map(Vec::as_slice).collect();
    let float = sqnr(&graph.outputs(&samples).unwrap().concat(), right);
    let integers = |bits| {
        let options = Options { activation_bits: bits, weight_bits: bits };
        let quantized = quantize_with(graph, &samples, options).map_err(|e| e.to_string())?;
        let outputs = quantized.reference_outputs(&samples).map_err(|e| e.to_string())?;
        let got: Vec<f32> = outputs.iter().flat_map(|o| quantized.finish(o)).collect();
        Ok(sqnr(&got, right))
    };
    (float, integers(8).and_then(|eight| Ok([eight, integers(16)?])))
}

/// Asserts that the float network has `float` dB, and the integers `integers` (of 8 bits, and of 16).
fn expect(name: &str, float: f64, integers: f64) {
    let graph = Graph::import(&Model::read(&file(&format!("{name}.onnx"))).unwrap()).unwrap();
    let findings = graph.check();
    assert!(findings.iter().all(|f| f.supported), "{name}: {findings:?}");
    let (samples, right) = arrays(&file(&format!("{name}.npz")));
    let (got, bits) = measure(&graph, &samples, &right);
    let [eight, sixteen] = bits.unwrap_or_else(|e| panic!("{name}: {e}"));
    let found = format!("{name}: float {got:.1} dB, 8 bits {eight:.1} dB, 16 bits {sixteen:.1} dB");
    println!("{found}");
    assert!(got > float && eight > integers && sixteen > integers, "{found}");
}

#[test]
fn grids_that_saturate_are_limits() {
    for name in ["relu-in-the-grid", "relu-in-the-grid-add", "relu6-in-the-grid"] {
        expect(name, 30.0, 30.0);
    }
}

#[test]
fn what_exporters_write_is_read() {
    for name in [
        "dropout-mask",
        "identity-const",
        "maxpool-between-q-and-dq",
        "pad-axes",
        "reducemean-keepdims0",
        "shape-flatten",
        "softmax-nc11",
        "sum",
        "torch-default-export",
        "unsqueeze-const",
    ] {
        let exact = if name == "maxpool-between-q-and-dq" { 30.0 } else { 100.0 };
        expect(name, exact, 30.0);
    }
}

/// Every `NAME.onnx` of the folder `PECAN_ONNX_CASES` (else of the bundled models) with `NAME.npz` beside it: one line
/// with what came of it. Where the file itself rounds (quantization, half precision) the integers of 16 bits are judged,
/// else also the float network.
#[test]
fn models_of_a_folder() {
    let folder = std::env::var_os("PECAN_ONNX_CASES").map_or_else(|| file(""), PathBuf::from);
    let mut models: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    models.retain(|path| {
        path.extension().is_some_and(|e| e == "onnx") && path.with_extension("npz").exists()
    });
    models.sort();
    let (mut run, mut wrong) = (0, Vec::new());
    for path in models {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let model = match Model::read(&path) {
            Ok(model) => model,
            Err(error) => {
                println!("REFUSED {name}: {error}");
                continue;
            }
        };
        let refused: Vec<_> = check(&model).into_iter().filter(|f| !f.supported).collect();
        if let Some(first) = refused.first() {
            println!("REFUSED {name}: {} {}: {}", first.op, first.node, first.reason);
            continue;
        }
        let graph = Graph::import(&model).unwrap();
        let (samples, right) = arrays(&path.with_extension("npz"));
        let (float, integers) = measure(&graph, &samples, &right);
        let rounds = rounds(&model);
        let float_bad = !rounds && float < 80.0;
        let (word, integers_bad) = match &integers {
            // The float network is right, but has no integers: a finding, not a wrong result.
            Err(_) => ("REFUSED", false),
            Ok([_, sixteen]) => ("RUNS", *sixteen < 30.0),
        };
        let bad = float_bad || integers_bad;
        run += usize::from(integers.is_ok());
        let word = if bad { "WRONG" } else { word };
        println!("{word} {name}: float {float:.1} dB, integers {integers:.1?}");
        if bad {
            wrong.push(name);
        }
    }
    assert!(run > 0, "no model was run");
    assert_eq!(wrong, Vec::<String>::new());
}

/// Whether the file quantizes or holds values of half precision.
fn rounds(model: &Model) -> bool {
    let graph = model.proto.graph.as_ref().unwrap();
    let quantizes = |op: &str| op.contains("Linear");
    graph.node.iter().any(|n| n.op_type.as_deref().is_some_and(quantizes))
        || graph.initializer.iter().any(|t| t.data_type == Some(data_type::FLOAT16))
}
