//! Tests of the harness on the stand-in device.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests fail like tests

#[path = "support/mod.rs"]
#[allow(dead_code)] // shared with the other test file, which uses the rest
mod support;

use std::time::{Duration, Instant};

use pecan_host::error::HostError;
use pecan_ir::error::SimError;
use pecan_ir::memory::{DramTiming, MemoryModel};
use pecan_ir::program::{Program, Region, Transfer};
use pecan_verilator::harness::{Job, Outcome, RunResult, Settings, Stalls};
use support::{Command, ID, ProgramBuilder, build, echo_twice, incremented, input};

fn run(program: &Program, settings: Settings) -> RunResult {
    let inputs = [input(0, program.input.bytes)];
    let job = Job { program, later: None, inputs: &inputs, settings };
    build(false).unwrap().run(&job).unwrap().remove(0)
}

fn quick() -> Settings {
    Settings { watchdog: 200, ..Settings::default() }
}

#[test]
fn echo_comes_back_layer_by_layer() {
    let program = echo_twice(10);
    let result = run(&program, Settings::default());
    assert_eq!(result.outcome, Outcome::Done);
    assert_eq!(result.output, incremented(&input(0, 80), 2));
    assert_eq!((result.sent_bytes, result.received_bytes), program.traffic());
    assert_eq!(result.layers.iter().map(|s| s.layer).collect::<Vec<_>>(), [1, 2]);
    // Counters restart with the header in cycle 0: cycles, beats accepted, beats sent so far.
    let first = &result.layers[0];
    assert_eq!(first.counters, [first.cycle - 1, 12, 10]);
    assert_eq!(result.counters[0], result.cycles - 1);
    assert_eq!(result.counters[1..], [26, 20]);
    // One beat a cycle, 20 idle cycles, and no other loss than the output register's latency.
    assert_eq!(result.cycles, 27 + 20 + 1);
}

#[test]
fn stalls_change_cycles_and_nothing_else() {
    let program = echo_twice(50);
    let free = run(&program, Settings::default());
    for seed in 0..8 {
        let stalls = Stalls { seed, input: 0.1 * seed as f64, output: 0.75 - 0.1 * seed as f64 };
        let stalled = run(&program, Settings { stalls, ..Settings::default() });
        assert_eq!(stalled.outcome, Outcome::Done, "seed {seed}");
        assert_eq!(stalled.output, free.output, "seed {seed}");
        assert_eq!(stalled.counters[1..], free.counters[1..], "seed {seed}");
        assert!(stalled.cycles > free.cycles, "seed {seed}");
        let again = run(&program, Settings { stalls, ..Settings::default() });
        assert_eq!(again, stalled, "seed {seed}");
    }
}

#[test]
fn dram_is_slower_by_its_bandwidth_and_latency() {
    let program = echo_twice(100);
    let timing = DramTiming { numerator: 4, denominator: 1, latency: 40, window: 64 };
    let memory = MemoryModel::Dram(timing);
    let result = run(&program, Settings { memory, ..Settings::default() });
    assert_eq!(result.outcome, Outcome::Done);
    assert_eq!(result.output, incremented(&input(0, 800), 2));
    let (sent, received) = program.traffic();
    let transfers = (sent + received) / 4;
    assert!((transfers..transfers + 2 * 60).contains(&result.cycles), "{}", result.cycles);
}

#[test]
fn runs_follow_each_other_and_processes_do_not_matter() {
    let program = echo_twice(8);
    let inputs: Vec<_> = (0..150).map(|run| input(run, 64)).collect();
    let stalls = Stalls { seed: 5, input: 0.3, output: 0.3 };
    let settings = Settings { stalls, whole_dram: true, ..Settings::default() };
    let job = Job { program: &program, later: None, inputs: &inputs, settings };
    let simulator = build(false).unwrap();
    let serial = simulator.run(&job).unwrap();
    for (run, result) in serial.iter().enumerate() {
        assert_eq!(result.output, incremented(&inputs[run], 2), "run {run}");
        assert_eq!(result.dram[64..128], incremented(&inputs[run], 1), "run {run}");
    }
    let parallel = simulator.run_parallel(&job, 2).unwrap();
    assert_eq!(serial.len(), parallel.len());
    for (run, (a, b)) in serial.iter().zip(&parallel).enumerate() {
        assert_eq!((a.cycles, &a.output, &a.layers), (b.cycles, &b.output, &b.layers), "run {run}");
    }
    let mut order = Vec::new();
    simulator.run_each(&job, 2, &mut |run, _| order.push(run)).unwrap();
    assert_eq!(order, (0..150).collect::<Vec<_>>());
}

