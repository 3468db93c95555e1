//! Drain: reads finished partial sums from the array, requantizes them and writes buffer words.

use super::bundles::{ConfigBus, Params, Pixel, Run};
use super::config_leaf::config_leaf;
use super::drain_lane::DrainLane;
use super::flags;
use pecan_config::address_bits;
use pecan_config::geometry::{Geometry, LATTICE_BITS};
use pecan_rtl::prelude::*;

config_leaf! {
    /// Configuration of the drain.
    DrainConfig "drain_config" {
        tiles_y: TilesY, tiles_x: TilesX,
        out_h: OutH, out_w: OutW,
        tile_h: TileH, tile_w: TileW,
        rows_used: RowsUsed, out_chunks: OutChunks,
        out_addr: OutAddr, out_tile_y: OutTileY, out_tile_x: OutTileX,
        clamp_lo: ClampLo, clamp_hi: ClampHi,
        param_base: ParamBase,
    }
}

block! {
    /// The drain: for each tile, row by row, `drain_lanes` partial sums per cycle.
    pub(crate) struct Drain = "drain" {
        pub(crate) clock: Signal<In, Clock>,
        pub(crate) run: Run<In> = Run::new(),
        pub(crate) no_drain: Signal<In, Bit>,
        pub(crate) set: ConfigBus<In> = ConfigBus::set(),
        // Parameter write port: channel and its parameters.
        pub(crate) load: Signal<In, Bit>,
        pub(crate) load_channel: Wire<In> = Wire::new(address_bits(g.param_channels)),
        pub(crate) values: Params<In> = Params::load(g),
        // Row table, see `RowTable`.
        pub(crate) pixel: Bundles<Pixel<In>> = Bundles::new(r, Pixel::new),
        pub(crate) out: Vec<Wire<In>> = Wire::vec(r, addr),
        // Columns in use and the tiles (mod 4) that they have finished; tiles drained.
        pub(crate) active: Vec<Signal<In, Bit>> = flags(g.cols),
        pub(crate) tiles: Vec<Wire<In>> = Wire::vec(g.cols, 2),
        pub(crate) drained: Wire<Out> = Wire::new(2),
        // Psum read port of the rows.
        pub(crate) select: Vec<Signal<Out, Bit>> = flags(r),
        pub(crate) psum_word: Wire<Out> = Wire::new(g.psum_bits()),
        pub(crate) part: Wire<Out> = Wire::new(addr_width(g.chunks_per_group())),
        pub(crate) psum: Vec<Vec<Wire<In>>> =
            (0..r).map(|_| Wire::signed_vec(d, g.accumulator_bits)).collect(),
        // Global buffer write port.
        pub(crate) write: Signal<Out, Bit>,
        pub(crate) write_addr: Wire<Out> = Wire::new(addr),
        pub(crate) write_data: Vec<Wire<Out>> =
            Wire::signed_vec(g.word_channels, g.activation_bits),
        // A step in this cycle; the run is not complete.
        pub(crate) step: Signal<Out, Bit>,
        pub(crate) busy: Signal<Out, Bit>,
        cfg: DrainConfig = DrainConfig::new(g),
        lane: Vec<DrainLane> = (0..d).map(|_| DrainLane::new(g)).collect(),
        running: RegBit,
        trail: Vec<RegBit> = RegBit::vec(4),
        ty: Reg = Reg::new(16),
        tx: Reg = Reg::new(16),
        rest_y: Reg = Reg::new(16),
        rest_x: Reg = Reg::new(16),
        addr_ty: Reg = Reg::new(addr),
        addr_tx: Reg = Reg::new(addr),
        row: Reg = Reg::new(6),
        chunk: Reg = Reg::new(16),
        group: Reg = Reg::new(g.psum_bits()),
        part_q: Reg = Reg::new(addr_width(g.chunks_per_group())),
        place: Reg = Reg::new(place),
        word: Reg = Reg::new(addr),
        drained_q: Reg = Reg::new(2),
        pending: Signal<Local, Bit>,
        row_y: Wire<Local> = Wire::new(LATTICE_BITS),
        row_x: Wire<Local> = Wire::new(LATTICE_BITS),
        row_out: Wire<Local> = Wire::new(addr),
        row_unused: Signal<Local, Bit>,
        row_valid: Signal<Local, Bit>,
        go: Signal<Local, Bit>,
        take: Signal<Local, Bit>,
        pixel_end: Signal<Local, Bit>,
        row_end: Signal<Local, Bit>,
        tile_end: Signal<Local, Bit>,
        run_end: Signal<Local, Bit>,
        moved: Wire<Local> = Wire::new(addr),
        picked: Vec<Wire<Local>> = Wire::signed_vec(d, g.accumulator_bits),
        ends_word: Signal<Local, Bit>,
        step_q: Vec<RegBit> = RegBit::vec(3),
        ends_q: Vec<RegBit> = RegBit::vec(3),
        place_q: Vec<Reg> = Reg::vec(3, place),
        addr_q: Vec<Reg> = Reg::vec(3, addr),
        held: Vec<Reg> = Reg::signed_vec(g.word_channels, g.activation_bits),
        write_q: RegBit,
        write_addr_q: Reg = Reg::new(addr),
        last_place: Const = Const::new(g.chunks_per_word() - 1, 8),
        last_part: Const = Const::new(g.chunks_per_group() - 1, 16),
        drain_lanes: Const = Const::new(d, 8),
        lane_shift: Const = Const::new(d.trailing_zeros() as usize, 4),
        lane_mask: Const = Const::new(d - 1, 4),
        _rows: usize = r,
        _cols: usize = g.cols,
        _lanes: usize = d,
        _places: usize = g.chunks_per_word(),
    }

    pub(crate) fn new(g: &Geometry) {
        let (r, d, addr) = (g.rows, g.drain_lanes, g.buffer_bits);
        let place = addr_width(g.chunks_per_word());
    }
}

