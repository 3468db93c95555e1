//! Recorded results that must not change unnoticed: emitted packages, programs, technology files and the figures of the
//! commands are compared with those in `tests/recorded`.
//!
//! To change them on purpose, update them with `PECAN_RECORD=1 cargo test --release --test recorded`; the difference is
//! then part of the change and of its review. Keys may be added to metrics without recording.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use pecan_accelerator::generate::Package;
use pecan_config::{Config, Limits, PRESETS};
use pecan_ir::layer::Network;
use pecan_map::{Options, compile};
use pecan_net::data::{Rows, Samples, Selection};
use pecan_net::graph::Graph;
use pecan_net::onnx::Model;
use pecan_net::quantize;
use pecan_technologies::{File, find, shipped};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

/// Keys of metrics whose values differ from run to run: times, and values computed from these.
const VOLATILE: [&str; 8] = [
    "command_line",
    "seconds",
    "build_seconds",
    "run_seconds",
    "cycles_per_second",
    "mapping_seconds",
    "cached",
    "phases",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/recorded")
}

fn bundled(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name)
}

fn recording() -> bool {
    std::env::var_os("PECAN_RECORD").is_some()
}

/// The presets and drawn configurations.
fn configurations() -> Vec<(String, Config)> {
    let mut rng = ChaCha8Rng::seed_from_u64(19);
    let presets = PRESETS.iter().map(|preset| (preset.name.to_string(), preset.config()));
    let mut list: Vec<_> = presets.collect();
    list.extend((0..20).map(|n| {
        let limits = if n % 2 == 0 { Limits::none() } else { Limits::small() };
        (format!("drawn-{n:02}"), Config::random(&mut rng, &limits))
    }));
    list
}

/// Compares lines with a recorded file, or records them.
#[track_caller]
fn compare_lines(name: &str, lines: &str) {
    let path = folder().join(name);
    if recording() {
        std::fs::create_dir_all(folder()).unwrap();
        return std::fs::write(path, lines).unwrap();
    }
    let recorded = std::fs::read_to_string(&path).unwrap();
    let differing: Vec<String> = recorded
        .lines()
        .zip(lines.lines())
        .filter(|(a, b)| a != b)
        .map(|(a, b)| format!("- {a}\n+ {b}"))
        .collect();
    assert!(differing.is_empty(), "{name}:\n{}", differing.join("\n"));
    assert_eq!(recorded.lines().count(), lines.lines().count(), "{name}");
}

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..24].to_string()
}

#[test]
fn packages_are_as_recorded() {
    let mut lines = String::new();
    for (name, config) in configurations() {
        writeln!(lines, "{name} hash {:08x}", config.id()).unwrap();
        for file in Package::of(&config).unwrap().files {
            writeln!(lines, "{name} {} {}", file.path, hash(file.text.as_bytes())).unwrap();
        }
    }
    compare_lines("packages.txt", &lines);
}

/// The digits network, quantized to the widths of a configuration.
fn network(config: &Config) -> Network {
    let graph = Graph::import(&Model::read(&bundled("lenet_digits.onnx")).unwrap()).unwrap();
    let rows = Rows::Key("train_idx".into());
    let selection = Selection { rows, limit: Some(100), ..Selection::default() };
    let samples = Samples::load(&bundled("digits.npz"), &selection).unwrap();
    let options = quantize::Options {
        weight_bits: config.numerics.weight_bits,
        activation_bits: config.numerics.activation_bits,
    };
    quantize::quantize_with(&graph, &samples.as_slices(), options).unwrap().network
}

#[test]
fn programs_are_as_recorded() {
    let (mut lines, mut compiled) = (String::new(), 0);
    for (name, config) in configurations() {
        match compile(&network(&config), &config, &Options::default()) {
            Ok(program) => {
                compiled += 1;
                writeln!(lines, "{name} {}", hash(&program.program.to_bytes())).unwrap();
            }
            Err(error) => writeln!(lines, "{name} refused: {error}").unwrap(),
        }
    }
    assert!(compiled > 10, "{compiled}");
    compare_lines("programs.txt", &lines);
}

#[test]
fn technologies_are_as_recorded() {
    let mut lines = String::new();
    for name in shipped() {
        let text = find(name, File::Energy).unwrap().text;
        writeln!(lines, "{name}.toml {}", hash(text.as_bytes())).unwrap();
    }
    compare_lines("technologies.txt", &lines);
}

