//! One row of the array: the PEs that work on the same output pixel.

use super::flags;
use super::pe::Pe;
use crate::geometry::Geometry;
use crate::rtl::prelude::*;

block! {
    /// A row of PEs. They share one scratchpad, in which each column reads its own activations; entries come
    /// from the columns.
    pub(crate) struct PeRow = "pe_row" {
        pub(crate) clock: Signal<In, Clock>,
        // Patch words.
        pub(crate) write: Signal<In, Bit>,
        pub(crate) write_word: Wire<In> = Wire::new(g.scratch_bits()),
        pub(crate) write_data: Vec<Wire<In>> = Wire::signed_vec(b, g.activation_bits),
        pub(crate) write_nonzero: Vec<Signal<In, Bit>> = flags(b),
        pub(crate) column_active: Vec<Signal<In, Bit>> = flags(c),
        // Whether the row's pixel exists, by scratchpad half.
        pub(crate) valid: Vec<Signal<In, Bit>> = flags(2),
        // Entries, by column; see `Pe`.
        pub(crate) step: Vec<Signal<In, Bit>> = flags(c),
        pub(crate) half: Vec<Signal<In, Bit>> = flags(c),
        pub(crate) word: Vec<Wire<In>> = Wire::vec(c, g.patch_bits()),
        pub(crate) high: Vec<Wire<In>> = Wire::vec(c, addr_width(b / l)),
        pub(crate) low: Vec<Wire<In>> = Wire::vec(c, lane_width),
        pub(crate) useful: Vec<Signal<In, Bit>> = flags(c),
        pub(crate) matters: Vec<Vec<Signal<In, Bit>>> = (0..c).map(|_| flags(l)).collect(),
        pub(crate) weight: Vec<Vec<Wire<In>>> =
            (0..c).map(|_| Wire::vec(l, g.weight_bits)).collect(),
        pub(crate) negative: Vec<Vec<Signal<In, Bit>>> = (0..c).map(|_| flags(l)).collect(),
        // Entries of the previous cycle, by column.
        pub(crate) stepped: Vec<Signal<In, Bit>> = flags(c),
        pub(crate) stepped_half: Vec<Signal<In, Bit>> = flags(c),
        pub(crate) from_zero: Vec<Signal<In, Bit>> = flags(c),
        pub(crate) from_psum: Vec<Signal<In, Bit>> = flags(c),
        pub(crate) to_psum: Vec<Signal<In, Bit>> = flags(c),
        pub(crate) psum_word: Vec<Wire<In>> = Wire::vec(c, g.psum_bits()),
        pub(crate) per_channel: Signal<In, Bit>,
        pub(crate) maximum: Signal<In, Bit>,
        // Drain: the row is selected, psum word, part of the group.
        pub(crate) drain: Signal<In, Bit>,
        pub(crate) drain_word: Wire<In> = Wire::new(g.psum_bits()),
        pub(crate) drain_part: Wire<In> = Wire::new(addr_width(g.chunks_per_group())),
        pub(crate) drain_data: Vec<Wire<Out>> = Wire::signed_vec(g.drain_lanes, g.accumulator_bits),
        // Scratchpad reads of the previous cycle.
        pub(crate) reads: Wire<Out> = Wire::new(count_width),
        scratchpad: Scratchpad = Scratchpad::new(words, b, l, g.activation_bits, c),
        zero_flags: Vec<ZeroFlags> = (0..gating).map(|_| ZeroFlags::new(words, b, l, c)).collect(),
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
        _channels: usize = b,
        _gating: usize = gating,
        _cols: usize = c,
        _lanes: usize = l,
        _parts: usize = g.chunks_per_group(),
        _drain_lanes: usize = g.drain_lanes,
    }

    pub(crate) fn new(g: &Geometry) {
        let (b, l, c) = (g.word_channels, g.lanes, g.cols);
        let count_width = addr_width(c * l + 1);
        let lane_width = g.lane_bits().max(1);
        let words = 2 * g.scratch_words;
        let gating = usize::from(g.zero_gating);
    }
}

