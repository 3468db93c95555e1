//! Processing element: multipliers, accumulators and psum file.

use super::bundles::{Mode, Sums, Weights};
use super::flags;
use super::mac::Mac;
use pecan_config::geometry::Geometry;
use pecan_rtl::prelude::*;

block! {
    /// One processing element: `lanes` multipliers that share one activation and one list index.
    ///
    /// Two stages. *Operand*: an entry's index selects an activation in the row's scratchpad; if it is zero (and gating
    /// is on) nothing is read and the operand registers keep their values, so the multipliers do not toggle.
    /// *Accumulate*: product and accumulator are added; at the end of a list the sum is written to the psum file. A
    /// lane with a zero weight keeps its accumulator.
    pub(crate) struct Pe = "pe" {
        pub(crate) clock: Signal<In, Clock>,
        // An entry is processed.
        pub(crate) step: Signal<In, Bit>,
        pub(crate) weights: Weights<In> = Weights::new(g),
        pub(crate) mode: Mode<In> = Mode::new(),
        // Scratchpad: flags of nonzero activations per lane, lanes that read, data read.
        pub(crate) nonzero: Vec<Signal<In, Bit>> = flags(l),
        pub(crate) read: Vec<Signal<Out, Bit>> = flags(l),
        pub(crate) activation: Vec<Wire<In>> = Wire::signed_vec(l, g.activation_bits),
        // Accumulate stage, one cycle after the entry.
        pub(crate) stepped: Signal<In, Bit>,
        pub(crate) sums: Sums<In> = Sums::new(g),
        pub(crate) drain_word: Wire<In> = Wire::new(g.psum_bits()),
        pub(crate) drain_data: Vec<Wire<Out>> = Wire::signed_vec(l, g.accumulator_bits),
        // Scratchpad reads of this cycle.
        pub(crate) reads: Wire<Out> = Wire::new(count_width),
        psum: PsumFile = PsumFile::new(g.psum_depth(), l, g.accumulator_bits),
        read_lane: Vec<Signal<Local, Bit>> = flags(l),
        read_any: Signal<Local, Bit>,
        read_count: Vec<Wire<Local>> = Wire::vec(l + 1, count_width),
        read_any_q: RegBit,
        takes: Vec<RegBit> = RegBit::vec(l),
        multiply: Vec<Signal<Local, Bit>> = flags(l),
        lane: Reg = Reg::new(lane_width),
        operand_weight: Vec<Reg> = Reg::vec(l, g.weight_bits),
        operand_negative: Vec<RegBit> = RegBit::vec(l),
        shared: Wire<Local> = Wire::signed(g.activation_bits),
        mac: Vec<Mac> = (0..l).map(|_| Mac::new(g)).collect(),
        lanes: Const = Const::new(l, 8),
        _lanes: usize = l,
    }

    pub(crate) fn new(g: &Geometry) {
        let l = g.lanes;
        let lane_width = g.lane_bits().max(1);
        let count_width = address_width(l);
    }
}

/// Bits of a count from 0 to `n`.
fn address_width(n: usize) -> usize {
    addr_width(n + 1)
}

parts!(Pe:
    /// Selects the activation and holds the weights.
    Operand,
    /// Multiplies and adds; sums to and from the psum file.
    Accumulate,
);

impl parts::Part<Operand> for Pe {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, lane);
        clock!(self, clock, read_any_q);
        self.read_any.next = false;
        self.read_count[0].next = 0.into();
        for l in 0..self._lanes {
            self.read_lane[l].next = self.step.val()
                & self.weights.useful.val()
                & (self.nonzero[l].val() | self.mode.maximum.val())
                & (self.mode.per_channel.val() | (self.weights.low.val() == l.into()));
            self.read[l].next = self.read_lane[l].val();
            if self.read_lane[l].val() {
                self.read_any.next = true;
            }
            self.read_count[l + 1].next = self.read_count[l].val() + self.read_lane[l].val().into();
        }
        self.reads.next = self.read_count[self.lanes.index()].val();
        self.read_any_q.d.next = self.read_any.val();
        if self.read_any.val() {
            self.lane.d.next = self.weights.low.val();
        }
        for l in 0..self._lanes {
            dff_setup!(self, clock, operand_weight[l], operand_negative[l], takes[l]);
            if self.read_any.val() {
                self.operand_weight[l].d.next = self.weights.weight[l].val();
                self.operand_negative[l].d.next = self.weights.negative[l].val();
                self.takes[l].d.next = (self.read_lane[l].val() | !self.mode.per_channel.val())
                    & (self.weights.matters[l].val() | self.mode.maximum.val());
            }
            self.multiply[l].next = self.read_any_q.q.val() & self.takes[l].q.val();
        }
    }
}

impl parts::Part<Accumulate> for Pe {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, psum);
        self.shared.next = self.activation[0].val();
        for l in 0..self._lanes {
            if self.lane.q.val() == l.into() {
                self.shared.next = self.activation[l].val();
            }
        }
        self.psum.we.next = self.stepped.val() & self.sums.to_psum.val();
        self.psum.wa.next = self.sums.psum_word.val();
        self.psum.ra.next = self.sums.psum_word.val();
        self.psum.da.next = self.drain_word.val();
        for l in 0..self._lanes {
            clock!(self, clock, mac[l]);
            self.mac[l].stepped.next = self.stepped.val();
            self.mac[l].multiply.next = self.multiply[l].val();
            self.mac[l].maximum.next = self.mode.maximum.val();
            self.mac[l].from_zero.next = self.sums.from_zero.val();
            self.mac[l].from_psum.next = self.sums.from_psum.val();
            self.mac[l].psum.next = self.psum.rd[l].val();
            self.mac[l].operand.next = self.shared.val();
            if self.mode.per_channel.val() {
                self.mac[l].operand.next = self.activation[l].val();
            }
            self.mac[l].weight.next = self.operand_weight[l].q.val();
            self.mac[l].negative.next = self.operand_negative[l].q.val();
            self.psum.wd[l].next = self.mac[l].sum.val();
        }
        wires::link(&mut self.drain_data, &mut self.psum.dd);
    }
}
