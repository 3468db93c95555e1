//! Plans: of changed layers, of shapes without weights, and for other objectives.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pecan_config::isa::counter::Counter;
use pecan_config::{Config, Limits, preset};
use pecan_ir::layer::{Network, Op};
use pecan_map::plan_shapes;
use pecan_map::{
    ActionCosts, Density, MapError, NetworkPlan, Objective, Options, compile, plan_network,
};
use pecan_net::LayerShape;
use pecan_tests::random::{self, Size};
use pecan_tests::shapes;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Counts by kind of data add up to the counters.
fn check_data(plan: &NetworkPlan) {
    for layer in &plan.layers {
        for (counts, data) in [(&layer.counts, &layer.data), (&layer.closing, &layer.closing_data)]
        {
            let beats =
                data.command_beats + data.weight_beats + data.param_beats + data.input_beats;
            assert_eq!(counts[Counter::BeatsIn], beats, "{}", layer.name);
            let reads = data.input_reads + data.output_reads;
            assert_eq!(counts[Counter::BufferReads], reads, "{}", layer.name);
            let writes = data.input_writes + data.output_writes;
            assert_eq!(counts[Counter::BufferWrites], writes, "{}", layer.name);
        }
    }
}

fn same(a: &NetworkPlan, b: &NetworkPlan, what: &str) {
    assert_eq!(a.cycles, b.cycles, "{what}");
    assert_eq!(a.layers, b.layers, "{what}");
}

#[test]
fn a_changed_layer_is_planned_as_if_all_were_new() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut changed = 0;
    for trial in 0..120 {
        let config = Config::random(&mut rng, &Limits::small());
        let depth = rng.random_range(1..=5);
        let size = Size { extent: 12, channels: 24, depth };
        let mut network = random::network(&mut rng, &config, size);
        let mut plan = plan_network(&network, &config, &Options::default()).unwrap();
        check_data(&plan);
        for index in 0..network.layers.len() {
            let Op::Conv(conv) = &mut network.layers[index].op else { continue };
            let keep = rng.random_range(0.0..1.0);
            conv.weights.iter_mut().for_each(|w| *w *= i32::from(rng.random_bool(keep)));
            plan.replan(index, network.layers[index].clone()).unwrap();
            let fresh = plan_network(&network, &config, &Options::default()).unwrap();
            same(&plan, &fresh, &format!("trial {trial}, layer {index}"));
            changed += 1;
        }
    }
    assert!(changed > 100, "{changed}");
}

/// The layer of a plan with weights, with entries where its density has them.
fn with_weights(shape: &LayerShape, config: &Config, density: Density) -> Network {
    let [rows, columns] = shape.window.kernel;
    let per_output = shape.input.channels / shape.groups * rows * columns;
    let mut network = shapes::convolution("layer", shape.input, shape.outputs, 1, 1, [0; 4]);
    network.tensors[1] = shape.output().unwrap();
    network.activation_bits = config.numerics.activation_bits;
    network.weight_bits = config.numerics.weight_bits;
    let Op::Conv(conv) = &mut network.layers[0].op else { panic!() };
    conv.window = shape.window;
    conv.groups = shape.groups;
    let weight = |i: usize| i32::from(density.keeps(i % per_output));
    conv.weights = (0..shape.outputs * per_output).map(weight).collect();
    let high = config.activation_range().1 as i32;
    network.layers[0].clamp = [-high, high];
    network
}

#[test]
fn shapes_take_what_a_program_with_such_lists_takes() {
    let config = Config::default();
    for (share, layer) in [(1.0, 2), (0.3, 2), (0.3, 7), (0.05, 0)] {
        let density = Density::new(share).unwrap();
        let options = Options { density, ..Options::default() };
        let shape = &shapes::alexnet()[layer];
        let plan = plan_shapes(std::slice::from_ref(shape), &config, &options).unwrap();
        check_data(&plan);
        let network = with_weights(shape, &config, density);
        let compiled = compile(&network, &config, &Options::default()).unwrap();
        assert_eq!(plan.cycles, compiled.cycles, "{} at {share}", shape.name);
        let counts = plan.layers[0].counts.wrapped(config.counters.bits);
        assert_eq!(counts, compiled.layers[0].counters, "{} at {share}", shape.name);
        let weighed = plan_network(&network, &config, &Options::default()).unwrap();
        assert_eq!(plan.layers[0].nonzero_macs, weighed.layers[0].nonzero_macs);
        assert_eq!(plan.layers[0].macs, weighed.layers[0].macs);
    }
}

#[test]
fn shapes_are_exchanged_one_by_one() {
    let config = preset("edge").unwrap();
    let mut layers = shapes::alexnet();
    let mut plan = plan_shapes(&layers, &config, &Options::default()).unwrap();
    layers[3].outputs = 200;
    plan.replan_shape(3, &layers[3]).unwrap();
    same(&plan, &plan_shapes(&layers, &config, &Options::default()).unwrap(), "alexnet");
    layers[3].groups = 7;
    let error = plan.replan_shape(3, &layers[3]).unwrap_err();
    assert!(matches!(error, MapError::Shape { .. }), "{error}");
    let error = plan.replan_shape(8, &layers[3]).unwrap_err().to_string();
    assert_eq!(error, "layer `#8` cannot be planned anew: there are 8 layers");
}

/// Energies in the proportions of Y.-H. Chen et al., "Eyeriss: A Spatial Architecture for Energy-Efficient
/// Dataflow for Convolutional Neural Networks", ISCA 2016: register file 1, buffer 6, DRAM 200.
fn costs() -> ActionCosts {
    let event = |counter| match counter {
        Counter::PeSteps => 4.0,
        Counter::ScratchWrites | Counter::PsumReads | Counter::PsumWrites => 1.0,
        Counter::WeightReads | Counter::WeightWrites => 6.0,
        Counter::BufferReads | Counter::BufferWrites => 6.0,
        Counter::BeatsIn | Counter::BeatsOut => 200.0,
        _ => 0.0,
    };
    ActionCosts::new(event, 1.0).unwrap()
}

/// Each objective finds the minimum of its own cost, layer by layer.
#[test]
fn no_objective_beats_another_at_its_own() {
    let config = Config::default();
    let costs = costs();
    let all = [Objective::Delay, Objective::Energy(costs.clone()), Objective::Edp(costs)];
    for shape in &shapes::alexnet()[..5] {
        let found = all.clone().map(|objective| {
            let options = Options { objective, ..Options::default() };
            pecan_map::search_shape(shape, &config, &options).unwrap()
        });
        let [delay, energy, product] = found;
        assert!(delay.cycles <= energy.cycles && delay.cycles <= product.cycles);
        assert!(product.cost <= energy.cost * energy.cycles as f64);
        eprintln!("{}: {delay:?} {energy:?} {product:?}", shape.name);
    }
}
