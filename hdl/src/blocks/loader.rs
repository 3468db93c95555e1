//! Patch loader: reads the region of a slice once and hands each word to every row whose patch holds it.

use super::config_leaf::config_leaf;
use super::flags;
use crate::geometry::{Geometry, LATTICE_BITS};

use crate::rtl::prelude::*;

config_leaf! {
    /// Configuration of the loader.
    LoaderConfig "loader_config" {
        tiles_y: TilesY, tiles_x: TilesX,
        out_h: OutH, out_w: OutW,
        tile_h: TileH, tile_w: TileW,
        in_y0: InY0, in_x0: InX0,
        in_tile_y: InTileY, in_tile_x: InTileX,
        in_h: InH, in_w: InW,
        addr0: Addr0, addr_tile_y: AddrTileY, addr_tile_x: AddrTileX,
        cb_blocks: CbBlocks, ky_blocks: KyBlocks, kx_blocks: KxBlocks,
        cb_full: CbFull, cb_last: CbLast,
        ky_full: KyFull, ky_last: KyLast,
        kx_full: KxFull, kx_last: KxLast,
        addr_cb: AddrCb, addr_ky: AddrKy, addr_kx: AddrKx,
        in_ky: InKy, in_kx: InKx,
        ext_y: ExtY, ext_x: ExtX,
        step_y: StepY, step_x: StepX,
        addr_y: AddrY, addr_x: AddrX,
        patch_y: PatchY, patch_x: PatchX,
        mode: Mode,
    }
}

