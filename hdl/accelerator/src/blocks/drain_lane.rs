//! One lane of the drain: bias, rescaling, rounding and clamp of one partial sum per cycle.

use super::bundles::Params;
use pecan_config::address_bits;
use pecan_config::geometry::Geometry;
use pecan_config::isa::{MULTIPLIER_BITS, SHIFT_BITS};
use pecan_rtl::prelude::*;

block! {
    /// Computes `clamp(((psum + bias) * multiplier + (1 << (shift - 1))) >> shift)` in three stages. A memory of its
    /// own holds the parameters of its channels.
    ///
    /// Rounding is computed as `((x >> (shift - 1)) + 1) >> 1`, which is the same number and needs no wide addition; a
    /// shift of 0 yields 0.
    ///
    /// A negative sum yields at most 0. So where the clamp's bounds are not negative (after a ReLU), it is known to
    /// become the lower bound as soon as the bias is added: the multiplier then keeps its operands.
    pub(crate) struct DrainLane = "drain_lane" {
        pub(crate) clock: Signal<In, Clock>,
        // Parameter write port.
        pub(crate) load: Signal<In, Bit>,
        pub(crate) load_row: Wire<In> = Wire::new(address_bits(rows)),
        pub(crate) values: Params<In> = Params::load(g),
        // A partial sum arrives.
        pub(crate) step: Signal<In, Bit>,
        pub(crate) row: Wire<In> = Wire::new(address_bits(rows)),
        pub(crate) psum: Wire<In> = Wire::signed(g.accumulator_bits),
        pub(crate) clamp_lo: Wire<In> = Wire::signed(g.activation_bits),
        pub(crate) clamp_hi: Wire<In> = Wire::signed(g.activation_bits),
        // Its activation, three cycles later.
        pub(crate) value: Wire<Out> = Wire::signed(g.activation_bits),
        params: Sram =
            Sram::new("param_memory", rows, &[g.bias_bits(), MULTIPLIER_BITS, SHIFT_BITS]),
        step_1: RegBit,
        step_2: RegBit,
        psum_1: Reg = Reg::signed(g.accumulator_bits),
        sum: Wire<Local> = Wire::signed(biased),
        rests: Signal<Local, Bit>,
        rests_2: RegBit,
        rests_3: RegBit,
        biased: Reg = Reg::signed(biased),
        multiplier: Reg = Reg::new(MULTIPLIER_BITS),
        shift_2: Reg = Reg::new(SHIFT_BITS),
        scaled: Reg = Reg::signed(scaled),
        shift_3: Reg = Reg::new(SHIFT_BITS),
        shifted: Wire<Local> = Wire::signed(scaled),
        rounded: Wire<Local> = Wire::signed(scaled),
    }

    pub(crate) fn new(g: &Geometry) {
        let rows = g.param_rows();
        let biased = g.accumulator_bits + 1;
        let scaled = biased + MULTIPLIER_BITS;
    }
}

impl Logic for DrainLane {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, psum_1, biased, multiplier, shift_2, scaled, shift_3);
        dff_setup!(self, clock, rests_2, rests_3);
        clock!(self, clock, params, step_1, step_2);
        self.params.we.next = self.load.val();
        self.params.wa.next = self.load_row.val();
        self.params.wd[0].next = self.values.bias.val();
        self.params.wd[1].next = self.values.multiplier.val();
        self.params.wd[2].next = self.values.shift.val();
        self.params.re.next = self.step.val();
        self.params.ra.next = self.row.val();
        self.step_1.d.next = self.step.val();
        self.step_2.d.next = self.step_1.q.val();
        if self.step.val() {
            self.psum_1.d.next = self.psum.val();
        }
        self.sum.next = self.psum_1.q.val() + signed_cast(self.params.rd[0].val());
        self.rests.next = (self.sum.val() < 0.into())
            & (self.clamp_lo.val() >= 0.into())
            & (self.clamp_hi.val() >= 0.into());
        if self.step_1.q.val() {
            self.rests_2.d.next = self.rests.val();
        }
        if self.step_1.q.val() & !self.rests.val() {
            self.biased.d.next = self.sum.val();
            self.multiplier.d.next = self.params.rd[1].val();
            self.shift_2.d.next = self.params.rd[2].val() - 1.into();
        }
        if self.step_2.q.val() {
            self.rests_3.d.next = self.rests_2.q.val();
        }
        if self.step_2.q.val() & !self.rests_2.q.val() {
            self.scaled.d.next = self.biased.q.val() * self.multiplier.q.val();
            self.shift_3.d.next = self.shift_2.q.val();
        }
        self.shifted.next = self.scaled.q.val() >> self.shift_3.q.val();
        self.rounded.next = (self.shifted.val() + 1.into()) >> 1;
        self.value.next = unsigned_cast(self.rounded.val());
        if self.rounded.val() < self.clamp_lo.val() {
            self.value.next = self.clamp_lo.val();
        }
        if self.rounded.val() > self.clamp_hi.val() {
            self.value.next = self.clamp_hi.val();
        }
        if self.rests_3.q.val() {
            self.value.next = self.clamp_lo.val();
        }
    }
}
