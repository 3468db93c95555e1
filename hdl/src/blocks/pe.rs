//! Processing element: scratchpad, multipliers, accumulators and psum file.

use super::flags;
use crate::geometry::Geometry;
use crate::rtl::prelude::*;

/// One processing element: `lanes` multipliers that share one activation and one list index.
///
/// Two stages. *Operand*: an entry's index selects an activation; if it is zero (and gating is on)
/// nothing is read and the operand registers keep their values, so the multipliers do not toggle.
/// *Accumulate*: product and accumulator are added; at the end of a list the sum goes to the psum file.
#[derive(LogicBlock)]
pub(crate) struct Pe {
    kind: ModuleName,
    pub(crate) clock: Signal<In, Clock>,
    // A word of the patch arrives.
    pub(crate) write: Signal<In, Bit>,
    pub(crate) write_word: Wire<In>,
    pub(crate) write_data: Vec<Wire<In>>,
    pub(crate) write_nonzero: Vec<Signal<In, Bit>>,
    // An entry is processed: scratchpad word, channel / lanes, channel mod lanes; `useful` says that
    // one of its weights is not zero.
    pub(crate) step: Signal<In, Bit>,
    pub(crate) word: Wire<In>,
    pub(crate) high: Wire<In>,
    pub(crate) low: Wire<In>,
    pub(crate) useful: Signal<In, Bit>,
    pub(crate) weight: Vec<Wire<In>>,
    pub(crate) per_channel: Signal<In, Bit>,
    pub(crate) maximum: Signal<In, Bit>,
    // Accumulate stage, one cycle after the entry: start from zero (or the smallest activation), start
    // from the psum word, write the psum word.
    pub(crate) from_zero: Signal<In, Bit>,
    pub(crate) from_psum: Signal<In, Bit>,
    pub(crate) to_psum: Signal<In, Bit>,
    pub(crate) psum_word: Wire<In>,
    pub(crate) drain_word: Wire<In>,
    pub(crate) drain_data: Vec<Wire<Out>>,
    // Scratchpad reads of this cycle.
    pub(crate) reads: Wire<Out>,
    scratchpad: Scratchpad,
    zero_flags: Vec<ZeroFlags>,
    psum: PsumFile,
    nonzero: Vec<Signal<Local, Bit>>,
    read: Vec<Signal<Local, Bit>>,
    read_any: Signal<Local, Bit>,
    read_count: Vec<Wire<Local>>,
    step_q: RegBit,
    multiply: Vec<RegBit>,
    lane: Reg,
    operand_weight: Vec<Reg>,
    shared: Wire<Local>,
    operand: Vec<Wire<Local>>,
    product: Vec<Wire<Local>>,
    start: Vec<Wire<Local>>,
    sum: Vec<Wire<Local>>,
    acc: Vec<Reg>,
    smallest: Const,
    lanes: Const,
    _channels: usize,
    _lanes: usize,
    _gating: usize,
}

impl Pe {
    pub(crate) fn new(g: &Geometry) -> Self {
        let (b, l) = (g.word_channels, g.lanes);
        let words = 2 * g.scratch_words;
        let lane_width = g.lane_bits().max(1);
        let count_width = address_width(l);
        let gating = usize::from(g.zero_gating);
        Self {
            kind: ModuleName::new("pe"),
            clock: Signal::default(),
            write: Signal::default(),
            write_word: Wire::new(g.scratch_bits()),
            write_data: Wire::signed_vec(b, g.activation_bits),
            write_nonzero: flags(b),
            step: Signal::default(),
            word: Wire::new(g.scratch_bits()),
            high: Wire::new(addr_width(b / l)),
            low: Wire::new(lane_width),
            useful: Signal::default(),
            weight: Wire::signed_vec(l, g.weight_bits),
            per_channel: Signal::default(),
            maximum: Signal::default(),
            from_zero: Signal::default(),
            from_psum: Signal::default(),
            to_psum: Signal::default(),
            psum_word: Wire::new(g.psum_bits()),
            drain_word: Wire::new(g.psum_bits()),
            drain_data: Wire::signed_vec(l, g.accumulator_bits),
            reads: Wire::new(count_width),
            scratchpad: Scratchpad::new(words, b, l, g.activation_bits),
            zero_flags: (0..gating).map(|_| ZeroFlags::new(words, b, l)).collect(),
            psum: PsumFile::new(g.psum_depth(), l, g.accumulator_bits),
            nonzero: flags(l),
            read: flags(l),
            read_any: Signal::default(),
            read_count: Wire::vec(l + 1, count_width),
            step_q: RegBit::new(),
            multiply: RegBit::vec(l),
            lane: Reg::new(lane_width),
            operand_weight: Reg::signed_vec(l, g.weight_bits),
            shared: Wire::signed(g.activation_bits),
            operand: Wire::signed_vec(l, g.activation_bits),
            product: Wire::signed_vec(l, g.activation_bits + g.weight_bits),
            start: Wire::signed_vec(l, g.accumulator_bits),
            sum: Wire::signed_vec(l, g.accumulator_bits),
            acc: Reg::signed_vec(l, g.accumulator_bits),
            smallest: Const::signed(-(1i64 << (g.activation_bits - 1)), g.activation_bits),
            lanes: Const::new(l, 8),
            _channels: b,
            _lanes: l,
            _gating: gating,
        }
    }
}