/// The patch loader: eight nested loops (tile y, x; slice along channels, kernel rows, kernel columns;
/// region row, column, channel word), one word per cycle.
///
/// Each loop level keeps the address and coordinate at which its present iteration began; a step adds the
/// increment of the outermost level that advances, and all levels inside start there.
#[derive(LogicBlock)]
pub(crate) struct Loader {
    kind: ModuleName,
    pub(crate) clock: Signal<In, Clock>,
    pub(crate) reset: Signal<In, Bit>,
    pub(crate) start: Signal<In, Bit>,
    pub(crate) set: Signal<In, Bit>,
    pub(crate) set_index: Wire<In>,
    pub(crate) set_data: Wire<In>,
    // Row table, see `RowTable`.
    pub(crate) base_y: Vec<Wire<In>>,
    pub(crate) base_x: Vec<Wire<In>>,
    pub(crate) pixel_y: Vec<Wire<In>>,
    pub(crate) pixel_x: Vec<Wire<In>>,
    pub(crate) unused: Vec<Signal<In, Bit>>,
    pub(crate) patch: Vec<Wire<In>>,
    // Columns in use and the slices (mod 4) that they finished.
    pub(crate) active: Vec<Signal<In, Bit>>,
    pub(crate) done: Vec<Wire<In>>,
    // Global buffer read port.
    pub(crate) read: Signal<Out, Bit>,
    pub(crate) read_addr: Wire<Out>,
    pub(crate) read_data: Vec<Wire<In>>,
    // Patch words to the rows.
    pub(crate) write: Vec<Signal<Out, Bit>>,
    pub(crate) write_word: Vec<Wire<Out>>,
    pub(crate) write_data: Vec<Wire<Out>>,
    pub(crate) write_nonzero: Vec<Signal<Out, Bit>>,
    pub(crate) write_rows: Wire<Out>,
    // Slices filled (mod 4) and what the halves hold.
    pub(crate) filled: Wire<Out>,
    pub(crate) first: Vec<Signal<Out, Bit>>,
    pub(crate) last: Vec<Signal<Out, Bit>>,
    pub(crate) finish: Vec<Signal<Out, Bit>>,
    pub(crate) valid: Vec<Vec<Signal<Out, Bit>>>,
    pub(crate) valid_rows: Vec<Wire<Out>>,
    // Extent of the slices in the halves (dense weights only).
    pub(crate) kernel_y: Vec<Wire<Out>>,
    pub(crate) kernel_x: Vec<Wire<Out>>,
    pub(crate) channel_words: Vec<Wire<Out>>,
    pub(crate) last_word: Vec<Signal<Out, Bit>>,
    pub(crate) patch_y: Vec<Wire<Out>>,
    pub(crate) patch_x: Vec<Wire<Out>>,
    cfg: LoaderConfig,
    busy: RegBit,
    issued: Reg,
    filled_q: Reg,
    ty: Reg,
    tx: Reg,
    bc: Reg,
    by: Reg,
    bx: Reg,
    y: Reg,
    x: Reg,
    cb: Reg,
    addr_ty: Reg,
    addr_tx: Reg,
    addr_bc: Reg,
    addr_by: Reg,
    addr_bx: Reg,
    addr_y: Reg,
    addr_x: Reg,
    addr: Reg,
    iy_ty: Reg,
    iy_by: Reg,
    iy: Reg,
    ix_tx: Reg,
    ix_bx: Reg,
    ix: Reg,
    word_y: Reg,
    word_x: Reg,
    word: Reg,
    rest_y: Reg,
    rest_x: Reg,
    moved: Wire<Local>,
    lag: Vec<Wire<Local>>,
    blocked: Signal<Local, Bit>,
    step: Signal<Local, Bit>,
    end_bc: Signal<Local, Bit>,
    end_by: Signal<Local, Bit>,
    end_bx: Signal<Local, Bit>,
    n_cb: Wire<Local>,
    n_y: Wire<Local>,
    n_x: Wire<Local>,
    wrap_cb: Signal<Local, Bit>,
    wrap_x: Signal<Local, Bit>,
    wrap_y: Signal<Local, Bit>,
    wrap_bx: Signal<Local, Bit>,
    wrap_by: Signal<Local, Bit>,
    wrap_bc: Signal<Local, Bit>,
    wrap_tx: Signal<Local, Bit>,
    wrap_ty: Signal<Local, Bit>,
    in_image: Signal<Local, Bit>,
    tap_y: Vec<Wire<Local>>,
    tap_x: Vec<Wire<Local>>,
    row_valid: Vec<Signal<Local, Bit>>,
    row_count: Vec<Wire<Local>>,
    hit: Vec<RegBit>,
    hit_count: Vec<Wire<Local>>,
    in_image_q: RegBit,
    half_q: RegBit,
    word_q: Reg,
    row_word: Vec<Wire<Local>>,
    pad: Wire<Local>,
    first_q: Vec<RegBit>,
    last_q: Vec<RegBit>,
    finish_q: Vec<RegBit>,
    valid_q: Vec<Vec<RegBit>>,
    valid_rows_q: Vec<Reg>,
    kernel_y_q: Vec<Reg>,
    kernel_x_q: Vec<Reg>,
    channel_words_q: Vec<Reg>,
    last_word_q: Vec<RegBit>,
    smallest: Const,
    half: Const,
    rows: Const,
    _rows: usize,
    _cols: usize,
    _channels: usize,
    _dense: usize,
}

