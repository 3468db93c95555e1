//! Power of netlists from activity.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus").join(name)
}

fn power(folder: &Path, saif: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pecan"))
        .args(["power", &corpus("netlist/inverters.json").display().to_string()])
        .args(["--saif", &saif.display().to_string(), "--technology", "osu018", "--period", "0.1"])
        .args(["--liberty", &corpus("liberty/round.lib").display().to_string()])
        .args(more)
        .current_dir(folder)
        .env_remove("PECAN_LOG")
        .output()
        .unwrap()
}

fn metrics(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Members of instances add up to those of all; twice the toggles in the same time take twice the switching power.
#[test]
fn power_follows_the_activity() {
    let folder = tempfile::tempdir().unwrap();
    let saif = corpus("saif/inverters.saif");
    let once = metrics(&power(folder.path(), &saif, &["--json"]));
    assert_eq!(once["time_ns"], 1.0);
    for key in ["switching_mw", "internal_mw", "clock_mw", "leakage_mw", "total_mw"] {
        let instances = once["instances"].as_array().unwrap();
        let sum: f64 = instances.iter().map(|instance| instance[key].as_f64().unwrap()).sum();
        let total = once["total"][key].as_f64().unwrap();
        assert!((sum - total).abs() <= 1e-12 * total.abs(), "{key}: {sum} is not {total}");
    }
    let text = std::fs::read_to_string(&saif).unwrap().replace("(TC 7)", "(TC 14)");
    let doubled = folder.path().join("doubled.saif");
    std::fs::write(&doubled, text).unwrap();
    let twice = metrics(&power(folder.path(), &doubled, &["--json"]));
    let switching = |metrics: &Value| metrics["total"]["switching_mw"].as_f64().unwrap();
    assert!(switching(&once) > 0.0);
    assert!((switching(&twice) - 2.0 * switching(&once)).abs() < 1e-9 * switching(&twice));
    let output = power(folder.path(), &saif, &[]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("u0"));
}

#[test]
fn activity_of_another_netlist_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = power(folder.path(), &corpus("saif/escapes.saif"), &[]);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let output = power(folder.path(), Path::new("none.saif"), &[]);
    assert_eq!(output.status.code(), Some(3));
}
