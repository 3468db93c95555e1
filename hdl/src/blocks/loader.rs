//! Patch loader: reads the region of a slice once and hands each word to every row whose patch holds it.

use super::flags;
use super::loader_loops::LoaderLoops;
use super::loader_row::LoaderRow;
use crate::geometry::{Geometry, LATTICE_BITS};
use crate::rtl::prelude::*;

block! {
    /// The patch loader: walks the region of each slice ([`LoaderLoops`]), asks every row whether its patch holds
    /// the word ([`LoaderRow`]), and tells the columns what the halves of the scratchpads hold.
    pub(crate) struct Loader = "loader" {
        pub(crate) clock: Signal<In, Clock>,
        pub(crate) reset: Signal<In, Bit>,
        pub(crate) start: Signal<In, Bit>,
        pub(crate) set: Signal<In, Bit>,
        pub(crate) set_index: Wire<In> = Wire::new(8),
        pub(crate) set_data: Wire<In> = Wire::new(32),
        // Row table, see `RowTable`.
        pub(crate) base_y: Vec<Wire<In>> = Wire::vec(r, LATTICE_BITS),
        pub(crate) base_x: Vec<Wire<In>> = Wire::vec(r, LATTICE_BITS),
        pub(crate) pixel_y: Vec<Wire<In>> = Wire::vec(r, LATTICE_BITS),
        pub(crate) pixel_x: Vec<Wire<In>> = Wire::vec(r, LATTICE_BITS),
        pub(crate) unused: Vec<Signal<In, Bit>> = flags(r),
        pub(crate) patch: Vec<Wire<In>> = Wire::vec(r, g.patch_bits()),
        // Columns in use and the slices (mod 4) that they finished.
        pub(crate) active: Vec<Signal<In, Bit>> = flags(g.cols),
        pub(crate) done: Vec<Wire<In>> = Wire::vec(g.cols, 2),
        // Global buffer read port.
        pub(crate) read: Signal<Out, Bit>,
        pub(crate) read_addr: Wire<Out> = Wire::new(addr),
        pub(crate) read_data: Vec<Wire<In>> = Wire::vec(g.word_channels, g.activation_bits),
        // Patch words to the rows.
        pub(crate) write: Vec<Signal<Out, Bit>> = flags(r),
        pub(crate) write_word: Vec<Wire<Out>> = Wire::vec(r, g.scratch_bits()),
        pub(crate) write_data: Vec<Wire<Out>> =
            Wire::signed_vec(g.word_channels, g.activation_bits),
        pub(crate) write_nonzero: Vec<Signal<Out, Bit>> = flags(g.word_channels),
        pub(crate) write_rows: Wire<Out> = Wire::new(row_count),
        // Slices filled (mod 4) and what the halves hold.
        pub(crate) filled: Wire<Out> = Wire::new(2),
        pub(crate) first: Vec<Signal<Out, Bit>> = flags(2),
        pub(crate) last: Vec<Signal<Out, Bit>> = flags(2),
        pub(crate) finish: Vec<Signal<Out, Bit>> = flags(2),
        pub(crate) valid: Vec<Vec<Signal<Out, Bit>>> = (0..2).map(|_| flags(r)).collect(),
        pub(crate) valid_rows: Vec<Wire<Out>> = Wire::vec(2, row_count),
        // Extent of the slices in the halves (dense weights only).
        pub(crate) kernel_y: Vec<Wire<Out>> = Wire::vec(2 * dense, count),
        pub(crate) kernel_x: Vec<Wire<Out>> = Wire::vec(2 * dense, count),
        pub(crate) channel_words: Vec<Wire<Out>> = Wire::vec(2 * dense, count),
        pub(crate) last_word: Vec<Signal<Out, Bit>> = flags(2 * dense),
        pub(crate) patch_y: Vec<Wire<Out>> = Wire::vec(dense, g.patch_bits()),
        pub(crate) patch_x: Vec<Wire<Out>> = Wire::vec(dense, g.patch_bits()),
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
        _dense: usize = dense,
    }

    pub(crate) fn new(g: &Geometry) {
        let (r, count, addr) = (g.rows, g.patch_count_bits(), g.buffer_bits);
        let dense = usize::from(!g.skip);
        let row_count = addr_width(r + 1);
    }
}

