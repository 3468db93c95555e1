//! Patch loader: reads the region of a slice once and sends each word to every row whose patch contains it.

use super::bundles::{
    ConfigBus, Extent, PatchWord, PatchWrite, Pitch, Pixel, ReadPort, Run, Slices, Tap,
};
use super::flags;
use super::loader_loops::LoaderLoops;
use super::loader_row::LoaderRow;
use pecan_config::geometry::Geometry;
use pecan_rtl::prelude::*;

block! {
    /// The patch loader: steps through the region of each slice ([`LoaderLoops`]), determines the rows whose patch
    /// contains the word ([`LoaderRow`]), and reports the contents of the scratchpad halves to the columns.
    pub(crate) struct Loader = "loader" {
        pub(crate) clock: Signal<In, Clock>,
        pub(crate) run: Run<In> = Run::new(),
        pub(crate) set: ConfigBus<In> = ConfigBus::set(),
        // Row table, see `RowTable`.
        pub(crate) tap: Bundles<Tap<In>> = Bundles::new(r, Tap::new),
        pub(crate) pixel: Bundles<Pixel<In>> = Bundles::new(r, Pixel::new),
        pub(crate) patch: Vec<Wire<In>> = Wire::vec(r, g.patch_bits()),
        // Columns in use and the slices (mod 4) that they have finished.
        pub(crate) active: Vec<Signal<In, Bit>> = flags(g.cols),
        pub(crate) done: Vec<Wire<In>> = Wire::vec(g.cols, 2),
        pub(crate) buffer: ReadPort<Out> = ReadPort::new(g),
        // Patch words to the rows.
        pub(crate) write: Bundles<PatchWrite<Out>> = Bundles::new(r, || PatchWrite::new(g)),
        pub(crate) word: PatchWord<Out> = PatchWord::new(g),
        pub(crate) write_rows: Wire<Out> = Wire::new(row_count),
        pub(crate) slices: Slices<Out> = Slices::new(),
        // Rows with a pixel, by half.
        pub(crate) valid: Vec<Vec<Signal<Out, Bit>>> = (0..2).map(|_| flags(r)).collect(),
        pub(crate) valid_rows: Vec<Wire<Out>> = Wire::vec(2, row_count),
        // Extents of the slices in the halves (dense weights only).
        pub(crate) extent: Bundles<Extent<Out>> = Bundles::new(2 * dense, || Extent::new(g)),
        pub(crate) pitch: Bundles<Pitch<Out>> = Bundles::new(dense, || Pitch::new(g)),
        loops: LoaderLoops = LoaderLoops::new(g),
        row: Vec<LoaderRow> = (0..r).map(|_| LoaderRow::new(g)).collect(),
        filled_q: Reg = Reg::new(2),
        lag: Vec<Wire<Local>> = Wire::vec(g.cols, 2),
        blocked: Signal<Local, Bit>,
        row_count: Vec<Wire<Local>> = Wire::vec(r + 1, row_count),
        hit_count: Vec<Wire<Local>> = Wire::vec(r + 1, row_count),
        pad: Wire<Local> = Wire::signed(g.activation_bits),
        ends: Vec<Signal<Local, Bit>> = flags(2),
        first_q: Vec<RegBit> = RegBit::vec(2),
        last_q: Vec<RegBit> = RegBit::vec(2),
        finish_q: Vec<RegBit> = RegBit::vec(2),
        valid_rows_q: Vec<Reg> = Reg::vec(2, row_count),
        kernel_y_q: Vec<Reg> = Reg::vec(2 * dense, count),
        kernel_x_q: Vec<Reg> = Reg::vec(2 * dense, count),
        channel_words_q: Vec<Reg> = Reg::vec(2 * dense, count),
        last_word_q: Vec<RegBit> = RegBit::vec(2 * dense),
        smallest: Const = Const::signed(-(1i64 << (g.activation_bits - 1)), g.activation_bits),
        rows: Const = Const::new(r, 8),
        _rows: usize = r,
        _cols: usize = g.cols,
        _channels: usize = g.word_channels,
        dense: When = When::new(!g.skip),
    }

    pub(crate) fn new(g: &Geometry) {
        let (r, count) = (g.rows, g.patch_count_bits());
        let dense = usize::from(!g.skip);
        let row_count = addr_width(r + 1);
    }
}

parts!(Loader:
    /// The loops, and the rows whose patch contains the word.
    Words,
    /// Contents of the halves of the scratchpads.
    Halves,
);

