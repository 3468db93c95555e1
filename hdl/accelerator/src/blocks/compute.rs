//! Compute engine: loader, array, columns and drain, and the control of a run.

use super::bundles::{ConfigBus, Params, ReadPort, Run};
use super::column::Column;
use super::config_leaf::config_leaf;
use super::drain::Drain;
use super::flags;
use super::loader::Loader;
use super::pe_row::PeRow;
use super::row_table::RowTable;
use pecan_config::address_bits;
use pecan_config::geometry::Geometry;
use pecan_config::isa::ErrorCode;
use pecan_config::isa::register::{ColRegister, LIMIT_BITS, MODE_MAX, MODE_PER_CHANNEL, col};
use pecan_rtl::prelude::*;

config_leaf! {
    /// Configuration common to all parts of a run.
    RunConfig "run_config" {
        limit: Limit, mode: Mode, channels_last: ChannelsLast,
    }
}

// `update` reads these flags of the mode by their bit numbers.
const _: () = assert!(MODE_PER_CHANNEL == 1 << 0 && MODE_MAX == 1 << 1);

block! {
    /// The compute engine. It reads and writes the global buffer and reports events to the counters.
    pub(crate) struct Compute = "compute" {
        pub(crate) clock: Signal<In, Clock>,
        pub(crate) run: Run<In> = Run::new(),
        pub(crate) accumulate: Signal<In, Bit>,
        pub(crate) no_drain: Signal<In, Bit>,
        pub(crate) busy: Signal<Out, Bit>,
        pub(crate) fault: Wire<Out> = Wire::new(4),
        // Configuration bus.
        pub(crate) set: ConfigBus<In> = ConfigBus::set(),
        // Weight and parameter write ports.
        pub(crate) weight_write: Vec<Signal<In, Bit>> = flags(c),
        pub(crate) weight_addr: Wire<In> = Wire::new(g.weight_address_bits),
        pub(crate) weight_entry: Vec<Wire<In>> = entry.iter().map(|&w| Wire::new(w)).collect(),
        pub(crate) param_write: Signal<In, Bit>,
        pub(crate) param_channel: Wire<In> = Wire::new(address_bits(g.param_channels)),
        pub(crate) param: Params<In> = Params::param(g),
        // Global buffer ports.
        pub(crate) buffer: ReadPort<Out> = ReadPort::new(g),
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
        dense: When = When::new(!g.skip),
        check_address: When = When::new(!g.buffer_words.is_power_of_two()),
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

parts!(Compute:
    /// The loader and the drain, with the configuration.
    Engines,
    /// The columns.
    Columns,
    /// The rows.
    Rows,
    /// Detection of a run that is too long or leaves the buffer.
    Limits,
    /// Events of a cycle, summed over the array.
    Events,
    /// The sums in registers, for the counters.
    Reports,
);

impl parts::Part<Engines> for Compute {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, cfg, rows, loader, drain);
        wires::link(&mut self.set, &mut self.cfg.bus);
        wires::link(&mut self.set, &mut self.rows.bus);
        wires::link(&mut self.set, &mut self.loader.set);
        wires::link(&mut self.set, &mut self.drain.set);
        self.per_channel.next = self.cfg.mode.val().get_bit(0);
        self.maximum.next = self.cfg.mode.val().get_bit(1);

        wires::link(&mut self.run, &mut self.loader.run);
        wires::link(&mut self.buffer, &mut self.loader.buffer);
        wires::link(&mut self.rows.tap, &mut self.loader.tap);
        wires::link(&mut self.rows.pixel, &mut self.loader.pixel);
        wires::link(&mut self.rows.patch, &mut self.loader.patch);

        wires::link(&mut self.run, &mut self.drain.run);
        wires::link(&mut self.rows.pixel, &mut self.drain.pixel);
        wires::link(&mut self.rows.out, &mut self.drain.out);
        self.drain.no_drain.next = self.no_drain.val();
        self.drain.load.next = self.param_write.val();
        self.drain.load_channel.next = self.param_channel.val();
        wires::link(&mut self.param, &mut self.drain.values);
        wires::link(&mut self.write_data, &mut self.drain.write_data);
        self.write_addr.next = self.drain.write_addr.val();
        self.busy.next = self.drain.busy.val();
    }
}

