//! Checks that a fault in the hardware is found, with the first wrong layer and value.

use std::path::Path;

use pecan_config::isa::counter::COUNT;
use pecan_config::preset;
use pecan_host::tools::Finder;
use pecan_ir::memory::MemoryModel;
use pecan_map::Options as MapperOptions;
use pecan_net::data::{Rows, Samples, Selection};
use pecan_net::graph::Graph;
use pecan_net::onnx::Model;
use pecan_net::quantize::{Options, quantize_with};
use pecan_simulate::{Opinion, Task, run, verilog};
use pecan_verilator::harness::Stalls;
use pecan_verilator::{BuildOptions, Simulator, Verilator};

#[test]
fn rounding_left_out_is_found_in_the_first_layer() {
    let config = preset("tiny").unwrap();
    let mut files = verilog(&config).unwrap();
    let lane = files.iter_mut().find(|file| file.name == "drain_lane.v").unwrap();
    let broken = lane.text.replace("+ 41'd1;", "+ 41'd0;");
    assert_ne!(lane.text, broken, "the rounding constant is written otherwise now");
    lane.text = broken;
    let verilator = Verilator::locate(&Finder::from_environment().unwrap(), &|_| ()).unwrap();
    let options =
        BuildOptions { stream_bits: config.stream.bits as u32, counters: COUNT, wave: false };
    let simulator = Simulator::build(&files, &options, &verilator).unwrap();

    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data");
    let graph = Graph::import(&Model::read(&data.join("lenet_digits.onnx")).unwrap()).unwrap();
    let selection =
        Selection { rows: Rows::Key("test_idx".into()), limit: Some(4), ..Selection::default() };
    let samples = Samples::load(&data.join("digits.npz"), &selection).unwrap();
    let quantized = quantize_with(&graph, &samples.as_slices(), Options::default()).unwrap();
    let inputs: Vec<_> = samples.iter().map(|s| quantized.quantize_input(s)).collect();
    let task = Task {
        config: &config,
        simulator: &simulator,
        memory: MemoryModel::Ideal,
        stalls: Stalls::default(),
        jobs: 2,
        timeout: None,
        mapper: MapperOptions::default(),
    };
    let (report, _) = run(&task, &quantized.network, &inputs, &|| ()).unwrap();
    assert!(!report.agrees());
    let first = report.difference.unwrap();
    assert_eq!((first.opinion, first.layer.as_str()), (Opinion::Rtl, "/conv1/Conv"));
    assert_ne!(first.value, first.reference);
    // A value that is off by one changes no count of cycles.
    assert!(report.layers[0].mismatches > 0 && report.exact);
}
