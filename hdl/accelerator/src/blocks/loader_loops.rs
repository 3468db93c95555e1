//! Loop nest of the patch loader: its position in the region, the slices and the tiles.

use super::bundles::{ConfigBus, Pitch, Region, Rest, Run};
use super::config_leaf::config_leaf;
use pecan_config::geometry::{Geometry, LATTICE_BITS};
use pecan_rtl::prelude::*;

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

block! {
    /// Eight nested loops (tile y, x; slice along channels, kernel rows, kernel columns; region row, column,
    /// channel word), one word of the region per step.
    ///
    /// Each loop level stores the address and coordinate at which its present iteration began. A step adds the
    /// increment of the outermost level that advances, and all inner levels start there.
    ///
    /// It depends on the sizes of memories and scratchpads only, not on the array, so that arrays of different shapes
    /// share it.
    pub(crate) struct LoaderLoops = "loader_loops" {
        pub(crate) clock: Signal<In, Clock>,
        pub(crate) run: Run<In> = Run::new(),
        pub(crate) set: ConfigBus<In> = ConfigBus::set(),
        // A column still reads the half that the present slice fills.
        pub(crate) blocked: Signal<In, Bit>,
        // A word in this cycle, its position in the region, and the size of a patch in the region.
        pub(crate) region: Region<Out> =
            Region::new(g).named(&["step", "y_now", "x_now", "n_y", "n_x"]),
        pub(crate) n_cb: Wire<Out> = Wire::new(count),
        // Pixels of the output from the tile on.
        pub(crate) rest: Rest<Out> = Rest::new().named(&["rest_height", "rest_width"]),
        // Global buffer read port.
        pub(crate) read: Signal<Out, Bit>,
        pub(crate) read_addr: Wire<Out> = Wire::new(addr),
        // The word that arrives in this cycle: whether it lies in the image, its half and its word of the patch.
        pub(crate) in_bounds: Signal<Out, Bit>,
        pub(crate) half: Signal<Out, Bit>,
        pub(crate) word_at: Wire<Out> = Wire::new(patch),
        // Slices issued (mod 4), and which loops end with this step.
        pub(crate) issued_now: Wire<Out> = Wire::new(2),
        pub(crate) slice_end: Signal<Out, Bit>,
        pub(crate) tile_end: Signal<Out, Bit>,
        pub(crate) run_end: Signal<Out, Bit>,
        // First slice of a tile, last block of channels.
        pub(crate) slice_first: Signal<Out, Bit>,
        pub(crate) end_bc: Signal<Out, Bit>,
        pub(crate) maximum: Signal<Out, Bit>,
        pub(crate) pitch: Pitch<Out> = Pitch::new(g),
        cfg: LoaderConfig = LoaderConfig::new(g),
        busy: RegBit,
        issued: Reg = Reg::new(2),
        ty: Reg = Reg::new(16),
        tx: Reg = Reg::new(16),
        bc: Reg = Reg::new(16),
        by: Reg = Reg::new(16),
        bx: Reg = Reg::new(16),
        y: Reg = Reg::new(LATTICE_BITS + 1),
        x: Reg = Reg::new(LATTICE_BITS + 1),
        cb: Reg = Reg::new(count),
        addr_ty: Reg = Reg::new(addr),
        addr_tx: Reg = Reg::new(addr),
        addr_bc: Reg = Reg::new(addr),
        addr_by: Reg = Reg::new(addr),
        addr_bx: Reg = Reg::new(addr),
        addr_y: Reg = Reg::new(addr),
        addr_x: Reg = Reg::new(addr),
        addr: Reg = Reg::new(addr),
        iy_ty: Reg = Reg::signed(18),
        iy_by: Reg = Reg::signed(18),
        iy: Reg = Reg::signed(18),
        ix_tx: Reg = Reg::signed(18),
        ix_bx: Reg = Reg::signed(18),
        ix: Reg = Reg::signed(18),
        word_y: Reg = Reg::new(patch),
        word_x: Reg = Reg::new(patch),
        word: Reg = Reg::new(patch),
        rest_y: Reg = Reg::new(16),
        rest_x: Reg = Reg::new(16),
        moved: Wire<Local> = Wire::new(addr),
        end_by: Signal<Local, Bit>,
        end_bx: Signal<Local, Bit>,
        wrap_cb: Signal<Local, Bit>,
        wrap_x: Signal<Local, Bit>,
        wrap_y: Signal<Local, Bit>,
        wrap_bx: Signal<Local, Bit>,
        wrap_by: Signal<Local, Bit>,
        wrap_bc: Signal<Local, Bit>,
        wrap_tx: Signal<Local, Bit>,
        wrap_ty: Signal<Local, Bit>,
        in_image: Signal<Local, Bit>,
        in_image_q: RegBit,
        half_q: RegBit,
        word_q: Reg = Reg::new(patch),
    }

    pub(crate) fn new(g: &Geometry) {
        let (count, addr, patch) = (g.patch_count_bits(), g.buffer_bits, g.patch_bits());
    }
}