impl parts::Part<Columns> for Compute {
    #[hdl_gen]
    fn update(&mut self) {
        for c in 0..self._cols {
            self.loader.active[c].next = self.column[c].active.val();
            self.loader.done[c].next = self.column[c].done.val();
            self.drain.active[c].next = self.column[c].active.val();
            self.drain.tiles[c].next = self.column[c].tiles.val();
            clock!(self, clock, column[c]);
            wires::link(&mut self.run, &mut self.column[c].run);
            self.column[c].set_base.next =
                self.set.write.val() & (self.set.index.val() == self.base_index[c].val());
            self.column[c].set_groups.next =
                self.set.write.val() & (self.set.index.val() == self.groups_index[c].val());
            self.column[c].data.next = self.set.data.val();
            self.column[c].accumulate.next = self.accumulate.val();
            self.column[c].no_drain.next = self.no_drain.val();
            self.column[c].load.next = self.weight_write[c].val();
            self.column[c].load_addr.next = self.weight_addr.val();
            wires::link(&mut self.weight_entry, &mut self.column[c].load_entry);
            wires::link(&mut self.loader.slices, &mut self.column[c].slices);
            self.column[c].drained.next = self.drain.drained.val();
            if self.dense.val() {
                wires::link(&mut self.loader.extent, &mut self.column[c].extent);
                wires::link(&mut self.loader.pitch, &mut self.column[c].pitch);
                self.column[c].per_channel[0].next = self.per_channel.val();
                self.column[c].channels_last[0].next = self.cfg.channels_last.val();
                self.column[c].first_channel[0].next = self.first_channel[c].val();
            }
        }
    }
}

impl parts::Part<Rows> for Compute {
    #[hdl_gen]
    fn update(&mut self) {
        for r in 0..self._rows {
            clock!(self, clock, row[r]);
            wires::link(&mut self.loader.write[r], &mut self.row[r].write);
            wires::link(&mut self.loader.word, &mut self.row[r].patch);
            for h in 0..2 {
                self.row[r].valid[h].next = self.loader.valid[h][r].val();
            }
            self.row[r].mode.per_channel.next = self.per_channel.val();
            self.row[r].mode.maximum.next = self.maximum.val();
            for c in 0..self._cols {
                self.row[r].column_active[c].next = self.column[c].active.val();
                wires::link(&mut self.column[c].place, &mut self.row[r].place[c]);
                wires::link(&mut self.column[c].weights, &mut self.row[r].weights[c]);
                wires::link(&mut self.column[c].stepped, &mut self.row[r].stepped[c]);
                wires::link(&mut self.column[c].sums, &mut self.row[r].sums[c]);
            }
            self.row[r].drain.next = self.drain.select[r].val();
            self.row[r].drain_word.next = self.drain.psum_word.val();
            self.row[r].drain_part.next = self.drain.part.val();
            wires::link(&mut self.row[r].drain_data, &mut self.drain.psum[r]);
        }
    }
}

impl parts::Part<Limits> for Compute {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, elapsed_low, elapsed);
        // `elapsed` counts 256 cycles at a time.
        if self.busy.val() | self.run.start.val() {
            self.elapsed_low.d.next = self.elapsed_low.q.val() + 1.into();
            if self.run.start.val() {
                self.elapsed_low.d.next = 0.into();
            }
        }
        self.elapsed_moves.next = self.busy.val() & self.elapsed_low.q.val().all();
        if self.elapsed_moves.val() | self.run.start.val() {
            self.elapsed.d.next = self.elapsed.q.val() + 1.into();
            if self.run.start.val() {
                self.elapsed.d.next = 0.into();
            }
        }
        self.too_long.next = self.busy.val() & (self.elapsed.q.val() >= self.cfg.limit.val());
        self.outside.next = false;
        if self.check_address.val() {
            self.outside.next = (self.loader.buffer.read.val()
                & (self.loader.buffer.read_addr.val() >= self.depth.val()))
                | (self.drain.write.val() & (self.drain.write_addr.val() >= self.depth.val()));
        }
        self.write.next = self.drain.write.val() & !self.outside.val();
        self.fault.next = 0.into();
        if self.outside.val() {
            self.fault.next = self.fault_address.val();
        } else if self.too_long.val() {
            self.fault.next = self.fault_limit.val();
        }
    }
}

impl parts::Part<Events> for Compute {
    #[hdl_gen]
    fn update(&mut self) {
        self.step_sum[0].next = 0.into();
        self.psum_read_sum[0].next = 0.into();
        self.psum_write_sum[0].next = 0.into();
        self.weight_sum[0].next = 0.into();
        self.any_active.next = false;
        for c in 0..self._cols {
            self.column_rows[c].next = self.loader.valid_rows[0].val();
            if self.column[c].place.half.val() {
                self.column_rows[c].next = self.loader.valid_rows[1].val();
            }
            self.step_sum[c + 1].next = self.step_sum[c].val();
            if self.column[c].place.step.val() {
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
                self.weight_sum[c].val() + self.column[c].place.step.val().into();
            if self.column[c].active.val() {
                self.any_active.next = true;
            }
        }
        self.read_sum[0].next = 0.into();
        for r in 0..self._rows {
            self.read_sum[r + 1].next = self.read_sum[r].val() + self.row[r].reads.val();
        }
    }
}

impl parts::Part<Reports> for Compute {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, steps_q, weights_q, psum_reads_q, psum_writes_q, writes_q);
        clock!(self, clock, drain_q);
        // Event registers without change need no clock.
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
