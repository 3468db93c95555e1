//! Replay of recorded block runs against the emitted Verilog under Verilator, many blocks in one program.

use anyhow::{Context, Result, bail, ensure};
use pecan_accelerator::verification::{Case, Recording};
use pecan_verilator::Verilator;
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Programs that the cases are distributed to; each is one translation unit.
const PROGRAMS: usize = 4;

/// The replayer: reads a trace and compares. `PORTS` lines are expanded per case.
const PRELUDE: &str = r#"
#include <cstdio>
#include <cstdint>
#include <cinttypes>
#include <cstdlib>
#include <memory>
#include "verilated.h"
static uint64_t next(FILE* f) {
    uint64_t v = 0;
    if (std::fscanf(f, "%" SCNx64, &v) != 1) { std::puts("the trace is too short"); std::exit(2); }
    return v;
}
static int differs(const char* name, int cycle, int phase, const char* port, uint64_t want, uint64_t got) {
    std::printf("%s: cycle %d, %s the edge, %s: Rust has %" PRIx64 ", Verilog has %" PRIx64 "\n",
                name, cycle, phase ? "after" : "before", port, want, got);
    return 1;
}
"#;

/// Records every case and replays it. The error lists the first difference of every case that has one.
///
/// # Errors
/// A case cannot be recorded, a tool fails, Verilator warns, Rust and Verilog differ, or an output of a
/// block never changes in any of its cases, so that nothing was verified.
pub fn verify(cases: &[Case], verilator: &Verilator) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let recordings: Vec<(String, Recording)> = cases
        .par_iter()
        .map(|case| {
            let recording = case.record()?;
            verilate(&case.name, &recording, folder.path(), verilator)?;
            Ok((case.name.clone(), recording))
        })
        .collect::<Result<_>>()?;
    ensure_lively(cases, &recordings)?;
    let library = compile_library(folder.path(), verilator)?;
    // Dealt round robin, so that the sizes of a block are in different programs.
    let failures: Vec<String> = (0..PROGRAMS)
        .into_par_iter()
        .map(|p| {
            let part: Vec<_> = recordings.iter().skip(p).step_by(PROGRAMS).collect();
            replay(p, &part, folder.path(), &library, verilator)
        })
        .collect::<Result<_>>()?;
    let failures = failures.concat();
    ensure!(failures.is_empty(), "Rust and Verilog differ:\n{failures}");
    Ok(())
}

/// Checks that every output of a block changes in at least one of its cases; of the elements of a vector, one has to.
fn ensure_lively(cases: &[Case], recordings: &[(String, Recording)]) -> Result<()> {
    let vector =
        |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_').to_string();
    let (mut all, mut lively) = (BTreeSet::new(), BTreeSet::new());
    for (case, (_, recording)) in cases.iter().zip(recordings) {
        let outputs = recording.ports.iter().filter(|p| !p.input);
        all.extend(outputs.map(|p| (case.block, vector(&p.name))));
        lively.extend(recording.lively.iter().map(|name| (case.block, vector(name))));
    }
    let idle: Vec<_> = all.difference(&lively).collect();
    ensure!(idle.is_empty(), "outputs that never change: {idle:?}");
    Ok(())
}

