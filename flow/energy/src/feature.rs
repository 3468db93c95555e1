//! The registry of features: the physical quantities that the energy of a block is proportional to. Statistics calls them
//! regressors.
//!
//! A feature is activity times size: bits that toggle times the loads that they drive, enabled clock edges
//! times the flip-flops behind them, cycles times cells. Coefficients (pJ per unit) come from the
//! technology file. A new one is a line in [`FEATURES`]; calibration finds its coefficient.

use pecan_config::geometry::Geometry;
use pecan_config::isa::counter::Counter as C;
use pecan_emulator::Toggle as T;

use super::Data::{self, Compute, Inputs, Outputs, Overhead, Weights};
use super::Events;
use super::block::Block::{
    self, Control, Drain, Loader, Mac, Network, Psum, Scratchpad, Sequencer,
};
use super::block::Class::{self, Clock, Leakage};

/// A quantity that energy of a block is proportional to.
#[derive(Clone, Copy, Debug)]
pub struct Feature {
    /// Name, unique within block and class.
    pub name: &'static str,
    /// The block.
    pub block: Block,
    /// The kind of power.
    pub class: Class,
    /// Kind of data that the energy is spent for.
    pub data: Data,
    /// Its value for a part of a program.
    pub value: fn(&Geometry, &Events) -> f64,
}

/// Shorthand of the table: `block.class name data = expression of geometry and events`.
macro_rules! features {
    ($($block:ident $class:ident $name:literal $data:ident = |$g:pat_param, $e:pat_param| $value:expr;)*) => {
        /// All features.
        pub static FEATURES: &[Feature] = &[$(Feature {
            name: $name,
            block: $block,
            class: $class,
            data: $data,
            value: |$g: &Geometry, $e: &Events| $value,
        },)*];
    };
}

use super::block::Class::Data as Logic;

/// 1 where a condition on the sizes holds, else 0: it gives these sizes a coefficient of their own.
fn only(condition: bool) -> f64 {
    f64::from(u8::from(condition))
}
fn pes(g: &Geometry) -> f64 {
    (g.rows * g.cols) as f64
}
fn lanes(g: &Geometry) -> f64 {
    pes(g) * g.lanes as f64
}
/// Bits of the high part of an accumulator, above a product.
fn high_bits(g: &Geometry) -> f64 {
    (g.accumulator_bits - g.activation_bits - g.weight_bits) as f64
}
fn sum_bits(g: &Geometry) -> f64 {
    (g.lanes * g.accumulator_bits) as f64
}
fn word_bits(g: &Geometry) -> f64 {
    (g.word_channels * g.activation_bits) as f64
}
fn words(g: &Geometry) -> f64 {
    2.0 * g.scratch_words as f64
}
/// Zero flags of a row whose words are too small for a clock gate: they are clocked in every cycle.
fn small_flags(g: &Geometry) -> f64 {
    let gated = g.word_channels >= pecan_synth::SynthOptions::GATED_FLOPS;
    if gated || !g.zero_gating { 0.0 } else { words(g) * g.word_channels as f64 }
}
fn depth(g: &Geometry) -> f64 {
    g.psum_depth() as f64
}
fn rows(g: &Geometry) -> f64 {
    g.rows as f64
}
fn cols(g: &Geometry) -> f64 {
    g.cols as f64
}
fn drains(g: &Geometry) -> f64 {
    g.drain_lanes as f64
}
fn cycles(e: &Events) -> f64 {
    e.count(C::Cycles)
}
/// Words of padding that the loader delivers: those that it does not read from the buffer. The other reads are those of
/// stores, one per stored word.
fn padding(g: &Geometry, e: &Events) -> f64 {
    let stored = e.count(C::BeatsOut) * g.stream_bits as f64 / word_bits(g);
    (e.toggle(T::PatchWords) - (e.count(C::BufferReads) - stored)).max(0.0)
}

