use super::*;
use pecan_config::isa::counter::Counter;
use pecan_config::isa::{Opcode, VERSION, WAIT_COMPUTE, WAIT_STORE, command};
use pecan_config::{Limits, preset};
use pecan_ir::program::{Region, Transfer};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A program that sends these beats (low words) and receives `out` bytes.
fn program(config: &Config, words: &[u32], out: usize) -> Program {
    let beat = config.stream_bytes();
    let mut dram = Vec::new();
    for word in words {
        dram.extend_from_slice(&word.to_le_bytes());
        dram.resize(dram.len().next_multiple_of(beat), 0);
    }
    let sent = dram.len() as u64;
    dram.resize(dram.len() + out, 0);
    let mut transfers = vec![Transfer::Send { address: 0, bytes: sent }];
    if out > 0 {
        transfers.push(Transfer::Receive { address: sent, bytes: out as u64 });
    }
    Program {
        config_hash: config.hash(),
        stream_bits: config.stream.bits as u32,
        dram,
        transfers,
        input: Region::default(),
        output: Region { address: sent, bytes: out as u64 },
        layers: 0,
    }
}

fn header(config: &Config) -> Vec<u32> {
    vec![command(Opcode::Header, 0, VERSION), config.id()]
}

fn outcome(words: &[u32]) -> Outcome {
    let config = Config::default();
    let mut all = header(&config);
    all.extend_from_slice(words);
    Emulator::new(&config).run(&program(&config, &all, 0)).unwrap().outcome
}

#[test]
fn errors_have_their_codes() {
    let config = Config::default();
    let run =
        |words: &[u32]| Emulator::new(&config).run(&program(&config, words, 0)).unwrap().outcome;
    let code = |code| Outcome::Error(code);
    assert_eq!(run(&[command(Opcode::Mark, 0, 0)]), code(ErrorCode::Header));
    assert_eq!(run(&[command(Opcode::Header, 0, 99)]), code(ErrorCode::Header));
    assert_eq!(run(&[command(Opcode::Header, 0, VERSION), 1]), code(ErrorCode::ConfigId));
    assert_eq!(outcome(&[9 << 28]), code(ErrorCode::Opcode));
    assert_eq!(outcome(&[command(Opcode::Mark, 1 << 24, 0)]), code(ErrorCode::Opcode));
    let load = |op, operand, address, count| outcome(&[command(op, 0, operand), address, count]);
    assert_eq!(load(Opcode::LoadActivation, 0, 16_384, 1), code(ErrorCode::BufferRange));
    assert_eq!(load(Opcode::Store, 0, 0, 0), code(ErrorCode::BufferRange));
    assert_eq!(load(Opcode::LoadWeight, 4, 0, 1), code(ErrorCode::WeightRange));
    assert_eq!(load(Opcode::LoadWeight, 0, 4095, 2), code(ErrorCode::WeightRange));
    assert_eq!(load(Opcode::LoadParam, 0, 0, 257), code(ErrorCode::ParamRange));
    assert_eq!(outcome(&[command(Opcode::Config, 0, 50 | 1 << 8), 0]), code(ErrorCode::Register));
    assert_eq!(outcome(&[command(Opcode::Config, 0, 0)]), code(ErrorCode::Register));
    assert_eq!(outcome(&[command(Opcode::Run, 0, 4)]), code(ErrorCode::Register));
    assert_eq!(
        outcome(&[command(Opcode::Run, 0, 0), command(Opcode::End, 0, 0)]),
        code(ErrorCode::RunLimit)
    );
    assert_eq!(outcome(&[command(Opcode::Mark, 0, 0)]), Outcome::Starved);
    assert_eq!(outcome(&[command(Opcode::End, 0, 0)]), Outcome::Done);
}