parts!(LoaderLoops:
    /// Extent of the slice, and which levels advance with this step.
    Levels,
    /// The counters of the loops.
    Counts,
    /// The buffer address at which each level began.
    Addresses,
    /// The place in the image at which each level began.
    Coordinates,
    /// The position in the patch.
    Places,
    /// The read of the buffer and the arriving word.
    Read,
    /// The position of the loops, for the surrounding blocks.
    Report,
);

impl parts::Part<Levels> for LoaderLoops {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, busy);
        clock!(self, clock, cfg);
        wires::link(&mut self.set, &mut self.cfg.bus);
        self.region.step.next = self.busy.q.val() & !self.blocked.val();

        // Extent of the slice.
        self.end_bc.next = (self.bc.q.val() + 1.into()) == self.cfg.cb_blocks.val();
        self.end_by.next = (self.by.q.val() + 1.into()) == self.cfg.ky_blocks.val();
        self.end_bx.next = (self.bx.q.val() + 1.into()) == self.cfg.kx_blocks.val();
        self.n_cb.next = self.cfg.cb_full.val();
        if self.end_bc.val() {
            self.n_cb.next = self.cfg.cb_last.val();
        }
        self.region.n_y.next = self.cfg.ky_full.val();
        if self.end_by.val() {
            self.region.n_y.next = self.cfg.ky_last.val();
        }
        self.region.n_x.next = self.cfg.kx_full.val();
        if self.end_bx.val() {
            self.region.n_x.next = self.cfg.kx_last.val();
        }

        // Which levels advance with this step.
        self.wrap_cb.next = (self.cb.q.val() + 1.into()) == self.n_cb.val();
        self.wrap_x.next = self.wrap_cb.val()
            & ((self.x.q.val() + 1.into()) == (self.region.n_x.val() + self.cfg.ext_x.val()));
        self.wrap_y.next = self.wrap_x.val()
            & ((self.y.q.val() + 1.into()) == (self.region.n_y.val() + self.cfg.ext_y.val()));
        self.wrap_bx.next = self.wrap_y.val() & self.end_bx.val();
        self.wrap_by.next = self.wrap_bx.val() & self.end_by.val();
        self.wrap_bc.next = self.wrap_by.val() & self.end_bc.val();
        self.wrap_tx.next =
            self.wrap_bc.val() & ((self.tx.q.val() + 1.into()) == self.cfg.tiles_x.val());
        self.wrap_ty.next =
            self.wrap_tx.val() & ((self.ty.q.val() + 1.into()) == self.cfg.tiles_y.val());
        if self.region.step.val() & self.wrap_ty.val() {
            self.busy.d.next = false;
        }
        if self.run.start.val() {
            self.busy.d.next = true;
        }
        if self.run.reset.val() {
            self.busy.d.next = false;
        }
    }
}