features! {
    // Processing elements: operands, multipliers, adders, accumulators.
    Mac Logic "weight_operand" Weights = |_, e| e.toggle(T::WeightOperand);
    Mac Logic "activation_operand" Inputs = |g, e| e.toggle(T::ActivationOperand) * g.lanes as f64;
    Mac Logic "product" Compute = |_, e| e.toggle(T::Product);
    Mac Logic "multiply_cross" Compute = |_, e| e.toggle(T::MultiplyCross);
    // Glitches in a multiplier grow with its width and propagate through the accumulator behind it.
    Mac Logic "cross_bits" Compute = |g, e| e.toggle(T::MultiplyCross) * g.activation_bits as f64;
    Mac Logic "cross_sum_bits" Compute = |g, e| e.toggle(T::MultiplyCross) * g.accumulator_bits as f64;
    Mac Logic "active" Compute = |_, e| e.count(C::ActiveLanes);
    // Lanes share an activation through a multiplexer. Behind it the activation arrives later than the weights, and may
    // glitch while the multiplexer switches between equal bits.
    Mac Logic "cross_2_lanes" Compute = |g, e| e.toggle(T::MultiplyShared) * only(g.lanes == 2);
    Mac Logic "cross_4_lanes" Compute = |g, e| e.toggle(T::MultiplyShared) * only(g.lanes >= 4);
    Mac Logic "hazard_2_lanes" Compute = |g, e| e.toggle(T::MultiplyHazard) * only(g.lanes == 2);
    Mac Logic "hazard_4_lanes" Compute = |g, e| e.toggle(T::MultiplyHazard) * only(g.lanes >= 4);
    Mac Logic "takes_bits_2_lanes" Compute = |g, e| e.toggle(T::AccumulatorTakes) * g.accumulator_bits as f64 * only(g.lanes == 2);
    // The select of that multiplexer, and the zero flags of the words at the read ports.
    Mac Logic "channel_lanes" Inputs = |g, e| e.toggle(T::ChannelSelect) * rows(g) * g.lanes as f64;
    Mac Logic "select" Inputs = |_, e| e.toggle(T::ScratchSelect);
    Mac Logic "addend" Compute = |_, e| e.toggle(T::Addend);
    Mac Logic "takes" Compute = |_, e| e.toggle(T::AccumulatorTakes);
    Mac Logic "takes_bits" Compute = |g, e| e.toggle(T::AccumulatorTakes) * g.accumulator_bits as f64;
    Mac Logic "sum" Compute = |_, e| e.toggle(T::Sum);
    // The adders' outputs go to the write ports and the accumulators of all lanes.
    Mac Logic "total_sum_bits" Compute = |g, e| e.toggle(T::Total) * sum_bits(g);
    Mac Logic "psum_read" Outputs = |_, e| e.toggle(T::PsumReadBus);
    // A sum that continues passes another branch of the multiplexer before the adder.
    Mac Logic "psum_starts" Outputs = |g, e| e.count(C::PsumReads) * sum_bits(g);
    Mac Logic "steps" Overhead = |_, e| e.count(C::PeSteps);
    Mac Clock "pe" Overhead = |g, e| cycles(e) * pes(g);
    Mac Clock "lane" Overhead = |g, e| cycles(e) * lanes(g);
    Mac Clock "takes_bits" Compute = |g, e| e.toggle(T::AccumulatorTakes) * (g.activation_bits + g.weight_bits) as f64;
    Mac Clock "moves" Compute = |_, e| e.toggle(T::AccumulatorMoves);
    Mac Clock "moves_bits" Compute = |g, e| e.toggle(T::AccumulatorMoves) * high_bits(g);
    Mac Clock "takes" Compute = |_, e| e.toggle(T::AccumulatorTakes);
    Mac Clock "active_sum_bits" Compute = |g, e| e.count(C::ActiveLanes) * g.accumulator_bits as f64;
    Mac Clock "active_weight_bits" Weights = |g, e| e.count(C::ActiveLanes) * g.weight_bits as f64;
    Mac Clock "cells_sum" Overhead = |g, e| cycles(e) * lanes(g) * g.accumulator_bits as f64;
    Mac Clock "cells_weight" Overhead = |g, e| cycles(e) * lanes(g) * g.weight_bits as f64;
    Mac Leakage "lane" Overhead = |g, e| cycles(e) * lanes(g);
    Mac Leakage "multiplier" Overhead = |g, e| cycles(e) * lanes(g) * (g.activation_bits * g.weight_bits) as f64;
    Mac Leakage "adder" Overhead = |g, e| cycles(e) * lanes(g) * g.accumulator_bits as f64;

    // Scratchpads and zero flags: one file per row, one read port per column.
    Scratchpad Logic "write" Inputs = |_, e| e.toggle(T::ScratchWrite);
    Scratchpad Logic "taken" Inputs = |_, e| e.toggle(T::PatchTaken);
    Scratchpad Logic "taken_words" Inputs = |g, e| e.toggle(T::PatchTaken) * words(g);
    Scratchpad Logic "patch" Inputs = |g, e| e.toggle(T::PatchBus) * rows(g);
    Scratchpad Logic "writes" Inputs = |_, e| e.count(C::ScratchWrites);
    Scratchpad Logic "writes_words" Inputs = |g, e| e.count(C::ScratchWrites) * words(g);
    // Every row receives every word, and stores it or not.
    Scratchpad Logic "words_rows" Inputs = |g, e| e.toggle(T::PatchWords) * rows(g);
    Scratchpad Logic "read_bus_words" Inputs = |g, e| e.toggle(T::ScratchReadBus) * words(g);
    Scratchpad Logic "select" Inputs = |_, e| e.toggle(T::ScratchSelect);
    Scratchpad Logic "address" Inputs = |g, e| e.toggle(T::EntryIndex) * rows(g) * word_bits(g);
    Scratchpad Logic "address_only" Inputs = |g, e| e.toggle(T::EntryIndex) * rows(g);
    // A lane selects among the channels of its bank; from four on, synthesis orders the multiplexers differently.
    Scratchpad Logic "address_4_channels" Inputs = |g, e| e.toggle(T::EntryIndex) * rows(g) * word_bits(g) * only(g.word_channels >= 4 * g.lanes);
    Scratchpad Logic "address_4_of_4" Inputs = |g, e| e.toggle(T::EntryIndex) * rows(g) * word_bits(g) * only(g.word_channels >= 4 * g.lanes) * only(g.scratch_words <= 4);
    Scratchpad Logic "selects" Inputs = |g, e| e.toggle(T::ScratchSelects) * word_bits(g);
    // Multiplexer trees differ with the words of a half, of which there are few legal numbers.
    Scratchpad Logic "bits_8_words" Inputs = |g, e| e.toggle(T::ScratchAddress) * word_bits(g) * only(g.scratch_words == 8);
    // A lone lane's bank is the whole word.
    Scratchpad Logic "bits_1_lane" Inputs = |g, e| e.toggle(T::ScratchAddress) * word_bits(g) * only(g.lanes == 1);
    Scratchpad Logic "read_32_words" Inputs = |g, e| e.toggle(T::ScratchReadBus) * only(g.scratch_words >= 32);
    Scratchpad Logic "word_address" Inputs = |_, e| e.toggle(T::ScratchAddress);
    Scratchpad Logic "word_address_bits" Inputs = |g, e| e.toggle(T::ScratchAddress) * word_bits(g);
    Scratchpad Logic "steps_cells" Inputs = |g, e| e.count(C::PeSteps) * word_bits(g) * words(g);
    Scratchpad Logic "small_flags" Inputs = |g, e| e.toggle(T::PatchTaken) * small_flags(g);
    Scratchpad Logic "reads" Inputs = |_, e| e.count(C::ScratchReads);
    Scratchpad Clock "words" Overhead = |g, e| cycles(e) * rows(g) * words(g);
    Scratchpad Clock "cells" Overhead = |g, e| cycles(e) * rows(g) * words(g) * word_bits(g);
    Scratchpad Clock "small_flags" Overhead = |g, e| cycles(e) * rows(g) * small_flags(g);
    Scratchpad Clock "lanes" Overhead = |g, e| cycles(e) * lanes(g);
    Scratchpad Clock "write_bits" Inputs = |g, e| e.count(C::ScratchWrites) * word_bits(g);
    Scratchpad Clock "writes_words" Inputs = |g, e| e.count(C::ScratchWrites) * words(g);
    Scratchpad Clock "read_bits" Inputs = |g, e| e.count(C::ScratchReads) * g.activation_bits as f64;
    Scratchpad Clock "reads" Inputs = |_, e| e.count(C::ScratchReads);
    Scratchpad Leakage "rows" Overhead = |g, e| cycles(e) * rows(g);
    Scratchpad Leakage "words" Overhead = |g, e| cycles(e) * rows(g) * words(g);
    Scratchpad Leakage "cells" Overhead = |g, e| cycles(e) * rows(g) * words(g) * word_bits(g);
    Scratchpad Leakage "port_cells" Overhead = |g, e| cycles(e) * pes(g) * words(g) * word_bits(g);
    Scratchpad Leakage "pes" Overhead = |g, e| cycles(e) * pes(g);
    Scratchpad Leakage "lanes" Overhead = |g, e| cycles(e) * lanes(g);

    // Partial-sum files.
    Psum Logic "write_ones" Outputs = |g, e| e.toggle(T::PsumWriteOnes) * depth(g);
    // Halves of four words, the commonest small file, are synthesized differently from larger and smaller ones.
    Psum Logic "write_bus_8" Outputs = |g, e| e.toggle(T::PsumWriteOnes) * only(g.psum_depth() == 8);
    Psum Logic "write_bus" Outputs = |_, e| e.toggle(T::PsumWriteOnes);
    Psum Logic "sum" Outputs = |_, e| e.toggle(T::Sum);
    // Products move the sums at the write ports; halves of four words as above.
    Psum Logic "product_8" Outputs = |g, e| e.toggle(T::Product) * only(g.psum_depth() == 8);
    // Where words have no clock gate of their own, sums and their glitches reach the multiplexer of every word.
    Psum Logic "addend_depth" Outputs = |g, e| e.toggle(T::Addend) * depth(g);
    // In the cycle of a write the write data follow the adders, including glitches.
    Psum Logic "write_sum" Outputs = |_, e| e.toggle(T::PsumWriteSum);
    Psum Logic "write_cross_levels" Outputs = |g, e| e.toggle(T::PsumWriteCross) * g.psum_bits() as f64;
    Psum Logic "read_bus" Outputs = |_, e| e.toggle(T::PsumReadBus);
    Psum Logic "read_bus_depth" Outputs = |g, e| e.toggle(T::PsumReadBus) * depth(g);
    Psum Logic "drain_bus" Outputs = |_, e| e.toggle(T::DrainReadBus);
    Psum Logic "address" Outputs = |g, e| e.toggle(T::PsumAddress) * sum_bits(g);
    Psum Logic "address_depth" Outputs = |g, e| e.toggle(T::PsumAddress) * sum_bits(g) * depth(g);
    Psum Logic "selects" Outputs = |g, e| e.toggle(T::PsumSelects) * sum_bits(g);
    // The multiplexers of a deeper file have more levels.
    Psum Logic "drain_selects_levels" Outputs = |g, e| e.toggle(T::DrainSelects) * sum_bits(g) * g.psum_bits() as f64;
    Psum Logic "writes_bits" Outputs = |g, e| e.count(C::PsumWrites) * sum_bits(g);
    Psum Logic "writes_cells" Outputs = |g, e| e.count(C::PsumWrites) * sum_bits(g) * depth(g);
    Psum Logic "write_depth" Outputs = |g, e| e.toggle(T::PsumWrite) * depth(g);
    Psum Logic "drains_bits" Outputs = |g, e| e.count(C::DrainSteps) * cols(g) * sum_bits(g);
    Psum Clock "words" Overhead = |g, e| cycles(e) * pes(g) * depth(g);
    Psum Clock "cells" Overhead = |g, e| cycles(e) * pes(g) * depth(g) * sum_bits(g);
    Psum Clock "write_bits" Outputs = |g, e| e.count(C::PsumWrites) * sum_bits(g);
    Psum Leakage "pe" Overhead = |g, e| cycles(e) * pes(g);
    Psum Leakage "words" Overhead = |g, e| cycles(e) * pes(g) * depth(g);
    Psum Leakage "cells" Overhead = |g, e| cycles(e) * pes(g) * depth(g) * sum_bits(g);

    // Rows and the compute engine's own logic.
    Network Logic "drain_bus_cols" Outputs = |g, e| e.toggle(T::DrainReadBus) * cols(g);
    Network Logic "read_bus" Inputs = |_, e| e.toggle(T::ScratchReadBus);
    Network Logic "word_address" Inputs = |_, e| e.toggle(T::ScratchAddress);
    // Where the drain reads a group in parts, rows select among the columns' sums.
    Network Logic "drain_mux" Outputs = |g, e| e.count(C::DrainSteps) * cols(g) * sum_bits(g) * only(g.chunks_per_group() > 1);
    // The select of the part drives the multiplexers of all rows.
    Network Logic "drain_mux_rows" Outputs = |g, e| e.count(C::DrainSteps) * pes(g) * sum_bits(g) * only(g.chunks_per_group() > 1);
    Network Logic "drain_mux_sum" Outputs = |g, e| e.toggle(T::DrainSum) * rows(g) * only(g.chunks_per_group() > 1);
    Network Logic "drains_rows" Outputs = |g, e| e.count(C::DrainSteps) * rows(g);
    Network Logic "taken" Inputs = |_, e| e.toggle(T::PatchTaken);
    Network Logic "slices_rows" Inputs = |g, e| e.toggle(T::PatchSlices) * rows(g);
    Network Logic "zero_flags" Inputs = |_, e| e.toggle(T::ZeroFlags);
    Network Logic "steps" Overhead = |_, e| e.count(C::PeSteps);
    Network Logic "reads" Overhead = |_, e| e.count(C::ScratchReads);
    Network Logic "entries" Overhead = |g, e| e.count(C::WeightReads) * rows(g);
    Network Logic "writes" Inputs = |_, e| e.count(C::ScratchWrites);
    Network Logic "cycles" Overhead = |_, e| cycles(e);
    Network Clock "cycles" Overhead = |_, e| cycles(e);
    Network Clock "pes" Overhead = |g, e| cycles(e) * pes(g);
    Network Clock "reads" Inputs = |_, e| e.count(C::ScratchReads);
    Network Clock "drains" Outputs = |_, e| e.count(C::DrainSteps);
    Network Clock "steps" Overhead = |_, e| e.count(C::PeSteps);
    Network Clock "run" Overhead = |_, e| e.count(C::RunCycles);
    Network Clock "run_rows" Overhead = |g, e| e.count(C::RunCycles) * rows(g);
    Network Leakage "cycles" Overhead = |_, e| cycles(e);
    Network Leakage "pes" Overhead = |g, e| cycles(e) * pes(g);
    Network Leakage "sum_bits" Overhead = |g, e| cycles(e) * pes(g) * sum_bits(g);

    // Weight sequencers.
    Sequencer Logic "entry" Weights = |_, e| e.toggle(T::Entry);
    Sequencer Logic "dense" Weights = |g, e| e.count(C::WeightReads) * only(!g.skip);
    Sequencer Logic "entry_rows" Weights = |g, e| e.toggle(T::Entry) * rows(g);
    Sequencer Logic "entry_bits" Weights = |g, e| e.count(C::WeightReads) * g.entry_bits as f64;
    // Magnitudes come from a carry chain of the weight's width.
    Sequencer Logic "entry_weight_bits" Weights = |g, e| e.toggle(T::Entry) * g.weight_bits as f64;
    Sequencer Logic "weight_address" Weights = |_, e| e.toggle(T::WeightAddress);
    Sequencer Logic "address_bits" Weights = |g, e| e.count(C::WeightReads) * g.weight_address_bits as f64;
    Sequencer Logic "psum_address" Weights = |g, e| e.toggle(T::PsumAddress) / rows(g);
    Sequencer Logic "words" Inputs = |g, e| e.toggle(T::PatchWords) * cols(g);
    // Magnitudes and signs of the weights on the wires to the rows.
    Sequencer Logic "weights" Weights = |g, e| e.toggle(T::WeightOperand) / rows(g);
    Sequencer Logic "lists" Weights = |g, e| e.count(C::PsumWrites) / rows(g);
    Sequencer Logic "slices" Weights = |g, e| e.toggle(T::PatchSlices) * cols(g);
    Sequencer Logic "slices_rows" Weights = |g, e| e.toggle(T::PatchSlices) * rows(g);
    Sequencer Logic "tiles" Weights = |g, e| e.toggle(T::PatchTiles) * cols(g);
    Sequencer Logic "waits" Weights = |_, e| e.toggle(T::ColumnWaits);
    Sequencer Clock "columns" Overhead = |g, e| cycles(e) * cols(g);
    Sequencer Clock "dense" Overhead = |g, e| cycles(e) * cols(g) * only(!g.skip);
    Sequencer Clock "entries" Weights = |_, e| e.count(C::WeightReads);
    Sequencer Leakage "columns" Overhead = |g, e| cycles(e) * cols(g);
    Sequencer Leakage "dense" Overhead = |g, e| cycles(e) * cols(g) * only(!g.skip);
    Sequencer Leakage "address_bits" Overhead = |g, e| cycles(e) * cols(g) * g.weight_address_bits as f64;
    Sequencer Leakage "entry_bits" Overhead = |g, e| cycles(e) * cols(g) * g.entry_bits as f64;

    // Loader.
    Loader Logic "patch" Inputs = |_, e| e.toggle(T::PatchBus);
    Loader Logic "patch_rows" Inputs = |g, e| e.toggle(T::PatchBus) * rows(g);
    // Coordinates are below 0 in the padding: all their bits toggle at the border.
    Loader Logic "padding" Inputs = |g, e| padding(g, e);
    Loader Logic "words_rows" Inputs = |g, e| e.toggle(T::PatchWords) * rows(g);
    Loader Logic "words_bits" Inputs = |g, e| e.toggle(T::PatchWords) * g.buffer_bits as f64;
    // Its loops: the address of every word, coordinates of every pixel, which all rows compare with their patches.
    Loader Logic "address" Inputs = |_, e| e.toggle(T::PatchAddress);
    // Operands of the address adder; operands from another loop than before, which switch multiplexers.
    Loader Logic "addends" Inputs = |_, e| e.toggle(T::PatchAddends);
    Loader Logic "turns" Inputs = |_, e| e.toggle(T::PatchTurns);
    // A counter of words that is as narrow as this settles before that of pixels, and nothing glitches behind it.
    Loader Logic "hazards" Inputs = |g, e| e.toggle(T::PatchHazards) * only(g.scratch_words > 2);
    Loader Logic "coordinates" Inputs = |_, e| e.toggle(T::PatchCoordinates);
    Loader Logic "wraps" Inputs = |_, e| e.toggle(T::PatchWraps);
    Loader Logic "wraps_bits" Inputs = |g, e| e.toggle(T::PatchWraps) * g.buffer_bits as f64;
    Loader Logic "pixels" Inputs = |_, e| e.toggle(T::PatchPixels);
    Loader Logic "pixels_rows" Inputs = |g, e| e.toggle(T::PatchPixels) * rows(g);
    Loader Logic "lines" Inputs = |_, e| e.toggle(T::PatchLines);
    Loader Logic "slices" Inputs = |_, e| e.toggle(T::PatchSlices);
    Loader Logic "tiles_rows" Inputs = |g, e| e.toggle(T::PatchTiles) * rows(g);
    // Registers without a clock gate keep their value through a multiplexer, which switches at every stop.
    Loader Logic "pauses_bits" Inputs = |g, e| e.toggle(T::PatchPauses) * g.buffer_bits as f64;
    Loader Logic "pauses_word_bits" Inputs = |g, e| e.toggle(T::PatchPauses) * word_bits(g);
    // The word at the read port, which may be a store's.
    Loader Logic "buffer_read" Inputs = |_, e| e.toggle(T::BufferRead);
    Loader Logic "reads_rows" Inputs = |g, e| e.count(C::BufferReads) * rows(g);
    Loader Logic "writes" Inputs = |_, e| e.count(C::ScratchWrites);
    Loader Logic "cycles" Overhead = |_, e| cycles(e);
    // Data of the stream reach the registers of the row table.
    Loader Logic "beats_rows" Overhead = |g, e| e.count(C::BeatsIn) * rows(g);
    Loader Clock "cycles" Overhead = |_, e| cycles(e);
    Loader Clock "rows" Overhead = |g, e| cycles(e) * rows(g);
    Loader Clock "buffer_bits" Overhead = |g, e| cycles(e) * g.buffer_bits as f64;
    Loader Clock "run" Overhead = |_, e| e.count(C::RunCycles);
    Loader Clock "words_bits" Inputs = |g, e| e.toggle(T::PatchWords) * g.buffer_bits as f64;
    Loader Clock "pixels" Inputs = |_, e| e.toggle(T::PatchPixels);
    Loader Clock "pixels_bits" Inputs = |g, e| e.toggle(T::PatchPixels) * g.buffer_bits as f64;
    Loader Clock "lines" Inputs = |_, e| e.toggle(T::PatchLines);
    Loader Clock "slices" Inputs = |_, e| e.toggle(T::PatchSlices);
    Loader Clock "tiles" Inputs = |_, e| e.toggle(T::PatchTiles);
    Loader Clock "slices_rows" Inputs = |g, e| e.toggle(T::PatchSlices) * rows(g);
    Loader Clock "reads" Inputs = |_, e| e.count(C::BufferReads);
    Loader Leakage "rows" Overhead = |g, e| cycles(e) * rows(g);
    Loader Leakage "buffer_bits" Overhead = |g, e| cycles(e) * g.buffer_bits as f64;
    Loader Leakage "word_bits" Overhead = |g, e| cycles(e) * word_bits(g);

    // Requantization.
    Drain Logic "sum" Outputs = |_, e| e.toggle(T::DrainSum);
    Drain Logic "biased" Outputs = |_, e| e.toggle(T::DrainBiased);
    Drain Logic "cross" Outputs = |_, e| e.toggle(T::DrainCross);
    // As in the array: glitches grow with the width of the multiplier.
    Drain Logic "cross_bits" Outputs = |g, e| e.toggle(T::DrainCross) * g.accumulator_bits as f64;
    // Sums pass a multiplexer of the rows: the deeper it is, the less simultaneous they arrive.
    Drain Logic "multiplies_rows" Outputs = |g, e| e.toggle(T::DrainMultiplies) * rows(g);
    Drain Logic "scaled" Outputs = |_, e| e.toggle(T::DrainScaled);
    Drain Logic "out" Outputs = |_, e| e.toggle(T::DrainOut);
    Drain Logic "param" Outputs = |_, e| e.toggle(T::Param);
    Drain Logic "steps" Outputs = |g, e| e.count(C::DrainSteps) * drains(g);
    Drain Logic "steps_bits" Outputs = |g, e| e.count(C::DrainSteps) * drains(g) * g.accumulator_bits as f64;
    Drain Logic "words" Outputs = |g, e| e.count(C::BufferWrites) * word_bits(g);
    Drain Logic "run" Overhead = |_, e| e.count(C::RunCycles);
    Drain Logic "cycles" Overhead = |_, e| cycles(e);
    Drain Clock "cycles" Overhead = |_, e| cycles(e);
    Drain Clock "lanes" Overhead = |g, e| cycles(e) * drains(g);
    Drain Clock "lane_bits" Overhead = |g, e| cycles(e) * drains(g) * g.accumulator_bits as f64;
    Drain Clock "run" Overhead = |_, e| e.count(C::RunCycles);
    Drain Clock "words" Outputs = |g, e| e.count(C::BufferWrites) * word_bits(g);
    Drain Clock "drains" Outputs = |_, e| e.count(C::DrainSteps);
    Drain Clock "params" Outputs = |_, e| e.count(C::ParamWrites);
    Drain Clock "multiplies" Outputs = |_, e| e.toggle(T::DrainMultiplies);
    Drain Clock "multiplies_bits" Outputs = |g, e| e.toggle(T::DrainMultiplies) * g.accumulator_bits as f64;
    Drain Clock "steps" Outputs = |g, e| e.count(C::DrainSteps) * drains(g);
    Drain Clock "steps_bits" Outputs = |g, e| e.count(C::DrainSteps) * drains(g) * g.accumulator_bits as f64;
    Drain Clock "word_bits" Overhead = |g, e| cycles(e) * word_bits(g);
    Drain Leakage "cycles" Overhead = |_, e| cycles(e);
    Drain Leakage "lanes" Overhead = |g, e| cycles(e) * drains(g);
    Drain Leakage "lane_bits" Overhead = |g, e| cycles(e) * drains(g) * g.accumulator_bits as f64;
    Drain Leakage "word_bits" Overhead = |g, e| cycles(e) * word_bits(g);

    // Decoder, store, run configuration, counters.
    Control Logic "beats_in" Overhead = |_, e| e.toggle(T::BeatsIn);
    Control Logic "beats_out" Outputs = |_, e| e.toggle(T::BeatsOut);
    Control Logic "weight_write" Weights = |_, e| e.toggle(T::WeightWrite);
    Control Logic "events" Overhead = |_, e| counted(e);
    Control Logic "cycles" Overhead = |_, e| cycles(e);
    // The state of the columns, and the parameters that are unpacked from the stream's beats.
    Control Logic "cols" Overhead = |g, e| cycles(e) * cols(g);
    Control Logic "params_bits" Outputs = |g, e| e.count(C::ParamWrites) * g.stream_bits as f64;
    Control Clock "cycles" Overhead = |_, e| cycles(e);
    // The root clock net reaches every clock gate and every register that is not gated.
    Control Clock "rows" Overhead = |g, e| cycles(e) * rows(g);
    Control Clock "cols" Overhead = |g, e| cycles(e) * cols(g);
    Control Clock "pes" Overhead = |g, e| cycles(e) * pes(g);
    Control Clock "lanes" Overhead = |g, e| cycles(e) * lanes(g);
    Control Clock "psum_words" Overhead = |g, e| cycles(e) * pes(g) * depth(g);
    Control Clock "small_flags" Overhead = |g, e| cycles(e) * rows(g) * small_flags(g);
    Control Clock "scratch_words" Overhead = |g, e| cycles(e) * rows(g) * words(g);
    Control Clock "psum_cells" Overhead = |g, e| cycles(e) * pes(g) * depth(g) * sum_bits(g);
    Control Clock "scratch_cells" Overhead = |g, e| cycles(e) * rows(g) * words(g) * word_bits(g);
    Control Clock "operand_cells" Overhead = |g, e| cycles(e) * lanes(g) * (g.activation_bits + g.weight_bits) as f64;
    Control Clock "dense" Overhead = |g, e| cycles(e) * cols(g) * only(!g.skip);
    Control Clock "drain_cells" Overhead = |g, e| cycles(e) * drains(g) * g.accumulator_bits as f64;
    Control Clock "counter_bits" Overhead = |g, e| cycles(e) * g.counter_bits as f64;
    Control Clock "stream_bits" Overhead = |g, e| cycles(e) * g.stream_bits as f64;
    Control Clock "beats_in" Overhead = |g, e| e.count(C::BeatsIn) * g.stream_bits as f64;
    Control Clock "buffer_reads" Inputs = |_, e| e.count(C::BufferReads);
    Control Clock "weight_writes" Weights = |_, e| e.count(C::WeightWrites);
    Control Clock "params_bits" Outputs = |g, e| e.count(C::ParamWrites) * g.stream_bits as f64;
    Control Clock "events_bits" Overhead = |g, e| counted(e) * g.counter_bits as f64;
    Control Leakage "cycles" Overhead = |_, e| cycles(e);
    Control Leakage "counter_bits" Overhead = |g, e| cycles(e) * g.counter_bits as f64;
    Control Leakage "stream_bits" Overhead = |g, e| cycles(e) * g.stream_bits as f64;
    Control Leakage "word_bits" Overhead = |g, e| cycles(e) * word_bits(g);
}

/// Upper bound of the increments of counters: cycles in which at least one event of the kind can happen.
fn counted(e: &Events) -> f64 {
    C::ALL.iter().map(|counter| e.count(*counter).min(cycles(e))).sum()
}
