//! Outputs in floats, and networks held against the outputs of another program.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod command;

use std::process::Command;

use pecan_net::data::{NewArray, Npz, Values, write_npz};
use pecan_test_support::skip;
use serde_json::Value;

use command::{bundled, document, said};

/// The Python with ONNX Runtime that `pecan` would use; if there is none, the test is skipped.
fn has_runtime() -> bool {
    let python = std::env::var("PECAN_PYTHON").unwrap_or_else(|_| "python3".into());
    let mut command = Command::new(python);
    let found = command.args(["-c", "import numpy, onnxruntime"]).output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        skip("no Python with onnxruntime; name one with PECAN_PYTHON");
    }
    found
}

/// What is written is what is compared: every value equal, row by row.
#[test]
fn outputs_are_written_and_expected() {
    let folder = tempfile::tempdir().unwrap();
    let (model, data) = (bundled("lenet_digits.onnx"), bundled("digits.npz"));
    let base = ["simulate", &model, "--preset", "tiny", "--data", &data, "--json"];
    let result = |more: &[&str]| document(folder.path(), &[&base[..], more].concat());
    let said = |more: &[&str], code| said(folder.path(), &[&base[..], more].concat(), code);
    let first = result(&["--rows", "test_idx", "--limit", "3", "--outputs", "o.npz"]);
    assert_eq!(first["expected"], Value::Null);
    let mut written = Npz::open(&folder.path().join("o.npz")).unwrap();
    assert_eq!(written.keys(), ["labels", "rows", "y"]);
    assert_eq!(written.shape("y").unwrap(), [3, 10]);
    let result = result(&["--rows", "test_idx", "--limit", "3", "--expected", "o.npz"]);
    let rtl = &result["expected"]["rtl"];
    assert_eq!((&rtl["sqnr_db"], &rtl["largest_difference"]), (&Value::Null, &0.0.into()));
    assert_eq!(rtl["label_agreement"], 1.0);
    let float = result["expected"]["float"]["sqnr_db"].as_f64().unwrap();
    assert!((30.0..60.0).contains(&float), "{float}");
    // Neither a row for each of the 1,797 digits nor one for each that is run.
    let text = said(&["--rows", "test_idx", "--limit", "2", "--expected", "o.npz"], 3);
    assert!(
        text.contains("3 rows") && text.contains("1797") && text.contains("2 samples"),
        "{text}"
    );
    let text = said(&["--limit", "1", "--expected", &data, "--expected-key", "x"], 3);
    assert!(text.contains("shape [1797, 1, 8, 8]") && text.contains("10 values"), "{text}");
    let text = said(&["--layers", "--expected", "o.npz"], 2);
    assert!(text.contains("--layers"), "{text}");
}

/// Rows of expected outputs follow the rows of the data, and outputs beside the inputs are no labels.
#[test]
fn outputs_of_others_stand_beside_the_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let model = bundled("onnx/relu-in-the-grid.onnx");
    let data = bundled("onnx/relu-in-the-grid.npz");
    let args =
        ["simulate", &model, "--preset", "tiny", "--data", &data, "--expected", &data, "--json"];
    let result = document(folder.path(), &[&args[..], &["--rows", "5..8"]].concat());
    assert_eq!(result["accuracy"], Value::Null);
    let rtl = &result["expected"]["rtl"];
    assert!(rtl["sqnr_db"].as_f64().unwrap() > 25.0, "{rtl}");
    assert_eq!(rtl["samples"], 3);
}

#[test]
fn without_onnx_runtime_it_says_how_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pecan"));
    command.args(["check", &bundled("lenet_digits.onnx"), "--against", "onnxruntime"]);
    command.current_dir(folder.path()).env("PECAN_PYTHON", folder.path().join("python"));
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(text.contains("pip install") && text.contains("PECAN_PYTHON"), "{text}");
}

#[test]
fn networks_are_held_against_onnx_runtime() {
    if !has_runtime() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (model, data) = (bundled("lenet_digits.onnx"), bundled("digits.npz"));
    let args = ["check", &model, "--data", &data, "--limit", "20", "--against", "onnxruntime"];
    let args = [&args[..], &["--json"]].concat();
    let against = document(folder.path(), &args)["against"].clone();
    let number = |network: &str, key: &str| against[network][key].as_f64().unwrap();
    assert!(number("float", "sqnr_db") > 100.0, "{against}");
    assert!((30.0..60.0).contains(&number("integers", "sqnr_db")), "{against}");
    assert_eq!(number("float", "label_agreement"), 1.0);
    let both = [&against["float_departure"], &against["integer_departure"]];
    assert_eq!(both, [&Value::Null; 2]);
    assert!(against["tensors"].as_array().unwrap().len() >= 5, "{against}");
    // Quantizations in the file: tensors of codes are compared by their real values.
    for name in ["relu-in-the-grid", "relu-in-the-grid-add", "relu6-in-the-grid"] {
        let [model, data] = ["onnx", "npz"].map(|end| bundled(&format!("onnx/{name}.{end}")));
        let args = ["check", &model, "--data", &data, "--against", "onnxruntime", "--json"];
        let against = document(folder.path(), &args)["against"].clone();
        assert_eq!(against["integer_departure"], Value::Null, "{name}: {against}");
        assert!(against["float"]["sqnr_db"].as_f64().unwrap() > 35.0, "{name}: {against}");
    }
}

/// The oracle names the tensor where a network goes wrong: here ranges that samples of zeros decide.
#[test]
fn the_first_tensor_that_departs_is_named() {
    if !has_runtime() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let zeros = [0.0f32; 64];
    let shape = [1, 1, 8, 8];
    let array = NewArray { name: "x", shape: &shape, values: Values::Floats(&zeros) };
    std::fs::write(folder.path().join("zeros.npz"), write_npz([array]).unwrap()).unwrap();
    let (model, data) = (bundled("lenet_digits.onnx"), bundled("digits.npz"));
    let args = ["check", &model, "--data", &data, "--limit", "2", "--calibrate-data", "zeros.npz"];
    let args = [&args[..], &["--against", "onnxruntime", "--json"]].concat();
    let against = document(folder.path(), &args)["against"].clone();
    // The convolution has its limit (ReLU) as its own output.
    let tensors = against["tensors"].as_array().unwrap();
    let first = tensors.iter().find(|tensor| !tensor["integers"].is_null()).unwrap();
    assert_eq!(against["integer_departure"]["tensor"], first["tensor"], "{against}");
    assert_eq!(against["float_departure"], Value::Null, "{against}");
}
