//! Random configurations times random networks: RTL, emulator and integer reference agree on every value
//! and every counter, with stalls on every value.
//!
//! `PECAN_SEED=<n>` replays the configuration of a failure; its seed is printed when it fails. The long
//! campaign is `cargo test --release -p pecan-tests -- --ignored campaign`.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use pecan_config::{Config, Limits, Sparsity};
use pecan_ir::layer::{Layer, Op};
use pecan_map::LayerMapping;
use pecan_tests::bench::Bench;
use pecan_tests::random::{self, Size};
use pecan_verilator::harness::{Settings, Stalls};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Number of layers with a feature, by feature.
type Seen = BTreeMap<&'static str, usize>;

/// One configuration and `graphs` networks of one to five layers, every fourth with random stalls on both
/// streams.
fn one(seed: u64, graphs: usize, limits: &Limits, seen: &mut Seen) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut config = Config::random(&mut rng, limits);
    config.weights.sparsity = if seed.is_multiple_of(2) { Sparsity::Skip } else { Sparsity::Dense };
    let bench = Bench::new(&config).unwrap();
    for k in 0..graphs {
        let extent = if rng.random_bool(0.25) { 24 } else { 12 };
        let size = Size { extent, channels: 24, depth: rng.random_range(1..=5) };
        let network = random::network(&mut rng, &config, size);
        // The second image finds the weights in the device, where they fit.
        let inputs: Vec<_> =
            (0..2).map(|_| random::input(&mut rng, network.tensors[0], &config)).collect();
        let mut settings = Settings::default();
        if k % 4 == 3 {
            settings.stalls = Stalls { seed, input: 0.3, output: 0.5 };
        }
        match bench.check(&network, &inputs, &settings) {
            Ok(checked) => {
                let layers = network.layers.iter().zip(&checked.mappings);
                layers.for_each(|(layer, mapping)| count(seen, layer, mapping));
                *seen.entry("graphs whose weights stay").or_default() +=
                    usize::from(checked.resident);
            }
            Err(error) => {
                let layers: Vec<_> = network.layers.iter().map(random::describe).collect();
                panic!(
                    "PECAN_SEED={seed}, graph {k}: {error:?}\n{:?}\n{}\n{}",
                    network.tensors,
                    layers.join("\n"),
                    config.to_toml(),
                );
            }
        }
    }
}

/// Counts the features that the layer and its mapping exercise.
fn count(seen: &mut Seen, layer: &Layer, mapping: &LayerMapping) {
    let mapping = &mapping.mapping;
    let conv = match &layer.op {
        Op::Conv(conv) => Some(conv),
        _ => None,
    };
    let features = [
        ("layers", true),
        ("convolution", conv.is_some_and(|c| c.groups == 1)),
        ("grouped or depthwise", conv.is_some_and(|c| c.groups > 1)),
        ("maximum", matches!(layer.op, Op::MaxPool(_))),
        ("sum of two tensors", matches!(&layer.op, Op::Add(a) if a.other != layer.input)),
        ("dilation", conv.is_some_and(|c| c.window.dilation != [1, 1])),
        ("kernel above 5", conv.is_some_and(|c| c.window.kernel.iter().any(|k| *k > 5))),
        ("no weight left", conv.is_some_and(|c| c.weights.iter().all(|w| *w == 0))),
        ("several passes", mapping.channel_tiles.len() > 1),
        ("spill and preload", mapping.accumulates),
        ("strips", mapping.spatial_tile.is_some()),
        (
            "passes before strips",
            mapping.spatial_tile.is_some_and(|tile| tile.inside_channel_tiles),
        ),
    ];
    for (name, present) in features {
        *seen.entry(name).or_default() += usize::from(present);
    }
}

/// Executes the seeds, or the one in `PECAN_SEED`; every feature must have occurred.
fn run(seeds: std::ops::Range<u64>, graphs: usize, limits: &Limits) -> Seen {
    let mut seen = Seen::new();
    if let Some(seed) = std::env::var("PECAN_SEED").ok().and_then(|s| s.parse().ok()) {
        one(seed, graphs, limits, &mut seen);
        return seen;
    }
    for seed in seeds.clone() {
        one(seed, graphs, limits, &mut seen);
        println!("seed {seed}: {seen:?}");
    }
    println!("{} configurations, 0 mismatches: {seen:?}", seeds.end - seeds.start);
    let missing: Vec<_> = seen.iter().filter(|(_, n)| **n == 0).collect();
    assert!(missing.is_empty(), "never exercised: {missing:?}");
    seen
}

#[test]
fn random_configurations_and_graphs() {
    run(0..16, 10, &Limits::small());
}

/// 40 configurations, each with 25 graphs of one to five layers: about 3,000 layers.
#[test]
#[ignore = "takes several minutes"]
fn campaign_of_forty_configurations() {
    let mut limits = Limits::small();
    limits.multipliers = 64;
    limits.upper.array.rows = 8;
    limits.upper.array.cols = 8;
    limits.upper.pe.scratchpad_words = 32;
    limits.upper.pe.psum_depth = 32;
    let seen = run(1000..1040, 25, &limits);
    assert!(seen["layers"] >= 2000 || std::env::var_os("PECAN_SEED").is_some());
}
