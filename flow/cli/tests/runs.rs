//! Several runs at the same time.

// Helpers of tests may unwrap as the tests do; clippy.toml knows only functions marked #[test].
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};

fn start(folder: &Path, args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pecan"));
    command.args(args).current_dir(folder).env_remove("PECAN_LOG");
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn model() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/lenet_digits.onnx");
    path.canonicalize().unwrap().display().to_string()
}

/// Each run has a folder of its own, in which configuration and result belong together.
#[test]
fn runs_without_an_output_folder_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    let model = model();
    let runs: Vec<Child> = [2, 4, 6, 8]
        .iter()
        .map(|rows| {
            let rows = format!("array.rows={rows}");
            start(folder.path(), &["estimate", &model, "--set", &rows])
        })
        .collect();
    for run in runs {
        let output = run.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let mut seen = BTreeSet::new();
    for entry in std::fs::read_dir(folder.path().join("target/pecan")).unwrap() {
        let out = entry.unwrap().path();
        let metrics = std::fs::read(out.join("metrics.json")).unwrap();
        let metrics: serde_json::Value = serde_json::from_slice(&metrics).unwrap();
        let rows = &metrics["accelerator"]["configuration"]["array"]["rows"];
        let config = std::fs::read_to_string(out.join("accelerator.toml")).unwrap();
        assert!(config.contains(&format!("rows = {rows}")), "{}: {config}", out.display());
        let page = std::fs::read_to_string(out.join("report.html")).unwrap();
        assert!(page.contains(&format!(">r{rows}c")) || page.contains(&format!("r{rows}c4")));
        seen.insert(rows.as_u64().unwrap());
    }
    // A run that ended before another began leaves its folder to that.
    assert!(!seen.is_empty());
}

/// A given folder belongs to one run at a time; a second run reports that and writes nothing.
#[test]
fn a_second_run_into_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let held = std::fs::File::open(&out).unwrap();
    held.lock().unwrap();
    let run = start(folder.path(), &["estimate", &model(), "--out", "out"]);
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("another run is writing"));
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 0);
    held.unlock().unwrap();
    let run = start(folder.path(), &["estimate", &model(), "--out", "out"]);
    assert!(run.wait_with_output().unwrap().status.success());
    assert!(out.join("metrics.json").is_file());
}

/// One worker thread where one is asked for.
#[test]
fn jobs_bound_the_worker_threads() {
    let folder = tempfile::tempdir().unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/digits.npz");
    let data = data.canonicalize().unwrap().display().to_string();
    for jobs in [1, 3] {
        let asked = jobs.to_string();
        let args = ["estimate", &model(), "--data", &data, "--rows", "0..600", "--jobs", &asked];
        let mut run = start(folder.path(), &args);
        // By number, as a thread gets its name a moment after it begins.
        let mut names = BTreeMap::new();
        while run.try_wait().unwrap().is_none() {
            let threads = std::fs::read_dir(format!("/proc/{}/task", run.id()));
            for thread in threads.into_iter().flatten().flatten() {
                let name = std::fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
                // A thread that has just ended cannot be read.
                if !name.is_empty() {
                    names.insert(thread.file_name(), name.trim().to_owned());
                }
            }
        }
        assert!(run.wait().unwrap().success());
        let workers = names.values().filter(|name| name.starts_with("worker")).count();
        assert_eq!(workers, jobs, "{names:?}");
        // The process itself and the one that waits for signals.
        assert!(names.len() <= jobs + 2, "{names:?}");
    }
}
