//! Tests of the commands that execute networks.

// Helpers of tests may unwrap as the tests do; clippy.toml knows only functions marked #[test].
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn bundled(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name);
    path.canonicalize().unwrap().display().to_string()
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pecan"));
    command.args(args).current_dir(folder).env_remove("PECAN_LOG");
    command
}

fn pecan(folder: &Path, args: &[&str]) -> Output {
    command(folder, args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn code(output: &Output, code: i32) {
    assert_eq!(
        output.status.code(),
        Some(code),
        "{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

/// A search path with these tools only.
fn path_with(folder: &Path, tools: &[&str]) -> PathBuf {
    let bin = folder.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    for tool in tools {
        let search = std::env::var_os("PATH").unwrap();
        let found = std::env::split_paths(&search).map(|p| p.join(tool)).find(|p| p.is_file());
        let script = format!("#!/bin/sh\nexec {} \"$@\"\n", found.unwrap().display());
        let path = bin.join(tool);
        std::fs::write(&path, script).unwrap();
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    bin
}

#[test]
fn help_of_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let cli = <pecan_cli::Cli as clap::CommandFactory>::command();
    for name in cli.get_subcommands().map(clap::Command::get_name) {
        let output = pecan(folder.path(), &[name, "-h"]);
        code(&output, 0);
        insta::assert_snapshot!(format!("help_{name}"), text(&output.stdout));
    }
}

#[test]
fn generate_touches_only_what_changed() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["generate", "--preset", "tiny", "--out", "g"];
    code(&pecan(folder.path(), &args), 0);
    let top = folder.path().join("g/rtl/pecan_d8f04737.v");
    let before = top.metadata().unwrap().modified().unwrap();
    std::fs::write(folder.path().join("g/filelist.f"), "old").unwrap();
    let output = pecan(folder.path(), &args);
    let table = text(&output.stdout);
    assert_eq!(table.matches("written").count(), 1, "{table}");
    assert_eq!(top.metadata().unwrap().modified().unwrap(), before);
    let list = std::fs::read_to_string(folder.path().join("g/filelist.f")).unwrap();
    for line in list.lines().filter(|line| !line.starts_with("//")) {
        assert!(folder.path().join("g").join(line).is_file(), "{line}");
    }
    let metrics = std::fs::read_to_string(folder.path().join("g/metrics.json")).unwrap();
    let metrics: Value = serde_json::from_str(&metrics).unwrap();
    for file in metrics["files"].as_array().unwrap() {
        assert!(folder.path().join("g").join(file["path"].as_str().unwrap()).is_file(), "{file}");
    }
}

#[test]
fn generate_names_modules_as_told() {
    let folder = tempfile::tempdir().unwrap();
    for (prefix, top, mac) in [("npu", "npu", "npu_mac"), ("", "pecan", "mac")] {
        let args = ["generate", "--preset", "tiny", "--prefix", prefix, "--out", top, "--json"];
        let output = pecan(folder.path(), &args);
        code(&output, 0);
        let metrics: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(metrics["top"], top);
        for file in [format!("rtl/{top}.v"), format!("rtl/{mac}.v"), format!("{top}.h")] {
            assert!(folder.path().join(top).join(&file).is_file(), "{file}");
        }
    }
    let output = pecan(folder.path(), &["generate", "--prefix", "2x; rm", "--out", "wrong"]);
    code(&output, 2);
    assert!(text(&output.stderr).contains("must be a letter"), "{}", text(&output.stderr));
    assert!(!folder.path().join("wrong").exists());
}

#[test]
fn check_maps_the_bundled_network() {
    let folder = tempfile::tempdir().unwrap();
    let model = bundled("lenet_digits.onnx");
    let output = pecan(folder.path(), &["check", &model, "--preset", "tiny", "--json"]);
    code(&output, 0);
    let metrics: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(metrics["maps"], true);
    assert_eq!(metrics["nodes"].as_array().unwrap().len(), 9);
    assert!(metrics["layers"][1]["predicted_cycles"].as_u64().unwrap() > 1000);
}

/// The bundled network with one operator renamed, in bytes of the same length.
fn unsupported(folder: &Path) -> String {
    let mut bytes = std::fs::read(bundled("lenet_digits.onnx")).unwrap();
    let name = b"\x22\x07MaxPool";
    let at = bytes.windows(name.len()).position(|window| window == name).unwrap();
    bytes[at + 2..at + name.len()].copy_from_slice(b"LpPoool");
    let path = folder.join("odd.onnx");
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

#[test]
fn unsupported_nodes_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let model = unsupported(folder.path());
    let output = pecan(folder.path(), &["check", &model, "--preset", "tiny"]);
    code(&output, 1);
    assert!(text(&output.stdout).contains("LpPoool"), "{}", text(&output.stdout));
    let output = pecan(folder.path(), &["simulate", &model, "--preset", "tiny"]);
    code(&output, 3);
    let message = text(&output.stderr);
    assert!(message.contains("1 unsupported node") && message.contains("LpPoool"), "{message}");
}

#[test]
fn wrong_inputs_exit_with_3() {
    let folder = tempfile::tempdir().unwrap();
    let (model, data) = (bundled("lenet_digits.onnx"), bundled("digits.npz"));
    let bytes = std::fs::read(&model).unwrap();
    std::fs::write(folder.path().join("cut.onnx"), &bytes[..3000]).unwrap();
    std::fs::write(folder.path().join("cut.npz"), &std::fs::read(&data).unwrap()[..3000]).unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    for (args, message) in [
        (&["simulate", "cut.onnx"][..], "truncated or damaged"),
        (&["check", "cut.onnx"], "truncated or damaged"),
        (&["simulate", "absent.onnx"], "absent.onnx"),
        (&["simulate", &model, "--data", "cut.npz"], "cut.npz"),
        (&["simulate", &model, "--data", &data, "--rows", "tset_idx"], "test_idx"),
        (&["simulate", &model, "--data", &data, "--rows", "0..99999"], "0..99999"),
        (&["simulate", &model, "--data", &data, "--x-key", "y"], "the network takes"),
        (&["simulate", &model, "--out", "file/out"], "file/out"),
        (&["generate", "--out", "file/out"], "file/out"),
        (&["demo", "--out", "file/out"], "file/out"),
    ] {
        let output = pecan(folder.path(), args);
        code(&output, 3);
        // The message is wrapped for the terminal.
        let plain: String = text(&output.stderr).split_whitespace().filter(|w| *w != "│").collect();
        let wanted: String = message.split_whitespace().collect();
        assert!(plain.contains(&wanted), "{args:?}: {}", text(&output.stderr));
    }
    for args in [&["--stall", "1"][..], &["--limit", "0"], &["--rows", "all"], &["--timeout", "0"]]
    {
        code(&pecan(folder.path(), &[&["simulate", &model], args].concat()), 2);
    }
}

#[test]
fn missing_tools_exit_with_4() {
    let folder = tempfile::tempdir().unwrap();
    let model = bundled("lenet_digits.onnx");
    let run = |args: &[&str], tools: &[&str]| {
        let bin = path_with(&folder.path().join(tools.len().to_string()), tools);
        let mut command = command(folder.path(), args);
        let output =
            command.env("PATH", bin).env("PECAN_CACHE", folder.path().join("cache")).output();
        output.unwrap()
    };
    let simulate = ["simulate", &model, "--preset", "tiny", "--offline"];
    let output = run(&simulate, &[]);
    code(&output, 4);
    let output_with_compiler = run(&simulate, &["g++", "make"]);
    code(&output_with_compiler, 4);
    assert!(text(&output_with_compiler.stderr).contains("pecan tools"));
    let output = run(&["doctor", "--json"], &["make"]);
    code(&output, 4);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["missing"].as_array().unwrap().contains(&"g++".into()));
    assert_eq!(document["tools"].as_array().unwrap().len(), pecan_host::tools::TOOLS.len());
    code(&run(&["tools", "install"], &[]), 4);
}

#[test]
fn simulate_agrees_on_the_bundled_network() {
    let folder = tempfile::tempdir().unwrap();
    let (model, data) = (bundled("lenet_digits.onnx"), bundled("digits.npz"));
    let base = ["simulate", &model, "--preset", "tiny", "--data", &data, "--rows", "test_idx"];
    let output = pecan(folder.path(), &[&base[..], &["--limit", "3", "--json"]].concat());
    code(&output, 0);
    let metrics: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(metrics["total"]["mismatches"], 0);
    assert_eq!(metrics["total"]["counter_mismatches"], 0);
    assert_eq!(metrics["total"]["cycles"], metrics["total"]["predicted_cycles"]);
    assert_eq!(metrics["accuracy"]["samples"], 3);
    // 337,536 minus those of unused channels.
    assert_eq!(metrics["total"]["macs"], 310_698);
    for layer in metrics["layers"].as_array().unwrap() {
        assert_eq!(layer["counters"], layer["predicted_counters"]);
    }
    let slow = ["--limit", "2", "--memory", "dram", "--stall", "0.1", "--json"];
    let output = pecan(folder.path(), &[&base[..], &slow].concat());
    code(&output, 0);
    let slow: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(slow["total"]["cycles"].as_u64() > metrics["total"]["cycles"].as_u64());
    // An unsupported node: the layers around it are executed one by one.
    let odd = unsupported(folder.path());
    let layers = ["simulate", &odd, "--preset", "tiny", "--layers", "--limit", "1", "--json"];
    let output = pecan(folder.path(), &layers);
    code(&output, 0);
    let metrics: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(metrics["layers"].as_array().unwrap().len(), 2);
}

const SHAPES: &str =
    "name,h,w,fh,fw,c,n,s\nConv1,9,9,3,3,2,6,1,\nConv2,7,7,3,3,6,4,2,\nFC,1,1,1,1,16,10,1,\n";

#[test]
fn shapes_are_mapped_and_simulated_layer_by_layer() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("small.csv"), SHAPES).unwrap();
    let check = pecan(folder.path(), &["check", "small.csv", "--preset", "tiny", "--json"]);
    code(&check, 0);
    let json: Value = serde_json::from_slice(&check.stdout).unwrap();
    let names: Vec<_> = json["layers"].as_array().unwrap().iter().map(|l| &l["name"]).collect();
    assert_eq!(names, ["Conv1", "Conv2", "FC"]);
    let args = ["simulate", "small.csv", "--preset", "tiny", "--only", "conv2,FC", "--density"];
    let run = pecan(folder.path(), &[&args[..], &["0.4", "--limit", "2", "--json"]].concat());
    code(&run, 0);
    let json: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(json["layers"].as_array().unwrap().len(), 2);
    assert_eq!(json["total"]["mismatches"], 0);
    assert_eq!(json["images"], 2);
    let macs = |i: usize, key: &str| json["layers"][i][key].as_f64().unwrap();
    assert!(macs(1, "nonzero_macs") < 0.5 * macs(1, "macs"));
}