impl Logic for Loader {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, filled_q);
        clock!(self, clock, loops);
        self.loops.reset.next = self.reset.val();
        self.loops.start.next = self.start.val();
        self.loops.set.next = self.set.val();
        self.loops.set_index.next = self.set_index.val();
        self.loops.set_data.next = self.set_data.val();

        // A slice may start when no column in use still reads the half that it goes to.
        self.blocked.next = false;
        for c in 0..self._cols {
            self.lag[c].next = self.loops.issued_now.val() - self.done[c].val();
            if self.active[c].val() & self.lag[c].val().get_bit(1) {
                self.blocked.next = true;
            }
        }
        self.loops.blocked.next = self.blocked.val();
        self.read.next = self.loops.read.val();
        self.read_addr.next = self.loops.read_addr.val();

        // Rows whose patch holds the word.
        self.row_count[0].next = 0.into();
        self.hit_count[0].next = 0.into();
        for r in 0..self._rows {
            self.row[r].clock.next = self.clock.val();
            self.row[r].base_y.next = self.base_y[r].val();
            self.row[r].base_x.next = self.base_x[r].val();
            self.row[r].pixel_y.next = self.pixel_y[r].val();
            self.row[r].pixel_x.next = self.pixel_x[r].val();
            self.row[r].unused.next = self.unused[r].val();
            self.row[r].patch.next = self.patch[r].val();
            self.row[r].step.next = self.loops.step.val();
            self.row[r].y.next = self.loops.y_now.val();
            self.row[r].x.next = self.loops.x_now.val();
            self.row[r].n_y.next = self.loops.n_y.val();
            self.row[r].n_x.next = self.loops.n_x.val();
            self.row[r].rest_y.next = self.loops.rest_height.val();
            self.row[r].rest_x.next = self.loops.rest_width.val();
            self.row[r].half.next = self.loops.half.val();
            self.row[r].word.next = self.loops.word_at.val();
            for h in 0..2 {
                self.row[r].end[h].next = self.ends[h].val();
                self.valid[h][r].next = self.row[r].valid[h].val();
            }
            self.row_count[r + 1].next =
                self.row_count[r].val() + self.row[r].valid_now.val().into();
            self.hit_count[r + 1].next = self.hit_count[r].val() + self.row[r].write.val().into();
            self.write[r].next = self.row[r].write.val();
            self.write_word[r].next = self.row[r].write_word.val();
        }
        self.write_rows.next = self.hit_count[self.rows.index()].val();
        self.pad.next = 0.into();
        if self.loops.maximum.val() {
            self.pad.next = self.smallest.val();
        }
        for b in 0..self._channels {
            self.write_data[b].next = self.pad.val();
            if self.loops.in_bounds.val() {
                self.write_data[b].next = signed_cast(self.read_data[b].val());
            }
            self.write_nonzero[b].next = self.write_data[b].val().any();
        }

        // What a half holds is recorded with the slice's last step; the columns may start when its last
        // word is written.
        self.filled_q.d.next = self.loops.issued_now.val();
        if self.start.val() {
            self.filled_q.d.next = 0.into();
        }
        self.filled.next = self.filled_q.q.val();
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
            self.first[h].next = self.first_q[h].q.val();
            self.last[h].next = self.last_q[h].q.val();
            self.finish[h].next = self.finish_q[h].q.val();
            self.valid_rows[h].next = self.valid_rows_q[h].q.val();
        }
        for d in 0..self._dense {
            for h in 0..2 {
                dff_setup!(self, clock, kernel_y_q[h], kernel_x_q[h], channel_words_q[h]);
                dff_setup!(self, clock, last_word_q[h]);
                if self.ends[h].val() {
                    self.kernel_y_q[h].d.next = self.loops.n_y.val();
                    self.kernel_x_q[h].d.next = self.loops.n_x.val();
                    self.channel_words_q[h].d.next = self.loops.n_cb.val();
                    self.last_word_q[h].d.next = self.loops.end_bc.val();
                }
                self.kernel_y[h].next = self.kernel_y_q[h].q.val();
                self.kernel_x[h].next = self.kernel_x_q[h].q.val();
                self.channel_words[h].next = self.channel_words_q[h].q.val();
                self.last_word[h].next = self.last_word_q[h].q.val();
            }
            self.patch_y[d].next = self.loops.patch_y.val();
            self.patch_x[d].next = self.loops.patch_x.val();
        }
    }
}
