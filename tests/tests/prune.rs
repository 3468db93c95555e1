//! A pruned network on the hardware: bit for bit on the RTL, its energy at gate level, its accuracy in ONNX Runtime.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pecan_calibrate::{Plan, Setup, held_out};
use pecan_config::{Config, preset};
use pecan_energy::{Target, Technology};
use pecan_host::tools::Finder;
use pecan_map as map;
use pecan_net::data::{Samples, Selection};
use pecan_net::export::pruned;
use pecan_net::graph::Graph;
use pecan_net::onnx::Model;
use pecan_net::op::argmax;
use pecan_net::quantize::{Calibration, Options};
use pecan_prune as prune;
use pecan_prune::{Bounds, Dense, Outcome, Schedule, Setting, Split, Subset};
use pecan_synth::{LibertySearch, Process, SynthOptions};
use pecan_tests::bench::Bench;
use pecan_tests::judge::{judge, largest_difference};
use pecan_train as train;
use pecan_verilator::harness::Settings;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}

fn samples(rows: &str) -> Samples {
    let rows = rows.parse().unwrap();
    Samples::load(&data("digits.npz"), &Selection { rows, ..Selection::default() }).unwrap()
}

fn part(samples: &Samples) -> Subset {
    let inputs = samples.iter().map(<[f32]>::to_vec).collect();
    Subset { inputs, labels: samples.expect_labels(10).unwrap().to_vec() }
}

fn setting(config: &Config) -> Setting {
    let tuning = samples("train_idx");
    Setting {
        target: Target::new(config, &Technology::open("sg13g2").unwrap()).unwrap(),
        mapper: map::Options::default(),
        calibration: Calibration::MinMax,
        data: Arc::new(Split {
            calibration: tuning.iter().take(100).map(<[f32]>::to_vec).collect(),
            tuning: part(&tuning),
            validation: part(&samples("test_idx[0..180]")),
            test: part(&samples("test_idx[180..]")),
            labelled: true,
        }),
        images: 4,
        tuning: train::Settings { epochs: 4.0, ..train::Settings::default() },
        bounds: Bounds { accuracy_drop: 0.03, margin: 0.0, energy: None, cycles: None },
        schedule: Schedule { rounds: 4, step: 0.6, samples: 256, ..Schedule::default() },
    }
}

/// The digits network pruned on a configuration.
struct Pruned {
    model: Model,
    graph: Graph,
    setting: Setting,
    dense_energy: f64,
    outcome: Outcome,
}

impl Pruned {
    fn on(config: &Config, rule: &str) -> Self {
        let model = Model::read(&data("lenet_digits.onnx")).unwrap();
        let original = Graph::import(&model).unwrap();
        let mut graph = Graph::import(&model).unwrap();
        let setting = setting(config);
        let dense = Dense::new(&setting, &original).unwrap();
        let rule = prune::find(rule).unwrap();
        let search =
            prune::Search { setting: &setting, dense: &dense, criterion: rule, checkpoint: None };
        let outcome = prune::prune(search, &mut graph, &mut |_| ()).unwrap();
        let dense_energy = dense.estimate.energy();
        Self { model, graph, setting, dense_energy, outcome }
    }
}

/// The pruned network on the RTL has the values of the reference and all predicted counters, and its plan is the one of
/// the measured energy.
#[test]
fn pruned_digits_run_on_the_rtl() {
    let config = preset("edge").unwrap();
    let pruned = Pruned::on(&config, "pecan");
    let integers = prune::integers(&pruned.setting, &pruned.graph).unwrap();
    let inputs: Vec<_> = pruned.setting.data.test.inputs[..40]
        .iter()
        .map(|x| integers.compact.quantize_input(x))
        .collect();
    let bench = Bench::new(&config).unwrap();
    let checked = bench.check(&integers.compact.network, &inputs, &Settings::default()).unwrap();
    let full = integers.full.reference_outputs(&pruned.setting.data.test.slices()[..40]).unwrap();
    assert_eq!(checked.outputs, full, "leaving out channels changes no output");
    let answers = prune::answers(&integers, &pruned.setting.data.test).unwrap();
    let saved = 1.0 - pruned.outcome.point.energy / pruned.dense_energy;
    println!(
        "pruned digits on edge: {:.1} % less energy, {:.2} % of the weights, accuracy {:.2} % on {} test images, {} \
         images bit for bit on the RTL",
        100.0 * saved,
        100.0 * pruned.outcome.masks.density(),
        100.0 * answers.accuracy(),
        answers.0.len(),
        checked.outputs.len()
    );
    assert!(saved > 0.6, "{saved}");
    assert!(answers.accuracy() > 0.93);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pruned.onnx");
    self::pruned(&pruned.model, &pruned.graph).unwrap().write(&path).unwrap();
    let test = samples("test_idx[180..]");
    let theirs = judge(&path, &test).unwrap();
    let ours = pruned.graph.outputs(&test.as_slices()).unwrap();
    assert!(largest_difference(&ours, &theirs) < 1e-4);
    let labels = |all: &[Vec<f32>]| all.iter().map(|v| argmax(v)).collect::<Vec<_>>();
    assert_eq!(labels(&ours), labels(&theirs));
}

