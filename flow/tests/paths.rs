//! Folders whose names mean something to a shell, make, Tcl or Yosys: real tools work in them.

// Helpers of tests may unwrap as the tests do; clippy.toml knows only functions marked #[test].
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Everything that a name can have but a line end, which make has no spelling for.
const HOSTILE: &str = "a b;'\"`$(x)${y}[z]{}\\ #&|<>*?~%=:!";

/// A folder of that name with a cache that has the tools of the user's. They stay where they are: Yosys itself does not
/// work where a quotation mark is in the path that it is installed at.
fn hostile() -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(HOSTILE);
    std::fs::create_dir_all(folder.join("cache")).unwrap();
    std::fs::create_dir_all(folder.join("tmp")).unwrap();
    let finder = pecan_sim::tools::Finder::from_environment().unwrap();
    for name in ["verilator", "pyosys"] {
        let Ok(found) = finder.find(name) else { continue };
        let Ok(below) = found.path.strip_prefix(&finder.cache) else { continue };
        let link = folder.join("cache").join(below);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        let script = format!("#!/bin/sh\nexec '{}' \"$@\"\n", found.path.display());
        match name {
            "pyosys" => std::fs::write(&link, script).unwrap(),
            _ => std::os::unix::fs::symlink(&found.path, &link).unwrap(),
        }
        let mode = std::fs::metadata(&found.path).unwrap().permissions();
        std::fs::set_permissions(&link, mode).unwrap();
    }
    (root, folder)
}

fn pecan(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pecan"));
    command.args(args).current_dir(folder).env_remove("PECAN_LOG");
    command.env("PECAN_CACHE", folder.join("cache")).env("TMPDIR", folder.join("tmp"));
    command.output().unwrap()
}

fn done(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
}

#[test]
fn simulators_are_built_and_run_in_folders_of_any_name() {
    let (_root, folder) = hostile();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/lenet_digits.onnx");
    std::fs::copy(&model, folder.join("model.onnx")).unwrap();
    done(&pecan(
        &folder,
        &["simulate", "model.onnx", "--preset", "tiny", "--limit", "1", "--wave"],
    ));
    assert!(folder.join("target/pecan/simulate/metrics.json").is_file());
    assert_eq!(std::fs::read_dir(folder.join("tmp")).unwrap().count(), 0);
}

#[test]
fn netlists_are_made_and_timed_in_folders_of_any_name() {
    let (_root, folder) = hostile();
    let args = ["synth", "--preset", "tiny", "--set", "array.cols=1", "--technology", "osu018"];
    let output = pecan(&folder, &[&args[..], &["--json"]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(3) && said.contains("was not found") {
        println!("skipped: {said}");
        return;
    }
    done(&output);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["synthesis"]["cells"].as_u64().unwrap() > 1000);
    let timed = document["timing"]["fmax_mhz"].as_f64();
    assert!(timed.is_some() || said.contains("sta"), "{said}");
    assert_eq!(std::fs::read_dir(folder.join("tmp")).unwrap().count(), 0);
}
