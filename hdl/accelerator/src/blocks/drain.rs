//! Drain: takes finished partial sums out of the array, requantizes them and writes buffer words.

use super::config_leaf::config_leaf;
use super::drain_lane::DrainLane;
use super::flags;
use pecan_config::address_bits;
use pecan_config::geometry::{Geometry, LATTICE_BITS};
use pecan_config::isa::{MULTIPLIER_BITS, SHIFT_BITS};
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

/// The drain: for each tile, row by row, `drain_lanes` partial sums per cycle.
#[derive(LogicBlock)]
pub(crate) struct Drain {
    kind: ModuleName,
    pub(crate) clock: Signal<In, Clock>,
    pub(crate) reset: Signal<In, Bit>,
    pub(crate) start: Signal<In, Bit>,
    pub(crate) no_drain: Signal<In, Bit>,
    pub(crate) set: Signal<In, Bit>,
    pub(crate) set_index: Wire<In>,
    pub(crate) set_data: Wire<In>,
    // Parameter write port: channel and its parameters.
    pub(crate) load: Signal<In, Bit>,
    pub(crate) load_channel: Wire<In>,
    pub(crate) load_bias: Wire<In>,
    pub(crate) load_multiplier: Wire<In>,
    pub(crate) load_shift: Wire<In>,
    // Row table, see `RowTable`.
    pub(crate) pixel_y: Vec<Wire<In>>,
    pub(crate) pixel_x: Vec<Wire<In>>,
    pub(crate) unused: Vec<Signal<In, Bit>>,
    pub(crate) out: Vec<Wire<In>>,
    // Columns in use and the tiles (mod 4) that they finished; tiles drained.
    pub(crate) active: Vec<Signal<In, Bit>>,
    pub(crate) tiles: Vec<Wire<In>>,
    pub(crate) drained: Wire<Out>,
    // Psum read port of the rows.
    pub(crate) select: Vec<Signal<Out, Bit>>,
    pub(crate) psum_word: Wire<Out>,
    pub(crate) part: Wire<Out>,
    pub(crate) psum: Vec<Vec<Wire<In>>>,
    // Global buffer write port.
    pub(crate) write: Signal<Out, Bit>,
    pub(crate) write_addr: Wire<Out>,
    pub(crate) write_data: Vec<Wire<Out>>,
    // A step of this cycle; the run is not complete.
    pub(crate) step: Signal<Out, Bit>,
    pub(crate) busy: Signal<Out, Bit>,
    cfg: DrainConfig,
    lane: Vec<DrainLane>,
    running: RegBit,
    trail: Vec<RegBit>,
    ty: Reg,
    tx: Reg,
    rest_y: Reg,
    rest_x: Reg,
    addr_ty: Reg,
    addr_tx: Reg,
    row: Reg,
    chunk: Reg,
    group: Reg,
    part_q: Reg,
    place: Reg,
    word: Reg,
    drained_q: Reg,
    pending: Signal<Local, Bit>,
    row_y: Wire<Local>,
    row_x: Wire<Local>,
    row_out: Wire<Local>,
    row_unused: Signal<Local, Bit>,
    row_valid: Signal<Local, Bit>,
    go: Signal<Local, Bit>,
    take: Signal<Local, Bit>,
    pixel_end: Signal<Local, Bit>,
    row_end: Signal<Local, Bit>,
    tile_end: Signal<Local, Bit>,
    run_end: Signal<Local, Bit>,
    moved: Wire<Local>,
    picked: Vec<Wire<Local>>,
    ends_word: Signal<Local, Bit>,
    step_q: Vec<RegBit>,
    ends_q: Vec<RegBit>,
    place_q: Vec<Reg>,
    addr_q: Vec<Reg>,
    held: Vec<Reg>,
    write_q: RegBit,
    write_addr_q: Reg,
    last_place: Const,
    last_part: Const,
    drain_lanes: Const,
    lane_shift: Const,
    lane_mask: Const,
    _rows: usize,
    _cols: usize,
    _lanes: usize,
    _places: usize,
}

