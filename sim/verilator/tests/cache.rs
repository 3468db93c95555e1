//! The cache of simulators and the search for tools, on folders of their own.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests fail like tests

#[path = "support/mod.rs"]
#[allow(dead_code)] // shared with the other test file, which uses the rest
mod support;

use std::fs;
use std::time::Instant;

use pecan_host::error::HostError;
use pecan_host::tools::Finder;
use pecan_ir::error::SimError;
use pecan_verilator::harness::{Job, Outcome, Settings};
use pecan_verilator::{Simulator, Verilator, VerilogFile};
use support::{echo_twice, input, options, source, verilator};

/// The machine's Verilator with an empty cache for what it builds.
fn fresh(folder: &tempfile::TempDir) -> Verilator {
    Verilator { cache: folder.path().to_path_buf(), ..verilator() }
}

fn works(simulator: &Simulator) {
    let program = echo_twice(2);
    let inputs = [input(0, 16)];
    let job =
        Job { program: &program, later: None, inputs: &inputs, settings: Settings::default() };
    assert_eq!(simulator.run(&job).unwrap()[0].outcome, Outcome::Done);
}

#[test]
fn entries_are_reused_and_damage_is_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let verilator = fresh(&folder);
    let build = || Simulator::build(&[source()], &options(false), &verilator).unwrap();

    let first = build();
    assert!(!first.cached && first.build_seconds > 0.0);
    let start = Instant::now();
    let second = build();
    assert!(second.cached && start.elapsed().as_secs_f64() < 1.0);
    assert_eq!(first.executable, second.executable);

    let mut bytes = fs::read(&first.executable).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&first.executable, bytes).unwrap();
    let repaired = build();
    assert!(!repaired.cached);
    works(&repaired);

    fs::remove_file(repaired.executable.with_file_name("entry.json")).unwrap();
    let repaired = build();
    assert!(!repaired.cached && build().cached);

    let mut changed = source();
    changed.text.push_str("// a comment\n");
    let other = Simulator::build(&[changed], &options(false), &verilator).unwrap();
    assert!(!other.cached && other.executable != first.executable);
}

#[test]
fn concurrent_builders_share_one_build_and_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let verilator = fresh(&folder);
    // Leftovers of a killed build must be removed, whatever they are.
    let probe = Simulator::build(&[source()], &options(false), &verilator).unwrap();
    let entry = probe.executable.parent().unwrap().to_path_buf();
    let name = entry.file_name().unwrap().to_string_lossy().into_owned();
    fs::remove_dir_all(&entry).unwrap();
    let leftover = entry.with_file_name(format!(".build-{name}-killed"));
    fs::create_dir(&leftover).unwrap();
    fs::write(leftover.join("half.o"), "half").unwrap();

    let built: Vec<Simulator> = std::thread::scope(|scope| {
        let build = || Simulator::build(&[source()], &options(false), &verilator).unwrap();
        let handles: Vec<_> = (0..3).map(|_| scope.spawn(build)).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    assert_eq!(built.iter().filter(|simulator| !simulator.cached).count(), 1);
    built.iter().for_each(works);
    let list = fs::read_dir(entry.parent().unwrap()).unwrap().flatten();
    let mut names: Vec<_> = list.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, [name.clone(), format!("{name}.lock")]);
}

#[test]
fn a_broken_design_is_a_tool_failure_with_verilators_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = VerilogFile { name: "broken.v".into(), text: "module pecan(; endmodule".into() };
    let error = Simulator::build(&[file], &options(false), &fresh(&folder)).unwrap_err();
    let SimError::Host(HostError::ToolFailed { tool, stderr, .. }) = &error else {
        panic!("{error}")
    };
    assert!(tool == "verilator" && stderr.contains("syntax error"), "{error}");
    assert_eq!(error.exit_code(), 5);
    let file = VerilogFile { name: "../escape.v".into(), text: String::new() };
    let error = Simulator::build(&[file], &options(false), &fresh(&folder)).unwrap_err();
    assert!(error.to_string().contains("../escape.v"));
}

#[test]
fn without_a_compiler_nothing_is_installed() {
    let folder = tempfile::tempdir().unwrap();
    let finder = Finder { path: "/nonexistent".into(), cache: folder.path().into() };
    let error = Verilator::locate(&finder, &|line| panic!("{line}")).unwrap_err();
    assert_eq!(error.exit_code(), 4);
    assert!(error.to_string().starts_with("g++ is not available"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
