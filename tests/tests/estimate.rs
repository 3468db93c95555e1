//! Estimates: measured, planned and changed networks, and the trends of published results.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pecan_config::isa::counter::Counter;
use pecan_config::{Config, Limits, preset};
use pecan_emulator::Emulator;
use pecan_energy::{
    Block, Data, Estimate, Events, Planned, Rates, Target, Technology, action_costs, measure,
};
use pecan_ir::layer::{Network, Op, Tensor};
use pecan_ir::memory::MemoryModel;
use pecan_map::plan_shapes;
use pecan_map::{Density, Objective, Options};
use pecan_net::LayerShape;
use pecan_net::topology::Topology;
use pecan_tests::random::{self, Size};
use pecan_tests::{digits, shapes};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn target(config: &Config) -> Target {
    Target::new(config, &Technology::open("eyeriss-relative").unwrap()).unwrap()
}

fn digits_estimate(images: usize) -> (Target, Network, Estimate) {
    let target = target(&Config::default());
    let quantized = digits::quantized().unwrap();
    let samples = digits::test_images().unwrap();
    let inputs: Vec<Tensor> =
        samples.iter().take(images).map(|s| quantized.quantize_input(s)).collect();
    let (options, memory) = (Options::default(), MemoryModel::Ideal);
    let estimate = measure(&target, &quantized.network, &inputs, &options, &memory).unwrap();
    (target, quantized.network, estimate)
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

fn layer_rates(estimate: &Estimate) -> Vec<Rates> {
    estimate.layers.iter().map(|layer| Rates::of(&layer.events)).collect()
}

/// A plan with the rates of a measurement reproduces the measurement: its counts are the emulator's.
#[test]
fn plan_and_measurement_agree() {
    let (target, network, measured) = digits_estimate(1);
    let rates = layer_rates(&measured);
    let planned = Planned::network(&target, &network, &Options::default(), &rates).unwrap();
    let planned = planned.estimate();
    assert_eq!(planned.cycles, measured.cycles);
    for (a, b) in measured.layers.iter().zip(&planned.layers) {
        for (a, b) in a.events.counts.iter().zip(&b.events.counts) {
            assert!(close(*a, *b), "{}: {a} {b}", planned.network);
        }
        assert!(close(a.energy.total(), b.energy.total()), "{}", a.name);
        assert_eq!((a.macs, a.dram_bits), (b.macs, b.dram_bits));
    }
}

/// The counts of a measurement equal the emulator's counters, including the closing store, on any configuration.
#[test]
fn counts_are_those_of_the_emulator() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for trial in 0..40 {
        let config = Config::random(&mut rng, &Limits::small());
        let depth = rng.random_range(1..=4);
        let network = random::network(&mut rng, &config, Size { extent: 10, channels: 20, depth });
        let input = random::input(&mut rng, network.tensors[0], &config);
        let (options, memory) = (Options::default(), MemoryModel::Ideal);
        let inputs = std::slice::from_ref(&input);
        let estimate = measure(&target(&config), &network, inputs, &options, &memory).unwrap();
        let mut wide = config.clone();
        wide.counters.bits = 48;
        let compiled = pecan_map::compile(&network, &wide, &options).unwrap();
        let mut program = compiled.program.clone();
        let range = program.input.range();
        program.dram[range].copy_from_slice(&compiled.encode_input(&input));
        let report = Emulator::new(&wide).run(&program).unwrap();
        assert_eq!(estimate.cycles, report.cycles as f64, "trial {trial}");
        for counter in Counter::ALL {
            let sum: f64 = estimate.layers.iter().map(|l| l.events.count(*counter)).sum();
            assert_eq!(sum, report.counters[*counter] as f64, "{} trial {trial}", counter.key());
        }
        let floor = estimate.floor();
        let nonzero: f64 =
            estimate.layers.iter().map(|l| l.events.count(Counter::ActiveLanes)).sum();
        assert!(
            floor.nonzero_macs <= nonzero,
            "trial {trial}: the array computes every nonzero product"
        );
        assert!(estimate.energy() > 0.0 && floor.dram_bits > 0.0);
    }
}

