//! The toggles that the emulator counts are those of the RTL.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pecan_config::isa::counter::COUNT;
use pecan_config::{Config, Limits, Sparsity, preset};
use pecan_emulator::{Emulator, Toggle, Toggles};
use pecan_host::tools::Finder;
use pecan_map::{Options, compile};
use pecan_net::data::{Rows, Samples, Selection};
use pecan_net::graph::Graph;
use pecan_net::onnx::Model;
use pecan_net::quantize;
use pecan_simulate::verilog;
use pecan_tests::random::{self, Size};
use pecan_tests::toggles::{self, Signal};
use pecan_verilator::harness::{Job, Outcome, PinTrace, Settings};
use pecan_verilator::{BuildOptions, Simulator, Verilator, WaveFormat};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Bits counted in the waveform, by toggle.
struct Waveform(Vec<Signal>);

impl Waveform {
    /// Sum over the signals below instances whose name begins with `scope` (at any depth) with names that begin with
    /// `name` and continue only with digits, `_q`, or an index.
    fn sum(&self, scope: &str, instance: &str, name: &str) -> u64 {
        let of = |path: &str| {
            let mut parts: Vec<&str> = path.split('.').collect();
            let signal = parts.pop().unwrap_or_default();
            let rest = signal.strip_prefix(name);
            let plain =
                rest.is_some_and(|r| r.chars().all(|c| c.is_ascii_digit() || "_q[]".contains(c)));
            plain
                && parts.iter().any(|p| p.starts_with(scope))
                && parts.last().is_some_and(|p| p.starts_with(instance))
        };
        let matching = self.0.iter().filter(|signal| of(&signal.name));
        // A wire has a name on either side of a port; it is counted once.
        matching.map(|signal| (signal.code, signal.bits)).collect::<BTreeMap<_, _>>().values().sum()
    }

    /// Counts that also depend on the cycles in which the engines meet, which the emulator's order leaves open.
    fn about(&self) -> Vec<(Toggle, u64)> {
        let pe = |instance, name| self.sum("u_row_", instance, name);
        vec![
            (Toggle::DrainReadBus, pe("u_psum", "drain")),
            (Toggle::Sum, pe("u_mac_", "sum")),
            (Toggle::Total, pe("u_mac_", "total")),
            (Toggle::ScratchReadBus, pe("u_scratchpad", "word_")),
            (Toggle::EntryIndex, self.sum("u_column_", "u_column_", "position")),
            (Toggle::DrainOut, self.sum("u_lane_", "u_lane_", "value")),
            (Toggle::PatchBus, self.sum("u_loader", "u_loader", "write_data_")),
            (Toggle::BufferRead, self.buffer_read()),
        ]
    }

    /// The read register of the global buffer, whose instance is named as those of the weight buffers.
    fn buffer_read(&self) -> u64 {
        let whole = self.0.iter().filter(|s| s.name.ends_with(".u_buffer.entry"));
        whole.filter(|s| !s.name.contains("u_column_")).map(|s| s.bits).sum()
    }

    fn toggles(&self, rows: u64) -> Vec<(Toggle, u64)> {
        let pe = |instance, name| self.sum("u_row_", instance, name);
        vec![
            (
                Toggle::WeightOperand,
                pe("u_pe_", "operand_weight_") + pe("u_pe_", "operand_negative_"),
            ),
            (Toggle::ActivationOperand, pe("u_scratchpad", "read_")),
            (Toggle::Product, pe("u_mac_", "product")),
            (Toggle::Addend, pe("u_mac_", "addend")),
            (Toggle::Accumulator, pe("u_mac_", "acc_low") + pe("u_mac_", "acc_high")),
            (Toggle::PsumReadBus, pe("u_psum", "read")),
            (Toggle::PsumWrite, pe("u_psum", "sums")),
            (Toggle::PsumAddress, rows * self.sum("u_column_", "u_column_", "psum_word_q")),
            (Toggle::ScratchWrite, pe("u_scratchpad", "bank_")),
            (Toggle::ZeroFlags, pe("u_zero_flags", "flags")),
            (Toggle::PatchAddress, self.sum("u_loader", "u_loops", "addr")),
            (
                Toggle::PatchCoordinates,
                self.sum("u_loader", "u_loops", "iy") + self.sum("u_loader", "u_loops", "ix"),
            ),
            (
                Toggle::PatchLattice,
                self.sum("u_loader", "u_loops", "y") + self.sum("u_loader", "u_loops", "x"),
            ),
            (Toggle::WeightAddress, self.sum("u_column_", "u_column_", "pointer")),
            (Toggle::PatchTaken, self.sum("u_row_", "u_row_", "taken_")),
            (Toggle::Entry, self.sum("u_column_", "u_buffer", "entry")),
            (Toggle::DrainSum, self.sum("u_lane_", "u_lane_", "psum_1_q")),
            (Toggle::DrainBiased, self.sum("u_lane_", "u_lane_", "biased_q")),
            (Toggle::DrainScaled, self.sum("u_lane_", "u_lane_", "scaled_q")),
            (Toggle::Param, self.sum("u_lane_", "u_params", "entry")),
            (Toggle::BeatsIn, self.sum("pecan", "pecan", "in_data_")),
        ]
    }
}

