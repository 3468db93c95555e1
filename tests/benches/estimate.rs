//! Time of estimates: whole networks from their shapes, and one layer again, as in a loop that prunes.

use std::time::Instant;

use pecan_config::preset;
use pecan_energy::{Events, Planned, Rates, Target, Technology, action_costs, measure};
use pecan_ir::layer::{Network, Op};
use pecan_ir::memory::MemoryModel;
use pecan_map::{Objective, Options};
use pecan_net::LayerShape;
use pecan_tests::{digits, shapes};

fn main() {
    speed();
    divan::main();
}

/// Technology without a file; the time of a term does not depend on its coefficient.
fn target(preset_name: &str) -> Option<Target> {
    let config = preset(preset_name).unwrap_or_default();
    Target::new(&config, &Technology::open("eyeriss-relative").ok()?).ok()
}

/// Activity of the bundled network.
fn rates(target: &Target) -> Option<Rates> {
    let quantized = digits::quantized().ok()?;
    let images = digits::test_images().ok()?;
    let input = quantized.quantize_input(images.iter().next()?);
    let network = Network {
        activation_bits: target.config.numerics.activation_bits,
        weight_bits: target.config.numerics.weight_bits,
        ..quantized.network
    };
    let options = Options::default();
    let estimate = measure(target, &network, &[input], &options, &MemoryModel::Ideal).ok()?;
    let mut events = Events::default();
    estimate.layers.iter().for_each(|layer| events.add(&layer.events));
    Some(Rates::of(&events))
}

fn plan(
    target: &Target,
    shapes: &[LayerShape],
    rates: &Rates,
    objective: &Objective,
) -> Option<Planned> {
    let options = Options { objective: objective.clone(), ..Options::default() };
    Planned::shapes(target, "network", shapes, &options, std::slice::from_ref(rates)).ok()
}

/// Prints the number of mappings that each objective covers on each preset, and the speed.
fn speed() {
    for name in ["edge", "eyeriss"] {
        let Some(target) = target(name) else { continue };
        let Some(rates) = rates(&target) else { continue };
        let Ok(costs) = action_costs(&target, &rates) else { continue };
        let objectives = [
            ("delay", Objective::Delay),
            ("energy", Objective::Energy(costs.clone())),
            ("edp", Objective::Edp(costs)),
        ];
        for (goal, objective) in objectives {
            let start = Instant::now();
            let Some(planned) = plan(&target, &shapes::alexnet(), &rates, &objective) else {
                continue;
            };
            let seconds = start.elapsed().as_secs_f64();
            let searched = planned.estimate().searched;
            println!(
                "alexnet on {name}, least {goal}: {:.4e} MAC, {} cycles, {} mappings, {} timed, {:.1} ms",
                planned.estimate().energy(),
                planned.estimate().cycles,
                searched.bounded,
                searched.timed,
                1e3 * seconds
            );
        }
    }
}

/// All layers of a network mapped for the goal and costed, on `edge`.
#[divan::bench(args = ["alexnet delay", "alexnet energy", "resnet50 delay", "resnet50 energy"], sample_count = 20)]
fn network(bencher: divan::Bencher<'_, '_>, what: &str) {
    let Some(target) = target("edge") else { return };
    let Some(rates) = rates(&target) else { return };
    let shapes = if what.starts_with("alexnet") { shapes::alexnet() } else { shapes::resnet50() };
    let objective = if what.ends_with("energy") {
        let Ok(costs) = action_costs(&target, &rates) else { return };
        Objective::Energy(costs)
    } else {
        Objective::Delay
    };
    bencher.bench(|| plan(&target, &shapes, &rates, &objective));
}

/// ResNet-8 with other weights in its largest layer: that layer is mapped, the network timed and priced.
#[divan::bench]
fn replan_resnet8(bencher: divan::Bencher<'_, '_>) {
    let Some(target) = target("edge") else { return };
    let Some(rates) = rates(&target) else { return };
    let network = shapes::resnet8_network();
    let options = Options::default();
    let Ok(mut planned) = Planned::network(&target, &network, &options, &[rates]) else { return };
    let mut layer = network.layers[9].clone();
    if let Op::Conv(conv) = &mut layer.op {
        conv.weights.iter_mut().step_by(3).for_each(|weight| *weight = 0);
    }
    bencher.bench_local(|| planned.replan(9, layer.clone()).map(|estimate| estimate.cycles));
}

/// One of AlexNet's layers at another number of channels.
#[divan::bench]
fn replan_alexnet_shape(bencher: divan::Bencher<'_, '_>) {
    let Some(target) = target("edge") else { return };
    let Some(rates) = rates(&target) else { return };
    let shapes = shapes::alexnet();
    let Some(mut planned) = plan(&target, &shapes, &rates, &Objective::Delay) else { return };
    let shape = LayerShape { outputs: 320, ..shapes[2].clone() };
    bencher.bench_local(|| planned.replan_shape(2, &shape).map(|estimate| estimate.cycles));
}

/// The bundled network on one image, measured on the emulator with every toggle.
#[divan::bench]
fn measure_digits(bencher: divan::Bencher<'_, '_>) {
    let Some(target) = target("edge") else { return };
    bencher.bench(|| rates(&target));
}
