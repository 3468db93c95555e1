//! Time to map the bundled network and single layers of resnet8's shapes, and the utilization of the
//! array that the mapper predicts for each layer.

use pecan_flow::map::{Compiled, MapError, Options, compile};
use pecan_hdl::config::{PRESETS, preset};
use pecan_sim::layer::Network;
use pecan_tests::{digits, shapes};

fn main() {
    utilization("edge");
    divan::main();
}

/// Prints the share of the array's multipliers that each resnet8 convolution keeps busy at density 1:
/// over the cycles of its runs, and over all cycles of a network that is just this layer.
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
        let running = layer.counters[pecan_hdl::isa::counter::Counter::RunCycles];
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
    let network = |config: &pecan_hdl::config::Config| -> Option<Network> {
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
    let text = if name == "alexnet" { shapes::ALEXNET } else { shapes::RESNET18 };
    let networks = shapes::networks(name, text).unwrap_or_default();
    bencher.bench(|| {
        networks.iter().try_for_each(|n| compile(n, &config, &Options::default()).map(drop))
    });
}
