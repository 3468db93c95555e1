//! Inputs that request more than they hold, or contain terminal sequences: the commands end with an exit code and a
//! message, within a memory limit of the shell.

// Helpers of tests may unwrap as the tests do; clippy.toml knows only functions marked #[test].
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Address space of a command in kB; the program alone maps some 200 MB.
const MEMORY: u64 = 1 << 20;

/// Longer than any of these commands takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn pecan(folder: &Path, args: &[&str]) -> Output {
    let start = Instant::now();
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -v {MEMORY}; ulimit -c 0; exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_pecan"))
        .args(args)
        .current_dir(folder)
        .env_remove("PECAN_LOG")
        .env("RAYON_NUM_THREADS", "2")
        .output()
        .unwrap();
    assert!(start.elapsed() < PATIENCE, "{args:?} took {:?}", start.elapsed());
    output
}

/// Output of a command, which has to end with that code.
#[track_caller]
fn said(output: &Output, code: i32) -> String {
    let text = [&output.stdout[..], &output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

/// A file of the corpus of mutated files.
fn corpus(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus").join(name);
    path.canonicalize().unwrap().display().to_string()
}

fn bundled() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/lenet_digits.onnx");
    path.canonicalize().unwrap().display().to_string()
}

/// An archive whose `x` has so many samples of the digits' shape, all zero.
fn zeros(path: &Path, samples: usize) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    zip.start_file("x.npy", zip::write::SimpleFileOptions::default()).unwrap();
    let header =
        format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({samples}, 1, 8, 8), }}");
    let header = format!("{header:<117}\n");
    zip.write_all(b"\x93NUMPY\x01\x00").unwrap();
    zip.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
    zip.write_all(header.as_bytes()).unwrap();
    let block = vec![0; 64 << 10];
    (0..samples * 64 / block.len()).for_each(|_| zip.write_all(&block).unwrap());
    zip.finish().unwrap();
}

#[test]
fn rows_of_nothing_are_refused_by_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let (model, data) = (corpus("onnx/one-conv.onnx"), corpus("npz/million-rows-of-nothing.npz"));
    for command in ["check", "estimate", "simulate", "prune"] {
        let args = [command, &model, "--data", &data, "--preset", "tiny"];
        let text = said(&pecan(folder.path(), &args), 3);
        assert!(text.contains("has empty samples"), "{command}: {text}");
    }
}

#[test]
fn rows_that_are_not_asked_for_take_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    // 512 MB, of which floats would take 2 GB.
    zeros(&folder.path().join("zeros.npz"), 8 << 20);
    let packed = std::fs::metadata(folder.path().join("zeros.npz")).unwrap().len();
    assert!(packed < 1 << 20, "{packed} bytes");
    let model = bundled();
    let args = ["check", &model, "--data", "zeros.npz", "--preset", "tiny", "--limit", "1"];
    assert!(said(&pecan(folder.path(), &args), 0).contains("Everything runs"));
    let text = said(&pecan(folder.path(), &args[..6]), 3);
    assert!(text.contains("at most 536870912 values"), "{text}");
}

#[test]
fn small_networks_of_large_tensors_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, code, words) in [
        ("twelve-products", 1, "1 to 16777216"),
        ("maximum-of-4096", 1, "operations on one sample"),
        ("window-of-4096", 1, "operations on one sample"),
        ("thousand-softmax", 3, "no layer for the hardware"),
    ] {
        let model = corpus(&format!("onnx/{name}.onnx"));
        let text = said(&pecan(folder.path(), &["check", &model, "--preset", "tiny"]), code);
        assert!(text.contains(words), "{name}: {text}");
    }
}

#[test]
fn names_do_not_reach_the_terminal_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let model = corpus("onnx/escape-names.onnx");
    let acts = |c: char| pecan_text::escape::acts(c) && c != '\n';
    let check = pecan(folder.path(), &["check", &model, "--preset", "tiny"]);
    let text = said(&check, 0);
    assert!(text.contains("\\u{202e}\\u{1b}[31mred\\u{7}") && !text.contains(acts), "{text:?}");
    let csv = "name,h,w,fh,fw,c,n,s\n\u{1b}[2J\u{202e}a,9,9,3,3,2,6,1,\n";
    std::fs::write(folder.path().join("names.csv"), csv).unwrap();
    let text = said(&pecan(folder.path(), &["check", "names.csv", "--preset", "tiny"]), 0);
    assert!(text.contains("\\u{1b}[2J\\u{202e}a") && !text.contains(acts), "{text:?}");
    std::fs::write(folder.path().join("a.toml"), "\"k\u{202e}\" = \"\u{9f}\"\nx = 1 \u{7}\n")
        .unwrap();
    let text = said(&pecan(folder.path(), &["check", &model, "--config", "a.toml"]), 3);
    assert!(!text.contains(acts), "{text:?}");
}

#[test]
fn many_problems_of_a_configuration_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (model, path) = (bundled(), folder.path().join("bad.toml"));
    for (text, count) in [
        // Two for each line: a key and a line end are expected.
        ("= 1\n".repeat(100_000), "199999 errors; these are the first 20"),
        ((0..100_000).map(|n| format!("k{n} = 1\n")).collect(), "100000 errors"),
        (format!("x = \"{}\"\n", "é".repeat(1 << 20)), "an error"),
        (format!("x = {}\n", "[".repeat(1 << 20)), "nested deeper than 64"),
        ("x = {[0]\n".repeat(20_000), "nested deeper than 64"),
    ] {
        std::fs::write(&path, text).unwrap();
        let text = said(&pecan(folder.path(), &["check", &model, "--config", "bad.toml"]), 3);
        assert!(text.contains(count) && text.len() < 40_000, "{} bytes: {text:.400}", text.len());
    }
}

#[test]
fn a_line_of_a_topology_is_checked_without_weights() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.csv");
    // 121 million weights: only their positions take time.
    std::fs::write(&path, "name,h,w,fh,fw,c,n,s\nfc,1,1,1,1,11000,11000,1,\n").unwrap();
    said(&pecan(folder.path(), &["check", "large.csv", "--preset", "edge"]), 0);
    std::fs::write(&path, "a,1048576,1048576,1,1,1048576,1048576,1\n").unwrap();
    let text = said(&pecan(folder.path(), &["check", "large.csv", "--preset", "edge"]), 3);
    assert!(text.contains("allowed: at most 134217728"), "{text}");
    std::fs::write(&path, "name,h,w,fh,fw,c,n,s\na,4096,4,4,4,1024,1024,1,\n").unwrap();
    let text = said(&pecan(folder.path(), &["check", "large.csv", "--preset", "tiny"]), 1);
    assert!(text.contains("runs of the array; allowed: at most 16777216"), "{text}");
}