#[test]
fn shapes_and_networks_have_their_own_flags() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("small.csv"), SHAPES).unwrap();
    let model = bundled("lenet_digits.onnx");
    for (args, exit, words) in [
        (vec!["check", "small.csv", "--only", "conv3"], 3, "did you mean `Conv1`"),
        (vec!["check", "small.csv", "--density", "2"], 2, "from 0 to 1"),
        (vec!["check", &model, "--density", "0.5"], 2, "topology files"),
        (vec!["simulate", "small.csv", "--data", "d.npz"], 2, "shapes only"),
        (vec!["check", &model, "--rows", "0..5"], 2, "--data"),
        (vec!["check", &model, "--calibration", "mean"], 2, "minmax"),
        (vec!["check"], 2, "MODEL"),
    ] {
        let output = pecan(folder.path(), &args);
        code(&output, exit);
        let said = text(&output.stderr);
        assert!(said.contains(words), "{args:?}: {said}");
    }
}

#[test]
fn a_workload_file_stands_for_its_flags() {
    let folder = tempfile::tempdir().unwrap();
    let (model, data) = (bundled("lenet_digits.onnx"), bundled("digits.npz"));
    let workload = format!(
        "model = '{model}'\ndata = '{data}'\nrows = 'test_idx'\ncalibrate_rows = 'train_idx'\n\
         calibration = 'percentile:99.9'\n"
    );
    std::fs::write(folder.path().join("digits.toml"), workload).unwrap();
    let flags = ["--rows", "test_idx", "--calibrate-rows", "train_idx", "--data", &data];
    let long =
        [&["check", &model, "--calibration", "percentile:99.9", "--json"][..], &flags].concat();
    let long = pecan(folder.path(), &long);
    let short = pecan(folder.path(), &["check", "--workload", "digits.toml", "--json"]);
    code(&short, 0);
    let layers = |output: &Output| {
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["layers"].clone()
    };
    assert_eq!(layers(&long), layers(&short));
}
