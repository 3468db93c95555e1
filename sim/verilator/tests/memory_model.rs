//! The memory model exists in Rust (for prediction) and in C++ (in the harness): both must agree in every
//! cycle on random traffic.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests fail like tests

use std::fmt::Write;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pecan_host::tools::Finder;
use pecan_ir::memory::{DramTiming, MemoryModel, MemoryState};
use pecan_ir::program::{OrderedTransfer, Ordering};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const CYCLES: usize = 600;

/// Random transfers; waits never name later transfers, so that most sequences finish.
fn ordering(random: &mut ChaCha8Rng) -> Ordering {
    let mut ordering = Ordering::default();
    for _ in 0..random.random_range(0..12) {
        let (own, other) = match random.random() {
            true => (&mut ordering.sends, ordering.receives.len()),
            false => (&mut ordering.receives, ordering.sends.len()),
        };
        let wait = if random.random_bool(0.3) { random.random_range(0..=other as u64) } else { 0 };
        // The real order has waits that only grow where they bind; both models must agree for any order.
        own.push(OrderedTransfer { address: 0, beats: random.random_range(1..40), wait });
    }
    ordering
}

fn model(random: &mut ChaCha8Rng) -> MemoryModel {
    if random.random_bool(0.2) {
        return MemoryModel::Ideal;
    }
    MemoryModel::Dram(DramTiming {
        numerator: random.random_range(1..40),
        denominator: random.random_range(1..6),
        latency: random.random_range(0..50),
        window: random.random_range(1..20),
    })
}

/// Runs the Rust model; returns the C++ program's input and the output expected of it.
fn case(seed: u64) -> (String, String) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (ordering, model) = (ordering(&mut random), model(&mut random));
    let beat = [4, 8, 16][random.random_range(0..3)];
    let (numerator, denominator, latency, window) = match model {
        MemoryModel::Ideal => (0, 0, 0, 1),
        MemoryModel::Dram(t) => (t.numerator, t.denominator, t.latency, t.window),
    };
    let mut question = format!("{numerator} {denominator} {latency} {window} {beat}\n");
    for list in [&ordering.sends, &ordering.receives] {
        write!(question, "{}", list.len()).unwrap();
        list.iter().for_each(|t| write!(question, " {} {}", t.beats, t.wait).unwrap());
        question.push('\n');
    }
    writeln!(question, "{CYCLES}").unwrap();
    let willing = (random.random_range(0.1..1.0), random.random_range(0.1..1.0));
    let mut memory = MemoryState::new(&ordering, beat, &model);
    let mut answer = String::new();
    for _ in 0..CYCLES {
        let (take, give) = (random.random_bool(willing.0), random.random_bool(willing.1));
        write!(question, "{} ", u8::from(take) | u8::from(give) << 1).unwrap();
        let offer = memory.begin_cycle();
        write!(answer, "{}", u8::from(offer.read) | u8::from(offer.write) << 1).unwrap();
        memory.end_cycle(offer.read && take, offer.write && give);
    }
    let end = u8::from(memory.all_sent()) | u8::from(memory.all_received()) << 1;
    writeln!(answer, "{end}").unwrap();
    (question, answer)
}

fn compile(folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/harness/cpp/memory_check.cpp");
    let target = folder.join("memory_check");
    let compiler = Finder::from_environment().unwrap().find("g++").unwrap().path;
    let flags = ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-o"];
    let status = Command::new(compiler).args(flags).arg(&target).arg(source).status().unwrap();
    assert!(status.success());
    target
}

#[test]
fn rust_and_cpp_agree_in_every_cycle() {
    let folder = tempfile::tempdir().unwrap();
    let program = compile(folder.path());
    let mut finished = 0;
    for seed in 0..200 {
        let (question, answer) = case(seed);
        let path = folder.path().join("question");
        fs::File::create(&path).unwrap().write_all(question.as_bytes()).unwrap();
        let mut command = Command::new(&program);
        let output = command.stdin(Stdio::from(fs::File::open(&path).unwrap())).output().unwrap();
        assert!(output.status.success());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), answer, "seed {seed}");
        finished += usize::from(answer.ends_with("3\n"));
    }
    // Not all sequences are stuck at their start.
    assert!(finished > 50, "{finished}");
}
