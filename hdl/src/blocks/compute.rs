//! Compute engine: loader, array, columns and drain, and the bookkeeping of a run.

use super::column::Column;
use super::config_leaf::config_leaf;
use super::drain::Drain;
use super::flags;
use super::loader::Loader;
use super::pe_row::PeRow;
use super::row_table::RowTable;
use crate::config::address_bits;
use crate::geometry::Geometry;
use crate::isa::register::{ColRegister, LIMIT_BITS, col};
use crate::isa::{ErrorCode, MULTIPLIER_BITS, SHIFT_BITS};
use crate::rtl::prelude::*;

config_leaf! {
    /// Configuration of the run as a whole.
    RunConfig "run_config" {
        limit: Limit, mode: Mode, channels_last: ChannelsLast,
    }
}

block! {
    /// The compute engine. It reads and writes the global buffer and says what it does to the counters.
    pub(crate) struct Compute = "compute" {
        pub(crate) clock: Signal<In, Clock>,
        pub(crate) reset: Signal<In, Bit>,
        pub(crate) start: Signal<In, Bit>,
        pub(crate) accumulate: Signal<In, Bit>,
        pub(crate) no_drain: Signal<In, Bit>,
        pub(crate) busy: Signal<Out, Bit>,
        pub(crate) fault: Wire<Out> = Wire::new(4),
        // Configuration bus.
        pub(crate) set: Signal<In, Bit>,
        pub(crate) set_index: Wire<In> = Wire::new(8),
        pub(crate) set_data: Wire<In> = Wire::new(32),
        // Weight and parameter write ports.
        pub(crate) weight_write: Vec<Signal<In, Bit>> = flags(c),
        pub(crate) weight_addr: Wire<In> = Wire::new(g.weight_address_bits),
        pub(crate) weight_entry: Vec<Wire<In>> = entry.iter().map(|&w| Wire::new(w)).collect(),
        pub(crate) param_write: Signal<In, Bit>,
        pub(crate) param_channel: Wire<In> = Wire::new(address_bits(g.param_channels)),
        pub(crate) param_bias: Wire<In> = Wire::new(g.bias_bits()),
        pub(crate) param_multiplier: Wire<In> = Wire::new(MULTIPLIER_BITS),
        pub(crate) param_shift: Wire<In> = Wire::new(SHIFT_BITS),
        // Global buffer ports.
        pub(crate) read: Signal<Out, Bit>,
        pub(crate) read_addr: Wire<Out> = Wire::new(addr),
        pub(crate) read_data: Vec<Wire<In>> = Wire::vec(g.word_channels, g.activation_bits),
        pub(crate) write: Signal<Out, Bit>,
        pub(crate) write_addr: Wire<Out> = Wire::new(addr),
        pub(crate) write_data: Vec<Wire<Out>> =
            Wire::signed_vec(g.word_channels, g.activation_bits),
        // Events of the previous cycle.
        pub(crate) pe_steps: Wire<Out> = Wire::new(pes),
        pub(crate) active_lanes: Wire<Out> = Wire::new(lanes),
        pub(crate) scratch_reads: Wire<Out> = Wire::new(lanes),
        pub(crate) scratch_writes: Wire<Out> = Wire::new(row_bits),
        pub(crate) psum_reads: Wire<Out> = Wire::new(pes),
        pub(crate) psum_writes: Wire<Out> = Wire::new(pes),
        pub(crate) weight_reads: Wire<Out> = Wire::new(cols),
        pub(crate) drain_steps: Signal<Out, Bit>,
        cfg: RunConfig = RunConfig::new(g),
        rows: RowTable = RowTable::new(g),
        loader: Loader = Loader::new(g),
        column: Vec<Column> = (0..c).map(|_| Column::new(g)).collect(),
        row: Vec<PeRow> = (0..r).map(|_| PeRow::new(g)).collect(),
        drain: Drain = Drain::new(g),
        elapsed_low: Reg = Reg::new(8),
        elapsed: Reg = Reg::new(LIMIT_BITS + 1),
        elapsed_moves: Signal<Local, Bit>,
        too_long: Signal<Local, Bit>,
        outside: Signal<Local, Bit>,
        maximum: Signal<Local, Bit>,
        per_channel: Signal<Local, Bit>,
        column_rows: Vec<Wire<Local>> = Wire::vec(c, row_bits),
        step_sum: Vec<Wire<Local>> = Wire::vec(c + 1, pes),
        psum_read_sum: Vec<Wire<Local>> = Wire::vec(c + 1, pes),
        psum_write_sum: Vec<Wire<Local>> = Wire::vec(c + 1, pes),
        weight_sum: Vec<Wire<Local>> = Wire::vec(c + 1, cols),
        any_active: Signal<Local, Bit>,
        read_sum: Vec<Wire<Local>> = Wire::vec(r + 1, lanes),
        steps_q: Reg = Reg::new(pes),
        psum_reads_q: Reg = Reg::new(pes),
        psum_writes_q: Reg = Reg::new(pes),
        weights_q: Reg = Reg::new(cols),
        writes_q: Reg = Reg::new(row_bits),
        row_writes: Wire<Local> = Wire::new(row_bits),
        drain_q: RegBit,
        base_index: Vec<Const> = index(ColRegister::WeightBase),
        groups_index: Vec<Const> = index(ColRegister::Groups),
        first_channel: Vec<Const> = (0..c).map(|i| Const::new(i * g.lanes, 16)).collect(),
        cols: Const = Const::new(c, 8),
        row_count: Const = Const::new(r, 8),
        lane_shift: Const = Const::new(g.lane_bits(), 4),
        depth: Const = Const::new(g.buffer_words, 24),
        fault_limit: Const = Const::new(ErrorCode::RunLimit as u32, 4),
        fault_address: Const = Const::new(ErrorCode::RunAddress as u32, 4),
        _rows: usize = r,
        _cols: usize = c,
        _lanes: usize = g.lanes,
        _channels: usize = g.word_channels,
        _drain_lanes: usize = g.drain_lanes,
        _entry: usize = entry.len(),
        _dense: usize = usize::from(!g.skip),
        _check_address: usize = usize::from(!g.buffer_words.is_power_of_two()),
    }

    pub(crate) fn new(g: &Geometry) {
        let (r, c) = (g.rows, g.cols);
        let addr = g.buffer_bits;
        let row_bits = addr_width(r + 1);
        let pes = addr_width(r * c + 1);
        let lanes = addr_width(r * c * g.lanes + 1);
        let cols = addr_width(c + 1);
        let entry = g.entry_fields();
        let index =
            |kind: ColRegister| (0..c).map(|i| Const::new(col(i, kind), 8)).collect::<Vec<_>>();
    }
}

