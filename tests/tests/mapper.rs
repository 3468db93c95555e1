//! The mapper on random networks and configurations: the program computes the results of the integer reference, with
//! the predicted cycles and counts.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pecan_config::isa::counter::Counter;
use pecan_config::{Config, Limits, Sparsity};
use pecan_emulator::{Emulator, Outcome};
use pecan_ir::layer::{Conv, Layer, Network, Op, Requant, Shape, Tensor, Window};
use pecan_ir::memory::{DramTiming, MemoryModel};
use pecan_ir::reference;
use pecan_map::{
    Compiled, Dimension, LayerMapping, Level, Mapping, Options, compile, plan_network,
};
use pecan_tests::random::{self, Size};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn size(extent: usize, depth: usize) -> Size {
    Size { extent, channels: 24, depth }
}

/// Compiles and runs; compares with the reference and with the predictions.
fn check(network: &Network, config: &Config, input: &Tensor, what: &str) -> Compiled {
    let compiled = compile(network, config, &Options::default())
        .unwrap_or_else(|e| panic!("{what}: {e}\n{}", config.name()));
    let mut program = compiled.program.clone();
    let range = program.input.range();
    program.dram[range].copy_from_slice(&compiled.encode_input(input));
    let report = Emulator::new(config).run(&program).unwrap();
    assert!(!report.lists_overwritten, "{what}: a list is overwritten while a run walks it");
    let maps: Vec<&Mapping> = compiled.layers.iter().map(|l| &l.mapping).collect();
    assert_eq!(report.outcome, Outcome::Done, "{what}: {} {maps:?}", config.name());
    let expected = reference::run(network, input).unwrap();
    let output = compiled.decode_output(&report.output);
    assert!(
        output == *expected.last().unwrap(),
        "{what}: {config:?} {maps:?} {:?}",
        network.tensors
    );
    assert_eq!(report.cycles, compiled.cycles, "{what}");
    let plan = plan_network(network, config, &Options::default()).unwrap();
    assert_eq!(plan.cycles, compiled.cycles, "{what}");
    for (plan, mapping) in plan.layers.iter().zip(&compiled.layers) {
        assert_eq!(plan.mapping, mapping.mapping, "{what}");
        assert_eq!(plan.counts.wrapped(config.counters.bits), mapping.counters, "{what} {maps:?}");
    }
    for (layer, mapped) in network.layers.iter().zip(&compiled.layers) {
        check_loops(layer, network, mapped, config.array.cols, what);
    }
    for (layer, counters) in compiled.layers.iter().zip(report.layers(config.counters.bits)) {
        for counter in Counter::ALL {
            if !matches!(counter, Counter::ActiveLanes | Counter::ScratchReads) {
                assert_eq!(layer.counters[*counter], counters[*counter], "{what} {counter:?}");
            }
        }
    }
    compiled
}

/// Iterations of the loops of a mapping along a dimension, at the levels.
fn iterations(mapping: &Mapping, dimension: Dimension, levels: &[Level]) -> usize {
    let loops = mapping.loops.iter();
    let inside = loops.filter(|one| one.dimension == dimension && levels.contains(&one.level));
    inside.map(|one| one.bound).product()
}

/// The loops of a mapping cover its layer, and what they say of the reads of weight lists is what the hardware counts.
fn check_loops(layer: &Layer, network: &Network, mapped: &LayerMapping, cols: usize, what: &str) {
    const ALL: [Level; 4] = [Level::Dram, Level::Buffer, Level::Array, Level::Spatial];
    let mapping = &mapped.mapping;
    let [input, output] = [layer.input, layer.output].map(|tensor| network.tensors[tensor]);
    let along = |dimension| iterations(mapping, dimension, &ALL);
    let pixels = along(Dimension::P) * along(Dimension::Q);
    assert!(pixels >= output.height * output.width, "{what}: {pixels} pixels, {mapping:?}");
    assert!(along(Dimension::K) >= output.channels, "{what}: {mapping:?}");
    assert!(mapping.channel_tiles.iter().sum::<usize>() >= output.channels, "{what}");
    if let Op::Conv(conv) = &layer.op {
        let [c, r, s] = mapping.reduction_tile;
        assert!(along(Dimension::R) * r >= conv.window.kernel[0], "{what}: {mapping:?}");
        assert!(along(Dimension::S) * s >= conv.window.kernel[1], "{what}: {mapping:?}");
        let words = along(Dimension::C) * c;
        assert!(conv.groups > 1 || words * 16 >= input.channels, "{what}: {mapping:?}");
    }
    // Every tile reads the lists of all columns, of which the longest has so many entries. The last part of divided
    // pixels may be smaller, so that the loops are bounds.
    let tiles = |levels: &[Level]| -> u64 {
        let along = [Dimension::P, Dimension::Q].map(|axis| iterations(mapping, axis, levels));
        along.iter().product::<usize>() as u64
    };
    let longest = tiles(&ALL[..3]) * mapping.weight_entries;
    let reads = mapped.counters[Counter::WeightReads];
    assert!(reads <= longest * cols as u64, "{what}: {reads}, {mapping:?}");
    assert!(tiles(&ALL[..2]) > 1 || reads >= longest, "{what}: {reads}, {mapping:?}");
}