impl Loader {
    pub(crate) fn new(g: &Geometry) -> Self {
        let (r, count, addr) = (g.rows, g.patch_count_bits(), g.buffer_bits);
        let dense = usize::from(!g.skip);
        let row_count = addr_width(r + 1);
        Self {
            kind: ModuleName::new("loader"),
            clock: Signal::default(),
            reset: Signal::default(),
            start: Signal::default(),
            set: Signal::default(),
            set_index: Wire::new(8),
            set_data: Wire::new(32),
            base_y: Wire::vec(r, LATTICE_BITS),
            base_x: Wire::vec(r, LATTICE_BITS),
            pixel_y: Wire::vec(r, LATTICE_BITS),
            pixel_x: Wire::vec(r, LATTICE_BITS),
            unused: flags(r),
            patch: Wire::vec(r, g.patch_bits()),
            active: flags(g.cols),
            done: Wire::vec(g.cols, 2),
            read: Signal::default(),
            read_addr: Wire::new(addr),
            read_data: Wire::vec(g.word_channels, g.activation_bits),
            write: flags(r),
            write_word: Wire::vec(r, g.scratch_bits()),
            write_data: Wire::signed_vec(g.word_channels, g.activation_bits),
            write_nonzero: flags(g.word_channels),
            write_rows: Wire::new(row_count),
            filled: Wire::new(2),
            first: flags(2),
            last: flags(2),
            finish: flags(2),
            valid: (0..2).map(|_| flags(r)).collect(),
            valid_rows: Wire::vec(2, row_count),
            kernel_y: Wire::vec(2 * dense, count),
            kernel_x: Wire::vec(2 * dense, count),
            channel_words: Wire::vec(2 * dense, count),
            last_word: flags(2 * dense),
            patch_y: Wire::vec(dense, g.patch_bits()),
            patch_x: Wire::vec(dense, g.patch_bits()),
            cfg: LoaderConfig::new(g),
            busy: RegBit::new(),
            issued: Reg::new(2),
            filled_q: Reg::new(2),
            ty: Reg::new(16),
            tx: Reg::new(16),
            bc: Reg::new(16),
            by: Reg::new(16),
            bx: Reg::new(16),
            y: Reg::new(LATTICE_BITS + 1),
            x: Reg::new(LATTICE_BITS + 1),
            cb: Reg::new(count),
            addr_ty: Reg::new(addr),
            addr_tx: Reg::new(addr),
            addr_bc: Reg::new(addr),
            addr_by: Reg::new(addr),
            addr_bx: Reg::new(addr),
            addr_y: Reg::new(addr),
            addr_x: Reg::new(addr),
            addr: Reg::new(addr),
            iy_ty: Reg::signed(18),
            iy_by: Reg::signed(18),
            iy: Reg::signed(18),
            ix_tx: Reg::signed(18),
            ix_bx: Reg::signed(18),
            ix: Reg::signed(18),
            word_y: Reg::new(g.patch_bits()),
            word_x: Reg::new(g.patch_bits()),
            word: Reg::new(g.patch_bits()),
            rest_y: Reg::new(16),
            rest_x: Reg::new(16),
            moved: Wire::new(addr),
            lag: Wire::vec(g.cols, 2),
            blocked: Signal::default(),
            step: Signal::default(),
            end_bc: Signal::default(),
            end_by: Signal::default(),
            end_bx: Signal::default(),
            n_cb: Wire::new(count),
            n_y: Wire::new(count),
            n_x: Wire::new(count),
            wrap_cb: Signal::default(),
            wrap_x: Signal::default(),
            wrap_y: Signal::default(),
            wrap_bx: Signal::default(),
            wrap_by: Signal::default(),
            wrap_bc: Signal::default(),
            wrap_tx: Signal::default(),
            wrap_ty: Signal::default(),
            in_image: Signal::default(),
            tap_y: Wire::vec(r, LATTICE_BITS + 1),
            tap_x: Wire::vec(r, LATTICE_BITS + 1),
            row_valid: flags(r),
            row_count: Wire::vec(r + 1, row_count),
            hit: RegBit::vec(r),
            hit_count: Wire::vec(r + 1, row_count),
            in_image_q: RegBit::new(),
            half_q: RegBit::new(),
            word_q: Reg::new(g.patch_bits()),
            row_word: Wire::vec(r, g.patch_bits()),
            pad: Wire::signed(g.activation_bits),
            first_q: RegBit::vec(2),
            last_q: RegBit::vec(2),
            finish_q: RegBit::vec(2),
            valid_q: (0..2).map(|_| RegBit::vec(r)).collect(),
            valid_rows_q: Reg::vec(2, row_count),
            kernel_y_q: Reg::vec(2 * dense, count),
            kernel_x_q: Reg::vec(2 * dense, count),
            channel_words_q: Reg::vec(2 * dense, count),
            last_word_q: RegBit::vec(2 * dense),
            smallest: Const::signed(-(1i64 << (g.activation_bits - 1)), g.activation_bits),
            half: Const::new(g.scratch_words, 8),
            rows: Const::new(r, 8),
            _rows: r,
            _cols: g.cols,
            _channels: g.word_channels,
            _dense: dense,
        }
    }
}

