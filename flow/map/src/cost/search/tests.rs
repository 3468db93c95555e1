use super::*;
use crate::cost::objective::ActionCosts;
use crate::space::density::Density;
use crate::space::orders::Orders;
use pecan_config::{Config, Limits};
use pecan_ir::layer::{Conv, Layer, Op, Requant, Shape, Window};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn layer(rng: &mut ChaCha8Rng) -> Option<(Layer, [Shape; 2])> {
    let input =
        Shape::new(rng.random_range(1..=40), rng.random_range(1..=14), rng.random_range(1..=14));
    let window = Window {
        kernel: [0; 2].map(|_| rng.random_range(1..=5)),
        stride: [0; 2].map(|_| rng.random_range(1..=3)),
        dilation: [0; 2].map(|_| rng.random_range(1..=2)),
        pads: [rng.random_range(0..=1); 4],
    };
    let [height, width] = window.output_size(input.height, input.width)?;
    let pool = rng.random_bool(0.2);
    let depthwise = rng.random_bool(0.2);
    let outputs = if pool || depthwise { input.channels } else { rng.random_range(1..=40) };
    let groups = if depthwise { input.channels } else { 1 };
    let taps = input.channels / groups * window.kernel[0] * window.kernel[1];
    let density = [0.1, 0.5, 1.0][rng.random_range(0..3)];
    let weight = |rng: &mut ChaCha8Rng| i32::from(rng.random_bool(density));
    let weights = (0..outputs * taps).map(|_| weight(rng)).collect();
    let op = if pool { Op::MaxPool(window) } else { Op::Conv(Conv { window, groups, weights }) };
    let layer = Layer {
        name: "layer".into(),
        kind: "Conv".into(),
        op,
        input: 0,
        output: 1,
        requant: vec![Requant { bias: 0, multiplier: 1, shift: 1 }; outputs],
        clamp: [0, 1],
    };
    Some((layer, [input, Shape::new(outputs, height, width)]))
}

fn objectives(rng: &mut ChaCha8Rng) -> [Objective; 3] {
    let prices: Vec<f64> = (0..16).map(|_| rng.random_range(0.0..10.0)).collect();
    let costs =
        ActionCosts::new(|counter| prices[counter as usize], rng.random_range(0.0..100.0)).unwrap();
    [Objective::Delay, Objective::Energy(costs.clone()), Objective::Edp(costs)]
}

/// The least cost of all mappings, each of them timed; also checks that no bound exceeds its cost.
fn least(
    workload: &Workload<'_>,
    occupancy: &Occupancy,
    sliced: bool,
    g: &Geometry,
    objective: &Objective,
) -> Option<f64> {
    let mut best: Option<f64> = None;
    for Cut { slice, channel_tiles, .. } in &cuts(workload, occupancy, sliced, g, objective) {
        for tile in tiles(workload, g) {
            let candidate = Candidate { tiling: Tiling { tile, slice: *slice }, channel_tiles };
            let mut counts = cost::counts(workload, occupancy, &candidate, g).unwrap();
            let walk = Walk::of(workload, &candidate.tiling);
            let closed = ChannelTileCounts::of(workload, *slice, channel_tiles, g).with(&walk);
            assert_eq!(closed, counts, "{candidate:?} {workload:?}");
            let cycles = cost::cycles(workload, occupancy, &candidate, g).unwrap();
            let bound = cost::bound(workload, &candidate, g);
            assert!(bound <= cycles, "{bound} > {cycles}: {candidate:?} {workload:?}");
            counts[Counter::Cycles] = cycles;
            let cost = objective.cost(&counts);
            best = Some(best.map_or(cost, |best| best.min(cost)));
        }
    }
    best
}

#[test]
fn nothing_is_cheaper_than_what_the_search_finds() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (mut checked, mut pruned) = (0, 0);
    while checked < 150 {
        let config = Config::random(&mut rng, &Limits::small());
        let g = Geometry::of(&config);
        let Some((layer, shapes)) = layer(&mut rng) else { continue };
        let orders = Orders::default();
        let density = Density::default();
        let Ok(workload) = Workload::of(&layer, shapes, &orders, density, &g) else { continue };
        let occupancy = Occupancy::of(&workload, &g);
        for objective in objectives(&mut rng) {
            let Ok(mapping) = search(&workload, &occupancy, &g, &objective) else { continue };
            let least = least(&workload, &occupancy, mapping.sliced, &g, &objective).unwrap();
            assert_eq!(mapping.cost, least, "{objective:?} {workload:?}");
            pruned += mapping.searched.bounded - mapping.searched.timed;
            checked += 1;
        }
    }
    assert!(pruned > 1000, "{pruned}");
}
