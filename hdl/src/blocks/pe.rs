//! Processing element: multipliers, accumulators and psum file.

use super::flags;
use crate::geometry::Geometry;
use crate::rtl::prelude::*;

/// One processing element: `lanes` multipliers that share one activation and one list index.
///
/// Two stages. *Operand*: an entry's index selects an activation in the row's scratchpad; if it is zero
/// (and gating is on) nothing is read and the operand registers keep their values, so the multipliers do
/// not toggle. *Accumulate*: product and accumulator are added; at the end of a list the sum goes to the
/// psum file. A lane whose weight is zero leaves its accumulator alone.
#[derive(LogicBlock)]
pub(crate) struct Pe {
    kind: ModuleName,
    pub(crate) clock: Signal<In, Clock>,
    // An entry is processed: channel mod lanes of its activation; `useful` says that one of its weights
    // is not zero, `matters` which lanes' weights are not.
    pub(crate) step: Signal<In, Bit>,
    pub(crate) low: Wire<In>,
    pub(crate) useful: Signal<In, Bit>,
    pub(crate) matters: Vec<Signal<In, Bit>>,
    pub(crate) weight: Vec<Wire<In>>,
    pub(crate) per_channel: Signal<In, Bit>,
    pub(crate) maximum: Signal<In, Bit>,
    // Scratchpad: which lanes' activations are not zero, which are read, what was read.
    pub(crate) nonzero: Vec<Signal<In, Bit>>,
    pub(crate) read: Vec<Signal<Out, Bit>>,
    pub(crate) activation: Vec<Wire<In>>,
    // Accumulate stage, one cycle after the entry: an entry was processed, start from zero (or the smallest activation), start
    // from the psum word, write the psum word.
    pub(crate) stepped: Signal<In, Bit>,
    pub(crate) from_zero: Signal<In, Bit>,
    pub(crate) from_psum: Signal<In, Bit>,
    pub(crate) to_psum: Signal<In, Bit>,
    pub(crate) psum_word: Wire<In>,
    pub(crate) drain_word: Wire<In>,
    pub(crate) drain_data: Vec<Wire<Out>>,
    // Scratchpad reads of this cycle.
    pub(crate) reads: Wire<Out>,
    psum: PsumFile,
    read_lane: Vec<Signal<Local, Bit>>,
    read_any: Signal<Local, Bit>,
    read_count: Vec<Wire<Local>>,
    read_any_q: RegBit,
    takes: Vec<RegBit>,
    multiply: Vec<Signal<Local, Bit>>,
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
    _lanes: usize,
}

impl Pe {
    pub(crate) fn new(g: &Geometry) -> Self {
        let l = g.lanes;
        let lane_width = g.lane_bits().max(1);
        let count_width = address_width(l);
        Self {
            kind: ModuleName::new("pe"),
            clock: Signal::default(),
            step: Signal::default(),
            low: Wire::new(lane_width),
            useful: Signal::default(),
            matters: flags(l),
            weight: Wire::signed_vec(l, g.weight_bits),
            per_channel: Signal::default(),
            maximum: Signal::default(),
            nonzero: flags(l),
            read: flags(l),
            activation: Wire::signed_vec(l, g.activation_bits),
            stepped: Signal::default(),
            from_zero: Signal::default(),
            from_psum: Signal::default(),
            to_psum: Signal::default(),
            psum_word: Wire::new(g.psum_bits()),
            drain_word: Wire::new(g.psum_bits()),
            drain_data: Wire::signed_vec(l, g.accumulator_bits),
            reads: Wire::new(count_width),
            psum: PsumFile::new(g.psum_depth(), l, g.accumulator_bits),
            read_lane: flags(l),
            read_any: Signal::default(),
            read_count: Wire::vec(l + 1, count_width),
            read_any_q: RegBit::new(),
            takes: RegBit::vec(l),
            multiply: flags(l),
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
            _lanes: l,
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
        dff_setup!(self, clock, lane);
        clock!(self, clock, psum, read_any_q);
        // Operand stage.
        self.read_any.next = false;
        self.read_count[0].next = 0.into();
        for l in 0..self._lanes {
            self.read_lane[l].next = self.step.val()
                & self.useful.val()
                & (self.nonzero[l].val() | self.maximum.val())
                & (self.per_channel.val() | (self.low.val() == l.into()));
            self.read[l].next = self.read_lane[l].val();
            if self.read_lane[l].val() {
                self.read_any.next = true;
            }
            self.read_count[l + 1].next = self.read_count[l].val() + self.read_lane[l].val().into();
        }
        self.reads.next = self.read_count[self.lanes.index()].val();
        self.read_any_q.d.next = self.read_any.val();
        if self.read_any.val() {
            self.lane.d.next = self.low.val();
        }
        for l in 0..self._lanes {
            dff_setup!(self, clock, operand_weight[l], takes[l]);
            if self.read_any.val() {
                self.operand_weight[l].d.next = self.weight[l].val();
                self.takes[l].d.next = (self.read_lane[l].val() | !self.per_channel.val())
                    & (self.matters[l].val() | self.maximum.val());
            }
            self.multiply[l].next = self.read_any_q.q.val() & self.takes[l].q.val();
        }
        // Accumulate stage.
        self.shared.next = self.activation[0].val();
        for l in 0..self._lanes {
            if self.lane.q.val() == l.into() {
                self.shared.next = self.activation[l].val();
            }
        }
        self.psum.we.next = self.stepped.val() & self.to_psum.val();
        self.psum.wa.next = self.psum_word.val();
        self.psum.ra.next = self.psum_word.val();
        self.psum.da.next = self.drain_word.val();
        for l in 0..self._lanes {
            dff_setup!(self, clock, acc[l]);
            self.operand[l].next = self.shared.val();
            if self.per_channel.val() {
                self.operand[l].next = self.activation[l].val();
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
            if self.multiply[l].val() {
                if self.maximum.val() {
                    if self.operand[l].val() > self.start[l].val() {
                        self.sum[l].next = self.operand[l].val();
                    }
                } else {
                    self.sum[l].next = self.start[l].val() + self.product[l].val();
                }
            }
            if self.stepped.val()
                & (self.multiply[l].val() | self.from_zero.val() | self.from_psum.val())
            {
                self.acc[l].d.next = self.sum[l].val();
            }
            self.psum.wd[l].next = self.sum[l].val();
            self.drain_data[l].next = self.psum.dd[l].val();
        }
    }
}