fn verilate(name: &str, recording: &Recording, folder: &Path, tool: &Verilator) -> Result<()> {
    let here = folder.join(name);
    fs::create_dir_all(&here)?;
    fs::write(here.join("top.v"), recording.design.text())?;
    fs::write(here.join("trace"), &recording.trace)?;
    let prefix = format!("V{name}");
    let mut command = Command::new(&tool.path);
    command.env("VERILATOR_ROOT", &tool.root).current_dir(&here);
    // One file holds all modules of a case, so no file can be named after its module. Registers and
    // memories start at 0, as in Rust.
    command.args([
        "--cc",
        "-Wall",
        "-Wno-DECLFILENAME",
        "-O3",
        "--no-timing",
        "--top-module",
        "top",
    ]);
    command.args(["--x-assign", "0", "--x-initial", "0", "--Mdir", "obj", "--prefix", &prefix]);
    let out = command.arg("top.v").output().context("running Verilator")?;
    let text = said(&out);
    ensure!(out.status.success() && !text.contains("%Warning"), "{name}: {text}");
    Ok(())
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn compiler(verilator: &Verilator, folder: &Path) -> Command {
    let mut command = Command::new(&verilator.compiler);
    // The programs run for seconds: compile time matters more than run time.
    command.current_dir(folder).args(["-O0", "-std=gnu++17", "-w"]);
    for flag in ["SC", "TIMING", "TRACE", "TRACE_FST", "TRACE_VCD", "TRACE_SAIF", "COVERAGE"] {
        command.arg(format!("-DVM_{flag}=0"));
    }
    let include = verilator.root.join("include");
    command.arg("-I").arg(&include).arg("-I").arg(include.join("vltstd"));
    command
}

fn run(command: &mut Command) -> Result<Output> {
    let out = command.output().with_context(|| format!("running {command:?}"))?;
    ensure!(out.status.success(), "{command:?}: {}", said(&out));
    Ok(out)
}

/// Verilator's run-time library, compiled once.
fn compile_library(folder: &Path, verilator: &Verilator) -> Result<Vec<PathBuf>> {
    ["verilated", "verilated_threads"]
        .into_par_iter()
        .map(|name| {
            let object = folder.join(format!("{name}.o"));
            let source = verilator.root.join("include").join(format!("{name}.cpp"));
            run(compiler(verilator, folder).arg("-c").arg(source).arg("-o").arg(&object))?;
            Ok(object)
        })
        .collect()
}

/// Compiles and runs one program; returns the differences, one line per case.
fn replay(
    program: usize,
    part: &[&(String, Recording)],
    folder: &Path,
    library: &[PathBuf],
    verilator: &Verilator,
) -> Result<String> {
    let mut text = PRELUDE.to_string();
    let mut calls = String::new();
    for (name, recording) in part {
        let mut sources: Vec<PathBuf> = fs::read_dir(folder.join(name).join("obj"))?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        sources.retain(|path| path.extension().is_some_and(|e| e == "cpp"));
        sources.sort();
        for source in sources {
            // Verilator means this header to be precompiled, and it is an object to a second header of its kind, though
            // nothing is precompiled here.
            let _ = writeln!(text, "#undef VL_PCH_INCLUDED\n#include \"{}\"", source.display());
        }
        text += &replayer(name, recording);
        let _ = writeln!(calls, "    failed |= replay_{name}();");
    }
    let _ = write!(text, "int main() {{\n    int failed = 0;\n{calls}    return failed;\n}}\n");
    let source = folder.join(format!("program_{program}.cpp"));
    let binary = folder.join(format!("program_{program}"));
    fs::write(&source, text)?;
    let mut command = compiler(verilator, folder);
    command.arg(&source).args(library).args(["-o"]).arg(&binary).arg("-pthread");
    run(&mut command)?;
    let out = Command::new(&binary).current_dir(folder).output()?;
    match out.status.code() {
        Some(0) => Ok(String::new()),
        Some(1) => Ok(said(&out)),
        _ => bail!("{}: {}: {}", binary.display(), out.status, said(&out)),
    }
}

/// The function that replays one case: inputs while the clock is low, outputs before and after the edge.
fn replayer(name: &str, recording: &Recording) -> String {
    let (mut read, mut set, mut before, mut after) =
        (String::new(), String::new(), String::new(), String::new());
    let ports = recording.ports.iter().filter(|p| p.name != "clock");
    let count = ports.clone().count();
    for (k, port) in ports.enumerate() {
        let port_name = &port.name;
        let _ = writeln!(read, "        line[{k}] = next(f);");
        if port.input {
            let _ = writeln!(set, "        t->{port_name} = line[{k}];");
            continue;
        }
        for (check, phase, value) in
            [(&mut before, 0, format!("line[{k}]")), (&mut after, 1, "next(f)".into())]
        {
            let _ = writeln!(
                check,
                "        if ((v = {value}) != (uint64_t)t->{port_name}) return \
                 differs(\"{name}\", c, {phase}, \"{port_name}\", v, t->{port_name});"
            );
        }
    }
    format!(
        "static int replay_{name}() {{\n    FILE* f = std::fopen(\"{name}/trace\", \"r\");\n    \
         if (!f) {{ std::puts(\"{name}: no trace\"); std::exit(2); }}\n    \
         std::unique_ptr<V{name}> t(new V{name}(\"{name}\"));\n    uint64_t v, line[{count}];\n    \
         for (int c = 0; c < {cycles}; c++) {{\n        t->clock = 0;\n{read}{set}        \
         t->eval();\n{before}        t->clock = 1;\n        t->eval();\n{after}    }}\n    \
         std::fclose(f);\n    return 0;\n}}\n",
        cycles = recording.cycles,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use pecan_accelerator::verification::cases;
    use pecan_host::tools::Finder;

    /// A replay that cannot fail would verify nothing.
    #[test]
    fn a_wrong_trace_is_found() {
        let verilator = Verilator::locate(&Finder::from_environment().unwrap(), &|_| ()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let case = cases().into_iter().find(|c| c.name == "drain_lane_small").unwrap();
        let mut recording = case.record().unwrap();
        // The last number is the output after the last edge.
        let end = recording.trace.trim_end().rfind([' ', '\n']).unwrap();
        let last = recording.trace[end..].trim();
        let wrong = u64::from_str_radix(last, 16).unwrap() ^ 1;
        recording.trace = format!("{} {wrong:x}\n", &recording.trace[..end]);
        verilate(&case.name, &recording, folder.path(), &verilator).unwrap();
        let library = compile_library(folder.path(), &verilator).unwrap();
        let part = (case.name.clone(), recording);
        let said = replay(0, &[&part], folder.path(), &library, &verilator).unwrap();
        assert!(said.contains("drain_lane_small: cycle 2499, after the edge, value"), "{said}");
    }
}