parts!(Drain:
    /// Whether a tile waits, and whether the present row has a pixel.
    Pixels,
    /// The position in the row, word by word.
    Steps,
    /// The position in the run, tile by tile.
    Tiles,
    /// Partial sums on their path through the lanes.
    Lanes,
    /// Results on their path to the buffer.
    Words,
);

impl parts::Part<Pixels> for Drain {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, cfg);
        wires::link(&mut self.set, &mut self.cfg.bus);

        // A tile is drained when every column in use has finished it.
        self.pending.next = true;
        for c in 0..self._cols {
            if self.active[c].val() & (self.tiles[c].val() == self.drained_q.q.val()) {
                self.pending.next = false;
            }
        }
        self.go.next = self.running.q.val() & self.pending.val();

        // The present row.
        self.row_y.next = 0.into();
        self.row_x.next = 0.into();
        self.row_out.next = 0.into();
        self.row_unused.next = true;
        for r in 0..self._rows {
            self.select[r].next = false;
            if self.row.q.val() == r.into() {
                self.select[r].next = self.take.val();
                self.row_y.next = self.pixel[r].pixel_y.val();
                self.row_x.next = self.pixel[r].pixel_x.val();
                self.row_out.next = self.out[r].val();
                self.row_unused.next = self.pixel[r].unused.val();
            }
        }
        self.row_valid.next = (!self.row_unused.val())
            & (self.row_y.val() < self.rest_y.q.val())
            & (self.row_x.val() < self.rest_x.q.val())
            & !self.no_drain.val();
        self.take.next = self.go.val() & self.row_valid.val();
        self.step.next = self.take.val();
        self.pixel_end.next = (self.chunk.q.val() + 1.into()) == self.cfg.out_chunks.val();
        self.row_end.next = self.go.val() & (self.pixel_end.val() | !self.row_valid.val());
        self.tile_end.next = self.row_end.val()
            & (self.no_drain.val() | ((self.row.q.val() + 1.into()) == self.cfg.rows_used.val()));
        self.ends_word.next = self.pixel_end.val() | (self.place.q.val() == self.last_place.val());
    }
}

impl parts::Part<Steps> for Drain {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, row, chunk, group, part_q, place, word);
        // The outer condition gates the clocks of these registers.
        if self.take.val() | self.row_end.val() | self.run.start.val() {
            if self.take.val() {
                self.chunk.d.next = self.chunk.q.val() + 1.into();
                self.part_q.d.next = self.part_q.q.val() + 1.into();
                if self.part_q.q.val() == self.last_part.val() {
                    self.part_q.d.next = 0.into();
                    self.group.d.next = self.group.q.val() + 1.into();
                }
                self.place.d.next = self.place.q.val() + 1.into();
                if self.ends_word.val() {
                    self.place.d.next = 0.into();
                    self.word.d.next = self.word.q.val() + 1.into();
                }
            }
            if self.row_end.val() | self.run.start.val() {
                self.chunk.d.next = 0.into();
                self.part_q.d.next = 0.into();
                self.group.d.next = 0.into();
                self.place.d.next = 0.into();
                self.word.d.next = 0.into();
            }
        }
        if self.row_end.val() | self.run.start.val() {
            self.row.d.next = self.row.q.val() + 1.into();
            if self.tile_end.val() | self.run.start.val() {
                self.row.d.next = 0.into();
            }
        }
    }
}