impl Logic for Loader {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, busy, issued, filled_q, ty, tx, bc, by, bx, y, x, cb);
        dff_setup!(self, clock, addr_ty, addr_tx, addr_bc, addr_by, addr_bx, addr_y, addr_x, addr);
        dff_setup!(self, clock, iy_ty, iy_by, iy, ix_tx, ix_bx, ix, word_y, word_x, word);
        dff_setup!(self, clock, rest_y, rest_x);
        clock!(self, clock, cfg, in_image_q, half_q, word_q);
        self.cfg.write.next = self.set.val();
        self.cfg.index.next = self.set_index.val();
        self.cfg.data.next = self.set_data.val();

        // A slice may start when no column in use still reads the half that it goes to.
        self.blocked.next = false;
        for c in 0..self._cols {
            self.lag[c].next = self.issued.q.val() - self.done[c].val();
            if self.active[c].val() & self.lag[c].val().get_bit(1) {
                self.blocked.next = true;
            }
        }
        self.step.next = self.busy.q.val() & !self.blocked.val();

        // Extent of the slice.
        self.end_bc.next = (self.bc.q.val() + 1.into()) == self.cfg.cb_blocks.val();
        self.end_by.next = (self.by.q.val() + 1.into()) == self.cfg.ky_blocks.val();
        self.end_bx.next = (self.bx.q.val() + 1.into()) == self.cfg.kx_blocks.val();
        self.n_cb.next = self.cfg.cb_full.val();
        if self.end_bc.val() {
            self.n_cb.next = self.cfg.cb_last.val();
        }
        self.n_y.next = self.cfg.ky_full.val();
        if self.end_by.val() {
            self.n_y.next = self.cfg.ky_last.val();
        }
        self.n_x.next = self.cfg.kx_full.val();
        if self.end_bx.val() {
            self.n_x.next = self.cfg.kx_last.val();
        }

        // Which levels advance with this step.
        self.wrap_cb.next = (self.cb.q.val() + 1.into()) == self.n_cb.val();
        self.wrap_x.next = self.wrap_cb.val()
            & ((self.x.q.val() + 1.into()) == (self.n_x.val() + self.cfg.ext_x.val()));
        self.wrap_y.next = self.wrap_x.val()
            & ((self.y.q.val() + 1.into()) == (self.n_y.val() + self.cfg.ext_y.val()));
        self.wrap_bx.next = self.wrap_y.val() & self.end_bx.val();
        self.wrap_by.next = self.wrap_bx.val() & self.end_by.val();
        self.wrap_bc.next = self.wrap_by.val() & self.end_bc.val();
        self.wrap_tx.next =
            self.wrap_bc.val() & ((self.tx.q.val() + 1.into()) == self.cfg.tiles_x.val());
        self.wrap_ty.next =
            self.wrap_tx.val() & ((self.ty.q.val() + 1.into()) == self.cfg.tiles_y.val());

        self.moved.next = self.addr.q.val() + 1.into();
        if self.step.val() & self.wrap_ty.val() {
            self.busy.d.next = false;
        }
        if self.start.val() {
            self.busy.d.next = true;
        }
        // The outer condition is what the clocks of these registers are gated with.
        if self.step.val() | self.start.val() {
            if self.step.val() {
                self.cb.d.next = self.cb.q.val() + 1.into();
                self.word.d.next = self.word.q.val() + 1.into();
                if self.wrap_tx.val() {
                    self.moved.next = self.addr_ty.q.val() + self.cfg.addr_tile_y.val();
                } else if self.wrap_bc.val() {
                    self.moved.next = self.addr_tx.q.val() + self.cfg.addr_tile_x.val();
                } else if self.wrap_by.val() {
                    self.moved.next = self.addr_bc.q.val() + self.cfg.addr_cb.val();
                } else if self.wrap_bx.val() {
                    self.moved.next = self.addr_by.q.val() + self.cfg.addr_ky.val();
                } else if self.wrap_y.val() {
                    self.moved.next = self.addr_bx.q.val() + self.cfg.addr_kx.val();
                } else if self.wrap_x.val() {
                    self.moved.next = self.addr_y.q.val() + self.cfg.addr_y.val();
                } else if self.wrap_cb.val() {
                    self.moved.next = self.addr_x.q.val() + self.cfg.addr_x.val();
                }
                self.addr.d.next = self.moved.val();
                if self.wrap_cb.val() {
                    self.cb.d.next = 0.into();
                    self.x.d.next = self.x.q.val() + 1.into();
                    self.addr_x.d.next = self.moved.val();
                    self.ix.d.next = self.ix.q.val() + self.cfg.step_x.val();
                    self.word_x.d.next = self.word_x.q.val() + self.cfg.patch_x.val();
                    self.word.d.next = self.word_x.q.val() + self.cfg.patch_x.val();
                }
                if self.wrap_x.val() {
                    self.x.d.next = 0.into();
                    self.y.d.next = self.y.q.val() + 1.into();
                    self.addr_y.d.next = self.moved.val();
                    self.iy.d.next = self.iy.q.val() + self.cfg.step_y.val();
                    self.ix.d.next = self.ix_bx.q.val();
                    self.word_y.d.next = self.word_y.q.val() + self.cfg.patch_y.val();
                    self.word_x.d.next = self.word_y.q.val() + self.cfg.patch_y.val();
                    self.word.d.next = self.word_y.q.val() + self.cfg.patch_y.val();
                }
                if self.wrap_y.val() {
                    self.y.d.next = 0.into();
                    self.word_y.d.next = 0.into();
                    self.word_x.d.next = 0.into();
                    self.word.d.next = 0.into();
                    self.bx.d.next = self.bx.q.val() + 1.into();
                    self.issued.d.next = self.issued.q.val() + 1.into();
                    self.addr_bx.d.next = self.moved.val();
                    self.iy.d.next = self.iy_by.q.val();
                    self.ix_bx.d.next = self.ix_bx.q.val() + self.cfg.in_kx.val();
                    self.ix.d.next = self.ix_bx.q.val() + self.cfg.in_kx.val();
                }
                if self.wrap_bx.val() {
                    self.bx.d.next = 0.into();
                    self.by.d.next = self.by.q.val() + 1.into();
                    self.addr_by.d.next = self.moved.val();
                    self.iy_by.d.next = self.iy_by.q.val() + self.cfg.in_ky.val();
                    self.iy.d.next = self.iy_by.q.val() + self.cfg.in_ky.val();
                    self.ix_bx.d.next = self.ix_tx.q.val();
                    self.ix.d.next = self.ix_tx.q.val();
                }
                if self.wrap_by.val() {
                    self.by.d.next = 0.into();
                    self.bc.d.next = self.bc.q.val() + 1.into();
                    self.addr_bc.d.next = self.moved.val();
                    self.iy_by.d.next = self.iy_ty.q.val();
                    self.iy.d.next = self.iy_ty.q.val();
                }
                if self.wrap_bc.val() {
                    self.bc.d.next = 0.into();
                    self.tx.d.next = self.tx.q.val() + 1.into();
                    self.addr_tx.d.next = self.moved.val();
                    self.rest_x.d.next = self.rest_x.q.val() - self.cfg.tile_w.val();
                    self.ix_tx.d.next = self.ix_tx.q.val() + self.cfg.in_tile_x.val();
                    self.ix_bx.d.next = self.ix_tx.q.val() + self.cfg.in_tile_x.val();
                    self.ix.d.next = self.ix_tx.q.val() + self.cfg.in_tile_x.val();
                }
                if self.wrap_tx.val() {
                    self.tx.d.next = 0.into();
                    self.ty.d.next = self.ty.q.val() + 1.into();
                    self.addr_ty.d.next = self.moved.val();
                    self.rest_x.d.next = self.cfg.out_w.val();
                    self.rest_y.d.next = self.rest_y.q.val() - self.cfg.tile_h.val();
                    self.iy_ty.d.next = self.iy_ty.q.val() + self.cfg.in_tile_y.val();
                    self.iy_by.d.next = self.iy_ty.q.val() + self.cfg.in_tile_y.val();
                    self.iy.d.next = self.iy_ty.q.val() + self.cfg.in_tile_y.val();
                    self.ix_tx.d.next = self.cfg.in_x0.val();
                    self.ix_bx.d.next = self.cfg.in_x0.val();
                    self.ix.d.next = self.cfg.in_x0.val();
                }
            }
            if self.start.val() {
                self.issued.d.next = 0.into();
                self.ty.d.next = 0.into();
                self.tx.d.next = 0.into();
                self.bc.d.next = 0.into();
                self.by.d.next = 0.into();
                self.bx.d.next = 0.into();
                self.y.d.next = 0.into();
                self.x.d.next = 0.into();
                self.cb.d.next = 0.into();
                self.addr_ty.d.next = self.cfg.addr0.val();
                self.addr_tx.d.next = self.cfg.addr0.val();
                self.addr_bc.d.next = self.cfg.addr0.val();
                self.addr_by.d.next = self.cfg.addr0.val();
                self.addr_bx.d.next = self.cfg.addr0.val();
                self.addr_y.d.next = self.cfg.addr0.val();
                self.addr_x.d.next = self.cfg.addr0.val();
                self.addr.d.next = self.cfg.addr0.val();
                self.iy_ty.d.next = self.cfg.in_y0.val();
                self.iy_by.d.next = self.cfg.in_y0.val();
                self.iy.d.next = self.cfg.in_y0.val();
                self.ix_tx.d.next = self.cfg.in_x0.val();
                self.ix_bx.d.next = self.cfg.in_x0.val();
                self.ix.d.next = self.cfg.in_x0.val();
                self.word_y.d.next = 0.into();
                self.word_x.d.next = 0.into();
                self.word.d.next = 0.into();
                self.rest_y.d.next = self.cfg.out_h.val();
                self.rest_x.d.next = self.cfg.out_w.val();
            }
        }
        if self.reset.val() {
            self.busy.d.next = false;
        }

        // Buffer read, outside the image not.
        self.in_image.next = (self.iy.q.val() >= 0.into())
            & (self.ix.q.val() >= 0.into())
            & (self.iy.q.val() < self.cfg.in_h.val())
            & (self.ix.q.val() < self.cfg.in_w.val());
        self.read.next = self.step.val() & self.in_image.val();
        self.read_addr.next = self.addr.q.val();
        self.in_image_q.d.next = self.in_image.val();
        self.half_q.d.next = self.issued.q.val().get_bit(0);
        self.word_q.d.next = self.word.q.val();

        // Rows whose patch holds the word.
        self.row_count[0].next = 0.into();
        self.hit_count[0].next = 0.into();
        for r in 0..self._rows {
            self.row_valid[r].next = (!self.unused[r].val())
                & (self.pixel_y[r].val() < self.rest_y.q.val())
                & (self.pixel_x[r].val() < self.rest_x.q.val());
            self.row_count[r + 1].next = self.row_count[r].val() + self.row_valid[r].val().into();
            self.tap_y[r].next = self.y.q.val() - self.base_y[r].val();
            self.tap_x[r].next = self.x.q.val() - self.base_x[r].val();
            self.hit[r].clock.next = self.clock.val();
            self.hit[r].d.next = self.step.val()
                & self.row_valid[r].val()
                & (self.tap_y[r].val() < self.n_y.val())
                & (self.tap_x[r].val() < self.n_x.val());
            self.hit_count[r + 1].next = self.hit_count[r].val() + self.hit[r].q.val().into();
            // The word arrives one cycle after the read.
            self.write[r].next = self.hit[r].q.val();
            self.row_word[r].next = self.word_q.q.val() - self.patch[r].val();
            self.write_word[r].next = (self.row_word[r].val() << 1) + self.half_q.q.val().into();
        }
        self.write_rows.next = self.hit_count[self.rows.index()].val();
        self.pad.next = 0.into();
        if self.cfg.mode.val().get_bit(1) {
            self.pad.next = self.smallest.val();
        }
        for b in 0..self._channels {
            self.write_data[b].next = self.pad.val();
            if self.in_image_q.q.val() {
                self.write_data[b].next = signed_cast(self.read_data[b].val());
            }
            self.write_nonzero[b].next = self.write_data[b].val().any();
        }

        // What a half holds is recorded with the slice's last step; the columns may start when its last
        // word is written.
        self.filled_q.d.next = self.issued.q.val();
        if self.start.val() {
            self.filled_q.d.next = 0.into();
        }
        self.filled.next = self.filled_q.q.val();
        for h in 0..2 {
            dff_setup!(self, clock, first_q[h], last_q[h], finish_q[h], valid_rows_q[h]);
            for r in 0..self._rows {
                dff_setup!(self, clock, valid_q[h][r]);
                self.valid[h][r].next = self.valid_q[h][r].q.val();
            }
            if self.step.val() & self.wrap_y.val() & ((self.issued.q.val() & 1.into()) == h.into())
            {
                self.first_q[h].d.next = (self.bc.q.val() == 0.into())
                    & (self.by.q.val() == 0.into())
                    & (self.bx.q.val() == 0.into());
                self.last_q[h].d.next = self.wrap_bc.val();
                self.finish_q[h].d.next = self.wrap_ty.val();
                self.valid_rows_q[h].d.next = self.row_count[self.rows.index()].val();
                for r in 0..self._rows {
                    self.valid_q[h][r].d.next = self.row_valid[r].val();
                }
            }
            self.first[h].next = self.first_q[h].q.val();
            self.last[h].next = self.last_q[h].q.val();
            self.finish[h].next = self.finish_q[h].q.val();
            self.valid_rows[h].next = self.valid_rows_q[h].q.val();
        }
        for d in 0..self._dense {
            for h in 0..2 {
                dff_setup!(self, clock, kernel_y_q[h], kernel_x_q[h], channel_words_q[h]);
                dff_setup!(self, clock, last_word_q[h]);
                if self.step.val()
                    & self.wrap_y.val()
                    & ((self.issued.q.val() & 1.into()) == h.into())
                {
                    self.kernel_y_q[h].d.next = self.n_y.val();
                    self.kernel_x_q[h].d.next = self.n_x.val();
                    self.channel_words_q[h].d.next = self.n_cb.val();
                    self.last_word_q[h].d.next = self.end_bc.val();
                }
                self.kernel_y[h].next = self.kernel_y_q[h].q.val();
                self.kernel_x[h].next = self.kernel_x_q[h].q.val();
                self.channel_words[h].next = self.channel_words_q[h].q.val();
                self.last_word[h].next = self.last_word_q[h].q.val();
            }
            self.patch_y[d].next = self.cfg.patch_y.val();
            self.patch_x[d].next = self.cfg.patch_x.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::register::{MODE_MAX, Register};

    #[test]
    fn maximum_is_bit_one_of_the_mode() {
        assert_eq!(MODE_MAX, 1 << 1);
        assert!(
            LoaderConfig::new(&Geometry::of(&crate::config::Config::default())).mode.width() == 2
        );
        assert_eq!(Register::Mode.name(), "mode");
    }
}