impl Logic for PeRow {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, reads_q);
        clock!(self, clock, scratchpad);
        // Patch words. A row that does not take one keeps its storage's inputs still.
        self.take.next = false;
        for c in 0..self._cols {
            if self.column_active[c].val() {
                self.take.next = self.write.val();
            }
        }
        self.scratchpad.we.next = self.take.val();
        self.scratchpad.wa.next = self.write_word.val();
        for b in 0..self._channels {
            self.taken[b].next = 0.into();
            self.taken_nonzero[b].next = false;
            if self.take.val() {
                self.taken[b].next = self.write_data[b].val();
                self.taken_nonzero[b].next = self.write_nonzero[b].val();
            }
            self.scratchpad.wd[b].next = self.taken[b].val();
        }
        for f in 0..self._gating {
            self.zero_flags[f].clock.next = self.clock.val();
            self.zero_flags[f].we.next = self.take.val();
            self.zero_flags[f].wa.next = self.write_word.val();
            for b in 0..self._channels {
                self.zero_flags[f].wd[b].next = self.taken_nonzero[b].val();
            }
        }
        // Entries. A row without a pixel reads nothing, and its addresses do not move.
        self.read_count[0].next = 0.into();
        for c in 0..self._cols {
            self.live[c].next = (self.half[c].val() & self.valid[1].val())
                | (!self.half[c].val() & self.valid[0].val());
            self.at[c].next = 0.into();
            if self.live[c].val() {
                self.at[c].next = (self.word[c].val() << 1) + self.half[c].val().into();
            }
            self.scratchpad.ra[c].next = self.at[c].val();
            self.scratchpad.rh[c].next = self.high[c].val();
            for l in 0..self._lanes {
                self.scratchpad.re[c][l].next = self.pe[c].read[l].val();
                self.pe[c].activation[l].next = self.scratchpad.q[c][l].val();
                self.pe[c].nonzero[l].next = true;
                self.pe[c].matters[l].next = self.matters[c][l].val();
            }
            for f in 0..self._gating {
                self.zero_flags[f].ra[c].next = self.at[c].val();
                self.zero_flags[f].rh[c].next = self.high[c].val();
                for l in 0..self._lanes {
                    self.pe[c].nonzero[l].next = self.zero_flags[f].nz[c][l].val();
                }
            }
            self.pe[c].clock.next = self.clock.val();
            self.pe[c].step.next = self.step[c].val() & self.live[c].val();
            self.pe[c].stepped.next = self.stepped[c].val()
                & ((self.stepped_half[c].val() & self.valid[1].val())
                    | (!self.stepped_half[c].val() & self.valid[0].val()));
            self.pe[c].low.next = self.low[c].val();
            self.pe[c].useful.next = self.useful[c].val();
            for l in 0..self._lanes {
                self.pe[c].weight[l].next = self.weight[c][l].val();
                self.pe[c].negative[l].next = self.negative[c][l].val();
            }
            self.pe[c].per_channel.next = self.per_channel.val();
            self.pe[c].maximum.next = self.maximum.val();
            self.pe[c].from_zero.next = self.from_zero[c].val();
            self.pe[c].from_psum.next = self.from_psum[c].val();
            self.pe[c].to_psum.next = self.to_psum[c].val();
            self.pe[c].psum_word.next = self.psum_word[c].val();
            self.read_count[c + 1].next = self.read_count[c].val() + self.pe[c].reads.val();
        }
        if self.read_count[self.cols.index()].val().any() | self.reads_q.q.val().any() {
            self.reads_q.d.next = self.read_count[self.cols.index()].val();
        }
        self.reads.next = self.reads_q.q.val();
        // Rows that are not drained keep the address of their psum files still.
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
