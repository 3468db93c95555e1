//! Text, JSON and page of an estimate agree with each other and with themselves, for all subjects, machines and
//! technologies.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pecan_config::{Config, Limits, PRESETS, preset};
use pecan_energy::{Events, Planned, Rates, Target, Technology, measure};
use pecan_ir::layer::{Network, Tensor};
use pecan_ir::memory::MemoryModel;
use pecan_map::{Density, Options};
use pecan_report::{Entry, Estimates, Report, html, text};
use pecan_tests::random::{self, Size};
use pecan_tests::{digits, shapes};
use pecan_text::format::{energy, ratio};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

fn entry(label: &str, target: &Target, estimate: pecan_energy::Estimate) -> Entry {
    Entry { label: label.into(), target: target.clone(), estimate, inputs: "test".into() }
}

/// The digits network, on so many images.
fn digits(target: &Target, images: usize) -> Entry {
    let quantized = digits::quantized().unwrap();
    let samples = digits::test_images().unwrap();
    let inputs: Vec<Tensor> =
        samples.iter().take(images).map(|s| quantized.quantize_input(s)).collect();
    measured("digits", target, &quantized.network, &inputs)
}

fn measured(label: &str, target: &Target, network: &Network, inputs: &[Tensor]) -> Entry {
    let (options, memory) = (Options::default(), MemoryModel::Ideal);
    entry(label, target, measure(target, network, inputs, &options, &memory).unwrap())
}

/// AlexNet's shapes at a density.
fn shapes(target: &Target, rates: &Rates, density: f64) -> Entry {
    let options = Options { density: Density::new(density).unwrap(), ..Options::default() };
    let rates = std::slice::from_ref(rates);
    let planned = Planned::shapes(target, "alexnet", &shapes::alexnet(), &options, rates);
    entry(&format!("alexnet {density}"), target, planned.unwrap().into_estimate())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn members(value: &Value) -> f64 {
    value.as_object().unwrap().values().map(number).sum()
}

#[track_caller]
fn same(what: &str, a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * a.abs().max(b.abs()), "{what}: {a} is not {b}");
}

/// Sums, ratios and units within the document.
fn identities(entry: &Entry, document: &Value) {
    let (total, floor) = (&document["total"], &document["floor"]);
    let layers = document["layers"].as_array().unwrap();
    let sum = |key: &str| layers.iter().map(|layer| number(&layer[key])).sum::<f64>();
    let what = format!("{} on {}", entry.label, entry.target.config.name());
    let all = number(&total["energy"]);
    assert!(all.is_finite() && all > 0.0, "{what}");
    same(&what, sum("energy"), all);
    for key in ["macs", "other_operations"] {
        same(&what, sum(key), number(&total[key]));
    }
    for part in layers.iter().chain([total]) {
        for by in ["by_component", "by_data"] {
            same(&what, members(&part[by]), number(&part["energy"]));
        }
        let picojoules = (entry.unit() == "pJ").then(|| number(&part["energy"]));
        assert_eq!(part["energy_pj"].as_f64(), picojoules, "{what}");
    }
    for layer in layers {
        assert!(number(&layer["nonzero_macs"]) <= number(&layer["macs"]) * (1.0 + 1e-9), "{what}");
    }
    same(&what, number(&total["edp"]), all * number(&total["latency_cycles"]));
    same(&what, number(&total["energy_per_mac"]) * number(&total["macs"]), all);
    // The lower bound is below the energy, in total and in each of its parts.
    same(&what, number(&floor["ratio"]) * number(&floor["energy"]), all);
    assert!(number(&floor["ratio"]) >= 1.0, "{what}: {}", floor["ratio"]);
    same(&what, sum("nonzero_macs"), number(&floor["nonzero_macs"]));
    let multiplications =
        number(&floor["nonzero_macs"]) * number(&total["mac_energy_per_multiplication"]);
    assert!(multiplications <= number(&total["by_component"]["mac"]) * (1.0 + 1e-9), "{what}");
    let moved: f64 = layers.iter().map(|layer| members(&layer["dram_bits"])).sum();
    assert!(number(&floor["dram_bits"]) <= moved * (1.0 + 1e-9), "{what}");
    let per_bit = entry.target.technology.dram.per_bit;
    same(&what, multiplications + number(&floor["dram_bits"]) * per_bit, number(&floor["energy"]));
}

/// The values of the document appear in the text and on the page.
fn shown(entry: &Entry, document: &Value, said: &str, page: &str) {
    let (total, floor, unit) = (&document["total"], &document["floor"], entry.unit());
    let all = energy(number(&total["energy"]), unit);
    let each = energy(number(&total["energy_per_mac"]), unit);
    let (least, over) = (energy(number(&floor["energy"]), unit), ratio(number(&floor["ratio"])));
    let sentences = [
        format!("{all} per image"),
        format!("{each} per multiplication of the dense network"),
        format!("Floor: {least} ("),
        format!("{over} of it is spent"),
    ];
    for sentence in sentences {
        assert!(said.contains(&sentence), "{sentence:?} is not in:\n{said}");
    }
    for tile in [&all, &each, &over, &format!("the floor of {least}")] {
        assert!(page.contains(tile.as_str()), "{tile:?} is not on the page of {}", entry.label);
    }
    for layer in document["layers"].as_array().unwrap() {
        let value = energy(number(&layer["energy"]), unit);
        assert!(said.contains(&value) && page.contains(&value), "{value} of {}", layer["name"]);
    }
}

fn check(entry: Entry) {
    let single = Report { entries: vec![entry], objective: "delay".into(), memory: "ideal".into() };
    let document = serde_json::to_value(Estimates::of(&single)).unwrap();
    let entry = &single.entries[0];
    identities(entry, &document);
    shown(entry, &document, &text(&single), &html(&single));
}

#[test]
fn reports_agree_on_every_preset_in_every_technology() {
    for technology in pecan_technologies::shipped() {
        let technology = Technology::open(technology).unwrap();
        for preset_of in PRESETS {
            let mut config = preset(preset_of.name).unwrap();
            // The width of the network that is measured.
            config.numerics.activation_bits = 8;
            config.numerics.weight_bits = 8;
            let target = Target::new(&config, &technology).unwrap();
            let single = digits(&target, 1);
            let mut events = Events::default();
            single.estimate.layers.iter().for_each(|layer| events.add(&layer.events));
            let rates = Rates::of(&events);
            for density in [1.0, 0.3, 0.01] {
                check(shapes(&target, &rates, density));
            }
            check(single);
            // Weights that stay are counted once, in the lower bound as in the estimate.
            check(digits(&target, 5));
        }
    }
}

/// Sums, maxima and averages are no multiply-accumulates.
#[test]
fn reports_agree_for_random_networks() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let technology = Technology::open("sg13g2").unwrap();
    let mut tried = 0;
    while tried < 25 {
        let config = Config::random(&mut rng, &Limits::small());
        let network =
            random::network(&mut rng, &config, Size { extent: 10, channels: 20, depth: 4 });
        let output = |layer: &pecan_ir::layer::Layer| network.tensors[layer.output];
        if network.layers.iter().all(|layer| layer.macs(output(layer)) == 0) {
            continue;
        }
        let inputs: Vec<Tensor> =
            (0..2).map(|_| random::input(&mut rng, network.tensors[0], &config)).collect();
        let target = Target::new(&config, &technology).unwrap();
        check(measured(&format!("random {tried}"), &target, &network, &inputs));
        tried += 1;
    }
}
