//! A small part of the held-out record: layers of the digits network on a configuration outside the fit, at gate level
//! and as predicted by the shipped technology file.

#![allow(clippy::unwrap_used)] // helpers of tests fail like tests

use std::path::Path;

use pecan_calibrate::{Plan, Setup, held_out};
use pecan_energy::Technology;
use pecan_host::tools::Finder;
use pecan_synth::{LibertySearch, Process, SynthOptions};

/// Largest error of a layer.
const LARGEST: f64 = 0.10;

const PLAN: &str = r#"
cycles = 600
seed = 3
windows = 3
fit = []

[[held_out]]
name = "ci_2x3x2"
set = ["array.rows=2", "array.cols=3", "array.lanes=2", "drain.lanes=2", "pe.psum_depth=12"]

[[network]]
model = "lenet_digits.onnx"
data = "digits.npz"
calibrate = "0..100"
sample = "1500..1501"
layers = 2
"#;

/// Measures the layers at gate level in a technology and compares the predictions; nothing if its cell library is
/// missing.
fn check(name: &str) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pdk = pecan_test_support::shared().join("pdk");
    let process = Process::load(name).unwrap();
    let liberty = LibertySearch { files: Vec::new(), pdk: Some(pdk) };
    if process.find_liberty(&liberty).is_err() {
        pecan_test_support::skip(&format!("the cell library of {name} is absent"));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.toml");
    std::fs::write(&path, PLAN).unwrap();
    let setup = Setup {
        process,
        synthesis: SynthOptions { liberty, ..SynthOptions::default() },
        finder: Finder::from_environment().unwrap(),
        plan: Plan::load(&path).unwrap(),
        networks: here.join("data"),
        cases: folder.path().join("cases"),
    };
    let technology = Technology::open(name).unwrap();
    let first = held_out(&setup, &technology, &|_| ()).unwrap();
    assert_eq!(first.len(), 2);
    for layer in &first {
        println!(
            "{name} {}: {:.0} pJ at gate level, {:.0} predicted, {:+.1} %; without glitches {:.0}",
            layer.layer,
            layer.gate_level,
            layer.predicted,
            100.0 * layer.error(),
            layer.zero_delay
        );
        assert!(layer.error().abs() < LARGEST, "{layer:?}");
        assert!(layer.zero_delay < layer.gate_level);
    }
    // Finished cases are used as they are, damaged ones are measured again.
    let case = std::fs::read_dir(folder.path().join("cases/ci_2x3x2")).unwrap().next().unwrap();
    std::fs::write(case.unwrap().path(), "{").unwrap();
    assert_eq!(held_out(&setup, &technology, &|_| ()).unwrap(), first);
}

#[test]
fn held_out_layers_are_predicted_in_sg13g2() {
    check("sg13g2");
}

#[test]
fn held_out_layers_are_predicted_in_osu018() {
    check("osu018");
}

#[test]
fn held_out_layers_are_predicted_in_asap7() {
    check("asap7");
}
