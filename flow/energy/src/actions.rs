//! Features of published costs per action, which count accesses of words and no Hamming distances.
//!
//! They are separate from the fitted ones: a technology from the literature names them, calibration ignores them.

use pecan_config::geometry::Geometry;
use pecan_config::isa::counter::Counter;

use super::block::{Block, Class};
use super::feature::Feature;
use super::{Data, Events};

/// A feature of an action; all belong to the class of power that switches with data.
const fn action(
    block: Block,
    name: &'static str,
    data: Data,
    value: fn(&Geometry, &Events) -> f64,
) -> Feature {
    Feature { name, block, class: Class::Data, data, value }
}

fn word_bits(g: &Geometry) -> f64 {
    (g.word_channels * g.activation_bits) as f64
}

/// Bits of partial sums that drain steps read from the array.
fn drained_bits(g: &Geometry, e: &Events) -> f64 {
    e.count(Counter::DrainSteps) * (g.drain_lanes * g.accumulator_bits) as f64
}

/// Bits moved per action: an access of 16 bits costs the published energy, one of 8 bits half.
pub(super) static ACTIONS: &[Feature] = &[
    action(Block::Mac, "action_bits", Data::Compute, |g, e| {
        e.count(Counter::ActiveLanes) * (g.activation_bits * g.weight_bits) as f64
    }),
    // Read and written at every accumulation, as in the publication's formula: two accesses per accumulation at a
    // level.
    action(Block::Mac, "action_sum_bits", Data::Outputs, |g, e| {
        2.0 * e.count(Counter::ActiveLanes) * g.accumulator_bits as f64
    }),
    action(Block::Scratchpad, "action_read_bits", Data::Inputs, |g, e| {
        e.count(Counter::ScratchReads) * g.activation_bits as f64
    }),
    action(Block::Scratchpad, "action_write_bits", Data::Inputs, |g, e| {
        e.count(Counter::ScratchWrites) * word_bits(g)
    }),
    action(Block::Psum, "action_bits", Data::Outputs, |g, e| {
        let accesses = e.count(Counter::PsumReads) + e.count(Counter::PsumWrites);
        accesses * (g.lanes * g.accumulator_bits) as f64 + drained_bits(g, e)
    }),
    action(Block::Network, "action_entry_bits", Data::Weights, |g, e| {
        e.count(Counter::PeSteps) * g.entry_bits as f64
    }),
    action(Block::Network, "action_word_bits", Data::Inputs, |g, e| {
        e.count(Counter::ScratchWrites) * word_bits(g)
    }),
    action(Block::Network, "action_sum_bits", Data::Outputs, drained_bits),
];
