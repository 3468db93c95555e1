//! Folders whose names contain special characters of a shell, make, Tcl or Yosys: real tools work beside them.

// Helpers of tests may unwrap as the tests do; clippy.toml knows only functions marked #[test].
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Everything that a name can have.
const HOSTILE: &str = "a b;'\"`$(x)${y}[z]{}\\ #&|<>*?~%=:!\n\t";

/// A folder of that name, to work in and for temporary files.
fn hostile() -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(HOSTILE);
    std::fs::create_dir_all(folder.join("tmp")).unwrap();
    (root, folder)
}

fn pecan(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pecan"));
    command.args(args).current_dir(folder).env_remove("PECAN_LOG");
    command.env("TMPDIR", folder.join("tmp"));
    command
}

fn done(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
}

#[test]
fn simulators_run_in_folders_of_any_name() {
    let (_root, folder) = hostile();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/lenet_digits.onnx");
    std::fs::copy(&model, folder.join("model.onnx")).unwrap();
    let args = ["simulate", "model.onnx", "--preset", "tiny", "--limit", "1", "--wave"];
    done(&pecan(&folder, &args).output().unwrap());
    assert!(folder.join("target/pecan/simulate/metrics.json").is_file());
    assert_eq!(std::fs::read_dir(folder.join("tmp")).unwrap().count(), 0);
}

#[test]
fn netlists_are_made_and_timed_in_folders_of_any_name() {
    let (_root, folder) = hostile();
    let args = ["synth", "--preset", "tiny", "--set", "array.cols=1", "--technology", "osu018"];
    let output = pecan(&folder, &[&args[..], &["--json"]].concat()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(3) && said.contains("was not found") {
        pecan_test_support::skip(&said);
        return;
    }
    done(&output);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["synthesis"]["cells"].as_u64().unwrap() > 1000);
    let timed = document["timing"]["fmax_mhz"].as_f64();
    assert!(timed.is_some() || said.contains("sta"), "{said}");
    assert_eq!(std::fs::read_dir(folder.join("tmp")).unwrap().count(), 0);
}

/// Make and Yosys cannot work in such a folder: it is refused with its name before they fail.
#[test]
fn a_cache_in_such_a_folder_is_refused() {
    let (_root, folder) = hostile();
    let args = ["synth", "--preset", "tiny", "--offline"];
    let output = pecan(&folder, &args).env("PECAN_CACHE", folder.join("cache")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("PECAN_CACHE"), "{said}");
}
