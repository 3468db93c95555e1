//! Malformed command streams: the device raises its error flag with the code that the emulator predicts, or ends
//! normally, never hangs, and DRAM changes only where the host receives. Values are not compared: damage may remove a
//! wait, and the results of racing engines are undefined.
//!
//! `PECAN_SEED=<n>` replays the stream of a failure.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pecan_config::isa;
use pecan_config::isa::register::Register;
use pecan_config::isa::{ErrorCode, Opcode};
use pecan_config::{Config, preset};
use pecan_emulator as emulator;
use pecan_emulator::{Emulator, Report};
use pecan_ir::program::{Program, Region, Transfer};
use pecan_map::{Options, compile};
use pecan_tests::bench::Bench;
use pecan_tests::random::{self, Size};
use pecan_verilator::harness::{Job, Outcome, Settings};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// More output than a small device can produce, so that the stream never ends for lack of a receiver.
const OUTPUT: u64 = 1 << 16;

/// Bytes behind the output that no transfer names.
const CANARY: usize = 4096;

/// The input stream of a valid program as 32-bit words.
fn valid_stream(rng: &mut ChaCha8Rng, config: &Config) -> Vec<u32> {
    let size = Size { extent: 6, channels: 8, depth: 2 };
    let network = random::network(rng, config, size);
    let program = compile(&network, config, &Options::default()).unwrap().program;
    let mut bytes = Vec::new();
    for transfer in &program.transfers {
        if let Transfer::Send { address, bytes: n } = *transfer {
            bytes.extend_from_slice(&program.dram[address as usize..(address + n) as usize]);
        }
    }
    bytes.chunks_exact(4).map(|c| u32::from_le_bytes(c.try_into().unwrap())).collect()
}

fn damage(rng: &mut ChaCha8Rng, words: &mut Vec<u32>) {
    if words.is_empty() {
        return;
    }
    // A wrong register has the largest effect, so it gets a share of its own.
    if rng.random_bool(0.3) {
        let values = register_values(words);
        if let Some(at) = values.choose(rng) {
            words[*at] ^= 1 << rng.random_range(0..32);
            return;
        }
    }
    // Most of the damage is at the beginning, where commands are denser than payload.
    let reach = if rng.random_bool(0.5) { words.len().min(100) } else { words.len() };
    let at = rng.random_range(0..reach);
    // A random run limit makes the test slow, not better: it is kept in nine of ten cases.
    if at > 0 && is_first_register(words[at - 1]) && rng.random_bool(0.9) {
        return;
    }
    match rng.random_range(0..7) {
        0 => words[at] ^= 1 << rng.random_range(0..32),
        1 => words[at] = rng.random(),
        2 => {
            words.remove(at);
        }
        3 => words.insert(at, rng.random()),
        4 => words.truncate(at + 1),
        5 => {
            let op = Opcode::ALL[rng.random_range(0..Opcode::ALL.len())];
            words.insert(at, isa::command(op, 0, rng.random_range(0..64)));
        }
        _ => words[at] = rng.random_range(0..300),
    }
}

/// Positions of the values of registers other than the run limit, as far as the stream can be decoded.
fn register_values(words: &[u32]) -> Vec<usize> {
    let mut found = Vec::new();
    for at in 0..words.len() {
        if Opcode::of(words[at]) == Some(Opcode::Config) && words[at] & 0x0fff_0000 == 0 {
            let count = (words[at] >> 8 & 0xff) as usize;
            let first = usize::from(is_first_register(words[at]));
            found.extend((at + 1 + first..=at + count).filter(|value| *value < words.len()));
        }
    }
    found
}

/// Whether the word is a `Config` command that starts with the run limit.
fn is_first_register(word: u32) -> bool {
    Opcode::of(word) == Some(Opcode::Config) && word & 0xff == Register::Limit as u32
}

