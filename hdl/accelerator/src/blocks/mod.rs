//! The blocks of the accelerator, each one file: description, Rust simulation and Verilog in one.

mod accelerator;
mod bundles;
mod column;
mod compute;
mod config_leaf;
mod counters;
mod decoder;
mod dense_index;
mod drain;
mod drain_lane;
mod loader;
mod loader_loops;
mod loader_row;
mod mac;
mod pe;
mod pe_row;
#[cfg(test)]
mod protocol;
mod row_table;
#[cfg(any(test, feature = "verification"))]
pub(crate) mod stimuli;
mod store;
mod unpacker;

pub use accelerator::Accelerator;

use pecan_rtl::prelude::*;

/// `n` one-bit signals.
pub(crate) fn flags<D: Direction>(n: usize) -> Vec<Signal<D, Bit>> {
    (0..n).map(|_| Signal::default()).collect()
}