/// The document without values that differ from run to run.
fn lasting(value: Value, folder: &str) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(key, _)| !VOLATILE.contains(&key.as_str()))
            .map(|(key, value)| (key, lasting(value, folder)))
            .collect(),
        Value::Array(items) => items.into_iter().map(|item| lasting(item, folder)).collect(),
        Value::String(text) => Value::String(text.replace(folder, "FOLDER")),
        other => other,
    }
}

/// Every recorded value must be present; additions are ignored.
fn differences(path: &str, recorded: &Value, now: &Value, found: &mut Vec<String>) {
    match (recorded, now) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                match b.get(key) {
                    Some(other) => differences(&format!("{path}.{key}"), value, other, found),
                    None => found.push(format!("{path}.{key} is missing")),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                differences(&format!("{path}[{at}]"), a, b, found);
            }
        }
        _ if recorded == now => {}
        _ => found.push(format!("{path}: {recorded} is now {now}")),
    }
}

/// Executes a command into a folder and compares its metrics with the recorded ones.
fn compare_metrics(name: &str, args: &[&str]) {
    let scratch = tempfile::tempdir().unwrap();
    let data = bundled("").canonicalize().unwrap();
    for file in ["lenet_digits.onnx", "digits.npz"] {
        std::fs::copy(data.join(file), scratch.path().join(file)).unwrap();
    }
    std::fs::write(scratch.path().join("shapes.csv"), SHAPES).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pecan"));
    command.args(args).args(["--out", "out", "--quiet"]).current_dir(scratch.path());
    let output = command.env_remove("PECAN_LOG").output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let metrics = std::fs::read(scratch.path().join("out/metrics.json")).unwrap();
    let folder = scratch.path().display().to_string();
    let metrics = lasting(serde_json::from_slice(&metrics).unwrap(), &folder);
    let path = self::folder().join(format!("{name}.json"));
    if recording() {
        std::fs::create_dir_all(self::folder()).unwrap();
        let text = serde_json::to_string_pretty(&metrics).unwrap() + "\n";
        return std::fs::write(path, text).unwrap();
    }
    let recorded = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let mut found = Vec::new();
    differences("", &recorded, &metrics, &mut found);
    found.truncate(20);
    assert!(found.is_empty(), "{name}:\n{}", found.join("\n"));
}

/// A topology of four kinds of layers.
const SHAPES: &str = "\
Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
Stem, 34, 34, 3, 3, 3, 16, 1,
Strided, 33, 33, 3, 3, 16, 32, 2,
Pointwise, 16, 16, 1, 1, 32, 24, 1,
Classifier, 1, 1, 1, 1, 600, 10, 1,
";

const DIGITS: [&str; 3] = ["lenet_digits.onnx", "--data", "digits.npz"];

#[test]
fn checks_are_as_recorded() {
    for preset in PRESETS {
        let name = preset.name;
        let args = [&["check"], &DIGITS[..], &["--preset", name]].concat();
        compare_metrics(&format!("check-{name}"), &args);
    }
}

#[test]
fn estimates_are_as_recorded() {
    for (preset, technology, objective) in [
        ("tiny", "osu018", "delay"),
        ("edge", "sg13g2", "energy"),
        ("eyeriss", "eyeriss-relative", "edp"),
        ("large", "asap7", "delay"),
    ] {
        let more = ["--preset", preset, "--technology", technology, "--objective", objective];
        let args = [&["estimate"], &DIGITS[..], &more, &["--limit", "4"]].concat();
        compare_metrics(&format!("estimate-{preset}"), &args);
    }
    let shapes = ["estimate", "shapes.csv", "--density", "0.4", "--preset", "eyeriss"];
    compare_metrics("estimate-shapes", &shapes);
}

#[test]
fn simulations_are_as_recorded() {
    let args = [&["simulate"], &DIGITS[..], &["--rows", "test_idx", "--limit", "2"]].concat();
    compare_metrics("simulate-tiny", &[&args[..], &["--preset", "tiny"]].concat());
    compare_metrics("simulate-edge", &[&args[..], &["--memory", "dram"]].concat());
}

#[test]
fn prunings_are_as_recorded() {
    let mut args = [&["prune"], &DIGITS[..]].concat();
    args.extend(["--rows", "test_idx[180..]", "--validate-rows", "test_idx[0..180]"]);
    args.extend(["--tune-rows", "train_idx", "--epochs", "2", "--rounds", "2"]);
    args.extend(["--max-accuracy-drop", "3", "--learning-rate", "0.01", "--compare"]);
    compare_metrics("prune-digits", &args);
}
