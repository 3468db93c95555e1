//! A row's part of the patch loader: which words of the region its patch holds, and where.

use super::flags;
use crate::geometry::{Geometry, LATTICE_BITS};
use crate::rtl::prelude::*;

block! {
    /// Compares the place of the loader with the patch of one row; one instance per row.
    pub(crate) struct LoaderRow = "loader_row" {
        pub(crate) clock: Signal<In, Clock>,
        // The row's entry of the row table.
        pub(crate) base_y: Wire<In> = Wire::new(LATTICE_BITS),
        pub(crate) base_x: Wire<In> = Wire::new(LATTICE_BITS),
        pub(crate) pixel_y: Wire<In> = Wire::new(LATTICE_BITS),
        pub(crate) pixel_x: Wire<In> = Wire::new(LATTICE_BITS),
        pub(crate) unused: Signal<In, Bit>,
        pub(crate) patch: Wire<In> = Wire::new(patch),
        // Where the loader is.
        pub(crate) step: Signal<In, Bit>,
        pub(crate) y: Wire<In> = Wire::new(LATTICE_BITS + 1),
        pub(crate) x: Wire<In> = Wire::new(LATTICE_BITS + 1),
        pub(crate) n_y: Wire<In> = Wire::new(count),
        pub(crate) n_x: Wire<In> = Wire::new(count),
        pub(crate) rest_y: Wire<In> = Wire::new(16),
        pub(crate) rest_x: Wire<In> = Wire::new(16),
        // The word that arrives, and the half that a slice just ends in.
        pub(crate) half: Signal<In, Bit>,
        pub(crate) word: Wire<In> = Wire::new(patch),
        pub(crate) end: Vec<Signal<In, Bit>> = flags(2),
        // Whether the pixel lies in the output, now and in the slices of the halves.
        pub(crate) valid_now: Signal<Out, Bit>,
        pub(crate) valid: Vec<Signal<Out, Bit>> = flags(2),
        // The word goes into the row's scratchpad.
        pub(crate) write: Signal<Out, Bit>,
        pub(crate) write_word: Wire<Out> = Wire::new(g.scratch_bits()),
        tap_y: Wire<Local> = Wire::new(LATTICE_BITS + 1),
        tap_x: Wire<Local> = Wire::new(LATTICE_BITS + 1),
        hit: RegBit,
        row_word: Wire<Local> = Wire::new(patch),
        valid_q: Vec<RegBit> = RegBit::vec(2),
    }

    pub(crate) fn new(g: &Geometry) {
        let (count, patch) = (g.patch_count_bits(), g.patch_bits());
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
