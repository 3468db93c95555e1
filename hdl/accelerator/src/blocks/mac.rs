//! One lane of a processing element: multiplier, adder, accumulator.

use pecan_config::geometry::Geometry;
use pecan_rtl::prelude::*;

block! {
    /// Multiplies an activation with a weight and adds the product to the accumulator, or keeps the larger of
    /// activation and accumulator.
    ///
    /// The weight is given as magnitude and sign: weights are small, and in two's complement a change of sign flips all
    /// upper bits, which would toggle the multiplier. The sign selects addition or subtraction.
    ///
    /// The accumulator has two parts. The low one is as wide as a product, which is added or subtracted there. The high
    /// one changes by one at most; without a change it is not clocked.
    pub(crate) struct Mac = "mac" {
        pub(crate) clock: Signal<In, Clock>,
        // An entry was processed; the lane is used in it.
        pub(crate) stepped: Signal<In, Bit>,
        pub(crate) multiply: Signal<In, Bit>,
        pub(crate) maximum: Signal<In, Bit>,
        // Start from zero (or the smallest activation), from the psum word.
        pub(crate) from_zero: Signal<In, Bit>,
        pub(crate) from_psum: Signal<In, Bit>,
        pub(crate) psum: Wire<In> = Wire::signed(sum),
        pub(crate) operand: Wire<In> = Wire::signed(a),
        pub(crate) weight: Wire<In> = Wire::new(w),
        pub(crate) negative: Signal<In, Bit>,
        // Next value of the accumulator.
        pub(crate) sum: Wire<Out> = Wire::signed(sum),
        product: Wire<Local> = Wire::signed(low),
        start_low: Wire<Local> = Wire::new(low),
        start_high: Wire<Local> = Wire::signed(sum - low),
        addend: Wire<Local> = Wire::signed(low),
        total: Wire<Local> = Wire::signed(low + 2),
        moves: Wire<Local> = Wire::signed(2),
        compared: Wire<Local> = Wire::signed(sum),
        larger: Signal<Local, Bit>,
        low: Wire<Local> = Wire::new(low),
        high: Wire<Local> = Wire::signed(sum - low),
        acc_low: Reg = Reg::new(low),
        acc_high: Reg = Reg::signed(sum - low),
        smallest: Const = Const::signed(-(1i64 << (a - 1)), a),
        low_bits: Const = Const::new(low, 6),
        low_mask: Const = Const::new((1i64 << low) - 1, low),
    }

    pub(crate) fn new(g: &Geometry) {
        let (a, w, sum) = (g.activation_bits, g.weight_bits, g.accumulator_bits);
        let low = a + w;
    }
}

impl Logic for Mac {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, acc_low, acc_high);
        self.product.next = self.operand.val() * self.weight.val();
        // Start value of the accumulator.
        self.start_low.next = self.acc_low.q.val();
        self.start_high.next = self.acc_high.q.val();
        if self.from_psum.val() {
            self.start_low.next = self.psum.val() & self.low_mask.val();
            self.start_high.next = self.psum.val() >> self.low_bits.val();
        }
        if self.from_zero.val() {
            self.start_low.next = 0.into();
            self.start_high.next = 0.into();
            if self.maximum.val() {
                self.start_low.next = self.smallest.val() & self.low_mask.val();
                self.start_high.next = (-1).into();
            }
        }
        // start - product = start + !product + 1. Not gated for unused lanes: their operands do not change, so neither
        // does the adder.
        self.addend.next = self.product.val();
        if self.negative.val() {
            self.addend.next = self.product.val() ^ (-1).into();
        }
        self.total.next = self.start_low.val() + self.addend.val() + self.negative.val().into();
        self.moves.next = self.total.val() >> self.low_bits.val();
        self.low.next = self.total.val() & self.low_mask.val();
        self.high.next = self.start_high.val() + self.moves.val();
        // The inputs of the comparison are 0 unless it is needed.
        self.compared.next = 0.into();
        if self.maximum.val() {
            self.compared.next =
                (self.start_high.val() << self.low_bits.val()) | self.start_low.val();
        }
        self.larger.next = self.multiply.val() & (self.operand.val() > self.compared.val());
        if self.maximum.val() | !self.multiply.val() {
            self.low.next = self.start_low.val();
            self.high.next = self.start_high.val();
            if self.larger.val() {
                self.low.next = self.operand.val() & self.low_mask.val();
                self.high.next = self.operand.val() >> self.low_bits.val();
            }
        }
        if self.stepped.val() & (self.multiply.val() | self.from_zero.val() | self.from_psum.val())
        {
            self.acc_low.d.next = self.low.val();
        }
        if self.stepped.val()
            & ((self.multiply.val() & (self.moves.val().any() | self.maximum.val()))
                | self.from_zero.val()
                | self.from_psum.val())
        {
            self.acc_high.d.next = self.high.val();
        }
        self.sum.next = (self.high.val() << self.low_bits.val()) | self.low.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pecan_config::Config;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// A value of `bits`, often at an end of their range.
    fn value(rng: &mut ChaCha8Rng, bits: usize) -> i64 {
        let half = 1i64 << (bits - 1);
        match rng.random_range(0..4) {
            0 => -half,
            1 => half - 1,
            _ => rng.random_range(-half..half),
        }
    }

    fn clock(uut: &mut Mac) {
        for level in [true, false] {
            uut.clock.next = level.into();
            simulate(uut, 100);
        }
    }

    /// Sums of a lane equal those of integers, in the widest, the usual and the narrowest numerics.
    #[test]
    fn sums_are_those_of_integers() {
        for (a, w, sum) in [(16, 16, 48), (16, 16, 34), (8, 8, 24), (4, 8, 17), (4, 4, 10)] {
            let mut g = Geometry::of(&Config::default());
            (g.activation_bits, g.weight_bits, g.accumulator_bits) = (a, w, sum);
            let mut uut = Mac::new(&g);
            uut.connect_all();
            let mut rng = ChaCha8Rng::seed_from_u64(a as u64);
            let wrap = |v: i64| (v << (64 - sum)) >> (64 - sum);
            let mut acc = 0i64;
            for _ in 0..2000 {
                let [operand, weight, psum] = [a, w, sum].map(|bits| value(&mut rng, bits));
                let [multiply, maximum, from_zero, from_psum] =
                    [0.7, 0.2, 0.05, 0.1].map(|p| rng.random_bool(p));
                let stepped = rng.random_bool(0.9);
                uut.operand.next = operand.into();
                uut.weight.next = (weight.unsigned_abs() as i64).into();
                uut.negative.next = weight < 0;
                uut.psum.next = psum.into();
                uut.multiply.next = multiply;
                uut.maximum.next = maximum;
                uut.from_zero.next = from_zero;
                uut.from_psum.next = from_psum;
                uut.stepped.next = stepped;
                simulate(&mut uut, 100);
                let zero = if maximum { -(1 << (a - 1)) } else { 0 };
                let start = if from_zero {
                    zero
                } else if from_psum {
                    psum
                } else {
                    acc
                };
                let expected = match (multiply, maximum) {
                    (false, _) => start,
                    (true, true) => start.max(operand),
                    (true, false) => wrap(start + operand * weight),
                };
                assert_eq!(uut.sum.val().as_i64(), expected, "{a} {w} {sum}: {operand} {weight}");
                clock(&mut uut);
                if stepped && (multiply || from_zero || from_psum) {
                    acc = expected;
                }
            }
        }
    }
}
