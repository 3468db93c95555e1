//! One row of the array: the PEs that work on the same output pixel.

use super::bundles::{Mode, PatchWord, PatchWrite, Place, Stepped, Sums, Weights};
use super::flags;
use super::pe::Pe;
use pecan_config::geometry::Geometry;
use pecan_rtl::prelude::*;

block! {
    /// A row of PEs. They share one scratchpad, in which each column reads its own activations; the columns broadcast
    /// the entries.
    pub(crate) struct PeRow = "pe_row" {
        pub(crate) clock: Signal<In, Clock>,
        pub(crate) write: PatchWrite<In> = PatchWrite::new(g),
        pub(crate) patch: PatchWord<In> = PatchWord::new(g),
        pub(crate) column_active: Vec<Signal<In, Bit>> = flags(c),
        // Whether the row's pixel exists, by scratchpad half.
        pub(crate) valid: Vec<Signal<In, Bit>> = flags(2),
        // Entries, by column.
        pub(crate) place: Bundles<Place<In>> = Bundles::new(c, || Place::new(g)),
        pub(crate) weights: Bundles<Weights<In>> = Bundles::new(c, || Weights::new(g)),
        pub(crate) stepped: Bundles<Stepped<In>> = Bundles::new(c, Stepped::new),
        pub(crate) sums: Bundles<Sums<In>> = Bundles::new(c, || Sums::new(g)),
        pub(crate) mode: Mode<In> = Mode::new(),
        // Drain: the row is selected, psum word, part of the group.
        pub(crate) drain: Signal<In, Bit>,
        pub(crate) drain_word: Wire<In> = Wire::new(g.psum_bits()),
        pub(crate) drain_part: Wire<In> = Wire::new(addr_width(g.chunks_per_group())),
        pub(crate) drain_data: Vec<Wire<Out>> = Wire::signed_vec(g.drain_lanes, g.accumulator_bits),
        // Scratchpad reads of the previous cycle.
        pub(crate) reads: Wire<Out> = Wire::new(count_width),
        scratchpad: Scratchpad = Scratchpad::new(words, b, l, g.activation_bits, c),
        // With gating.
        zero_flags: Vec<ZeroFlags> =
            (0..usize::from(g.zero_gating)).map(|_| ZeroFlags::new(words, b, l, c)).collect(),
        take: Signal<Local, Bit>,
        taken: Vec<Wire<Local>> = Wire::signed_vec(b, g.activation_bits),
        taken_nonzero: Vec<Signal<Local, Bit>> = flags(b),
        live: Vec<Signal<Local, Bit>> = flags(c),
        at: Vec<Wire<Local>> = Wire::vec(c, g.scratch_bits()),
        pe: Vec<Pe> = (0..c).map(|_| Pe::new(g)).collect(),
        read_count: Vec<Wire<Local>> = Wire::vec(c + 1, count_width),
        reads_q: Reg = Reg::new(count_width),
        group: Vec<Wire<Local>> = Wire::signed_vec(c * l, g.accumulator_bits),
        cols: Const = Const::new(c, 8),
        lanes: Const = Const::new(l, 8),
        drain_lanes: Const = Const::new(g.drain_lanes, 8),
        gating: When = When::new(g.zero_gating),
        _channels: usize = b,
        _cols: usize = c,
        _lanes: usize = l,
        _parts: usize = g.chunks_per_group(),
        _drain_lanes: usize = g.drain_lanes,
    }

    pub(crate) fn new(g: &Geometry) {
        let (b, l, c) = (g.word_channels, g.lanes, g.cols);
        let count_width = addr_width(c * l + 1);
        let words = 2 * g.scratch_words;
    }
}

parts!(PeRow:
    /// Patch words on their path into the scratchpad.
    Patch,
    /// Entries on their path to the PEs, with their activations.
    Entries,
    /// Partial sums on their path to the drain.
    Psums,
);

