//! The inputs of the blocks for their verification: one line per block, see [`crate::verification`].

pub(crate) use super::column::Column;
pub(crate) use super::compute::Compute;
pub(crate) use super::counters::CounterBank;
pub(crate) use super::decoder::Decoder;
pub(crate) use super::dense_index::DenseIndex;
pub(crate) use super::drain::Drain;
pub(crate) use super::drain_lane::DrainLane;
pub(crate) use super::loader::Loader;
pub(crate) use super::loader_loops::LoaderLoops;
pub(crate) use super::loader_row::LoaderRow;
pub(crate) use super::mac::Mac;
pub(crate) use super::pe::Pe;
pub(crate) use super::pe_row::PeRow;
pub(crate) use super::row_table::RowTable;
pub(crate) use super::store::Store;
pub(crate) use super::unpacker::Unpacker;
use crate::verification::stimulus::stimulus;

stimulus!(Column, |_b| {
    reset = Kind::Rare(997), start = Kind::Rare(61), set_base = Kind::Rare(53),
    set_groups = Kind::Rare(31), data = Kind::Few, accumulate, load, load_addr, load_entry, filled,
    first, last, finish, drained, no_drain, per_channel, kernel_y = Kind::Few,
    kernel_x = Kind::Few, channel_words = Kind::Few, last_word, patch_y, patch_x,
    channels_last = Kind::Few, first_channel,
});
stimulus!(Compute, |_b| {
    reset = Kind::Rare(1999), start = Kind::Rare(307), accumulate, no_drain, set,
    set_index = Kind::Sweep, set_data = Kind::Few, weight_write, weight_addr, weight_entry,
    param_write, param_channel, param_bias, param_multiplier, param_shift, read_data,
});
stimulus!(CounterBank, |_b| {
    clear = Kind::Rare(499), event, error, layer, address = Kind::Sweep,
});
stimulus!(DenseIndex, |_b| {
    start = Kind::Rare(97), step, slice_end, per_channel, kernel_y = Kind::Few,
    kernel_x = Kind::Few, channel_words = Kind::Few, last_word, patch_y, patch_x,
    channels_last = Kind::Few, first_channel,
});
stimulus!(Drain, |_b| {
    reset = Kind::Rare(1999), start = Kind::Rare(131), no_drain = Kind::Rare(5), set,
    set_index = Kind::Sweep, set_data = Kind::Few, load, load_channel, load_bias, load_multiplier,
    load_shift, pixel_y = Kind::Few, pixel_x = Kind::Few, unused = Kind::Rare(9), out, active,
    tiles, psum,
});
stimulus!(DrainLane, |_b| {
    load, load_row, load_bias, load_multiplier, load_shift, step, row, psum, clamp_lo, clamp_hi,
});
stimulus!(Loader, |_b| {
    reset = Kind::Rare(1999), start = Kind::Rare(131), set, set_index = Kind::Sweep,
    set_data = Kind::Few, base_y = Kind::Few, base_x = Kind::Few, pixel_y = Kind::Few,
    pixel_x = Kind::Few, unused = Kind::Rare(9), patch, active, done, read_data,
});
stimulus!(LoaderLoops, |_b| {
    reset = Kind::Rare(1999), start = Kind::Rare(131), set, set_index = Kind::Sweep,
    set_data = Kind::Few, blocked,
});
stimulus!(LoaderRow, |_b| {
    base_y = Kind::Few, base_x = Kind::Few, pixel_y = Kind::Few, pixel_x = Kind::Few,
    unused = Kind::Rare(9), patch, step, y = Kind::Few, x = Kind::Few, n_y = Kind::Few,
    n_x = Kind::Few, rest_y = Kind::Few, rest_x = Kind::Few, half, word, end,
});
stimulus!(Mac, |_b| {
    stepped, multiply, maximum, from_zero, from_psum, psum, operand, weight, negative,
});
stimulus!(Pe, |_b| {
    step, low, useful, matters, weight, negative, per_channel, maximum, nonzero, activation, stepped,
    from_zero, from_psum, to_psum, psum_word, drain_word,
});
stimulus!(PeRow, |_b| {
    write, write_word, write_data, write_nonzero, column_active, valid, step, half, word, high,
    low, useful, matters, weight, negative, stepped, stepped_half, from_zero, from_psum, to_psum, psum_word,
    per_channel, maximum, drain, drain_word, drain_part,
});
stimulus!(RowTable, |_b| { write, index = Kind::Sweep, data });
stimulus!(Store, |_b| {
    reset = Kind::Rare(997), start = Kind::Rare(67), address, count = Kind::Few, port_free,
    read_data, out_ready,
});
stimulus!(Unpacker, |_b| { reset = Kind::Rare(499), enable, valid, beat, last, ready });
