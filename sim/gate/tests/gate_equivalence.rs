//! Compares the outputs of synthesized blocks with those of their RTL, without and with delays: the RTL is simulated in
//! Icarus Verilog, the netlist (Yosys, a 180 nm library) in the gate-level simulator.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests fail like tests

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use pecan_accelerator::generate::{Package, Prefix};
use pecan_config::PRESETS;
use pecan_gate::{Activity, Energies, GateDesign, GateOptions, Library, Mode, Pins, Signal};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const LIBERTY: &str = "/usr/share/qflow/tech/osu018/osu018_stdcells.lib";
const CYCLES: usize = 400;

/// True if all tools are installed.
fn tools() -> bool {
    let tool = |name: &str| which::which(name).is_ok();
    let all = tool("yosys") && tool("iverilog") && tool("vvp") && Path::new(LIBERTY).is_file();
    if !all {
        pecan_test_support::skip("needs yosys, iverilog and the OSU018 library");
    }
    all
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// The RTL files of the smallest preset in `folder`; returns the module beginning with `prefix`.
fn rtl(folder: &Path, prefix: &str) -> (Vec<String>, String) {
    let preset = PRESETS.iter().find(|p| p.name == "tiny").unwrap();
    let package = Package::with(&preset.config(), &Prefix::none(), &[]).unwrap();
    let (mut files, mut module) = (Vec::new(), None);
    for file in package.rtl() {
        let name = file.path.strip_prefix("rtl/").unwrap();
        std::fs::write(folder.join(name), &file.text).unwrap();
        if name.starts_with(prefix) && (prefix.ends_with('_') || name == format!("{prefix}.v")) {
            module = Some(name.strip_suffix(".v").unwrap().to_string());
        }
        files.push(name.to_string());
    }
    (files, module.unwrap_or_else(|| panic!("no module {prefix}")))
}

fn synthesize(folder: &Path, files: &[String], module: &str) {
    let script = format!(
        "read_verilog {}; synth -top {module}; dfflibmap -liberty {LIBERTY}; abc -liberty {LIBERTY}; \
         opt_clean -purge; write_json netlist.json",
        files.join(" ")
    );
    run(Command::new("yosys").args(["-q", "-p", &script]).current_dir(folder));
}

/// Simulates the RTL on `rows` of input values and returns the outputs as text per cycle.
fn simulate_rtl(
    folder: &Path,
    files: &[String],
    module: &str,
    (inputs, outputs): (&[Signal], &[Signal]),
    rows: &[Vec<u64>],
) -> Vec<Vec<Option<u64>>> {
    let mut bench = String::from("module bench;\n  reg clock = 0;\n");
    let range = |s: &Signal| format!("[{}:0]", s.width - 1);
    inputs.iter().for_each(|s| writeln!(bench, "  reg {} {};", range(s), s.name).unwrap());
    outputs.iter().for_each(|s| writeln!(bench, "  wire {} {};", range(s), s.name).unwrap());
    let names = |signals: &[Signal]| signals.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
    let ports: Vec<String> = names(inputs).into_iter().chain(names(outputs)).collect();
    let ports: Vec<String> = ports.iter().map(|n| format!(", .{n}({n})")).collect();
    writeln!(bench, "  {module} dut(.clock(clock){});\n  initial begin", ports.concat()).unwrap();
    for row in rows {
        for (signal, value) in inputs.iter().zip(row) {
            write!(bench, "    {} = {}'h{value:x};", signal.name, signal.width).unwrap();
        }
        let format = vec!["%b"; outputs.len()].join(" ");
        let list = names(outputs).join(", ");
        writeln!(bench, "\n    #4 $display(\"{format}\", {list}); #1 clock = 1; #5 clock = 0;")
            .unwrap();
    }
    bench.push_str("  end\nendmodule\n");
    std::fs::write(folder.join("bench.v"), bench).unwrap();
    run(Command::new("iverilog")
        .args(["-g2005", "-o", "bench.vvp", "-s", "bench", "bench.v"])
        .args(files)
        .current_dir(folder));
    let text = run(Command::new("vvp").args(["-n", "bench.vvp"]).current_dir(folder));
    let value = |v: &str| u64::from_str_radix(v, 2).ok();
    text.lines().map(|line| line.split(' ').map(value).collect()).collect()
}

/// Compares a block in both modes; returns the energies without and with glitches, and the total in pJ that follows
/// from the average activity of the latter.
fn compare(prefix: &str) -> Option<([Energies; 2], f64)> {
    if !tools() {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let (files, module) = rtl(folder.path(), prefix);
    synthesize(folder.path(), &files, &module);
    let library = Library::read(&[LIBERTY]).unwrap();
    let design = |mode| {
        let options = GateOptions { mode, ..GateOptions::default() };
        GateDesign::load(&folder.path().join("netlist.json"), &library, &options).unwrap()
    };
    let (zero, inertial) = (design(Mode::ZeroDelay), design(Mode::Inertial));
    let (inputs, outputs) = zero.ports();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut row = || -> Vec<u64> {
        inputs.iter().map(|s| random.random::<u64>() >> (64 - s.width)).collect()
    };
    let rows: Vec<Vec<u64>> = (0..CYCLES).map(|_| row()).collect();
    let ports = (&inputs[..], &outputs[..]);
    let expected = simulate_rtl(folder.path(), &files, &module, ports, &rows);
    assert_eq!(expected.len(), CYCLES);
    let known = expected.iter().flatten().filter(|v| v.is_some()).count();
    assert!(known * 2 > CYCLES * outputs.len(), "{module}: outputs are unknown in the RTL");
    let mut pins = Pins::new(inputs, outputs);
    rows.iter().zip(&expected).for_each(|(row, out)| pins.push(row, out).unwrap());
    let energies = [zero.run(&pins).unwrap(), inertial.run(&pins).unwrap()];
    let average = inertial.average(&library, &Activity::of(&energies[1]));
    let average = average.iter().map(|s| s.total_pj()).sum();
    Some((energies, average))
}

/// Average activity contains toggles and probabilities only, so the energies are close, not equal.
fn close(average: f64, events: &Energies) {
    let ratio = average / events.total().total_pj();
    println!("average activity / events: {ratio:.3}");
    assert!((0.9..1.1).contains(&ratio), "{ratio}");
}

#[test]
fn psum_file() {
    let Some(([zero, inertial], average)) = compare("psum_file_") else { return };
    assert!(inertial.total().total_pj() >= zero.total().total_pj());
    assert!(zero.total().clock_pj > 0.0 && zero.total().internal_pj > 0.0);
    close(average, &inertial);
}

#[test]
fn processing_element() {
    let Some(([zero, inertial], average)) = compare("pe") else { return };
    let ratio = inertial.below("").total_pj() / zero.below("").total_pj();
    println!("glitches: x{ratio:.2}, settled after {} ns", inertial.settled_ns);
    assert!((1.05..4.0).contains(&ratio), "{ratio}");
    close(average, &inertial);
}
