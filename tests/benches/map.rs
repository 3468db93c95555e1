//! Time to map the bundled network and single layers of resnet8's shapes, and the utilization of the
//! array that the mapper predicts for each layer.

use std::time::Instant;

use pecan_config::{PRESETS, preset};
use pecan_ir::layer::Network;
use pecan_map::plan_shapes;
use pecan_map::{Compiled, MapError, Options, compile, plan_network, search_shape};
use pecan_net::LayerShape;
use pecan_tests::{digits, shapes};

fn main() {
    utilization("edge");
    searches("edge");
    divan::main();
}

/// Prints the share of the array's multipliers that each resnet8 convolution keeps busy at density 1: over the cycles
/// of its kernels, and over all cycles of a network with just this layer.
fn utilization(name: &str) {
    let config = preset(name).unwrap_or_default();
    println!(
        "{name}: {:24} {:>10} {:>10} {:>8} {:>8}",
        "layer", "MACs", "cycles", "running", "in all"
    );
    for network in shapes::resnet8() {
        let Ok(compiled) = compile(&network, &config, &Options::default()) else {
            println!("{name}: {:24} cannot be mapped", network.name);
            continue;
        };
        let macs = network.layers[0].macs(network.tensors[1]);
        let peak = config.multipliers() as f64;
        let layer = &compiled.layers[0];
        let running = layer.counters[pecan_config::isa::counter::Counter::RunCycles];
        println!(
            "{name}: {:24} {macs:>10} {:>10} {:>6.1} % {:>6.1} %",
            network.name,
            layer.cycles,
            100.0 * macs as f64 / (peak * running as f64),
            100.0 * macs as f64 / (peak * layer.cycles as f64),
        );
    }
}

/// The bundled digits network on a preset.
#[divan::bench(args = PRESETS.iter().map(|p| p.name))]
fn digits_network(bencher: divan::Bencher<'_, '_>, name: &str) {
    let config = preset(name).unwrap_or_default();
    let network = |config: &pecan_config::Config| -> Option<Network> {
        let mut network = digits::quantized().ok()?.network;
        network.activation_bits = config.numerics.activation_bits;
        network.weight_bits = config.numerics.weight_bits;
        Some(network)
    };
    let network = network(&config);
    bencher.bench(|| network.as_ref().map(|n| compile(n, &config, &Options::default())));
}

/// All convolutions of resnet8 on `edge`.
#[divan::bench]
fn resnet8_convolutions(bencher: divan::Bencher<'_, '_>) {
    let config = preset("edge").unwrap_or_default();
    let networks = shapes::resnet8();
    bencher.bench(|| {
        networks
            .iter()
            .map(|n| compile(n, &config, &Options::default()))
            .collect::<Result<Vec<Compiled>, MapError>>()
    });
}

/// All layers of a large network, fully connected ones included, on `edge`: search, prediction and program.
#[divan::bench(args = ["alexnet", "resnet18"], sample_count = 3)]
fn whole_network(bencher: divan::Bencher<'_, '_>, name: &str) {
    let config = preset("edge").unwrap_or_default();
    let shapes = if name == "alexnet" { shapes::alexnet() } else { shapes::resnet18() };
    let networks = shapes::networks(name, &shapes).unwrap_or_default();
    bencher.bench(|| {
        networks.iter().try_for_each(|n| compile(n, &config, &Options::default()).map(drop))
    });
}

/// Prints the number of mappings that the searches for known networks cover, and the speed.
fn searches(name: &str) {
    let config = preset(name).unwrap_or_default();
    for (network, shapes) in [("alexnet", shapes::alexnet()), ("resnet50", shapes::resnet50())] {
        let start = Instant::now();
        let Ok(plan) = plan_shapes(&shapes, &config, &Options::default()) else { continue };
        let seconds = start.elapsed().as_secs_f64();
        let bounded: u64 = plan.layers.iter().map(|layer| layer.searched.bounded).sum();
        let timed: u64 = plan.layers.iter().map(|layer| layer.searched.timed).sum();
        println!(
            "{name}: {network}: {} cycles; {bounded} mappings, {timed} of them timed, {:.1} ms in all",
            plan.cycles,
            1000.0 * seconds
        );
        for layer in &plan.layers {
            println!(
                "  {:14} {:>10} {:?} {}",
                layer.name, layer.cycles, layer.searched, layer.mapping
            );
        }
    }
}

/// All layers of AlexNet, the fully connected ones included, mapped and counted on `edge`.
#[divan::bench]
fn plan_alexnet(bencher: divan::Bencher<'_, '_>) {
    plan(bencher, &shapes::alexnet());
}

/// All layers of ResNet-50.
#[divan::bench]
fn plan_resnet50(bencher: divan::Bencher<'_, '_>) {
    plan(bencher, &shapes::resnet50());
}

fn plan(bencher: divan::Bencher<'_, '_>, shapes: &[LayerShape]) {
    let config = preset("edge").unwrap_or_default();
    bencher.bench(|| plan_shapes(shapes, &config, &Options::default()));
}

/// Mappings per second that the searches for all layers of a network cover, on one core.
#[divan::bench(args = ["alexnet", "resnet50"])]
fn mappings_per_second(bencher: divan::Bencher<'_, '_>, network: &str) {
    let config = preset("edge").unwrap_or_default();
    let options = Options::default();
    let shapes = if network == "alexnet" { shapes::alexnet() } else { shapes::resnet50() };
    let search = || shapes.iter().map(|shape| search_shape(shape, &config, &options));
    let mappings: u64 = search().flatten().map(|found| found.searched.bounded).sum();
    bencher
        .counter(divan::counter::ItemsCount::new(mappings))
        .bench(|| search().collect::<Result<Vec<_>, _>>());
}

/// The digits network with other weights in its second convolution.
#[divan::bench]
fn replan_one_layer(bencher: divan::Bencher<'_, '_>) {
    let config = preset("edge").unwrap_or_default();
    let network = digits::quantized().map(|quantized| quantized.network);
    let Ok(network) = network else { return };
    let Ok(mut plan) = plan_network(&network, &config, &Options::default()) else { return };
    let mut layer = network.layers[2].clone();
    if let pecan_ir::layer::Op::Conv(conv) = &mut layer.op {
        conv.weights.iter_mut().step_by(3).for_each(|weight| *weight = 0);
    }
    bencher.bench_local(|| plan.replan(2, layer.clone()));
}

/// ResNet-8 with other weights in its largest layer, all of it timed again.
#[divan::bench]
fn replan_resnet8(bencher: divan::Bencher<'_, '_>) {
    let config = preset("edge").unwrap_or_default();
    let network = shapes::resnet8_network();
    let Ok(mut plan) = plan_network(&network, &config, &Options::default()) else { return };
    let mut layer = network.layers[9].clone();
    if let pecan_ir::layer::Op::Conv(conv) = &mut layer.op {
        conv.weights.iter_mut().step_by(3).for_each(|weight| *weight = 0);
    }
    bencher.bench_local(|| plan.replan(9, layer.clone()));
}

/// The same layer by itself.
#[divan::bench]
fn plan_single(bencher: divan::Bencher<'_, '_>) {
    let config = preset("edge").unwrap_or_default();
    let mut network = shapes::resnet8()[7].clone();
    if let pecan_ir::layer::Op::Conv(conv) = &mut network.layers[0].op {
        conv.weights.iter_mut().step_by(3).for_each(|weight| *weight = 0);
    }
    bencher.bench_local(|| plan_network(&network, &config, &Options::default()));
}
