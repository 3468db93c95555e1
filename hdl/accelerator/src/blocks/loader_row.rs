//! A row's part of the patch loader: which words of the region its patch holds, and where.

use super::flags;
use pecan_config::geometry::{Geometry, LATTICE_BITS};
use pecan_rtl::prelude::*;

/// Compares the place of the loader with the patch of one row; one instance per row.
#[derive(LogicBlock)]
pub(crate) struct LoaderRow {
    kind: ModuleName,
    pub(crate) clock: Signal<In, Clock>,
    // The row's entry of the row table.
    pub(crate) base_y: Wire<In>,
    pub(crate) base_x: Wire<In>,
    pub(crate) pixel_y: Wire<In>,
    pub(crate) pixel_x: Wire<In>,
    pub(crate) unused: Signal<In, Bit>,
    pub(crate) patch: Wire<In>,
    // Where the loader is.
    pub(crate) step: Signal<In, Bit>,
    pub(crate) y: Wire<In>,
    pub(crate) x: Wire<In>,
    pub(crate) n_y: Wire<In>,
    pub(crate) n_x: Wire<In>,
    pub(crate) rest_y: Wire<In>,
    pub(crate) rest_x: Wire<In>,
    // The word that arrives, and the half that a slice just ends in.
    pub(crate) half: Signal<In, Bit>,
    pub(crate) word: Wire<In>,
    pub(crate) end: Vec<Signal<In, Bit>>,
    // Whether the pixel lies in the output, now and in the slices of the halves.
    pub(crate) valid_now: Signal<Out, Bit>,
    pub(crate) valid: Vec<Signal<Out, Bit>>,
    // The word goes into the row's scratchpad.
    pub(crate) write: Signal<Out, Bit>,
    pub(crate) write_word: Wire<Out>,
    tap_y: Wire<Local>,
    tap_x: Wire<Local>,
    hit: RegBit,
    row_word: Wire<Local>,
    valid_q: Vec<RegBit>,
}

impl LoaderRow {
    pub(crate) fn new(g: &Geometry) -> Self {
        let (count, patch) = (g.patch_count_bits(), g.patch_bits());
        Self {
            kind: ModuleName::new("loader_row"),
            clock: Signal::default(),
            base_y: Wire::new(LATTICE_BITS),
            base_x: Wire::new(LATTICE_BITS),
            pixel_y: Wire::new(LATTICE_BITS),
            pixel_x: Wire::new(LATTICE_BITS),
            unused: Signal::default(),
            patch: Wire::new(patch),
            step: Signal::default(),
            y: Wire::new(LATTICE_BITS + 1),
            x: Wire::new(LATTICE_BITS + 1),
            n_y: Wire::new(count),
            n_x: Wire::new(count),
            rest_y: Wire::new(16),
            rest_x: Wire::new(16),
            half: Signal::default(),
            word: Wire::new(patch),
            end: flags(2),
            valid_now: Signal::default(),
            valid: flags(2),
            write: Signal::default(),
            write_word: Wire::new(g.scratch_bits()),
            tap_y: Wire::new(LATTICE_BITS + 1),
            tap_x: Wire::new(LATTICE_BITS + 1),
            hit: RegBit::new(),
            row_word: Wire::new(patch),
            valid_q: RegBit::vec(2),
        }
    }
}

impl Logic for LoaderRow {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, hit);
        self.valid_now.next = (!self.unused.val())
            & (self.pixel_y.val() < self.rest_y.val())
            & (self.pixel_x.val() < self.rest_x.val());
        self.tap_y.next = self.y.val() - self.base_y.val();
        self.tap_x.next = self.x.val() - self.base_x.val();
        self.hit.d.next = self.step.val()
            & self.valid_now.val()
            & (self.tap_y.val() < self.n_y.val())
            & (self.tap_x.val() < self.n_x.val());
        // The word arrives one cycle after the read.
        self.write.next = self.hit.q.val();
        self.row_word.next = self.word.val() - self.patch.val();
        self.write_word.next = (self.row_word.val() << 1) + self.half.val().into();
        for h in 0..2 {
            dff_setup!(self, clock, valid_q[h]);
            if self.end[h].val() {
                self.valid_q[h].d.next = self.valid_now.val();
            }
            self.valid[h].next = self.valid_q[h].q.val();
        }
    }
}
