//! Power of netlists from activity: of SAIF files, of VCD files, of a simulation in Icarus Verilog.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus").join(name)
}

fn power(folder: &Path, saif: &Path, more: &[&str]) -> Output {
    let source = ["--saif", &saif.display().to_string()];
    power_of(&corpus("netlist/inverters.json"), folder, &[&source, more].concat())
}

/// Power of the netlist with the arguments `more`.
fn power_of(netlist: &Path, folder: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pecan"))
        .args(["power", &netlist.display().to_string()])
        .args(["--technology", "osu018", "--period", "0.1"])
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

/// What two runs say of the netlist, without where its activity is from.
fn assert_same_power(one: &Value, other: &Value) {
    for key in ["cells", "nets", "coverage", "time_ns", "total", "instances"] {
        assert_eq!(one[key], other[key], "{key}");
    }
}

#[test]
fn changes_of_values_are_an_activity() {
    let folder = tempfile::tempdir().unwrap();
    let netlist = corpus("netlist/inverters.json");
    let vcd = corpus("vcd/inverters.vcd").display().to_string();
    let of = |more: &[&str]| {
        power_of(&netlist, folder.path(), &[&["--json", "--vcd", &vcd], more].concat())
    };
    let whole = metrics(&of(&[]));
    assert_eq!(whole["activity"], json!({"format": "vcd", "scope": "bench.top"}));
    let saif = metrics(&power(folder.path(), &corpus("saif/inverters.saif"), &["--json"]));
    assert_eq!(saif["activity"], json!({"format": "saif", "scope": "bench.top"}));
    assert_same_power(&whole, &saif);
    assert_eq!(
        metrics(&of(&["--scope", "bench.top", "--from", "0", "--to", "1"]))["total"],
        whole["total"]
    );
    // One toggle in every 50 ps from 25 ps on.
    let part = metrics(&of(&["--from", "0.1", "--to", "0.8"]));
    assert!((part["time_ns"].as_f64().unwrap() - 0.7).abs() < 1e-12);
    let clock = |metrics: &Value| metrics["total"]["clock_mw"].as_f64().unwrap();
    assert!((clock(&part) / clock(&whole) - 1.0).abs() < 1e-9);
}

/// Problems of the file and of the arguments name what is allowed; nothing is written.
#[test]
fn wrong_changes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let netlist = corpus("netlist/inverters.json");
    let vcd = corpus("vcd/inverters.vcd");
    let text = std::fs::read_to_string(&vcd).unwrap();
    let vcd = vcd.display().to_string();
    std::fs::write(folder.path().join("time.vcd"), text.replace("#1000", "#10")).unwrap();
    std::fs::write(folder.path().join("names.vcd"), text.replace("$ qn", "$ q")).unwrap();
    let cases: [(&[&str], i32, &str); 9] = [
        (&["--vcd", "none.vcd"], 3, "cannot read none.vcd"),
        (&["--vcd", "time.vcd"], 3, "time.vcd:87: time 10 is before 975, the one before it"),
        (&["--vcd", "names.vcd"], 3, "at least 99 % are needed; missing are qn"),
        (
            &["--vcd", &vcd, "--scope", "bench.to"],
            3,
            "no instance bench.to; did you mean bench.top?",
        ),
        (&["--vcd", &vcd, "--to", "1.5"], 3, "which goes from 0 to 1 ns"),
        (&["--vcd", &vcd, "--from", "0.5", "--to", "0.5"], 3, "allowed is a number above 0.5"),
        (&["--vcd", &vcd, "--saif", "a.saif"], 2, "cannot be used with"),
        (&["--saif", "a.saif", "--from", "0.5"], 2, "cannot be used with"),
        (&[], 2, "--saif <FILE>|--vcd <FILE>"),
    ];
    for (arguments, code, said) in cases {
        let output = power_of(&netlist, folder.path(), arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let joined =
            stderr.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        assert!(joined.contains(said), "{arguments:?}: {stderr}");
    }
    assert!(!folder.path().join("target").exists());
}

/// Icarus Verilog runs a netlist with delays, unknown inputs and a real number: its value changes give the power of the
/// toggles and times that the bench counts by itself.
#[test]
fn icarus_dumps_and_counts_the_same_activity() {
    let tool = |name: &str| Command::new(name).arg("-V").output().is_ok();
    if !tool("iverilog") || !tool("vvp") {
        pecan_test_support::skip("no iverilog");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/icarus");
    let done = |command: &mut Command| {
        let output = command.current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let verilog = ["cells.v", "netlist.v", "bench.v"].map(|name| files.join(name));
    done(Command::new("iverilog").args(["-g2005", "-s", "bench", "-o", "run.vvp"]).args(verilog));
    done(Command::new("vvp").args(["-n", "run.vvp"]));
    let of = |source: &[&str]| {
        let arguments = [source, &["--json"]].concat();
        metrics(&power_of(&files.join("netlist.json"), folder.path(), &arguments))
    };
    let (vcd, saif) = (of(&["--vcd", "run.vcd"]), of(&["--saif", "run.saif"]));
    assert_same_power(&vcd, &saif);
    assert_eq!(vcd["activity"]["scope"], "bench.dut");
    assert_eq!(vcd["coverage"], 1.0);
    assert_eq!(vcd["time_ns"], 402.507);
    assert!(vcd["total"]["switching_mw"].as_f64().unwrap() > 0.0);
}
