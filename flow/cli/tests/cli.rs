//! Tests of the binary: streams, files and exit codes.

// Helpers of tests may unwrap as the tests do; clippy.toml knows only functions marked #[test].
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use pecan_config::{Config, PRESETS, preset};
use serde_json::Value;

fn pecan(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pecan"))
        .args(args)
        .current_dir(folder)
        .env_remove("PECAN_LOG")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn init_writes_what_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    for entry in PRESETS {
        let name = format!("{}.toml", entry.name);
        let output = pecan(folder.path(), &["init", &name, "--preset", entry.name]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(output.stdout.is_empty());
        assert!(text(&output.stderr).contains(&name));
        assert_eq!(Config::read(&folder.path().join(name)).unwrap(), entry.config());
    }
}

#[test]
fn init_refuses_to_overwrite() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(pecan(folder.path(), &["init", "-q"]).status.code(), Some(0));
    let output = pecan(folder.path(), &["init"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("--force"));
    assert_eq!(pecan(folder.path(), &["init", "--force"]).status.code(), Some(0));
}

#[test]
fn init_prints_json() {
    let folder = tempfile::tempdir().unwrap();
    let output = pecan(folder.path(), &["init", "--json", "--set", "array.rows=3"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["schema"], 2);
    assert_eq!(document["accelerator"]["configuration"]["array"]["rows"], 3);
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    let schema = pecan(folder.path(), &["init", "-", "--format", "json-schema"]);
    let schema: Value = serde_json::from_slice(&schema.stdout).unwrap();
    assert_eq!(schema["properties"]["array"]["properties"]["rows"]["maximum"], 32);
}

#[test]
fn a_configuration_can_be_changed_again() {
    let folder = tempfile::tempdir().unwrap();
    pecan(folder.path(), &["init", "a.toml", "--preset", "tiny"]);
    let args = ["init", "-", "--config", "a.toml", "--set", "weights.sparsity=dense"];
    let output = pecan(folder.path(), &args);
    let config = Config::from_toml("stdout", &text(&output.stdout)).unwrap();
    assert!(!config.stores_index());
    assert_eq!(config.array, preset("tiny").unwrap().array);
}

#[test]
fn wrong_configurations_exit_with_3() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.toml"), "[array]\nrow = 4\ncols = 99\n").unwrap();
    let args = ["init", "-", "--json", "--config", "bad.toml", "--set", "pe.psum_depth=3"];
    let output = pecan(folder.path(), &args);
    assert_eq!(output.status.code(), Some(3));
    insta::assert_snapshot!(text(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["error"]["exit_code"], 3);
    assert_eq!(document["error"]["related"].as_array().unwrap().len(), 3);
    assert_eq!(document["error"]["related"][0]["code"], "pecan::config::unknown_key");
}

#[test]
fn wrong_usage_exits_with_2() {
    let folder = tempfile::tempdir().unwrap();
    for args in [
        &["frobnicate"][..],
        &["init", "--preset", "huge"],
        &["init", "--preset", "tiny", "--config", "a.toml"],
        &["init", "-q", "-v"],
        &[],
    ] {
        let output = pecan(folder.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{args:?}");
    }
    let help = pecan(folder.path(), &["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("Exit codes:"));
    let help = text(&pecan(folder.path(), &["init", "--help"]).stdout);
    assert!(help.contains("numerics.accumulator_bits") && help.contains("eyeriss"), "{help}");
}

#[test]
fn unwritable_outputs_exit_with_3() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let output = pecan(folder.path(), &["init", "file/accelerator.toml"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("cannot write file/accelerator.toml"));
}

#[test]
fn completions_for_every_shell() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = pecan(folder.path(), &["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        assert!(text(&output.stdout).contains("completions"), "{shell}");
    }
}

/// `pecan ... | head` must not end in a panic.
#[test]
fn a_closed_pipe_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pecan"))
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}

/// A full disk is an error: the device fails every write like that.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_exits_with_3() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pecan"))
        .args(["completions", "bash"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("cannot write stdout"), "{}", text(&output.stderr));
}
