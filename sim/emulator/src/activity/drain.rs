//! The drain lanes.

use pecan_config::geometry::Geometry;
use pecan_config::isa::{MULTIPLIER_BITS, SHIFT_BITS};

use super::bits::mask64;
use super::toggle::{Toggle, Toggles};
use crate::memories::Param;

/// One requantization.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Requantized {
    /// Partial sum before requantization.
    pub(crate) sum: i64,
    /// Parameters of the channel.
    pub(crate) param: Param,
    /// Activation after requantization.
    pub(crate) value: i16,
    /// The clamp alone decides the value: the multiplier keeps its operands.
    pub(crate) rests: bool,
}

impl Requantized {
    /// Input of the multiplier: partial sum plus bias.
    fn biased(self) -> i128 {
        i128::from(self.sum) + i128::from(self.param.bias)
    }

    /// Output of the multiplier.
    fn scaled(self) -> i128 {
        self.biased() * i128::from(self.param.multiplier)
    }
}

/// Latest requantization of each drain lane.
#[derive(Clone, Debug)]
pub(super) struct DrainToggles {
    lanes: Vec<Requantized>,
    /// Latest requantization of each lane that used its multiplier.
    multiplied: Vec<Requantized>,
    sum: u64,
    biased: u64,
    scaled: u64,
    value: u64,
    bias: u64,
}

impl DrainToggles {
    pub(super) fn new(geometry: &Geometry) -> Self {
        Self {
            lanes: vec![Requantized::default(); geometry.drain_lanes],
            multiplied: vec![Requantized::default(); geometry.drain_lanes],
            sum: mask64(geometry.accumulator_bits),
            biased: mask64(geometry.accumulator_bits + 1),
            scaled: mask64(geometry.accumulator_bits + 1 + MULTIPLIER_BITS),
            value: mask64(geometry.activation_bits),
            bias: mask64(geometry.bias_bits()),
        }
    }

    /// Counts the toggles of the next sum in the lane of channel `k`.
    pub(super) fn step(&mut self, k: usize, new: Requantized, toggles: &mut Toggles) {
        let lane = k % self.lanes.len();
        let old = std::mem::replace(&mut self.lanes[lane], new);
        let count = |changed: u64, mask: u64| u64::from((changed & mask).count_ones());
        toggles[Toggle::DrainSum] += count((old.sum ^ new.sum) as u64, self.sum);
        toggles[Toggle::DrainOut] += count((old.value ^ new.value) as u64, self.value);
        let (a, b) = (old.param, new.param);
        toggles[Toggle::Param] += count((a.bias ^ b.bias) as u64, self.bias)
            + count(u64::from(a.multiplier ^ b.multiplier), mask64(MULTIPLIER_BITS))
            + count(u64::from(a.shift ^ b.shift), mask64(SHIFT_BITS));
        if new.rests {
            return;
        }
        let old = std::mem::replace(&mut self.multiplied[lane], new);
        let biased = count((old.biased() ^ new.biased()) as u64, self.biased);
        let factor = u64::from((old.param.multiplier ^ new.param.multiplier).count_ones());
        toggles[Toggle::DrainBiased] += biased;
        toggles[Toggle::DrainMultiplies] += 1;
        toggles[Toggle::DrainCross] += biased * u64::from(new.param.multiplier.count_ones())
            + factor * count(new.biased() as u64, self.biased);
        toggles[Toggle::DrainScaled] += count((old.scaled() ^ new.scaled()) as u64, self.scaled);
    }
}
