//! Processing element: scratchpad, multipliers, accumulators and psum file.

use crate::geometry::Geometry;
use crate::rtl::prelude::*;

/// One processing element: `lanes` multipliers that share one activation and one list index.
///
/// Two stages. *Operand*: an entry's index selects an activation; if it is zero (and gating is on) nothing
/// is read and the operand registers keep their values, so the multipliers do not toggle. *Accumulate*:
/// product and accumulator are added; at the end of a list the sum goes to the psum file.
#[derive(LogicBlock)]
pub struct Pe {
    kind: ModuleName,
    pub clock: Signal<In, Clock>,
    /// Takes a word of the patch into the scratchpad.
    pub write: Signal<In, Bit>,
    pub write_word: Wire<In>,
    pub write_data: Vec<Wire<In>>,
    pub write_nonzero: Vec<Signal<In, Bit>>,
    /// An entry is processed: scratchpad word, channel / lanes, channel mod lanes.
    pub step: Signal<In, Bit>,
    pub word: Wire<In>,
    pub high: Wire<In>,
    pub low: Wire<In>,
    /// The entry has a weight that is not zero.
    pub useful: Signal<In, Bit>,
    pub weight: Vec<Wire<In>>,
    pub per_channel: Signal<In, Bit>,
    pub maximum: Signal<In, Bit>,
    /// Accumulate stage: the sum starts from zero (or the smallest activation), from the psum file, and
    /// is written to the psum file.
    pub from_zero: Signal<In, Bit>,
    pub from_psum: Signal<In, Bit>,
    pub to_psum: Signal<In, Bit>,
    pub psum_word: Wire<In>,
    pub drain_word: Wire<In>,
    pub drain_data: Vec<Wire<Out>>,
    /// Scratchpad reads of this cycle.
    pub reads: Wire<Out>,
    scratchpad: Scratchpad,
    flags: Vec<ZeroFlags>,
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
    _channels: usize,
    _lanes: usize,
    _flags: usize,
}

impl Pe {
    /// A processing element of geometry `g`.
    pub fn new(g: &Geometry) -> Self {
        let (b, l) = (g.channels, g.lanes);
        let words = 2 * g.patch_words;
        Self {
            kind: ModuleName::new("pe"),
            clock: Signal::default(),
            write: Signal::default(),
            write_word: Wire::new(g.scratch_bits()),
            write_data: Wire::signed_vec(b, g.act_bits),
            write_nonzero: g.bits(b),
            step: Signal::default(),
            word: Wire::new(g.scratch_bits()),
            high: Wire::new(g.high_bits()),
            low: Wire::new(g.low_bits()),
            useful: Signal::default(),
            weight: Wire::signed_vec(l, g.weight_bits),
            per_channel: Signal::default(),
            maximum: Signal::default(),
            from_zero: Signal::default(),
            from_psum: Signal::default(),
            to_psum: Signal::default(),
            psum_word: Wire::new(g.psum_bits()),
            drain_word: Wire::new(g.psum_bits()),
            drain_data: Wire::signed_vec(l, g.acc_bits),
            reads: Wire::new(g.lane_count_bits()),
            scratchpad: Scratchpad::new(words, b, l, g.act_bits),
            flags: (0..usize::from(g.zero_gating)).map(|_| ZeroFlags::new(words, b, l)).collect(),
            psum: PsumFile::new(g.psum_depth, l, g.acc_bits),
            nonzero: g.local_bits(l),
            read: g.local_bits(l),
            read_any: Signal::default(),
            read_count: Wire::vec(l + 1, g.lane_count_bits()),
            step_q: RegBit::new(),
            multiply: RegBit::vec(l),
            lane: Reg::new(g.low_bits()),
            operand_weight: Reg::signed_vec(l, g.weight_bits),
            shared: Wire::signed(g.act_bits),
            operand: Wire::signed_vec(l, g.act_bits),
            product: Wire::signed_vec(l, g.act_bits + g.weight_bits),
            start: Wire::signed_vec(l, g.acc_bits),
            sum: Wire::signed_vec(l, g.acc_bits),
            acc: Reg::signed_vec(l, g.acc_bits),
            smallest: Const::signed(-(1i64 << (g.act_bits - 1)), g.act_bits),
            _channels: b,
            _lanes: l,
            _flags: usize::from(g.zero_gating),
        }
    }
}

impl Logic for Pe {
    #[hdl_gen]
    fn update(&mut self) {
        // Patch write.
        self.scratchpad.clock.next = self.clock.val();
        self.scratchpad.we.next = self.write.val();
        self.scratchpad.wa.next = self.write_word.val();
        for b in 0..self._channels {
            self.scratchpad.wd[b].next = self.write_data[b].val();
        }
        for l in 0..self._lanes {
            self.nonzero[l].next = true;
        }
        for f in 0..self._flags {
            self.flags[f].clock.next = self.clock.val();
            self.flags[f].we.next = self.write.val();
            self.flags[f].wa.next = self.write_word.val();
            self.flags[f].ra.next = self.word.val();
            self.flags[f].rh.next = self.high.val();
            for b in 0..self._channels {
                self.flags[f].wd[b].next = self.write_nonzero[b].val();
            }
            for l in 0..self._lanes {
                self.nonzero[l].next = self.flags[f].nz[l].val() | self.maximum.val();
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
            self.read_count[l + 1].next =
                self.read_count[l].val() + self.read[l].val().into();
        }
        self.reads.next = self.read_count[self.lanes_index()].val();
        self.step_q.clock.next = self.clock.val();
        self.step_q.d.next = self.step.val();
    }
}