/// The network decides the widths, and it runs on the RTL of the chosen hardware.
#[test]
fn chosen_widths_run_on_the_rtl() {
    let config = preset("tiny").unwrap();
    let model = Model::read(&data("lenet_digits.onnx")).unwrap();
    let original = Graph::import(&model).unwrap();
    let mut graph = Graph::import(&model).unwrap();
    let mut setting = setting(&config);
    let (widths, calibration) = (setting.widths(), setting.calibration);
    setting.tuning.quantization = Some(train::Quantization { widths, calibration });
    setting.schedule.rounds = 2;
    let dense = Dense::new(&setting, &original).unwrap();
    let widths = [8, 4].map(|weight_bits| Options { weight_bits, ..widths });
    let search = prune::Search {
        setting: &setting,
        dense: &dense,
        criterion: prune::DEFAULT,
        checkpoint: None,
    };
    // The better of both, and then 4 bits in any case: hardware other than that of the setting.
    for choice in [&widths[..], &widths[1..]] {
        let outcome = prune::prune_widths(search, choice, &mut graph, &mut |_| ()).unwrap();
        let chosen = outcome.point.widths;
        assert!(choice.contains(&chosen), "{chosen}");
        for tried in choice {
            let best = outcome.points.iter().filter(|p| p.widths == *tried && p.good);
            let best = best.map(|p| p.energy).fold(f64::INFINITY, f64::min);
            println!("{tried}: {:.1} % of the energy", 100.0 * best / dense.estimate.energy());
            assert!(best >= outcome.point.energy);
        }
        let setting = setting.with_widths(chosen).unwrap();
        assert_eq!(setting.target.config.numerics.weight_bits, chosen.weight_bits);
        let integers = prune::integers(&setting, &graph).unwrap();
        let images = &setting.data.test.inputs[..4];
        let inputs: Vec<_> = images.iter().map(|x| integers.compact.quantize_input(x)).collect();
        let bench = Bench::new(&setting.target.config).unwrap();
        bench.check(&integers.compact.network, &inputs, &Settings::default()).unwrap();
    }
}

/// Layers of the pruned network on a small array at gate level: the energies that pruning used are those of the
/// netlist.
#[test]
fn energy_of_the_pruned_network_at_gate_level() {
    let process = Process::load("sg13g2").unwrap();
    let liberty =
        LibertySearch { files: Vec::new(), pdk: Some(pecan_test_support::shared().join("pdk")) };
    if process.find_liberty(&liberty).is_err() {
        pecan_test_support::skip("the cell library of sg13g2 is absent");
        return;
    }
    let plan = "cycles = 600\nseed = 5\nwindows = 5\nfit = []\n\n[[held_out]]\nname = \"pruned_2x3x2\"\n\
                set = [\"array.rows=2\", \"array.cols=3\", \"array.lanes=2\", \"drain.lanes=2\", \"pe.psum_depth=12\"]\n\n\
                [[network]]\nmodel = \"pruned.onnx\"\ndata = \"digits.npz\"\ncalibrate = \"0..100\"\n\
                sample = \"1500..1501\"\nlayers = 2\n";
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    std::fs::write(file("plan.toml"), plan).unwrap();
    std::fs::copy(data("digits.npz"), file("digits.npz")).unwrap();
    let config = preset("edge").unwrap();
    let found = Pruned::on(&config, "pecan");
    pruned(&found.model, &found.graph).unwrap().write(&file("pruned.onnx")).unwrap();
    let setup = Setup {
        process,
        synthesis: SynthOptions { liberty, ..SynthOptions::default() },
        finder: Finder::from_environment().unwrap(),
        plan: Plan::load(&file("plan.toml")).unwrap(),
        networks: folder.path().to_path_buf(),
        cases: file("cases"),
    };
    let technology = Technology::open("sg13g2").unwrap();
    let layers = held_out(&setup, &technology, &|_| ()).unwrap();
    assert_eq!(layers.len(), 2);
    for layer in &layers {
        println!(
            "pruned {}: {:.0} pJ at gate level, {:.0} predicted, {:+.1} %",
            layer.layer,
            layer.gate_level,
            layer.predicted,
            100.0 * layer.error()
        );
        assert!(layer.error().abs() < 0.15, "{layer:?}");
    }
}

/// Every criterion keeps the required accuracy, at less energy.
#[test]
fn every_rule_saves_energy() {
    let config = preset("edge").unwrap();
    for rule in prune::REGISTRY {
        let pruned = Pruned::on(&config, rule.name);
        let point = &pruned.outcome.point;
        println!(
            "{}: {:.1} % of the energy at {:.2} % on the validation samples",
            rule.name,
            100.0 * point.energy / pruned.dense_energy,
            100.0 * point.accuracy
        );
        assert!(point.good && point.energy < 0.75 * pruned.dense_energy, "{point:?}");
        for dense in pruned.outcome.points.windows(2) {
            assert!(dense[1].energy < pruned.dense_energy);
        }
    }
}