impl parts::Part<Tiles> for Drain {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, running, ty, tx, rest_y, rest_x, addr_ty, addr_tx, drained_q);
        self.moved.next = self.addr_tx.q.val() + self.cfg.out_tile_x.val();
        self.run_end.next = false;
        if self.tile_end.val() | self.run.start.val() {
            if self.tile_end.val() {
                self.drained_q.d.next = self.drained_q.q.val() + 1.into();
                self.tx.d.next = self.tx.q.val() + 1.into();
                self.rest_x.d.next = self.rest_x.q.val() - self.cfg.tile_w.val();
                if (self.tx.q.val() + 1.into()) == self.cfg.tiles_x.val() {
                    self.tx.d.next = 0.into();
                    self.rest_x.d.next = self.cfg.out_w.val();
                    self.ty.d.next = self.ty.q.val() + 1.into();
                    self.rest_y.d.next = self.rest_y.q.val() - self.cfg.tile_h.val();
                    self.moved.next = self.addr_ty.q.val() + self.cfg.out_tile_y.val();
                    self.addr_ty.d.next = self.moved.val();
                    self.run_end.next = (self.ty.q.val() + 1.into()) == self.cfg.tiles_y.val();
                }
                self.addr_tx.d.next = self.moved.val();
            }
            if self.run.start.val() {
                self.ty.d.next = 0.into();
                self.tx.d.next = 0.into();
                self.rest_y.d.next = self.cfg.out_h.val();
                self.rest_x.d.next = self.cfg.out_w.val();
                self.addr_ty.d.next = self.cfg.out_addr.val();
                self.addr_tx.d.next = self.cfg.out_addr.val();
                self.drained_q.d.next = 0.into();
            }
        }
        if self.run_end.val() {
            self.running.d.next = false;
        }
        if self.run.start.val() {
            self.running.d.next = true;
        }
        if self.run.reset.val() {
            self.running.d.next = false;
        }
        self.drained.next = self.drained_q.q.val();
        // The last word is written four cycles after the last step.
        self.busy.next = self.running.q.val();
        for i in 0..4 {
            self.trail[i].clock.next = self.clock.val();
            if self.trail[i].q.val() {
                self.busy.next = true;
            }
        }
        self.trail[0].d.next = self.running.q.val() & !self.run.reset.val();
        for i in 0..3 {
            self.trail[i + 1].d.next = self.trail[i].q.val() & !self.run.reset.val();
        }
    }
}

impl parts::Part<Lanes> for Drain {
    #[hdl_gen]
    fn update(&mut self) {
        // Partial sums of the present row, on their path through the lanes.
        self.psum_word.next = (self.group.q.val() << 1) + self.drained_q.q.val().get_bit(0).into();
        self.part.next = self.part_q.q.val();
        for d in 0..self._lanes {
            self.picked[d].next = self.psum[0][d].val();
            for r in 0..self._rows {
                if self.row.q.val() == r.into() {
                    self.picked[d].next = self.psum[r][d].val();
                }
            }
            self.lane[d].clock.next = self.clock.val();
            self.lane[d].load.next =
                self.load.val() & ((self.load_channel.val() & self.lane_mask.val()) == d.into());
            self.lane[d].load_row.next = self.load_channel.val() >> self.lane_shift.val();
            wires::link(&mut self.values, &mut self.lane[d].values);
            self.lane[d].step.next = self.take.val();
            self.lane[d].row.next = unsigned_cast(self.cfg.param_base.val() + self.chunk.q.val());
            self.lane[d].psum.next = self.picked[d].val();
            self.lane[d].clamp_lo.next = self.cfg.clamp_lo.val();
            self.lane[d].clamp_hi.next = self.cfg.clamp_hi.val();
        }
    }
}

impl parts::Part<Words> for Drain {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, write_addr_q);
        clock!(self, clock, write_q);
        // Destination of each step's values, alongside the lanes' stages.
        for i in 0..3 {
            dff_setup!(self, clock, place_q[i], addr_q[i]);
            clock!(self, clock, step_q[i], ends_q[i]);
        }
        self.step_q[0].d.next = self.take.val() & !self.run.reset.val();
        self.ends_q[0].d.next = self.ends_word.val();
        if self.take.val() {
            self.place_q[0].d.next = self.place.q.val();
            self.addr_q[0].d.next = self.addr_tx.q.val() + self.row_out.val() + self.word.q.val();
        }
        for i in 0..2 {
            self.step_q[i + 1].d.next = self.step_q[i].q.val() & !self.run.reset.val();
            self.ends_q[i + 1].d.next = self.ends_q[i].q.val();
            if self.step_q[i].q.val() {
                self.place_q[i + 1].d.next = self.place_q[i].q.val();
                self.addr_q[i + 1].d.next = self.addr_q[i].q.val();
            }
        }
        for p in 0..self._places {
            for d in 0..self._lanes {
                dff_setup!(self, clock, held[p * self.drain_lanes.index() + d]);
                if self.step_q[2].q.val() {
                    if self.place_q[2].q.val() == p.into() {
                        self.held[p * self.drain_lanes.index() + d].d.next =
                            self.lane[d].value.val();
                    } else if self.place_q[2].q.val() == 0.into() {
                        self.held[p * self.drain_lanes.index() + d].d.next = 0.into();
                    }
                }
                self.write_data[p * self.drain_lanes.index() + d].next =
                    self.held[p * self.drain_lanes.index() + d].q.val();
            }
        }
        self.write_q.d.next =
            self.step_q[2].q.val() & self.ends_q[2].q.val() & !self.run.reset.val();
        if self.step_q[2].q.val() {
            self.write_addr_q.d.next = self.addr_q[2].q.val();
        }
        self.write.next = self.write_q.q.val();
        self.write_addr.next = self.write_addr_q.q.val();
    }
}