#[test]
fn random_layers_on_random_configurations() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for trial in 0..400 {
        let mut config = Config::random(&mut rng, &Limits::small());
        config.weights.sparsity = if trial % 2 == 0 { Sparsity::Skip } else { Sparsity::Dense };
        let depth = rng.random_range(1..=4);
        let network = random::network(&mut rng, &config, size(12, depth));
        let input = random::input(&mut rng, network.tensors[0], &config);
        check(&network, &config, &input, &format!("trial {trial}"));
    }
}

/// Every way to divide a layer must occur in some trial.
#[test]
fn small_buffers_force_every_split() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let (mut strips, mut sliced, mut passes, mut columns, mut pixels) = (0, 0, 0, 0, 0);
    for trial in 0..300 {
        let mut config = Config::random(&mut rng, &Limits::small());
        config.buffers.global_kib = 1;
        config.buffers.weight_entries = 16 << rng.random_range(0..4);
        if !config.violations().is_empty() {
            continue;
        }
        let depth = rng.random_range(1..=4);
        let network =
            random::network(&mut rng, &config, size(if trial % 10 == 0 { 40 } else { 14 }, depth));
        let input = random::input(&mut rng, network.tensors[0], &config);
        let compiled = check(&network, &config, &input, &format!("trial {trial}"));
        for (layer, shape) in compiled.layers.iter().zip(&network.tensors[1..]) {
            let mapping = &layer.mapping;
            let tile = mapping.spatial_tile.map(|tile| tile.pixels);
            strips += usize::from(tile.is_some_and(|[_, width]| width == shape.width));
            columns += usize::from(tile.is_some_and(|[_, width]| width != shape.width));
            sliced += usize::from(mapping.accumulates);
            passes += usize::from(mapping.channel_tiles.len() > 1);
            pixels += usize::from(tile == Some([1, 1]));
        }
    }
    eprintln!(
        "strips {strips}, columns {columns}, sliced {sliced}, passes {passes}, pixels {pixels}"
    );
    assert!(strips > 20 && columns > 20 && sliced > 20 && passes > 20 && pixels > 20);
}

/// Where lists do not stay and a tensor is larger than the buffer, lists or inputs are loaded again: whichever is less.
#[test]
fn passes_come_before_rectangles_where_that_loads_less() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let (mut first, mut last, mut compared) = (0, 0, 0);
    for trial in 0..60 {
        let mut config = Config::random(&mut rng, &Limits::small());
        config.buffers.global_kib = rng.random_range(1..=4);
        config.buffers.weight_entries = 128;
        config.numerics = Config::default().numerics;
        if !config.violations().is_empty() {
            continue;
        }
        let single = Single {
            channels: rng.random_range(4..=24),
            extent: rng.random_range(12..=24),
            outputs: rng.random_range(16..=64),
            kernel: if rng.random() { 3 } else { 1 },
            stride: rng.random_range(1..=2),
            pad: 0,
            density: rng.random_range(0.2..=1.0),
        };
        let network = single_conv(&config, single);
        let input = random::input(&mut rng, network.tensors[0], &config);
        let compiled = check(&network, &config, &input, &format!("trial {trial}"));
        let mapping = &compiled.layers[0].mapping;
        if mapping.spatial_tile.is_some_and(|tile| tile.inside_channel_tiles) {
            // As many entries as where the whole layer fits, if its mapping is the same there.
            let mut roomy = config.clone();
            roomy.buffers.global_kib = 256;
            let whole = plan_network(&network, &roomy, &Options::default()).unwrap();
            let there = &whole.layers[0].mapping;
            let walk = |m: &Mapping| (m.tile, m.reduction_tile, m.channel_tiles.clone());
            let same = walk(mapping) == walk(there) && mapping.accumulates == there.accumulates;
            let writes = compiled.layers[0].counters[Counter::WeightWrites];
            let once = whole.layers[0].counts.wrapped(config.counters.bits)[Counter::WeightWrites];
            assert!(!same || writes == once, "{mapping}: {writes} entries, {once} are enough");
            compared += usize::from(same);
        }
        let inside = mapping.spatial_tile.map(|tile| tile.inside_channel_tiles);
        first += usize::from(inside == Some(true));
        last += usize::from(inside == Some(false) && mapping.channel_tiles.len() > 1);
    }
    eprintln!("passes first {first} ({compared} compared), rectangles first {last}");
    assert!(first > 5 && last > 5 && compared > 5);
}