#[test]
fn errors_are_reported_and_do_not_spoil_the_next_run() {
    // The input region is the second command, so the input decides whether the run fails.
    let program = ProgramBuilder::new(256)
        .command(Command::Header(ID))
        .command(Command::Mark)
        .command(Command::Mark)
        .command(Command::End)
        .build(Region { address: 136, bytes: 8 }, Region::default());
    let inputs =
        [Command::Mark, Command::Unknown, Command::Mark, Command::Header(1), Command::Mark]
            .map(|command| command.bytes().to_vec());
    let job = Job { program: &program, later: None, inputs: &inputs, settings: quick() };
    let results = build(false).unwrap().run(&job).unwrap();
    let outcomes: Vec<_> = results.iter().map(|result| result.outcome).collect();
    let (unknown, foreign) = (Outcome::Error { code: 2 }, Outcome::Error { code: 1 });
    assert_eq!(outcomes, [Outcome::Done, unknown, Outcome::Done, foreign, Outcome::Done]);
    assert_eq!(results[4].layers.len(), 2);
}

#[test]
fn the_watchdog_tells_starved_from_stalled() {
    let none = Region::default();
    let header = || ProgramBuilder::new(256).command(Command::Header(ID));
    let starved = run(&header().command(Command::Echo(4)).build(none, none), quick());
    assert_eq!((starved.outcome, starved.cycles), (Outcome::Starved, 202));

    // The program has output that no transfer receives.
    let program = header().command(Command::Draw(2)).command(Command::End).build(none, none);
    let stalled = run(&program, quick());
    let Outcome::Stalled(pins) = stalled.outcome else { panic!("{:?}", stalled.outcome) };
    assert!(pins.out_valid && !pins.out_ready);

    let program = header().command(Command::Wait(5000)).command(Command::End).build(none, none);
    let limited = run(&program, Settings { max_cycles: 100, ..quick() });
    assert_eq!((limited.outcome, limited.cycles), (Outcome::CycleLimit, 100));

    let receive = Transfer::Receive { address: 0, bytes: 8 };
    let program = header().transfer(receive).command(Command::End).build(none, none);
    assert_eq!(run(&program, quick()).outcome, Outcome::Incomplete);
}

#[test]
fn a_later_receive_does_not_overwrite_what_is_still_to_be_sent() {
    // Draws into the bytes that were sent before; the device may draw at once.
    let region = Region { address: 0, bytes: 32 };
    let program = ProgramBuilder::new(256)
        .command(Command::Header(ID))
        .command(Command::Echo(4))
        .transfer(Transfer::Send { address: 0, bytes: 32 })
        .transfer(Transfer::Receive { address: 64, bytes: 32 })
        .command(Command::Draw(4))
        .transfer(Transfer::Receive { address: 0, bytes: 32 })
        .command(Command::End)
        .build(region, Region { address: 64, bytes: 32 });
    let timing = DramTiming { numerator: 1, denominator: 1, latency: 30, window: 2 };
    let memory = MemoryModel::Dram(timing);
    let inputs: Vec<_> = (0..3).map(|run| input(run, 32)).collect();
    let settings = Settings { memory, whole_dram: true, ..Settings::default() };
    let job = Job { program: &program, later: None, inputs: &inputs, settings };
    for (run, result) in build(false).unwrap().run(&job).unwrap().iter().enumerate() {
        assert_eq!(result.output, incremented(&inputs[run], 1), "run {run}");
        assert_eq!(result.dram[0], 4, "run {run}");
    }
}

#[test]
fn impossible_jobs_are_refused_with_the_reason() {
    let simulator = build(false).unwrap();
    let program = echo_twice(2);
    let refuse = |program: &Program, bytes: u64, settings: Settings| {
        let inputs = [input(0, bytes)];
        let error =
            simulator.run(&Job { program, later: None, inputs: &inputs, settings }).unwrap_err();
        assert_eq!(error.exit_code(), 3, "{error}");
        error.to_string()
    };
    assert!(refuse(&program, 15, quick()).contains("15 bytes (run 0)"));
    assert!(refuse(&program, 16, Settings { watchdog: 0, ..quick() }).contains("watchdog = 0"));
    let stalls = Stalls { seed: 0, input: 1.0, output: 0.0 };
    assert!(refuse(&program, 16, Settings { stalls, ..quick() }).contains("stalls.input = 1"));
    let wave = Some("x.fst".into());
    assert!(refuse(&program, 16, Settings { wave, ..quick() }).contains("without waveform"));
    let mut foreign = program.clone();
    foreign.config_hash[0] = 9;
    assert!(refuse(&foreign, 16, quick()).contains("09010203"));
    let mut wide = program;
    wide.stream_bits = 32;
    assert!(refuse(&wide, 16, quick()).contains("stream_bits of the program = 32"));
}