/// Weights that stay in the device are loaded only once.
#[test]
fn resident_weights_cost_less_from_the_second_image_on() {
    let config = {
        let mut config = Config::default();
        config.buffers.weight_entries = 8192;
        config
    };
    let target = target(&config);
    let quantized = digits::quantized().unwrap();
    let samples = digits::test_images().unwrap();
    let inputs: Vec<Tensor> = samples.iter().take(3).map(|s| quantized.quantize_input(s)).collect();
    let of = |inputs: &[Tensor]| {
        let (options, memory) = (Options::default(), MemoryModel::Ideal);
        measure(&target, &quantized.network, inputs, &options, &memory).unwrap()
    };
    let (first, all) = (of(&inputs[..1]), of(&inputs));
    let weights = |e: &Estimate| e.layers.iter().map(|layer| layer.dram_bits[0]).sum::<f64>();
    assert!(close(weights(&all), weights(&first) / 3.0));
    assert!(all.energy() < first.energy() && all.cycles < first.cycles);
}

#[test]
fn a_changed_layer_is_estimated_as_if_all_were_new() {
    let (target, mut network, measured) = digits_estimate(1);
    let rates = layer_rates(&measured);
    let mut planned = Planned::network(&target, &network, &Options::default(), &rates).unwrap();
    let dense = planned.estimate().energy();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for index in [3, 1, 0, 4] {
        let Op::Conv(conv) = &mut network.layers[index].op else { continue };
        conv.weights.iter_mut().for_each(|w| *w *= i32::from(rng.random_bool(0.4)));
        let changed = planned.replan(index, network.layers[index].clone()).unwrap().clone();
        let fresh = Planned::network(&target, &network, &Options::default(), &rates).unwrap();
        let fresh = Estimate { mapping_time: changed.mapping_time, ..fresh.into_estimate() };
        assert_eq!(changed, fresh, "layer {index}");
        assert!(changed.energy() < dense);
    }
}

/// The prices that the mapper compares add up to the model's energy, for a model without limits by the clock.
#[test]
fn prices_of_actions_add_up() {
    let (target, _, measured) = digits_estimate(1);
    let mut events = Events::default();
    measured.layers.iter().for_each(|layer| events.add(&layer.events));
    let rates = Rates::of(&events);
    let costs = action_costs(&target, &rates).unwrap();
    for layer in
        &plan_shapes(&shapes::alexnet(), &target.config, &Options::default()).unwrap().layers
    {
        let energy = target.model.energy(&rates.events(&layer.counts), &layer.data).total();
        let priced = costs.energy(&layer.counts);
        assert!((priced / energy - 1.0).abs() < 1e-6, "{}: {priced} {energy}", layer.name);
    }
}

fn shapes_estimate(
    config: &Config,
    layers: &[LayerShape],
    density: impl Fn(&LayerShape) -> f64,
    goal: bool,
) -> Estimate {
    let target = target(config);
    let g = target.model.geometry().clone();
    // No Hamming distances: the costs are those of whole accesses.
    let rates = Rates::of(&Events::default()).with_activation_density(0.5, g.lanes, g.zero_gating);
    let objective = if goal {
        Objective::Energy(action_costs(&target, &rates).unwrap())
    } else {
        Objective::Delay
    };
    let mut total: Option<Estimate> = None;
    for shape in layers {
        let density = Density::new(density(shape)).unwrap();
        let options = Options { objective: objective.clone(), density };
        let (shapes, rates) = (std::slice::from_ref(shape), std::slice::from_ref(&rates));
        let one = Planned::shapes(&target, "network", shapes, &options, rates).unwrap();
        match &mut total {
            Some(total) => total.append(one.into_estimate()),
            None => total = Some(one.into_estimate()),
        }
    }
    total.unwrap()
}

