//! Time and memory of the largest layers.

use std::collections::BTreeMap;
use std::time::Instant;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::covariance::Covariance;
use super::criterion::Round;
use super::reconstruction::reconstruct;
use super::{ChannelClass, Price, Prices, PruneLayer, find};
use pecan_net::Masks;
use pecan_net::graph::Graph;
use pecan_net::testing::ModelBuilder;

/// Inputs and outputs: the second fully connected layer of AlexNet and VGG.
const SIZE: usize = 4096;
/// Inputs of the layer before.
const FEW: usize = 8;

/// Peak memory of this process in GB, where the system tells.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    let kb: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kb / 1e6)
}

fn covariance(rng: &mut ChaCha8Rng, size: usize) -> Covariance {
    // Inputs after a ReLU that depend on each other: a few directions and noise.
    let directions = 64;
    let samples: Vec<f32> = (0..size * directions).map(|_| rng.random::<f32>()).collect();
    let transposed: Vec<f32> =
        (0..directions * size).map(|at| samples[at % size * directions + at / size]).collect();
    let gram = super::matrix::product(&samples, &transposed, [size, directions, size]);
    let mut covariance: Vec<f64> = gram.into_iter().map(|v| f64::from(v) / 64.0).collect();
    (0..size).for_each(|i| covariance[i * (size + 1)] += 0.5 + rng.random::<f64>());
    let mean = vec![0.5; size];
    Covariance {
        inputs: size,
        covariance,
        mean,
        wanted: None,
        power: vec![1.0],
        sensitivity: vec![1.0; SIZE],
    }
}

#[test]
#[ignore = "takes a minute and 3 GB"]
fn a_fully_connected_layer_of_vgg() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let weights: Vec<f32> = (0..SIZE * SIZE).map(|_| rng.random::<f32>() - 0.5).collect();
    let size = SIZE as i64;
    let before: Vec<f32> = (0..SIZE * FEW).map(|_| rng.random::<f32>() - 0.5).collect();
    let model = ModelBuilder::new(&[FEW as i64])
        .floats("v", &[size, FEW as i64], &before)
        .node("Gemm", &["x", "v"], "h", &[("transB", &[1])])
        .floats("w", &[size, size], &weights)
        .node("Gemm", &["h", "w"], "y", &[("transB", &[1])])
        .model();
    let graph = Graph::import(&model).unwrap();
    let layers = PruneLayer::all(&graph, 4);
    let masks = Masks::of(&graph);
    let covariance = BTreeMap::from([
        ("n_h".to_owned(), covariance(&mut rng, FEW)),
        ("n_y".to_owned(), covariance(&mut rng, SIZE)),
    ]);
    // The channels between the layers can go as well.
    let class = ChannelClass { channels: SIZE, writers: vec![0], readers: vec![1] };
    let price = Price { entry: 20.0, weight: 4.0 };
    let names = ["n_h", "n_y"].map(|name| (name.to_owned(), price));
    let prices = Prices::new(BTreeMap::from(names), vec![100.0]);
    let (energy, macs) = (BTreeMap::new(), BTreeMap::new());
    let round = Round {
        graph: &graph,
        layers: &layers,
        masks: &masks,
        covariance: &covariance,
        classes: &[class],
        prices: &prices,
        energy: &energy,
        macs: &macs,
    };
    let start = Instant::now();
    let chosen = (find("pecan").unwrap().prepare)(&round).unwrap().masks(0.9).unwrap();
    let selection = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let (mut after, mut bias) = (weights.clone(), vec![0.0; SIZE]);
    reconstruct(&layers[1], &covariance["n_y"], &chosen.0["n_y"], &mut after, &mut bias).unwrap();
    let fit = start.elapsed().as_secs_f64();
    println!(
        "{SIZE} x {SIZE} and the channels that it reads: selection {selection:.1} s, refit {fit:.1} s, density {:.3}, peak memory {:.2} GB",
        chosen.density(),
        peak_memory().unwrap_or(f64::NAN)
    );
    assert!(chosen.density() < 0.15);
}
