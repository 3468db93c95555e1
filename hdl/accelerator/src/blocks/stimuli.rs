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
    run.reset = Kind::Rare(997), run.start = Kind::Rare(61), set_base = Kind::Rare(53),
    set_groups = Kind::Rare(31), data = Kind::Few, accumulate, load, load_addr, load_entry,
    slices.filled, slices.first, slices.last, slices.finish, drained, no_drain, per_channel,
    extent[kernel_y] = Kind::Few, extent[kernel_x] = Kind::Few, extent[channel_words] = Kind::Few,
    extent[last_word], pitch[patch_y], pitch[patch_x], channels_last = Kind::Few, first_channel,
});
stimulus!(Compute, |_b| {
    run.reset = Kind::Rare(1999), run.start = Kind::Rare(307), accumulate, no_drain, set.write,
    set.index = Kind::Sweep, set.data = Kind::Few, weight_write, weight_addr, weight_entry,
    param_write, param_channel, param.bias, param.multiplier, param.shift, buffer.read_data,
});
stimulus!(CounterBank, |_b| {
    clear = Kind::Rare(499), event, error, layer, address = Kind::Sweep,
});
stimulus!(DenseIndex, |_b| {
    start = Kind::Rare(97), step, slice_end, per_channel, extent.kernel_y = Kind::Few,
    extent.kernel_x = Kind::Few, extent.channel_words = Kind::Few, extent.last_word, pitch.patch_y,
    pitch.patch_x, channels_last = Kind::Few, first_channel,
});
stimulus!(Drain, |_b| {
    run.reset = Kind::Rare(1999), run.start = Kind::Rare(131), no_drain = Kind::Rare(5), set.write,
    set.index = Kind::Sweep, set.data = Kind::Few, load, load_channel, values.bias,
    values.multiplier, values.shift, pixel[pixel_y] = Kind::Few, pixel[pixel_x] = Kind::Few,
    pixel[unused] = Kind::Rare(9), out, active, tiles, psum,
});
stimulus!(DrainLane, |_b| {
    load, load_row, values.bias, values.multiplier, values.shift, step, row, psum, clamp_lo,
    clamp_hi,
});
stimulus!(Loader, |_b| {
    run.reset = Kind::Rare(1999), run.start = Kind::Rare(131), set.write, set.index = Kind::Sweep,
    set.data = Kind::Few, tap[base_y] = Kind::Few, tap[base_x] = Kind::Few,
    pixel[pixel_y] = Kind::Few, pixel[pixel_x] = Kind::Few, pixel[unused] = Kind::Rare(9), patch,
    active, done, buffer.read_data,
});
stimulus!(LoaderLoops, |_b| {
    run.reset = Kind::Rare(1999), run.start = Kind::Rare(131), set.write, set.index = Kind::Sweep,
    set.data = Kind::Few, blocked,
});
stimulus!(LoaderRow, |_b| {
    tap.base_y = Kind::Few, tap.base_x = Kind::Few, pixel.pixel_y = Kind::Few,
    pixel.pixel_x = Kind::Few, pixel.unused = Kind::Rare(9), patch, region.step,
    region.y = Kind::Few, region.x = Kind::Few, region.n_y = Kind::Few, region.n_x = Kind::Few,
    rest.rest_y = Kind::Few, rest.rest_x = Kind::Few, half, word, end,
});
stimulus!(Mac, |_b| {
    stepped, multiply, maximum, from_zero, from_psum, psum, operand, weight, negative,
});
stimulus!(Pe, |_b| {
    step, weights.low, weights.useful, weights.matters, weights.weight, weights.negative,
    mode.per_channel, mode.maximum, nonzero, activation, stepped, sums.from_zero, sums.from_psum,
    sums.to_psum, sums.psum_word, drain_word,
});
stimulus!(PeRow, |_b| {
    write.write, write.write_word, patch.write_data, patch.write_nonzero, column_active, valid,
    place[step], place[half], place[word], place[high], weights[low], weights[useful],
    weights[matters], weights[weight], weights[negative], stepped[stepped], stepped[stepped_half],
    sums[from_zero], sums[from_psum], sums[to_psum], sums[psum_word], mode.per_channel,
    mode.maximum, drain, drain_word, drain_part,
});
stimulus!(RowTable, |_b| { bus.write, bus.index = Kind::Sweep, bus.data });
stimulus!(Store, |_b| {
    run.reset = Kind::Rare(997), run.start = Kind::Rare(67), address, count = Kind::Few, port_free,
    buffer.read_data, to_host.ready,
});
stimulus!(Unpacker, |_b| { reset = Kind::Rare(499), enable, valid, beat, last, ready });
