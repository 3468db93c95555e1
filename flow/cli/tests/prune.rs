//! Tests of `pecan prune`.

// Helpers of tests may unwrap as the tests do; clippy.toml knows only functions marked #[test].
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

fn bundled(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name);
    path.canonicalize().unwrap().display().to_string()
}

/// A short pruning of the digits network into `out`.
fn command(folder: &Path, out: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pecan"));
    command.args(["prune", &bundled("lenet_digits.onnx"), "--data", &bundled("digits.npz")]);
    command.args(["--rows", "test_idx[180..]", "--validate-rows", "test_idx[0..180]"]);
    command.args(["--tune-rows", "train_idx", "--epochs", "3", "--out", out]);
    command.args(["--max-accuracy-drop", "3"]);
    command.args(more).current_dir(folder).env_remove("PECAN_LOG");
    command
}

/// Three rounds.
const SHORT: [&str; 4] = ["--rounds", "3", "--learning-rate", "0.01"];

fn prune(folder: &Path, out: &str, more: &[&str]) -> Output {
    command(folder, out, more).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn code(output: &Output, code: i32) {
    let said = format!("{}\n{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{said}");
}

fn metrics(folder: &Path, out: &str) -> Value {
    let file = std::fs::read(folder.join(out).join("metrics.json")).unwrap();
    serde_json::from_slice(&file).unwrap()
}

/// Methods that run at the same time have the results and the order of methods that run one after the other.
#[test]
fn methods_side_by_side_are_those_of_one_worker() {
    let folder = tempfile::tempdir().unwrap();
    let more = ["--compare", "--explain", "--rounds", "1", "--learning-rate", "0.01"];
    let run = |out: &str, jobs: &str| {
        code(&prune(folder.path(), out, &[&more[..], &["--jobs", jobs]].concat()), 0);
        let read = |name: &str| {
            std::fs::read_to_string(folder.path().join(out).join(format!("decisions-{name}.csv")))
        };
        let mut metrics = metrics(folder.path(), out);
        let mut methods = metrics["methods"].as_array().unwrap().clone();
        // Times differ from run to run.
        for method in &mut methods {
            let method = method.as_object_mut().unwrap();
            assert!(method.remove("seconds").is_some() && method.remove("phases").is_some());
        }
        let names: Vec<_> = methods.iter().map(|m| m["name"].as_str().unwrap()).collect();
        let decisions: Vec<String> = names.iter().map(|name| read(name).unwrap()).collect();
        assert_eq!((names[0], names.len()), ("pecan", 8), "{names:?}");
        assert!(decisions.iter().all(|text| text.lines().count() > 1));
        (metrics["layers"].take(), methods, decisions)
    };
    let (one, three) = (run("one", "1"), run("three", "3"));
    assert_eq!(one, three);
}

/// The document contains everything that decides the result.
fn what_was_asked_for(settings: &Value) {
    assert_eq!((&settings["seed"], &settings["energy_images"]), (&0.into(), &4.into()));
    assert_eq!(settings["training"]["learning_rate"], 0.01);
    assert_eq!(settings["training"]["epochs"], 3.0);
    assert_eq!(
        (&settings["schedule"]["rounds"], &settings["bounds"]["margin"]),
        (&3.into(), &0.5.into())
    );
    let line = settings["command_line"].as_array().unwrap();
    assert!(line.contains(&"--explain".into()), "{line:?}");
}

/// Everything is written; a killed run resumes and ends with the same bytes; a damaged state is not used.
#[test]
fn results_and_resumption() {
    let folder = tempfile::tempdir().unwrap();
    let output = prune(folder.path(), "whole", &[&SHORT[..], &["--explain"]].concat());
    code(&output, 0);
    let said = text(&output.stdout);
    assert!(said.contains("dense") && said.contains("pecan") && said.contains("conv2"), "{said}");
    let files = [
        "pruned.onnx",
        "pruned_int8.onnx",
        "masks.npz",
        "masks.safetensors",
        "program.bin",
        "report.html",
        "decisions-pecan.csv",
        "accelerator.toml",
    ];
    for file in files {
        assert!(folder.path().join("whole").join(file).is_file(), "{file}");
    }
    let metrics = metrics(folder.path(), "whole");
    let (dense, method) = (&metrics["dense"], &metrics["methods"][0]);
    let energy = |value: &Value| value["energy_pj"].as_f64().unwrap();
    assert!(energy(method) < 0.6 * energy(dense), "{metrics:#}");
    assert!(method["cycles"].as_f64().unwrap() < dense["cycles"].as_f64().unwrap());
    assert!(method["accuracy"].as_f64().unwrap() > 0.93, "{metrics:#}");
    assert_eq!(metrics["samples"]["validation"], 180);
    assert!(metrics["layers"].as_array().unwrap().len() >= 4);
    assert!(method["resumed_after_round"].is_null());
    what_was_asked_for(&metrics["settings"]);
    let decisions = folder.path().join("whole/decisions-pecan.csv");
    assert!(std::fs::read_to_string(decisions).unwrap().lines().count() > 100);

    let read = |out: &str, name: &str| std::fs::read(folder.path().join(out).join(name)).unwrap();
    let bytes = |out: &str| read(out, "pruned.onnx");
    let explained = [&SHORT[..], &["--explain"]].concat();
    let mut child = command(folder.path(), "killed", &explained)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let state = folder.path().join("killed/state/pecan-a8w8.state");
    while !state.exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    child.wait().unwrap();
    let output = prune(folder.path(), "killed", &explained);
    code(&output, 0);
    assert!(text(&output.stderr).contains("goes on behind round"), "{}", text(&output.stderr));
    // Decisions of the rounds before the kill are present as well.
    for name in ["pruned.onnx", "masks.npz", "program.bin", "decisions-pecan.csv"] {
        assert!(read("killed", name) == read("whole", name), "{name} differs");
    }
    let resumed = self::metrics(folder.path(), "killed");
    assert!(resumed["methods"][0]["resumed_after_round"].as_u64().unwrap() >= 1, "{resumed:#}");

    let whole = std::fs::read(&state).unwrap();
    std::fs::write(&state, &whole[..whole.len() - 7]).unwrap();
    let output = prune(folder.path(), "killed", &SHORT);
    code(&output, 0);
    assert!(text(&output.stderr).contains("damaged"), "{}", text(&output.stderr));
    assert_eq!(bytes("killed"), bytes("whole"));
}

/// Widths are a choice: the chosen accelerator is written, and the searches at both widths are reported.
#[test]
fn widths_are_a_choice() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        prune(folder.path(), "out", &[&SHORT[..], &["--weight-bits", "8,4", "--explain"]].concat());
    code(&output, 0);
    let metrics = metrics(folder.path(), "out");
    let method = &metrics["methods"][0];
    assert_eq!(method["weight_bits"], 4, "{metrics:#}");
    let points = method["points"].as_array().unwrap();
    for bits in [8, 4] {
        assert!(points.iter().any(|point| point["widths"]["weight_bits"] == bits), "{points:#?}");
    }
    let config = std::fs::read_to_string(folder.path().join("out/accelerator.toml")).unwrap();
    assert!(config.contains("weight_bits = 4"), "{config}");
    assert!(text(&output.stdout).contains("a8w4"), "{}", text(&output.stdout));
    assert_eq!(metrics["accelerator"]["configuration"]["numerics"]["weight_bits"], 4);
    assert_eq!(metrics["dense"]["weight_bits"], 8);
    let decisions = std::fs::read_to_string(folder.path().join("out/decisions-pecan.csv")).unwrap();
    for widths in ["a8w8,", "a8w4,"] {
        assert!(decisions.lines().any(|line| line.starts_with(widths)), "{widths}");
    }
}

