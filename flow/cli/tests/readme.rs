//! The commands of the README's tour, as written.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

/// Lines of the README that are not run: how a program is installed, and what asks the network for tools.
const NOT_RUN: [&str; 2] = ["cargo install ", "pecan tools install"];

#[test]
fn the_tour_runs_as_it_is_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let tour = readme.split_once("## A quick tour\n\n```sh\n").unwrap().1;
    let tour = tour.split_once("```").unwrap().0;
    let folder = tempfile::tempdir().unwrap();
    for (ours, theirs) in [("lenet_digits.onnx", "model.onnx"), ("digits.npz", "samples.npz")] {
        std::fs::copy(root.join("tests/data").join(ours), folder.path().join(theirs)).unwrap();
    }
    let mut run = Vec::new();
    for line in tour.lines() {
        let command = line.split('#').next().unwrap_or_default().trim();
        if command.is_empty() || NOT_RUN.iter().any(|start| command.starts_with(start)) {
            continue;
        }
        let words: Vec<&str> = command.split_whitespace().collect();
        assert_eq!(words[0], "pecan", "{line}");
        let output = Command::new(env!("CARGO_BIN_EXE_pecan"))
            .args(&words[1..])
            .current_dir(folder.path())
            .env_remove("PECAN_LOG")
            .env("PECAN_PDK", pecan_test_support::shared().join("pdk"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.code() == Some(3) && said.contains("was not found") {
            pecan_test_support::skip(&format!("{command}: no cell library"));
            continue;
        }
        assert!(output.status.success(), "{command}: {said}");
        run.push(words[1].to_owned());
    }
    let all = ["doctor", "init", "generate", "check", "simulate", "estimate", "prune"];
    assert!(all.iter().all(|name| run.iter().any(|ran| ran == name)), "{run:?}");
}