impl Drain {
    pub(crate) fn new(g: &Geometry) -> Self {
        let (r, d, addr) = (g.rows, g.drain_lanes, g.buffer_bits);
        let place = addr_width(g.chunks_per_word());
        Self {
            kind: ModuleName::new("drain"),
            clock: Signal::default(),
            reset: Signal::default(),
            start: Signal::default(),
            no_drain: Signal::default(),
            set: Signal::default(),
            set_index: Wire::new(8),
            set_data: Wire::new(32),
            load: Signal::default(),
            load_channel: Wire::new(address_bits(g.param_channels)),
            load_bias: Wire::new(g.bias_bits()),
            load_multiplier: Wire::new(MULTIPLIER_BITS),
            load_shift: Wire::new(SHIFT_BITS),
            pixel_y: Wire::vec(r, LATTICE_BITS),
            pixel_x: Wire::vec(r, LATTICE_BITS),
            unused: flags(r),
            out: Wire::vec(r, addr),
            active: flags(g.cols),
            tiles: Wire::vec(g.cols, 2),
            drained: Wire::new(2),
            select: flags(r),
            psum_word: Wire::new(g.psum_bits()),
            part: Wire::new(addr_width(g.chunks_per_group())),
            psum: (0..r).map(|_| Wire::signed_vec(d, g.accumulator_bits)).collect(),
            write: Signal::default(),
            write_addr: Wire::new(addr),
            write_data: Wire::signed_vec(g.word_channels, g.activation_bits),
            step: Signal::default(),
            busy: Signal::default(),
            cfg: DrainConfig::new(g),
            lane: (0..d).map(|_| DrainLane::new(g)).collect(),
            running: RegBit::new(),
            trail: RegBit::vec(4),
            ty: Reg::new(16),
            tx: Reg::new(16),
            rest_y: Reg::new(16),
            rest_x: Reg::new(16),
            addr_ty: Reg::new(addr),
            addr_tx: Reg::new(addr),
            row: Reg::new(6),
            chunk: Reg::new(16),
            group: Reg::new(g.psum_bits()),
            part_q: Reg::new(addr_width(g.chunks_per_group())),
            place: Reg::new(place),
            word: Reg::new(addr),
            drained_q: Reg::new(2),
            pending: Signal::default(),
            row_y: Wire::new(LATTICE_BITS),
            row_x: Wire::new(LATTICE_BITS),
            row_out: Wire::new(addr),
            row_unused: Signal::default(),
            row_valid: Signal::default(),
            go: Signal::default(),
            take: Signal::default(),
            pixel_end: Signal::default(),
            row_end: Signal::default(),
            tile_end: Signal::default(),
            run_end: Signal::default(),
            moved: Wire::new(addr),
            picked: Wire::signed_vec(d, g.accumulator_bits),
            ends_word: Signal::default(),
            step_q: RegBit::vec(3),
            ends_q: RegBit::vec(3),
            place_q: Reg::vec(3, place),
            addr_q: Reg::vec(3, addr),
            held: Reg::signed_vec(g.word_channels, g.activation_bits),
            write_q: RegBit::new(),
            write_addr_q: Reg::new(addr),
            last_place: Const::new(g.chunks_per_word() - 1, 8),
            last_part: Const::new(g.chunks_per_group() - 1, 16),
            drain_lanes: Const::new(d, 8),
            lane_shift: Const::new(d.trailing_zeros() as usize, 4),
            lane_mask: Const::new(d - 1, 4),
            _rows: r,
            _cols: g.cols,
            _lanes: d,
            _places: g.chunks_per_word(),
        }
    }
}

