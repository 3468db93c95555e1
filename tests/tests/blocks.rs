//! Every block, in several sizes: the simulation in Rust equals the emitted Verilog in every cycle.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pecan_accelerator::verification::cases;
use pecan_host::tools::Finder;
use pecan_tests::equivalence::verify;
use pecan_verilator::Verilator;

#[test]
fn rust_and_verilog_agree_in_every_cycle() {
    let finder = Finder::from_environment().unwrap();
    let verilator = Verilator::locate(&finder, &|line| eprintln!("{line}")).unwrap();
    verify(&cases(), &verilator).unwrap();
}