impl parts::Part<Patch> for PeRow {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, scratchpad);
        // In a row that does not store the word, the inputs of the storage do not change.
        self.take.next = false;
        for c in 0..self._cols {
            if self.column_active[c].val() {
                self.take.next = self.write.write.val();
            }
        }
        self.scratchpad.we.next = self.take.val();
        self.scratchpad.wa.next = self.write.write_word.val();
        for b in 0..self._channels {
            self.taken[b].next = 0.into();
            self.taken_nonzero[b].next = false;
            if self.take.val() {
                self.taken[b].next = self.patch.write_data[b].val();
                self.taken_nonzero[b].next = self.patch.write_nonzero[b].val();
            }
        }
        wires::link(&mut self.taken, &mut self.scratchpad.wd);
        if self.gating.val() {
            clock!(self, clock, zero_flags[0]);
            self.zero_flags[0].we.next = self.take.val();
            self.zero_flags[0].wa.next = self.write.write_word.val();
            wires::link(&mut self.taken_nonzero, &mut self.zero_flags[0].wd);
        }
    }
}

impl parts::Part<Entries> for PeRow {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, reads_q);
        // A row without a pixel reads nothing, and its addresses do not change.
        self.read_count[0].next = 0.into();
        for c in 0..self._cols {
            self.live[c].next = (self.place[c].half.val() & self.valid[1].val())
                | (!self.place[c].half.val() & self.valid[0].val());
            self.at[c].next = 0.into();
            if self.live[c].val() {
                self.at[c].next = (self.place[c].word.val() << 1) + self.place[c].half.val().into();
            }
            self.scratchpad.ra[c].next = self.at[c].val();
            self.scratchpad.rh[c].next = self.place[c].high.val();
            wires::link(&mut self.scratchpad.re[c], &mut self.pe[c].read);
            wires::link(&mut self.scratchpad.q[c], &mut self.pe[c].activation);
            if self.gating.val() {
                self.zero_flags[0].ra[c].next = self.at[c].val();
                self.zero_flags[0].rh[c].next = self.place[c].high.val();
                wires::link(&mut self.zero_flags[0].nz[c], &mut self.pe[c].nonzero);
            } else {
                for l in 0..self._lanes {
                    self.pe[c].nonzero[l].next = true;
                }
            }
            clock!(self, clock, pe[c]);
            self.pe[c].step.next = self.place[c].step.val() & self.live[c].val();
            self.pe[c].stepped.next = self.stepped[c].stepped.val()
                & ((self.stepped[c].stepped_half.val() & self.valid[1].val())
                    | (!self.stepped[c].stepped_half.val() & self.valid[0].val()));
            wires::link(&mut self.weights[c], &mut self.pe[c].weights);
            wires::link(&mut self.mode, &mut self.pe[c].mode);
            wires::link(&mut self.sums[c], &mut self.pe[c].sums);
            self.read_count[c + 1].next = self.read_count[c].val() + self.pe[c].reads.val();
        }
        if self.read_count[self.cols.index()].val().any() | self.reads_q.q.val().any() {
            self.reads_q.d.next = self.read_count[self.cols.index()].val();
        }
        self.reads.next = self.reads_q.q.val();
    }
}

impl parts::Part<Psums> for PeRow {
    #[hdl_gen]
    fn update(&mut self) {
        // In rows that are not drained, the addresses of the psum files do not change.
        for c in 0..self._cols {
            self.pe[c].drain_word.next = 0.into();
            if self.drain.val() {
                self.pe[c].drain_word.next = self.drain_word.val();
            }
            for l in 0..self._lanes {
                self.group[c * self.lanes.index() + l].next = self.pe[c].drain_data[l].val();
            }
        }
        for d in 0..self._drain_lanes {
            self.drain_data[d].next = self.group[d].val();
            for p in 0..self._parts {
                if self.drain_part.val() == p.into() {
                    self.drain_data[d].next = self.group[p * self.drain_lanes.index() + d].val();
                }
            }
        }
    }
}