#[test]
fn a_time_limit_ends_the_process() {
    let none = Region::default();
    let program = ProgramBuilder::new(256)
        .command(Command::Header(ID))
        .command(Command::Wait(u32::MAX))
        .command(Command::End)
        .build(none, none);
    let timeout = Some(Duration::from_millis(300));
    let settings = Settings { watchdog: u64::MAX, timeout, ..Settings::default() };
    let job = Job { program: &program, later: None, inputs: &[vec![]], settings };
    let start = Instant::now();
    let error = build(false).unwrap().run(&job).unwrap_err();
    assert!(
        matches!(error, SimError::Host(HostError::TimedOut { .. })) && error.exit_code() == 6,
        "{error}"
    );
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_waveform_is_written_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.fst");
    let program = echo_twice(300);
    let inputs = [input(0, 2400)];
    let settings = Settings { wave: Some(path.clone()), ..Settings::default() };
    let job = Job { program: &program, later: None, inputs: &inputs, settings };
    let traced = build(true).unwrap().run(&job).unwrap().remove(0);
    assert_eq!(traced, run(&program, Settings::default()));
    assert!(std::fs::metadata(&path).unwrap().len() > 1000);
    if let Some(keep) = std::env::var_os("PECAN_KEEP_WAVE") {
        std::fs::copy(&path, keep).unwrap();
    }
}

#[test]
fn recorded_pins_are_all_that_the_device_saw() {
    let program = echo_twice(30);
    let inputs: Vec<_> = (0..3).map(|run| input(run, 240)).collect();
    let stalls = Stalls { seed: 2, input: 0.3, output: 0.3 };
    let plain = Settings { stalls, ..Settings::default() };
    let settings = Settings { pins: true, ..plain.clone() };
    let simulator = build(false).unwrap();
    let job = |settings| Job { program: &program, later: None, inputs: &inputs, settings };
    let recorded = simulator.run_parallel(&job(settings), 2).unwrap();
    let unrecorded = simulator.run(&job(plain)).unwrap();
    for (run, (result, other)) in recorded.iter().zip(&unrecorded).enumerate() {
        assert!(other.trace.is_empty());
        assert_eq!((result.cycles, &result.output), (other.cycles, &other.output), "run {run}");
        let resets = if run == 0 { 4 } else { 0 };
        let cycles: Vec<_> = result.trace.cycles().collect();
        assert_eq!((cycles.len() as u64, result.trace.stream_bits()), (result.cycles + resets, 64));
        assert_eq!(cycles.iter().filter(|c| c.reset).count() as u64, resets);
        assert!(cycles.iter().skip(resets as usize).all(|c| !c.reset));
        let sent = cycles.iter().filter(|c| c.in_valid && c.in_ready && !c.reset);
        let sent: Vec<u8> = sent.flat_map(|c| c.in_data.to_vec()).collect();
        assert_eq!(sent.len() as u64, result.sent_bytes);
        assert_eq!(sent[16..256], inputs[run]);
        let given = cycles.iter().filter(|c| c.out_valid && c.out_ready);
        let given: Vec<u8> = given.flat_map(|c| c.out_data.to_vec()).collect();
        assert_eq!(given[240..], result.output);
        for snapshot in &result.layers {
            // The edge that ends cycle `n` is the `n+1`st: the count shows in the record after it.
            let at = (snapshot.cycle + resets) as usize;
            assert_ne!(cycles[at - 1].layer, snapshot.layer);
            assert!(cycles.get(at).is_none_or(|c| c.layer == snapshot.layer));
        }
    }
}

#[test]
fn the_benchmark_replays_the_same_cycles() {
    let program = echo_twice(1000);
    let inputs = [input(0, 8000)];
    let job =
        Job { program: &program, later: None, inputs: &inputs, settings: Settings::default() };
    let bench = build(false).unwrap().bench(&job, 3).unwrap();
    assert_eq!(bench.cycles, run(&program, Settings::default()).cycles);
    assert_eq!((bench.harness.len(), bench.bare.len()), (3, 3));
    assert!(bench.efficiency() > 0.0);
}
