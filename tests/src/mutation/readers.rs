//! The readers of the product with a common signature.

// The reading process is meant to fail.
#![allow(clippy::expect_used)]

use std::path::Path;

use pecan_calibrate::Plan;
use pecan_cli::Failure;
use pecan_config::{Config, preset};
use pecan_emulator::Emulator;
use pecan_energy::Technology;
use pecan_gate::{Activity, GateDesign, GateOptions, Library, Window};
use pecan_ir::program::Program;
use pecan_map::plan_shapes;
use pecan_map::{Density, Options};
use pecan_net::data::{Npz, Rows, Samples, Selection};
use pecan_net::graph;
use pecan_net::graph::Graph;
use pecan_net::onnx::Model;
use pecan_net::quantize;
use pecan_net::quantize::{calibrate, compact};
use pecan_net::topology::Topology;
use pecan_rtl::emit::MemorySize;
use pecan_synth as tools;
use pecan_synth::Process;

use super::{Kind, Reader};

/// Values of a network up to which it is also computed: larger ones may take long.
const COMPUTED: usize = 1 << 16;

pub(super) fn of(kind: Kind) -> Reader {
    match kind {
        Kind::Onnx => Box::new(onnx),
        Kind::Npz => with_file("data.npz", npz),
        Kind::Configuration => with_file("configuration.toml", configuration),
        Kind::Topology => with_file("layers.csv", topology),
        Kind::Liberty => with_file("cells.lib", cells),
        Kind::Technology => with_file("technology.toml", |path, _| {
            Technology::open(&path.display().to_string()).map_err(shown).is_ok()
        }),
        Kind::Program => program(),
        Kind::Saif => saif(),
        Kind::Vcd => vcd(),
        Kind::Netlist => netlist(),
    }
}

/// A reader that needs a file.
fn with_file(name: &str, read: impl Fn(&Path, &[u8]) -> bool + 'static) -> Reader {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    Box::new(move |bytes| {
        let _ = &folder;
        std::fs::write(&path, bytes).expect("a file in a temporary folder");
        read(&path, bytes)
    })
}

/// Renders an error as a command would; with `PECAN_SHOW` it is also printed.
fn shown<E: ToString>(error: E) -> String {
    let text = error.to_string();
    if std::env::var_os("PECAN_SHOW").is_some() {
        eprintln!("{text}");
    }
    text
}

fn onnx(bytes: &[u8]) -> bool {
    let Ok(model) = Model::decode(bytes, "mutated.onnx").map_err(shown) else { return false };
    let findings = graph::check(&model);
    let Ok(graph) = Graph::import(&model).map_err(shown) else { return false };
    let shapes = graph.tensors.iter().filter_map(|tensor| tensor.shape.as_ref());
    let values: usize = shapes.map(|shape| shape.iter().product::<usize>()).sum();
    if values > COMPUTED || findings.iter().any(|finding| !finding.supported) {
        return true;
    }
    let sample = vec![0.5; graph.input_shape().iter().product()];
    let Ok(ranges) = calibrate(&graph, &[&sample]).map_err(shown) else { return false };
    let options = quantize::Options::default();
    match quantize::quantize(&graph, &ranges, options).map_err(shown) {
        Ok(quantized) => compact(&quantized).reference_outputs(&[&sample]).is_ok(),
        Err(_) => false,
    }
}

fn npz(path: &Path, _: &[u8]) -> bool {
    let Ok(mut archive) = Npz::open(path).map_err(shown) else { return false };
    let whole =
        archive.keys().iter().filter(|key| archive.array(key).map_err(shown).is_ok()).count();
    for rows in [Rows::All, Rows::Range(1, Some(3)), Rows::Key("rows".into())] {
        let selection = Selection { rows, limit: Some(1000), ..Selection::default() };
        let _ = Samples::load(path, &selection).map_err(shown);
    }
    let selection = Selection { limit: Some(2), ..Selection::default() };
    Samples::load_and_others(path, &selection, 2).map_err(shown).is_ok() && whole > 0
}

fn configuration(path: &Path, bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let config = Config::from_toml("mutated.toml", &text);
    let process = Process::parse("mutated.toml", &text);
    let read = config.is_ok() || process.is_ok();
    if let Err(error) = config {
        let failure = Failure::bad_input(error);
        let rendered = failure.render(false, 100);
        assert!(rendered.len() < (1 << 16) + 40 * text.len().min(4096), "{} bytes", rendered.len());
        assert!(failure.to_json().is_object());
    }
    if let Err(error) = process {
        assert!(!Failure::bad_input(error).render(false, 100).is_empty());
    }
    let _ = Plan::load(path).map_err(shown);
    read
}

fn topology(path: &Path, _: &[u8]) -> bool {
    let Ok(topology) = Topology::read(path).map_err(shown) else { return false };
    let config = preset("tiny").expect("a preset");
    let options = Options { density: Density::default(), ..Options::default() };
    let small = |layer: &&pecan_net::LayerShape| layer.weights() + layer.input.len() < COMPUTED;
    for layer in topology.layers.iter().filter(small).take(4) {
        let _ = plan_shapes(std::slice::from_ref(layer), &config, &options).map_err(shown);
    }
    topology.select(&["Conv1".into()]).map_err(shown).is_ok()
}

fn cells(path: &Path, bytes: &[u8]) -> bool {
    let simulated = Library::parse(&String::from_utf8_lossy(bytes)).is_ok();
    let memories = pecan_liberty::sram::read(path).map_err(shown).is_ok();
    let mapped = tools::Library::read(&[path.to_path_buf()], &["A*B*".into()]).map_err(shown);
    simulated || memories || mapped.is_ok()
}

fn program() -> Reader {
    let config = preset("tiny").expect("a preset");
    Box::new(move |bytes| {
        let path = Path::new("mutated.pecan");
        let Ok(program) = Program::from_bytes(bytes, path).map_err(shown) else { return false };
        Emulator::new(&config).run(&program).map_err(shown).is_ok()
    })
}

/// The small library that netlists and activities are read with.
fn library() -> Library {
    Library::read(&[Kind::Liberty.folder().join("round.lib")]).expect("the library of the corpus")
}

/// The netlist that activities are read for.
fn design() -> GateDesign {
    let file = Kind::Netlist.folder().join("inverters.json");
    GateDesign::load(&file, &library(), &GateOptions::default()).expect("the netlist")
}

fn saif() -> Reader {
    let design = design();
    with_file("toggles.saif", move |path, _| {
        Activity::read_saif(&design, path, None).map_err(shown).is_ok()
    })
}

fn vcd() -> Reader {
    let design = design();
    with_file("changes.vcd", move |path, _| {
        let part = Window { from_ns: Some(0.2), to_ns: Some(0.7) };
        let _ = Activity::read_vcd(&design, path, Some("bench.top"), &part).map_err(shown);
        Activity::read_vcd(&design, path, None, &Window::default()).map_err(shown).is_ok()
    })
}

fn netlist() -> Reader {
    let library = library();
    let memories = [("weight_buffer_4x2".to_owned(), MemorySize { words: 4, bits: 2 })].into();
    let options = GateOptions { memories, ..GateOptions::default() };
    with_file("netlist.json", move |path, _| {
        GateDesign::load(path, &library, &options).map_err(shown).is_ok()
    })
}