impl parts::Part<Counts> for LoaderLoops {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, issued, ty, tx, bc, by, bx, y, x, cb, rest_y, rest_x);
        // The outer condition gates the clocks of these registers.
        if self.region.step.val() | self.run.start.val() {
            if self.region.step.val() {
                self.cb.d.next = self.cb.q.val() + 1.into();
                if self.wrap_cb.val() {
                    self.cb.d.next = 0.into();
                    self.x.d.next = self.x.q.val() + 1.into();
                }
                if self.wrap_x.val() {
                    self.x.d.next = 0.into();
                    self.y.d.next = self.y.q.val() + 1.into();
                }
                if self.wrap_y.val() {
                    self.y.d.next = 0.into();
                    self.bx.d.next = self.bx.q.val() + 1.into();
                    self.issued.d.next = self.issued.q.val() + 1.into();
                }
                if self.wrap_bx.val() {
                    self.bx.d.next = 0.into();
                    self.by.d.next = self.by.q.val() + 1.into();
                }
                if self.wrap_by.val() {
                    self.by.d.next = 0.into();
                    self.bc.d.next = self.bc.q.val() + 1.into();
                }
                if self.wrap_bc.val() {
                    self.bc.d.next = 0.into();
                    self.tx.d.next = self.tx.q.val() + 1.into();
                    self.rest_x.d.next = self.rest_x.q.val() - self.cfg.tile_w.val();
                }
                if self.wrap_tx.val() {
                    self.tx.d.next = 0.into();
                    self.ty.d.next = self.ty.q.val() + 1.into();
                    self.rest_x.d.next = self.cfg.out_w.val();
                    self.rest_y.d.next = self.rest_y.q.val() - self.cfg.tile_h.val();
                }
            }
            if self.run.start.val() {
                self.issued.d.next = 0.into();
                self.ty.d.next = 0.into();
                self.tx.d.next = 0.into();
                self.bc.d.next = 0.into();
                self.by.d.next = 0.into();
                self.bx.d.next = 0.into();
                self.y.d.next = 0.into();
                self.x.d.next = 0.into();
                self.cb.d.next = 0.into();
                self.rest_y.d.next = self.cfg.out_h.val();
                self.rest_x.d.next = self.cfg.out_w.val();
            }
        }
    }
}

impl parts::Part<Addresses> for LoaderLoops {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, addr_ty, addr_tx, addr_bc, addr_by, addr_bx, addr_y, addr_x, addr);
        self.moved.next = self.addr.q.val() + 1.into();
        // The outer condition gates the clocks of these registers.
        if self.region.step.val() | self.run.start.val() {
            if self.region.step.val() {
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
                    self.addr_x.d.next = self.moved.val();
                }
                if self.wrap_x.val() {
                    self.addr_y.d.next = self.moved.val();
                }
                if self.wrap_y.val() {
                    self.addr_bx.d.next = self.moved.val();
                }
                if self.wrap_bx.val() {
                    self.addr_by.d.next = self.moved.val();
                }
                if self.wrap_by.val() {
                    self.addr_bc.d.next = self.moved.val();
                }
                if self.wrap_bc.val() {
                    self.addr_tx.d.next = self.moved.val();
                }
                if self.wrap_tx.val() {
                    self.addr_ty.d.next = self.moved.val();
                }
            }
            if self.run.start.val() {
                self.addr_ty.d.next = self.cfg.addr0.val();
                self.addr_tx.d.next = self.cfg.addr0.val();
                self.addr_bc.d.next = self.cfg.addr0.val();
                self.addr_by.d.next = self.cfg.addr0.val();
                self.addr_bx.d.next = self.cfg.addr0.val();
                self.addr_y.d.next = self.cfg.addr0.val();
                self.addr_x.d.next = self.cfg.addr0.val();
                self.addr.d.next = self.cfg.addr0.val();
            }
        }
    }
}

impl parts::Part<Coordinates> for LoaderLoops {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, iy_ty, iy_by, iy, ix_tx, ix_bx, ix);
        // The outer condition gates the clocks of these registers.
        if self.region.step.val() | self.run.start.val() {
            if self.region.step.val() {
                if self.wrap_cb.val() {
                    self.ix.d.next = self.ix.q.val() + self.cfg.step_x.val();
                }
                if self.wrap_x.val() {
                    self.iy.d.next = self.iy.q.val() + self.cfg.step_y.val();
                    self.ix.d.next = self.ix_bx.q.val();
                }
                if self.wrap_y.val() {
                    self.iy.d.next = self.iy_by.q.val();
                    self.ix_bx.d.next = self.ix_bx.q.val() + self.cfg.in_kx.val();
                    self.ix.d.next = self.ix_bx.q.val() + self.cfg.in_kx.val();
                }
                if self.wrap_bx.val() {
                    self.iy_by.d.next = self.iy_by.q.val() + self.cfg.in_ky.val();
                    self.iy.d.next = self.iy_by.q.val() + self.cfg.in_ky.val();
                    self.ix_bx.d.next = self.ix_tx.q.val();
                    self.ix.d.next = self.ix_tx.q.val();
                }
                if self.wrap_by.val() {
                    self.iy_by.d.next = self.iy_ty.q.val();
                    self.iy.d.next = self.iy_ty.q.val();
                }
                if self.wrap_bc.val() {
                    self.ix_tx.d.next = self.ix_tx.q.val() + self.cfg.in_tile_x.val();
                    self.ix_bx.d.next = self.ix_tx.q.val() + self.cfg.in_tile_x.val();
                    self.ix.d.next = self.ix_tx.q.val() + self.cfg.in_tile_x.val();
                }
                if self.wrap_tx.val() {
                    self.iy_ty.d.next = self.iy_ty.q.val() + self.cfg.in_tile_y.val();
                    self.iy_by.d.next = self.iy_ty.q.val() + self.cfg.in_tile_y.val();
                    self.iy.d.next = self.iy_ty.q.val() + self.cfg.in_tile_y.val();
                    self.ix_tx.d.next = self.cfg.in_x0.val();
                    self.ix_bx.d.next = self.cfg.in_x0.val();
                    self.ix.d.next = self.cfg.in_x0.val();
                }
            }
            if self.run.start.val() {
                self.iy_ty.d.next = self.cfg.in_y0.val();
                self.iy_by.d.next = self.cfg.in_y0.val();
                self.iy.d.next = self.cfg.in_y0.val();
                self.ix_tx.d.next = self.cfg.in_x0.val();
                self.ix_bx.d.next = self.cfg.in_x0.val();
                self.ix.d.next = self.cfg.in_x0.val();
            }
        }
    }
}