/// A budget that cannot be met: the best network is written, and the exit code shows it.
#[test]
fn unmet_budgets_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let output = prune(folder.path(), "out", &["--rounds", "1", "--energy-budget", "1%"]);
    code(&output, 1);
    let said = text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("budget was not met") && said.contains("what 1 rounds came to"),
        "{said}"
    );
    // Energies in the log have a unit.
    let log = text(&output.stderr);
    assert!(log.contains("% at ") && log.contains("(predicted ") && log.contains("J)"), "{log}");
    assert!(folder.path().join("out/pruned.onnx").is_file());
    assert!(metrics(folder.path(), "out")["missed"].is_string());
    let output = prune(
        folder.path(),
        "met",
        &[&SHORT[..], &["--energy-budget", "85%", "--latency-budget", "99%"]].concat(),
    );
    code(&output, 0);
    assert_eq!(metrics(folder.path(), "met")["methods"][0]["ending"], "budget");
}

#[test]
fn mistakes_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = |more: &[&str], exit: i32, part: &str| {
        let output = prune(folder.path(), "out", more);
        code(&output, exit);
        assert!(text(&output.stderr).contains(part), "{}", text(&output.stderr));
    };
    let model = bundled("lenet_digits.onnx");
    let bare = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pecan"));
        command.args(["prune", &model]).args(more).current_dir(folder.path());
        command.output().unwrap()
    };
    let output = bare(&[]);
    code(&output, 2);
    assert!(text(&output.stderr).contains("--data"), "{}", text(&output.stderr));
    let output = bare(&["--data", &bundled("digits.npz")]);
    code(&output, 3);
    assert!(text(&output.stderr).contains("all of"), "{}", text(&output.stderr));
    let output =
        bare(&["--data", &bundled("digits.npz"), "--rows", "0..10", "--tune-rows", "5..20"]);
    code(&output, 3);
    assert!(text(&output.stderr).contains("must not overlap"), "{}", text(&output.stderr));
    wrong(&["--method", "pecna"], 2, "pecan");
    wrong(&["--energy-budget", "0"], 2, "above 0");
    wrong(&["--weight-bits", "8,3"], 2, "4, 8, 16");
    wrong(&["--activation-penalty=-1"], 2, "0 to 1000");
    wrong(&["--teacher", "2"], 2, "from 0 to 1");
    wrong(&["--energy-images", "101"], 3, "calibration samples");
    wrong(&["--augment", "turn"], 2, "shift:PIXELS");
    wrong(&["--learning-rate", "1e9", "--rounds", "1"], 3, "learning rate");
    wrong(&["--technology", "sg13"], 3, "sg13g2");
}
