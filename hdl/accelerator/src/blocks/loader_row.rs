//! A row's part of the patch loader: the words of the region in its patch, and their positions.

use super::bundles::{PatchWrite, Pixel, Region, Rest, Tap};
use super::flags;
use pecan_config::geometry::{Geometry, LATTICE_BITS};
use pecan_rtl::prelude::*;

block! {
    /// Compares the position of the loader with the patch of one row; one instance per row.
    pub(crate) struct LoaderRow = "loader_row" {
        pub(crate) clock: Signal<In, Clock>,
        // The row's entry of the row table.
        pub(crate) tap: Tap<In> = Tap::new(),
        pub(crate) pixel: Pixel<In> = Pixel::new(),
        pub(crate) patch: Wire<In> = Wire::new(g.patch_bits()),
        // Position of the loader.
        pub(crate) region: Region<In> = Region::new(g),
        pub(crate) rest: Rest<In> = Rest::new(),
        // Half of the arriving word, and half in which a slice ends.
        pub(crate) half: Signal<In, Bit>,
        pub(crate) word: Wire<In> = Wire::new(g.patch_bits()),
        pub(crate) end: Vec<Signal<In, Bit>> = flags(2),
        // Whether the pixel lies in the output, now and in the slices of the halves.
        pub(crate) valid_now: Signal<Out, Bit>,
        pub(crate) valid: Vec<Signal<Out, Bit>> = flags(2),
        // Write of the word to the row's scratchpad.
        pub(crate) write: PatchWrite<Out> = PatchWrite::new(g),
        tap_y: Wire<Local> = Wire::new(LATTICE_BITS + 1),
        tap_x: Wire<Local> = Wire::new(LATTICE_BITS + 1),
        hit: RegBit,
        row_word: Wire<Local> = Wire::new(g.patch_bits()),
        valid_q: Vec<RegBit> = RegBit::vec(2),
    }

    pub(crate) fn new(g: &Geometry) {}
}

impl Logic for LoaderRow {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, hit);
        self.valid_now.next = (!self.pixel.unused.val())
            & (self.pixel.pixel_y.val() < self.rest.rest_y.val())
            & (self.pixel.pixel_x.val() < self.rest.rest_x.val());
        self.tap_y.next = self.region.y.val() - self.tap.base_y.val();
        self.tap_x.next = self.region.x.val() - self.tap.base_x.val();
        self.hit.d.next = self.region.step.val()
            & self.valid_now.val()
            & (self.tap_y.val() < self.region.n_y.val())
            & (self.tap_x.val() < self.region.n_x.val());
        // The word arrives one cycle after the read.
        self.write.write.next = self.hit.q.val();
        self.row_word.next = self.word.val() - self.patch.val();
        self.write.write_word.next = (self.row_word.val() << 1) + self.half.val().into();
        for h in 0..2 {
            dff_setup!(self, clock, valid_q[h]);
            if self.end[h].val() {
                self.valid_q[h].d.next = self.valid_now.val();
            }
            self.valid[h].next = self.valid_q[h].q.val();
        }
    }
}