/// Share of the energy in the layers whose names begin with `start`.
fn share(estimate: &Estimate, start: &str) -> f64 {
    let own = estimate.layers.iter().filter(|layer| layer.name.starts_with(start));
    own.map(|layer| layer.energy.total()).sum::<f64>() / estimate.energy()
}

fn shown(what: &str, estimate: &Estimate) {
    let breakdown = estimate.breakdown();
    let total = breakdown.total();
    let parts = |name: &str, value: f64| format!("{name} {:.1} %", 100.0 * value / total);
    let blocks = Block::ALL.iter().map(|b| parts(b.name(), breakdown.block(*b)));
    let data = Data::ALL.iter().map(|d| parts(d.name(), breakdown.data(*d)));
    let list: Vec<String> = blocks.chain(data).collect();
    eprintln!("{what}: {total:.3e} MAC, {} cycles: {}", estimate.cycles, list.join(", "));
}

/// As published (T.-J. Yang, Y.-H. Chen, V. Sze, "Designing Energy-Efficient Convolutional Neural Networks Using
/// Energy-Aware Pruning", CVPR 2017): once the fully connected layers are pruned, convolutions dominate.
#[test]
fn convolutions_dominate_alexnet_once_fully_connected_layers_are_pruned() {
    let layers = shapes::alexnet();
    let config = preset("eyeriss").unwrap();
    let dense = shapes_estimate(&config, &layers, |_| 1.0, true);
    let pruned = |layer: &LayerShape| if layer.name.starts_with("fc") { 0.1 } else { 0.35 };
    let pruned = shapes_estimate(&config, &layers, pruned, true);
    shown("alexnet dense", &dense);
    shown("alexnet pruned", &pruned);
    eprintln!("conv: {:.3} dense, {:.3} pruned", share(&dense, "conv"), share(&pruned, "conv"));
    assert!(share(&pruned, "conv") > 0.5, "{}", share(&pruned, "conv"));
    assert!(share(&pruned, "conv") > share(&dense, "conv"));
    assert!(pruned.energy() < 0.5 * dense.energy());
}

/// As published there, feature maps take more energy than weights in GoogLeNet, and less in AlexNet. Lists are dense,
/// as on the published chip. With buffers that hold reused data, the same is true of the DRAM traffic.
#[test]
fn feature_maps_outweigh_weights_in_googlenet() {
    let path = pecan_test_support::shared().join("workloads/Googlenet.csv");
    if !path.exists() {
        let _ = pecan_test_support::present(&path);
        return;
    }
    let googlenet = Topology::read(&path).unwrap().layers;
    let mut config = preset("eyeriss").unwrap();
    config.weights.sparsity = pecan_config::Sparsity::Dense;
    let of = |config: &Config, what, layers: &[LayerShape]| {
        let estimate = shapes_estimate(config, layers, |_| 1.0, false);
        shown(what, &estimate);
        let bits =
            |kind: usize| estimate.layers.iter().map(|layer| layer.dram_bits[kind]).sum::<f64>();
        let breakdown = estimate.breakdown();
        let maps = breakdown.data(Data::Inputs) + breakdown.data(Data::Outputs);
        [maps / breakdown.data(Data::Weights), (bits(1) + bits(2)) / bits(0)]
    };
    let both = |config: &Config, what: &str| {
        let ratios =
            [of(config, "googlenet", &googlenet), of(config, "alexnet", &shapes::alexnet())];
        eprintln!("{what}: feature maps by weights, energy and DRAM bits: {ratios:?}");
        ratios
    };
    let [own, other] = both(&config, "buffers of the preset");
    assert!(own[0] > 1.0 && other[0] < 1.0);
    config.buffers.weight_entries = 65536;
    config.buffers.global_kib = 4096;
    let [own, other] = both(&config, "large buffers");
    assert!(own.iter().all(|ratio| *ratio > 1.0) && other.iter().all(|ratio| *ratio < 1.0));
}
