//! Random configurations times random networks: RTL, emulator and integer reference agree on every value
//! and every counter.
//!
//! `PECAN_SEED=<n>` replays a failure; the seed of each configuration is printed when it fails.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pecan_hdl::config::{Config, Limits, Sparsity};
use pecan_sim::harness::Settings;
use pecan_tests::bench::Bench;
use pecan_tests::random::{self, Size};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// One configuration, `networks` single-layer networks.
fn one(seed: u64, layers: usize) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut config = Config::random(&mut rng, &Limits::small());
    config.weights.sparsity = if seed.is_multiple_of(2) { Sparsity::Skip } else { Sparsity::Dense };
    let bench = Bench::new(&config).unwrap();
    for k in 0..layers {
        let size = Size { extent: 12, channels: 20, depth: 1 };
        let network = random::network(&mut rng, &config, size);
        let input = random::input(&mut rng, network.tensors[0], &config);
        if let Err(error) = bench.check(&network, &[input], &Settings::default()) {
            let layer = random::describe(&network.layers[0]);
            panic!("PECAN_SEED={seed}, layer {k}: {error:?}\n{:?} {layer}", network.tensors);
        }
    }
}

#[test]
fn random_configurations_and_layers() {
    if let Some(seed) = std::env::var("PECAN_SEED").ok().and_then(|s| s.parse().ok()) {
        one(seed, 10);
        return;
    }
    for seed in 0..20 {
        one(seed, 10);
    }
}