impl parts::Part<Places> for LoaderLoops {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, word_y, word_x, word);
        // The outer condition gates the clocks of these registers.
        if self.region.step.val() | self.run.start.val() {
            if self.region.step.val() {
                self.word.d.next = self.word.q.val() + 1.into();
                if self.wrap_cb.val() {
                    self.word_x.d.next = self.word_x.q.val() + self.cfg.patch_x.val();
                    self.word.d.next = self.word_x.q.val() + self.cfg.patch_x.val();
                }
                if self.wrap_x.val() {
                    self.word_y.d.next = self.word_y.q.val() + self.cfg.patch_y.val();
                    self.word_x.d.next = self.word_y.q.val() + self.cfg.patch_y.val();
                    self.word.d.next = self.word_y.q.val() + self.cfg.patch_y.val();
                }
                if self.wrap_y.val() {
                    self.word_y.d.next = 0.into();
                    self.word_x.d.next = 0.into();
                    self.word.d.next = 0.into();
                }
            }
            if self.run.start.val() {
                self.word_y.d.next = 0.into();
                self.word_x.d.next = 0.into();
                self.word.d.next = 0.into();
            }
        }
    }
}

impl parts::Part<Read> for LoaderLoops {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, in_image_q, half_q, word_q);
        // No buffer read outside the image.
        self.in_image.next = (self.iy.q.val() >= 0.into())
            & (self.ix.q.val() >= 0.into())
            & (self.iy.q.val() < self.cfg.in_h.val())
            & (self.ix.q.val() < self.cfg.in_w.val());
        self.read.next = self.region.step.val() & self.in_image.val();
        self.read_addr.next = self.addr.q.val();
        self.in_image_q.d.next = self.in_image.val();
        self.half_q.d.next = self.issued.q.val().get_bit(0);
        self.word_q.d.next = self.word.q.val();
        self.in_bounds.next = self.in_image_q.q.val();
        self.half.next = self.half_q.q.val();
        self.word_at.next = self.word_q.q.val();
    }
}

impl parts::Part<Report> for LoaderLoops {
    #[hdl_gen]
    fn update(&mut self) {
        self.region.y.next = self.y.q.val();
        self.region.x.next = self.x.q.val();
        self.rest.rest_y.next = self.rest_y.q.val();
        self.rest.rest_x.next = self.rest_x.q.val();
        self.issued_now.next = self.issued.q.val();
        self.slice_end.next = self.region.step.val() & self.wrap_y.val();
        self.tile_end.next = self.wrap_bc.val();
        self.run_end.next = self.wrap_ty.val();
        self.slice_first.next = (self.bc.q.val() == 0.into())
            & (self.by.q.val() == 0.into())
            & (self.bx.q.val() == 0.into());
        self.maximum.next = self.cfg.mode.val().get_bit(1);
        self.pitch.patch_y.next = self.cfg.patch_y.val();
        self.pitch.patch_x.next = self.cfg.patch_x.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pecan_config::isa::register::{MODE_MAX, Register};

    #[test]
    fn maximum_is_bit_one_of_the_mode() {
        assert_eq!(MODE_MAX, 1 << 1);
        assert!(
            LoaderConfig::new(&Geometry::of(&pecan_config::Config::default())).mode.width() == 2
        );
        assert_eq!(Register::Mode.name(), "mode");
    }
}