impl Logic for Drain {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, running, ty, tx, rest_y, rest_x, addr_ty, addr_tx, row, chunk);
        dff_setup!(self, clock, group, part_q, place, word, drained_q, write_addr_q);
        clock!(self, clock, cfg, write_q);
        self.cfg.write.next = self.set.val();
        self.cfg.index.next = self.set_index.val();
        self.cfg.data.next = self.set_data.val();

        // A tile is drained when every column in use has finished it.
        self.pending.next = true;
        for c in 0..self._cols {
            if self.active[c].val() & (self.tiles[c].val() == self.drained_q.q.val()) {
                self.pending.next = false;
            }
        }
        self.go.next = self.running.q.val() & self.pending.val();

        // The row at hand.
        self.row_y.next = 0.into();
        self.row_x.next = 0.into();
        self.row_out.next = 0.into();
        self.row_unused.next = true;
        for r in 0..self._rows {
            self.select[r].next = false;
            if self.row.q.val() == r.into() {
                self.select[r].next = self.take.val();
                self.row_y.next = self.pixel_y[r].val();
                self.row_x.next = self.pixel_x[r].val();
                self.row_out.next = self.out[r].val();
                self.row_unused.next = self.unused[r].val();
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

        // Outer conditions are what the clocks of these registers are gated with.
        if self.take.val() | self.row_end.val() | self.start.val() {
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
            if self.row_end.val() | self.start.val() {
                self.chunk.d.next = 0.into();
                self.part_q.d.next = 0.into();
                self.group.d.next = 0.into();
                self.place.d.next = 0.into();
                self.word.d.next = 0.into();
            }
        }
        self.moved.next = self.addr_tx.q.val() + self.cfg.out_tile_x.val();
        if self.row_end.val() | self.start.val() {
            self.row.d.next = self.row.q.val() + 1.into();
            if self.tile_end.val() | self.start.val() {
                self.row.d.next = 0.into();
            }
        }
        self.run_end.next = false;
        if self.tile_end.val() | self.start.val() {
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
            if self.start.val() {
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
        if self.start.val() {
            self.running.d.next = true;
        }
        if self.reset.val() {
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
        self.trail[0].d.next = self.running.q.val() & !self.reset.val();
        for i in 0..3 {
            self.trail[i + 1].d.next = self.trail[i].q.val() & !self.reset.val();
        }

        // Partial sums of the row at hand, through the lanes.
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
            self.lane[d].load_bias.next = self.load_bias.val();
            self.lane[d].load_multiplier.next = self.load_multiplier.val();
            self.lane[d].load_shift.next = self.load_shift.val();
            self.lane[d].step.next = self.take.val();
            self.lane[d].row.next = unsigned_cast(self.cfg.param_base.val() + self.chunk.q.val());
            self.lane[d].psum.next = self.picked[d].val();
            self.lane[d].clamp_lo.next = self.cfg.clamp_lo.val();
            self.lane[d].clamp_hi.next = self.cfg.clamp_hi.val();
        }

        // Where each step's values go, alongside the lanes' stages.
        for i in 0..3 {
            dff_setup!(self, clock, place_q[i], addr_q[i]);
            clock!(self, clock, step_q[i], ends_q[i]);
        }
        self.step_q[0].d.next = self.take.val() & !self.reset.val();
        self.ends_q[0].d.next = self.ends_word.val();
        if self.take.val() {
            self.place_q[0].d.next = self.place.q.val();
            self.addr_q[0].d.next = self.addr_tx.q.val() + self.row_out.val() + self.word.q.val();
        }
        for i in 0..2 {
            self.step_q[i + 1].d.next = self.step_q[i].q.val() & !self.reset.val();
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
        self.write_q.d.next = self.step_q[2].q.val() & self.ends_q[2].q.val() & !self.reset.val();
        if self.step_q[2].q.val() {
            self.write_addr_q.d.next = self.addr_q[2].q.val();
        }
        self.write.next = self.write_q.q.val();
        self.write_addr.next = self.write_addr_q.q.val();
    }
}