#[test]
fn presets_run_random_networks_with_any_memory() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for preset in pecan_config::PRESETS {
        let config = preset.config();
        for trial in 0..6 {
            let network = random::network(&mut rng, &config, size(20, 3));
            let input = random::input(&mut rng, network.tensors[0], &config);
            let what = format!("{} {trial}", preset.name);
            let compiled = check(&network, &config, &input, &what);
            let memory = MemoryModel::Dram(DramTiming::new(1.5, 30));
            let mut program = compiled.program.clone();
            let range = program.input.range();
            program.dram[range].copy_from_slice(&compiled.encode_input(&input));
            let report = Emulator::new(&config).run_with(&program, &memory).unwrap();
            assert_eq!(report.outcome, Outcome::Done);
            assert!(report.cycles > compiled.cycles);
            let expected = reference::run(&network, &input).unwrap();
            assert!(compiled.decode_output(&report.output) == *expected.last().unwrap(), "{what}");
        }
    }
}

/// One convolution with square extents; its zeros are whole lane groups of the default configuration.
#[derive(Clone, Copy)]
struct Single {
    channels: usize,
    extent: usize,
    outputs: usize,
    kernel: usize,
    stride: usize,
    pad: usize,
    density: f64,
}

fn single_conv(config: &Config, s: Single) -> Network {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let kernel = [s.kernel; 2];
    let window = Window { kernel, stride: [s.stride; 2], dilation: [1, 1], pads: [s.pad; 4] };
    let [height, width] = window.output_size(s.extent, s.extent).unwrap();
    let taps = s.channels * s.kernel * s.kernel;
    let lanes = config.array.lanes;
    let groups = s.outputs.div_ceil(lanes);
    let kept: Vec<bool> = (0..groups * taps).map(|_| rng.random_bool(s.density)).collect();
    let weights = (0..s.outputs * taps)
        .map(
            |i| if kept[i / taps / lanes * taps + i % taps] { rng.random_range(1..=99) } else { 0 },
        )
        .collect();
    let layer = Layer {
        name: "conv".into(),
        kind: "Conv".into(),
        op: Op::Conv(Conv { window, groups: 1, weights }),
        input: 0,
        output: 1,
        requant: vec![Requant { bias: 0, multiplier: 20_000, shift: 25 }; s.outputs],
        clamp: [0, 127],
    };
    let input = Shape::new(s.channels, s.extent, s.extent);
    Network {
        name: "single".into(),
        tensors: vec![input, Shape::new(s.outputs, height, width)],
        layers: vec![layer],
        activation_bits: config.numerics.activation_bits,
        weight_bits: config.numerics.weight_bits,
    }
}

/// Shares of the peak over all cycles, loading and storing included, of the convolutions of A. Krizhevsky,
/// I. Sutskever, G. Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NeurIPS 2012
/// (without its two groups).
#[test]
fn alexnet_keeps_the_array_busy() {
    let config = Config::default();
    for (channels, extent, outputs, kernel, stride, pad, least) in [
        (3, 227, 96, 11, 4, 0, 0.90),
        (96, 27, 256, 5, 1, 2, 0.88),
        (256, 13, 384, 3, 1, 1, 0.78),
        (384, 13, 384, 3, 1, 1, 0.78),
        (384, 13, 256, 3, 1, 1, 0.78),
    ] {
        let single = Single { channels, extent, outputs, kernel, stride, pad, density: 1.0 };
        let network = single_conv(&config, single);
        let compiled = compile(&network, &config, &Options::default()).unwrap();
        let macs = network.layers[0].macs(network.tensors[1]) as f64;
        let share = macs / config.multipliers() as f64 / compiled.cycles as f64;
        eprintln!("{channels} -> {outputs}, {kernel}x{kernel}: {share:.3}");
        assert!(share >= least, "{channels} -> {outputs}: {share:.3}");
    }
}