fn program(words: &[u32], config: &Config) -> Program {
    let beat = config.stream_bytes();
    let mut dram: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    dram.resize(dram.len().next_multiple_of(beat), 0);
    let sent = dram.len() as u64;
    dram.resize(dram.len() + OUTPUT as usize, 0);
    dram.resize(dram.len() + CANARY, 0xa5);
    Program {
        config_hash: config.hash(),
        stream_bits: config.stream.bits as u32,
        dram,
        transfers: vec![
            Transfer::Send { address: 0, bytes: sent },
            Transfer::Receive { address: sent, bytes: OUTPUT },
        ],
        input: Region { address: 0, bytes: beat as u64 },
        output: Region { address: sent, bytes: OUTPUT },
        layers: 0,
    }
}

/// Executes one damaged stream; returns how it ended.
fn one(seed: u64, bench: &Bench) -> &'static str {
    let config = &bench.config;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut words = valid_stream(&mut rng, config);
    for _ in 0..rng.random_range(1..=3) {
        damage(&mut rng, &mut words);
    }
    words.push(0);
    let program = program(&words, config);
    let inputs = [program.dram[..config.stream_bytes()].to_vec()];
    let report = Emulator::new(config).run(&program).unwrap();
    // Few runs exceed the first watchdog limit, so that only those wait for the second one.
    let mut ended = None;
    for watchdog in [20_000, 2_000_000] {
        let settings =
            Settings { max_cycles: 40_000_000, watchdog, whole_dram: true, ..Settings::default() };
        let job = Job { program: &program, later: None, inputs: &inputs, settings };
        let run = bench.simulator.run(&job).unwrap().remove(0);
        let found = agree(run.outcome, &report);
        ended = Some(run);
        if found {
            break;
        }
    }
    let run = ended.unwrap();
    let outcome = run.outcome;
    let expected = report.outcome;
    assert!(agree(outcome, &report), "PECAN_SEED={seed}: RTL {outcome:?}, emulator {expected:?}");
    let range = program.output.range();
    assert!(run.dram[..range.start] == program.dram[..range.start], "PECAN_SEED={seed}: input");
    assert!(run.dram[range.end..] == program.dram[range.end..], "PECAN_SEED={seed}: beyond");
    match outcome {
        Outcome::Error { .. } => "error",
        Outcome::Starved => "starved",
        _ => "done",
    }
}

fn agree(rtl: Outcome, emulator: &Report) -> bool {
    match (rtl, emulator.outcome) {
        (Outcome::Done | Outcome::Incomplete, emulator::Outcome::Done) => true,
        (Outcome::Starved, emulator::Outcome::Starved) => true,
        // Loop counts of zero are undefined: such a run may end in any way.
        (
            Outcome::Error { .. } | Outcome::Done | Outcome::Incomplete | Outcome::Starved,
            emulator::Outcome::Error(ErrorCode::RunLimit),
        ) => true,
        (Outcome::Error { code }, emulator::Outcome::Error(e)) if u64::from(code) == e as u64 => {
            true
        }
        // A list that is overwritten while a run reads it is undefined, too: the column may not find its end.
        (Outcome::Error { code }, _) => {
            emulator.lists_overwritten && u64::from(code) == ErrorCode::RunLimit as u64
        }
        _ => false,
    }
}

#[test]
fn malformed_streams_never_hang() {
    const STREAMS: u64 = 10_000;
    let mut config = preset("tiny").unwrap();
    config.buffers.global_kib = 3;
    assert!(config.violations().is_empty());
    let bench = Bench::new(&config).unwrap();
    if let Some(seed) = std::env::var("PECAN_SEED").ok().and_then(|s| s.parse().ok()) {
        println!("{}", one(seed, &bench));
        return;
    }
    let mut ends = std::collections::BTreeMap::<&str, u64>::new();
    let all: Vec<&str> = (0..STREAMS).into_par_iter().map(|seed| one(seed, &bench)).collect();
    for end in all {
        *ends.entry(end).or_default() += 1;
    }
    println!("{STREAMS} malformed streams: {ends:?}");
    assert!(ends["error"] > STREAMS / 4);
}