impl Logic for Compute {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, elapsed_low, elapsed);
        dff_setup!(self, clock, steps_q, weights_q, psum_reads_q, psum_writes_q, writes_q);
        clock!(self, clock, cfg, rows, loader, drain, drain_q);

        // Configuration.
        self.cfg.write.next = self.set.val();
        self.cfg.index.next = self.set_index.val();
        self.cfg.data.next = self.set_data.val();
        self.rows.write.next = self.set.val();
        self.rows.index.next = self.set_index.val();
        self.rows.data.next = self.set_data.val();
        self.loader.set.next = self.set.val();
        self.loader.set_index.next = self.set_index.val();
        self.loader.set_data.next = self.set_data.val();
        self.drain.set.next = self.set.val();
        self.drain.set_index.next = self.set_index.val();
        self.drain.set_data.next = self.set_data.val();
        self.per_channel.next = self.cfg.mode.val().get_bit(0);
        self.maximum.next = self.cfg.mode.val().get_bit(1);

        // Loader.
        self.loader.reset.next = self.reset.val();
        self.loader.start.next = self.start.val();
        self.read.next = self.loader.read.val();
        self.read_addr.next = self.loader.read_addr.val();
        for b in 0..self._channels {
            self.loader.read_data[b].next = self.read_data[b].val();
        }
        for r in 0..self._rows {
            self.loader.base_y[r].next = self.rows.base_y[r].val();
            self.loader.base_x[r].next = self.rows.base_x[r].val();
            self.loader.pixel_y[r].next = self.rows.pixel_y[r].val();
            self.loader.pixel_x[r].next = self.rows.pixel_x[r].val();
            self.loader.unused[r].next = self.rows.unused[r].val();
            self.loader.patch[r].next = self.rows.patch[r].val();
            self.drain.pixel_y[r].next = self.rows.pixel_y[r].val();
            self.drain.pixel_x[r].next = self.rows.pixel_x[r].val();
            self.drain.unused[r].next = self.rows.unused[r].val();
            self.drain.out[r].next = self.rows.out[r].val();
        }

        // Columns.
        for c in 0..self._cols {
            self.loader.active[c].next = self.column[c].active.val();
            self.loader.done[c].next = self.column[c].done.val();
            self.drain.active[c].next = self.column[c].active.val();
            self.drain.tiles[c].next = self.column[c].tiles.val();
            self.column[c].clock.next = self.clock.val();
            self.column[c].reset.next = self.reset.val();
            self.column[c].start.next = self.start.val();
            self.column[c].set_base.next =
                self.set.val() & (self.set_index.val() == self.base_index[c].val());
            self.column[c].set_groups.next =
                self.set.val() & (self.set_index.val() == self.groups_index[c].val());
            self.column[c].data.next = self.set_data.val();
            self.column[c].accumulate.next = self.accumulate.val();
            self.column[c].no_drain.next = self.no_drain.val();
            self.column[c].load.next = self.weight_write[c].val();
            self.column[c].load_addr.next = self.weight_addr.val();
            for e in 0..self._entry {
                self.column[c].load_entry[e].next = self.weight_entry[e].val();
            }
            self.column[c].filled.next = self.loader.filled.val();
            self.column[c].drained.next = self.drain.drained.val();
            for h in 0..2 {
                self.column[c].first[h].next = self.loader.first[h].val();
                self.column[c].last[h].next = self.loader.last[h].val();
                self.column[c].finish[h].next = self.loader.finish[h].val();
            }
            for d in 0..self._dense {
                self.column[c].per_channel[d].next = self.per_channel.val();
                self.column[c].patch_y[d].next = self.loader.patch_y[d].val();
                self.column[c].patch_x[d].next = self.loader.patch_x[d].val();
                self.column[c].channels_last[d].next = self.cfg.channels_last.val();
                self.column[c].first_channel[d].next = self.first_channel[c].val();
                for h in 0..2 {
                    self.column[c].kernel_y[h].next = self.loader.kernel_y[h].val();
                    self.column[c].kernel_x[h].next = self.loader.kernel_x[h].val();
                    self.column[c].channel_words[h].next = self.loader.channel_words[h].val();
                    self.column[c].last_word[h].next = self.loader.last_word[h].val();
                }
            }
        }

        // Array.
        for r in 0..self._rows {
            self.row[r].clock.next = self.clock.val();
            self.row[r].write.next = self.loader.write[r].val();
            self.row[r].write_word.next = self.loader.write_word[r].val();
            for b in 0..self._channels {
                self.row[r].write_data[b].next = self.loader.write_data[b].val();
                self.row[r].write_nonzero[b].next = self.loader.write_nonzero[b].val();
            }
            for h in 0..2 {
                self.row[r].valid[h].next = self.loader.valid[h][r].val();
            }
            self.row[r].per_channel.next = self.per_channel.val();
            self.row[r].maximum.next = self.maximum.val();
            for c in 0..self._cols {
                self.row[r].column_active[c].next = self.column[c].active.val();
                self.row[r].step[c].next = self.column[c].step.val();
                self.row[r].half[c].next = self.column[c].half.val();
                self.row[r].word[c].next = self.column[c].word.val();
                self.row[r].high[c].next = self.column[c].high.val();
                self.row[r].low[c].next = self.column[c].low.val();
                self.row[r].useful[c].next = self.column[c].useful.val();
                for l in 0..self._lanes {
                    self.row[r].weight[c][l].next = self.column[c].weight[l].val();
                    self.row[r].negative[c][l].next = self.column[c].negative[l].val();
                    self.row[r].matters[c][l].next = self.column[c].matters[l].val();
                }
                self.row[r].stepped[c].next = self.column[c].stepped.val();
                self.row[r].stepped_half[c].next = self.column[c].stepped_half.val();
                self.row[r].from_zero[c].next = self.column[c].from_zero.val();
                self.row[r].from_psum[c].next = self.column[c].from_psum.val();
                self.row[r].to_psum[c].next = self.column[c].to_psum.val();
                self.row[r].psum_word[c].next = self.column[c].psum_word.val();
            }
            self.row[r].drain.next = self.drain.select[r].val();
            self.row[r].drain_word.next = self.drain.psum_word.val();
            self.row[r].drain_part.next = self.drain.part.val();
            for d in 0..self._drain_lanes {
                self.drain.psum[r][d].next = self.row[r].drain_data[d].val();
            }
        }

        // Drain.
        self.drain.reset.next = self.reset.val();
        self.drain.start.next = self.start.val();
        self.drain.no_drain.next = self.no_drain.val();
        self.drain.load.next = self.param_write.val();
        self.drain.load_channel.next = self.param_channel.val();
        self.drain.load_bias.next = self.param_bias.val();
        self.drain.load_multiplier.next = self.param_multiplier.val();
        self.drain.load_shift.next = self.param_shift.val();
        for b in 0..self._channels {
            self.write_data[b].next = self.drain.write_data[b].val();
        }
        self.write_addr.next = self.drain.write_addr.val();
        self.busy.next = self.drain.busy.val();

        // A run that is too long or leaves the buffer stops the device.
        // `elapsed` counts 256 cycles at a time.
        if self.busy.val() | self.start.val() {
            self.elapsed_low.d.next = self.elapsed_low.q.val() + 1.into();
            if self.start.val() {
                self.elapsed_low.d.next = 0.into();
            }
        }
        self.elapsed_moves.next = self.busy.val() & self.elapsed_low.q.val().all();
        if self.elapsed_moves.val() | self.start.val() {
            self.elapsed.d.next = self.elapsed.q.val() + 1.into();
            if self.start.val() {
                self.elapsed.d.next = 0.into();
            }
        }
        self.too_long.next = self.busy.val() & (self.elapsed.q.val() >= self.cfg.limit.val());
        self.outside.next = false;
        for _i in 0..self._check_address {
            self.outside.next = (self.loader.read.val()
                & (self.loader.read_addr.val() >= self.depth.val()))
                | (self.drain.write.val() & (self.drain.write_addr.val() >= self.depth.val()));
        }
        self.write.next = self.drain.write.val() & !self.outside.val();
        self.fault.next = 0.into();
        if self.outside.val() {
            self.fault.next = self.fault_address.val();
        } else if self.too_long.val() {
            self.fault.next = self.fault_limit.val();
        }

        // Events.
        self.step_sum[0].next = 0.into();
        self.psum_read_sum[0].next = 0.into();
        self.psum_write_sum[0].next = 0.into();
        self.weight_sum[0].next = 0.into();
        self.any_active.next = false;
        for c in 0..self._cols {
            self.column_rows[c].next = self.loader.valid_rows[0].val();
            if self.column[c].half.val() {
                self.column_rows[c].next = self.loader.valid_rows[1].val();
            }
            self.step_sum[c + 1].next = self.step_sum[c].val();
            if self.column[c].step.val() {
                self.step_sum[c + 1].next = self.step_sum[c].val() + self.column_rows[c].val();
            }
            self.psum_read_sum[c + 1].next = self.psum_read_sum[c].val();
            if self.column[c].psum_read.val() {
                self.psum_read_sum[c + 1].next =
                    self.psum_read_sum[c].val() + self.column_rows[c].val();
            }
            self.psum_write_sum[c + 1].next = self.psum_write_sum[c].val();
            if self.column[c].psum_write.val() {
                self.psum_write_sum[c + 1].next =
                    self.psum_write_sum[c].val() + self.column_rows[c].val();
            }
            self.weight_sum[c + 1].next =
                self.weight_sum[c].val() + self.column[c].step.val().into();
            if self.column[c].active.val() {
                self.any_active.next = true;
            }
        }
        self.read_sum[0].next = 0.into();
        for r in 0..self._rows {
            self.read_sum[r + 1].next = self.read_sum[r].val() + self.row[r].reads.val();
        }
        // Registers of events that rest need no clock.
        if self.weight_sum[self.cols.index()].val().any() | self.weights_q.q.val().any() {
            self.steps_q.d.next = self.step_sum[self.cols.index()].val();
            self.weights_q.d.next = self.weight_sum[self.cols.index()].val();
        }
        if self.psum_read_sum[self.cols.index()].val().any()
            | self.psum_write_sum[self.cols.index()].val().any()
            | self.psum_reads_q.q.val().any()
            | self.psum_writes_q.q.val().any()
        {
            self.psum_reads_q.d.next = self.psum_read_sum[self.cols.index()].val();
            self.psum_writes_q.d.next = self.psum_write_sum[self.cols.index()].val();
        }
        self.row_writes.next = 0.into();
        if self.any_active.val() {
            self.row_writes.next = self.loader.write_rows.val();
        }
        if self.row_writes.val().any() | self.writes_q.q.val().any() {
            self.writes_q.d.next = self.row_writes.val();
        }
        self.drain_q.d.next = self.drain.step.val();
        self.pe_steps.next = self.steps_q.q.val();
        self.psum_reads.next = self.psum_reads_q.q.val();
        self.psum_writes.next = self.psum_writes_q.q.val();
        self.weight_reads.next = self.weights_q.q.val();
        self.scratch_writes.next = self.writes_q.q.val();
        self.drain_steps.next = self.drain_q.q.val();
        self.scratch_reads.next = self.read_sum[self.row_count.index()].val();
        self.active_lanes.next =
            self.read_sum[self.row_count.index()].val() << self.lane_shift.val();
        if self.per_channel.val() {
            self.active_lanes.next = self.read_sum[self.row_count.index()].val();
        }
    }
}