#[test]
fn cycles_of_a_copy_by_hand() {
    // Beats: header 0, 2; load 3, 5, 6, payload from 8; store word 11, executed in 15; reads from 16.
    let config = Config::default();
    let mut words = header(&config);
    words.extend([command(Opcode::LoadActivation, 0, 0), 5, 3, 0x0403_0201, 0x0807_0605, 9]);
    words.extend([command(Opcode::Store, 0, 0), 5, 3]);
    words.extend([command(Opcode::Mark, 0, 0), command(Opcode::End, 0, 0)]);
    let report = Emulator::new(&config).run(&program(&config, &words, 24)).unwrap();
    assert_eq!(report.outcome, Outcome::Done);
    assert_eq!(report.output[..4], [1, 2, 3, 4]);
    assert_eq!((report.output[8], report.output[16]), (5, 9));
    // Mark: word 16, executed 17. The last beat leaves in 20, so End is executed in 21.
    assert_eq!(report.snapshots[0].cycle, 18);
    assert_eq!(report.snapshots[0].counters[Counter::Cycles], 17 - 2);
    assert_eq!(report.snapshots[0].counters[Counter::BufferReads], 1);
    assert_eq!(report.cycles, 22);
    assert_eq!(report.counters[Counter::BeatsOut], 3);
    assert_eq!(report.counters[Counter::BufferWrites], 3);
    // All beats but the header's first.
    assert_eq!(report.counters[Counter::BeatsIn], words.len() as u64 - 1);
}

/// Streams that are mostly well-formed commands with random arguments.
fn random_words(rng: &mut ChaCha8Rng, config: &Config) -> Vec<u32> {
    let mut words = header(config);
    for _ in 0..rng.random_range(1..40) {
        let op = Opcode::ALL[rng.random_range(1..Opcode::ALL.len())];
        let waits = [0, WAIT_COMPUTE, WAIT_STORE][rng.random_range(0..3)];
        match op {
            Opcode::Config => {
                let first = [0u32, 16, 38, 64, 192][rng.random_range(0..5)];
                let count = rng.random_range(1..12);
                words.push(command(op, waits, first | count << 8));
                for index in first..first + count {
                    let small = rng.random_range(0..6);
                    let value = if rng.random_bool(0.05) { rng.random() } else { small };
                    words.push(if index == 0 { rng.random_range(0..8) } else { value });
                }
            }
            Opcode::LoadActivation | Opcode::LoadWeight | Opcode::LoadParam | Opcode::Store => {
                let count = rng.random_range(1..9);
                words.extend([
                    command(op, waits, rng.random_range(0..3)),
                    rng.random_range(0..40),
                    count,
                ]);
                let beats = if op == Opcode::Store { 0 } else { rng.random_range(0..10) };
                words.extend((0..beats).map(|_| rng.random::<u32>()));
            }
            _ => words.push(command(op, waits, rng.random_range(0..4))),
        }
    }
    if rng.random_bool(0.3) {
        let at = rng.random_range(0..words.len());
        words[at] = rng.random();
    }
    words
}

#[test]
fn malformed_streams_end() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut seen = std::collections::HashMap::new();
    for _ in 0..4000 {
        let config = Config::random(&mut rng, &Limits::small());
        let words = random_words(&mut rng, &config);
        let program = program(&config, &words, 64 * config.stream_bytes());
        let report = Emulator::new(&config).run(&program).unwrap();
        *seen.entry(format!("{:?}", report.outcome)).or_insert(0) += 1;
    }
    eprintln!("{seen:?}");
    assert!(seen.len() >= 6);
}

#[test]
fn counters_wrap() {
    let mut config = preset("tiny").unwrap();
    config.counters.bits = 16;
    let count = config.buffer_words() as u32;
    let mut words = header(&config);
    for _ in 0..17 {
        words.extend([command(Opcode::LoadActivation, 0, 0), 0, count]);
        words.extend(std::iter::repeat_n(0, count as usize));
    }
    words.push(command(Opcode::End, 0, 0));
    let report = Emulator::new(&config).run(&program(&config, &words, 0)).unwrap();
    assert_eq!(report.counters[Counter::BufferWrites], u64::from(17 * count) & 0xffff);
}