impl parts::Part<Words> for Loader {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, loops);
        wires::link(&mut self.run, &mut self.loops.run);
        wires::link(&mut self.set, &mut self.loops.set);

        // A slice may start when no column in use still reads the half that it will fill.
        self.blocked.next = false;
        for c in 0..self._cols {
            self.lag[c].next = self.loops.issued_now.val() - self.done[c].val();
            if self.active[c].val() & self.lag[c].val().get_bit(1) {
                self.blocked.next = true;
            }
        }
        self.loops.blocked.next = self.blocked.val();
        self.buffer.read.next = self.loops.read.val();
        self.buffer.read_addr.next = self.loops.read_addr.val();

        self.row_count[0].next = 0.into();
        self.hit_count[0].next = 0.into();
        for r in 0..self._rows {
            clock!(self, clock, row[r]);
            wires::link(&mut self.tap[r], &mut self.row[r].tap);
            wires::link(&mut self.pixel[r], &mut self.row[r].pixel);
            wires::link(&mut self.patch[r], &mut self.row[r].patch);
            wires::link(&mut self.loops.region, &mut self.row[r].region);
            wires::link(&mut self.loops.rest, &mut self.row[r].rest);
            wires::link(&mut self.loops.half, &mut self.row[r].half);
            wires::link(&mut self.loops.word_at, &mut self.row[r].word);
            wires::link(&mut self.write[r], &mut self.row[r].write);
            wires::link(&mut self.ends, &mut self.row[r].end);
            for h in 0..2 {
                self.valid[h][r].next = self.row[r].valid[h].val();
            }
            self.row_count[r + 1].next =
                self.row_count[r].val() + self.row[r].valid_now.val().into();
            self.hit_count[r + 1].next =
                self.hit_count[r].val() + self.row[r].write.write.val().into();
        }
        self.write_rows.next = self.hit_count[self.rows.index()].val();
        self.pad.next = 0.into();
        if self.loops.maximum.val() {
            self.pad.next = self.smallest.val();
        }
        for b in 0..self._channels {
            self.word.write_data[b].next = self.pad.val();
            if self.loops.in_bounds.val() {
                self.word.write_data[b].next = signed_cast(self.buffer.read_data[b].val());
            }
            self.word.write_nonzero[b].next = self.word.write_data[b].val().any();
        }
    }
}

impl parts::Part<Halves> for Loader {
    #[hdl_gen]
    fn update(&mut self) {
        // The slice is recorded with its last step; the columns may start when its last word is written.
        dff_setup!(self, clock, filled_q);
        self.filled_q.d.next = self.loops.issued_now.val();
        if self.run.start.val() {
            self.filled_q.d.next = 0.into();
        }
        self.slices.filled.next = self.filled_q.q.val();
        for h in 0..2 {
            dff_setup!(self, clock, first_q[h], last_q[h], finish_q[h], valid_rows_q[h]);
            self.ends[h].next =
                self.loops.slice_end.val() & ((self.loops.issued_now.val() & 1.into()) == h.into());
            if self.ends[h].val() {
                self.first_q[h].d.next = self.loops.slice_first.val();
                self.last_q[h].d.next = self.loops.tile_end.val();
                self.finish_q[h].d.next = self.loops.run_end.val();
                self.valid_rows_q[h].d.next = self.row_count[self.rows.index()].val();
            }
            self.slices.first[h].next = self.first_q[h].q.val();
            self.slices.last[h].next = self.last_q[h].q.val();
            self.slices.finish[h].next = self.finish_q[h].q.val();
            self.valid_rows[h].next = self.valid_rows_q[h].q.val();
        }
        if self.dense.val() {
            for h in 0..2 {
                dff_setup!(self, clock, kernel_y_q[h], kernel_x_q[h], channel_words_q[h]);
                dff_setup!(self, clock, last_word_q[h]);
                if self.ends[h].val() {
                    self.kernel_y_q[h].d.next = self.loops.region.n_y.val();
                    self.kernel_x_q[h].d.next = self.loops.region.n_x.val();
                    self.channel_words_q[h].d.next = self.loops.n_cb.val();
                    self.last_word_q[h].d.next = self.loops.end_bc.val();
                }
                self.extent[h].kernel_y.next = self.kernel_y_q[h].q.val();
                self.extent[h].kernel_x.next = self.kernel_x_q[h].q.val();
                self.extent[h].channel_words.next = self.channel_words_q[h].q.val();
                self.extent[h].last_word.next = self.last_word_q[h].q.val();
            }
            wires::link(&mut self.pitch[0], &mut self.loops.pitch);
        }
    }
}