/// Executes a random network on RTL and emulator; returns the toggles of both.
fn run(seed: u64) -> (Waveform, Config, Toggles) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut config = Config::random(&mut rng, &Limits::small());
    config.weights.sparsity = if seed.is_multiple_of(2) { Sparsity::Skip } else { Sparsity::Dense };
    let network = random::network(&mut rng, &config, Size { extent: 8, channels: 12, depth: 4 });
    let input = random::input(&mut rng, network.tensors[0], &config);
    let compiled = compile(&network, &config, &Options::default()).unwrap();
    let verilator = Verilator::locate(&Finder::from_environment().unwrap(), &|_| ()).unwrap();
    let options =
        BuildOptions { stream_bits: config.stream.bits as u32, counters: COUNT, wave: true };
    let sources = verilog(&config).unwrap();
    let simulator =
        Simulator::build_with_wave(&sources, &options, &verilator, WaveFormat::Vcd).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.vcd");
    let inputs = [compiled.encode_input(&input)];
    let settings = Settings { wave: Some(path.clone()), pins: true, ..Settings::default() };
    let job = Job { program: &compiled.program, later: None, inputs: &inputs, settings };
    let rtl = simulator.run(&job).unwrap().remove(0);
    assert_eq!(rtl.outcome, Outcome::Done);

    let mut program = compiled.program.clone();
    let range = program.input.range();
    program.dram[range].copy_from_slice(&inputs[0]);
    let report = Emulator::observed(&config).run(&program).unwrap();
    assert_eq!(report.output, rtl.output);
    let mut toggles = report.toggles;
    toggles[Toggle::BeatsIn] += before_header(&rtl.trace);
    let waveform = Waveform(toggles::count(&path).unwrap());
    (waveform, config, toggles)
}

/// Toggles of the two beats of the header, before the emulator counts.
fn before_header(trace: &PinTrace) -> u64 {
    let taken = trace.cycles().filter(|c| c.in_valid && c.in_ready && !c.reset);
    let beats: Vec<Vec<u8>> = taken.take(2).map(|c| c.in_data.to_vec()).collect();
    let bits = |a: &[u8], b: &[u8]| -> u64 {
        a.iter().zip(b).map(|(a, b)| u64::from((a ^ b).count_ones())).sum()
    };
    bits(&vec![0; beats[0].len()], &beats[0]) + bits(&beats[0], &beats[1])
}

#[test]
fn emulator_and_rtl_toggle_the_same_bits() {
    let mut seen: BTreeMap<Toggle, u64> = BTreeMap::new();
    let mut about: BTreeMap<Toggle, [u64; 2]> = BTreeMap::new();
    let mut wrong = Vec::new();
    for seed in 0..8 {
        let (waveform, config, emulator) = run(seed);
        for (toggle, bits) in waveform.toggles(config.array.rows as u64) {
            *seen.entry(toggle).or_default() += bits;
            if bits != emulator[toggle] {
                let (key, model) = (toggle.key(), emulator[toggle]);
                wrong.push(format!("seed {seed}, {key}: {bits} in the RTL, {model} predicted"));
            }
        }
        for (toggle, bits) in waveform.about() {
            println!("seed {seed}, {}: {bits} in the RTL, {}", toggle.key(), emulator[toggle]);
            let total = about.entry(toggle).or_default();
            *total = [total[0] + bits, total[1] + emulator[toggle]];
        }
    }
    println!("equal: {seen:?}\nRTL and emulator: {about:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen.values().all(|bits| *bits > 0), "{seen:?}");
}

/// Time of an image of resnet8 on `edge` without and with the observers; results and counters are the same.
#[test]
#[ignore = "measures time"]
fn what_observing_costs() {
    let shared = pecan_test_support::shared();
    let model = shared.join("models/resnet8_cifar10_jpegft.onnx");
    let data = shared.join("data/cifar10_test.npz");
    if let Some(path) = [&model, &data].into_iter().find(|path| !path.exists()) {
        let _ = pecan_test_support::present(path);
        return;
    }
    let config = preset("edge").unwrap();
    let graph = Graph::import(&Model::read(&model).unwrap()).unwrap();
    let selection = Selection { rows: Rows::All, limit: Some(8), ..Selection::default() };
    let samples = Samples::load(&data, &selection).unwrap();
    let quantized = quantize::quantize_with(
        &graph,
        &samples.as_slices(),
        quantize::Options {
            activation_bits: config.numerics.activation_bits,
            weight_bits: config.numerics.weight_bits,
        },
    )
    .unwrap();
    let compiled = compile(&quantized.network, &config, &Options::default()).unwrap();
    let mut program = compiled.program.clone();
    let range = program.input.range();
    let image = quantized.quantize_input(samples.iter().next().unwrap());
    program.dram[range].copy_from_slice(&compiled.encode_input(&image));
    let timed = |new: fn(&Config) -> Emulator| {
        let mut best = Duration::MAX;
        let mut report = None;
        for _ in 0..3 {
            let (mut emulator, start) = (new(&config), Instant::now());
            report = Some(emulator.run(&program).unwrap());
            best = best.min(start.elapsed());
        }
        (report.unwrap(), best)
    };
    let ((plain, without), (observed, with)) = (timed(Emulator::new), timed(Emulator::observed));
    println!("{without:?} per image, {with:?} with the observers");
    assert_eq!((plain.output, plain.counters), (observed.output, observed.counters));
    assert_eq!(plain.toggles, Toggles::default());
    let layers = quantized.network.layers.iter().zip(plain.snapshots.iter());
    assert!(layers.len() > 5);
}