/// Layers of 64 channels pruned at random, in groups of as many output channels as a PE has lanes.
#[test]
fn pruned_weights_save_their_cycles() {
    let config = Config::default();
    for extent in [32, 16, 8] {
        let [dense, sparse] = [1.0, 0.3].map(|density| {
            let (channels, outputs) = (64, 64);
            let single =
                Single { channels, extent, outputs, kernel: 3, stride: 1, pad: 1, density };
            let network = single_conv(&config, single);
            let compiled = compile(&network, &config, &Options::default()).unwrap();
            let layer = &compiled.layers[0];
            eprintln!(
                "{extent}, {density}: {}; {} of {} cycles run",
                layer.mapping,
                layer.counters[Counter::RunCycles],
                compiled.cycles
            );
            compiled.cycles as f64
        });
        let ratio = sparse / dense;
        eprintln!("{extent}: {ratio:.4}");
        assert!(ratio <= 0.38, "{extent}: {ratio}");
    }
}

/// The utilization that the design expects of well-shaped layers, and the emulator's speed.
#[test]
fn well_shaped_layers_keep_the_array_busy() {
    let config = Config::default();
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for (channels, extent, outputs, density, least) in [
        (16, 32, 16, 1.0, 0.9),
        (32, 16, 32, 1.0, 0.9),
        (64, 8, 64, 1.0, 0.85),
        (64, 8, 64, 0.3, 0.8),
    ] {
        let network = single_conv(
            &config,
            Single { channels, extent, outputs, kernel: 3, stride: 1, pad: 1, density },
        );
        let start = std::time::Instant::now();
        let compiled = compile(&network, &config, &Options::default()).unwrap();
        let compiling = start.elapsed();
        let input = random::input(&mut rng, network.tensors[0], &config);
        let mut emulator = Emulator::new(&config);
        let mut program = compiled.program.clone();
        let range = program.input.range();
        program.dram[range].copy_from_slice(&compiled.encode_input(&input));
        let start = std::time::Instant::now();
        let report = emulator.run(&program).unwrap();
        let seconds = start.elapsed().as_secs_f64();
        let expected = reference::run(&network, &input).unwrap();
        assert!(compiled.decode_output(&report.output) == expected[1]);
        let counters = compiled.layers[0].counters;
        let lanes = 32.0;
        let busy =
            counters[Counter::PeSteps] as f64 / (lanes * counters[Counter::RunCycles] as f64);
        let macs = counters[Counter::PeSteps] as f64 * 4.0 / 1e6;
        eprintln!(
            "{channels}x{extent}x{extent} -> {outputs}, {density}: {} | run {} of {} cycles, busy {busy:.2}, \
             compiled in {compiling:?}, {:.0} M MAC/s",
            compiled.layers[0].mapping,
            counters[Counter::RunCycles],
            compiled.cycles,
            macs / seconds
        );
        assert!(busy >= least, "{busy}");
    }
}

/// Programs with a flipped command or register never panic or hang, whatever they do.
#[test]
fn damaged_programs_end() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let mut outcomes = std::collections::BTreeMap::new();
    for _ in 0..60 {
        let config = Config::random(&mut rng, &Limits::small());
        let network = random::network(&mut rng, &config, size(8, 2));
        let compiled = compile(&network, &config, &Options::default()).unwrap();
        for _ in 0..20 {
            let mut program = compiled.program.clone();
            let commands = program.transfers.iter().rev().find_map(|t| match t {
                pecan_ir::program::Transfer::Send { address, bytes } => {
                    Some(*address..*address + *bytes)
                }
                pecan_ir::program::Transfer::Receive { .. } => None,
            });
            let range = commands.unwrap();
            let at = rng.random_range(range.start.saturating_sub(400).max(1)..range.end) as usize;
            program.dram[at] ^= 1 << rng.random_range(0..8);
            let report = Emulator::new(&config).run(&program).unwrap();
            *outcomes.entry(format!("{:?}", report.outcome)).or_insert(0) += 1;
        }
    }
    eprintln!("{outcomes:?}");
    assert!(outcomes.len() > 3);
}
