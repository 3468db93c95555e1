//! Every block, in several sizes: the simulation in Rust and the emitted Verilog do the same in every cycle.

use pecan_hdl::verification::cases;
use pecan_sim::tools::Finder;
use pecan_sim::verilator::Verilator;
use pecan_tests::equivalence::verify;

#[test]
fn rust_and_verilog_agree_in_every_cycle() {
    let finder = Finder::from_environment().unwrap();
    let verilator = Verilator::locate(&finder, &|line| eprintln!("{line}")).unwrap();
    verify(&cases(), &verilator).unwrap();
}