/// Bits of a count from 0 to `n`.
fn address_width(n: usize) -> usize {
    addr_width(n + 1)
}

impl Logic for Pe {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, step_q, lane);
        clock!(self, clock, scratchpad, psum);
        // Patch words.
        self.scratchpad.we.next = self.write.val();
        self.scratchpad.wa.next = self.write_word.val();
        for b in 0..self._channels {
            self.scratchpad.wd[b].next = self.write_data[b].val();
        }
        for l in 0..self._lanes {
            self.nonzero[l].next = true;
        }
        for f in 0..self._gating {
            self.zero_flags[f].clock.next = self.clock.val();
            self.zero_flags[f].we.next = self.write.val();
            self.zero_flags[f].wa.next = self.write_word.val();
            self.zero_flags[f].ra.next = self.word.val();
            self.zero_flags[f].rh.next = self.high.val();
            for b in 0..self._channels {
                self.zero_flags[f].wd[b].next = self.write_nonzero[b].val();
            }
            for l in 0..self._lanes {
                self.nonzero[l].next = self.zero_flags[f].nz[l].val() | self.maximum.val();
            }
        }
        // Operand stage.
        self.scratchpad.ra.next = self.word.val();
        self.scratchpad.rh.next = self.high.val();
        self.read_any.next = false;
        self.read_count[0].next = 0.into();
        for l in 0..self._lanes {
            self.read[l].next = self.step.val()
                & self.useful.val()
                & self.nonzero[l].val()
                & (self.per_channel.val() | (self.low.val() == l.into()));
            self.scratchpad.re[l].next = self.read[l].val();
            if self.read[l].val() {
                self.read_any.next = true;
            }
            self.read_count[l + 1].next = self.read_count[l].val() + self.read[l].val().into();
        }
        self.reads.next = self.read_count[self.lanes.index()].val();
        self.step_q.d.next = self.step.val();
        if self.read_any.val() {
            self.lane.d.next = self.low.val();
        }
        for l in 0..self._lanes {
            dff_setup!(self, clock, operand_weight[l]);
            self.multiply[l].clock.next = self.clock.val();
            if self.read_any.val() {
                self.operand_weight[l].d.next = self.weight[l].val();
            }
            self.multiply[l].d.next = (self.per_channel.val() & self.read[l].val())
                | (!self.per_channel.val() & self.read_any.val());
        }
        // Accumulate stage.
        self.shared.next = self.scratchpad.q[0].val();
        for l in 0..self._lanes {
            if self.lane.q.val() == l.into() {
                self.shared.next = self.scratchpad.q[l].val();
            }
        }
        self.psum.we.next = self.step_q.q.val() & self.to_psum.val();
        self.psum.wa.next = self.psum_word.val();
        self.psum.ra.next = self.psum_word.val();
        self.psum.da.next = self.drain_word.val();
        for l in 0..self._lanes {
            dff_setup!(self, clock, acc[l]);
            self.operand[l].next = self.shared.val();
            if self.per_channel.val() {
                self.operand[l].next = self.scratchpad.q[l].val();
            }
            self.product[l].next = self.operand[l].val() * self.operand_weight[l].q.val();
            self.start[l].next = self.acc[l].q.val();
            if self.from_psum.val() {
                self.start[l].next = self.psum.rd[l].val();
            }
            if self.from_zero.val() {
                self.start[l].next = 0.into();
                if self.maximum.val() {
                    self.start[l].next = self.smallest.val();
                }
            }
            self.sum[l].next = self.start[l].val();
            if self.multiply[l].q.val() {
                if self.maximum.val() {
                    if self.operand[l].val() > self.start[l].val() {
                        self.sum[l].next = self.operand[l].val();
                    }
                } else {
                    self.sum[l].next = self.start[l].val() + self.product[l].val();
                }
            }
            if self.step_q.q.val()
                & (self.multiply[l].q.val() | self.from_zero.val() | self.from_psum.val())
            {
                self.acc[l].d.next = self.sum[l].val();
            }
            self.psum.wd[l].next = self.sum[l].val();
            self.drain_data[l].next = self.psum.dd[l].val();
        }
    }
}
