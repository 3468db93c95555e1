//! Operand and accumulate stage of the PEs of a column.

use super::bits::{mask64, selects};
use super::toggle::{Toggle, Toggles};
use crate::memories::MAX_LANES;

/// Widths of a PE.
#[derive(Clone, Copy, Debug)]
pub(super) struct Widths {
    pub(super) lanes: usize,
    /// Masks of the operands and the product.
    pub(super) activation: u16,
    pub(super) product: u32,
    /// Bits of the product, of the low part of the accumulator, and of all of it.
    pub(super) low: usize,
    pub(super) accumulator: usize,
    /// Smallest activation.
    pub(super) smallest: i64,
}

impl Widths {
    fn wrap(self, sum: i64) -> i64 {
        let unused = 64 - self.accumulator;
        (sum << unused) >> unused
    }
}

/// Weights of an entry as sign and magnitude, by lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed {
    magnitude: [u16; MAX_LANES],
    negative: [bool; MAX_LANES],
    /// Ones of all magnitudes.
    ones: u64,
}

impl Signed {
    /// Magnitude and sign of weights.
    pub(super) fn of(weights: &[i16]) -> Self {
        let mut signed = Self { magnitude: [0; MAX_LANES], negative: [false; MAX_LANES], ones: 0 };
        for (l, weight) in weights.iter().enumerate() {
            signed.magnitude[l] = weight.unsigned_abs();
            signed.negative[l] = *weight < 0;
            signed.ones += u64::from(weight.unsigned_abs().count_ones());
        }
        signed
    }
}

/// An activation that all lanes of a row multiply.
#[derive(Clone, Copy, Debug)]
pub(super) struct SharedActivation {
    /// Scratchpad bank that holds it, of those of the lanes.
    pub(super) bank: usize,
    pub(super) value: i16,
}

/// Operand registers and products of the PEs of a column, `[row][lane]`.
#[derive(Clone, Debug)]
pub(super) struct Operands {
    pub(super) widths: Widths,
    /// Magnitudes and signs of the weights.
    weight: Vec<u16>,
    negative: Vec<bool>,
    /// Read registers of the scratchpad banks.
    read: Vec<i16>,
    /// Bank shared by the lanes, by row.
    lane: Vec<usize>,
    /// Activation operands of the lanes' multipliers.
    operand: Vec<i16>,
    product: Vec<i32>,
    /// Inputs of the adders: the product or, to subtract it, its complement.
    addend: Vec<i32>,
}

fn ones16(value: i16, mask: u16) -> u64 {
    u64::from((value as u16 & mask).count_ones())
}

impl Operands {
    pub(super) fn new(rows: usize, widths: Widths) -> Self {
        let size = rows * widths.lanes;
        Self {
            widths,
            weight: vec![0; size],
            negative: vec![false; size],
            read: vec![0; size],
            lane: vec![0; rows],
            operand: vec![0; size],
            product: vec![0; size],
            addend: vec![0; size],
        }
    }

    /// Selects the operands of another mode.
    pub(super) fn switch(&mut self, per_channel: bool, toggles: &mut Toggles) {
        let lanes = self.widths.lanes;
        for (row, lane) in self.lane.iter().enumerate() {
            let range = row * lanes..(row + 1) * lanes;
            let read = &self.read[range.clone()];
            for (l, operand) in self.operand[range.clone()].iter_mut().enumerate() {
                *operand = if per_channel { read[l] } else { read[*lane] };
            }
        }
        for at in 0..self.product.len() {
            self.multiply(at, toggles);
        }
    }

    /// Computes a lane's product of its settled operands.
    fn multiply(&mut self, at: usize, toggles: &mut Toggles) {
        let product = i32::from(self.operand[at]) * i32::from(self.weight[at]);
        let addend = if self.negative[at] { !product } else { product };
        let count = |changed: i32| u64::from((changed as u32 & self.widths.product).count_ones());
        toggles[Toggle::Product] += count(self.product[at] ^ product);
        toggles[Toggle::Addend] += count(self.addend[at] ^ addend);
        (self.product[at], self.addend[at]) = (product, addend);
    }

    /// Signed product that a lane adds.
    fn signed(&self, at: usize) -> i64 {
        i64::from(self.addend[at]) + i64::from(self.negative[at])
    }

    /// Loads a weight into the weight registers of a lane; returns bits of the magnitude that change.
    fn take(&mut self, at: usize, magnitude: u16, negative: bool, toggles: &mut Toggles) -> u64 {
        let bits = u64::from((self.weight[at] ^ magnitude).count_ones());
        toggles[Toggle::WeightOperand] += bits + u64::from(self.negative[at] != negative);
        (self.weight[at], self.negative[at]) = (magnitude, negative);
        bits
    }

    /// Loads one activation into all lanes of a row. Returns the mask of the lanes that multiply.
    pub(super) fn shared(
        &mut self,
        row: usize,
        shared: SharedActivation,
        weights: &Signed,
        all: bool,
        toggles: &mut Toggles,
    ) -> u32 {
        let SharedActivation { bank: low, value: activation } = shared;
        if activation == 0 && !all {
            return 0;
        }
        let Widths { lanes, activation: mask, .. } = self.widths;
        let at = row * lanes;
        let bank = &mut self.read[at + low];
        toggles[Toggle::ActivationOperand] += ones16(*bank ^ activation, mask);
        *bank = activation;
        let switches = std::mem::replace(&mut self.lane[row], low) != low;
        let operand_bits = ones16(self.operand[at] ^ activation, mask);
        let mut weight_bits = 0;
        for l in 0..lanes {
            self.operand[at + l] = activation;
            weight_bits += self.take(at + l, weights.magnitude[l], weights.negative[l], toggles);
            let before = self.product[at + l];
            self.multiply(at + l, toggles);
            if switches {
                let stay = (before & self.product[at + l]) as u32 & self.widths.product;
                toggles[Toggle::MultiplyHazard] += u64::from(stay.count_ones());
            }
        }
        let cross = operand_bits * weights.ones + weight_bits * ones16(activation, mask);
        toggles[Toggle::MultiplyCross] += cross;
        toggles[Toggle::MultiplyShared] += cross;
        mask64(lanes) as u32
    }

    /// Loads each lane of a row with its own channel. Returns the mask of the lanes that multiply.
    pub(super) fn own(
        &mut self,
        row: usize,
        channels: &[i16],
        weights: &Signed,
        all: bool,
        toggles: &mut Toggles,
    ) -> u32 {
        let Widths { lanes, activation: mask, .. } = self.widths;
        let taken = |l: usize| all || channels[l] != 0;
        let multiplying = (0..lanes).fold(0, |m, l| m | u32::from(taken(l)) << l);
        if multiplying == 0 {
            return 0;
        }
        let at = row * lanes;
        for (l, channel) in channels.iter().enumerate() {
            let held = self.read[at + l];
            if taken(l) {
                self.read[at + l] = *channel;
            }
            let operand_bits = ones16(held ^ self.read[at + l], mask);
            let operand = self.read[at + l];
            self.operand[at + l] = operand;
            let (magnitude, negative) = (weights.magnitude[l], weights.negative[l]);
            let weight_bits = self.take(at + l, magnitude, negative, toggles);
            toggles[Toggle::ActivationOperand] += operand_bits;
            toggles[Toggle::MultiplyCross] += operand_bits * u64::from(magnitude.count_ones())
                + weight_bits * ones16(operand, mask);
            self.multiply(at + l, toggles);
        }
        // The shared bank is the first one: lane groups begin at bank 0.
        self.lane[row] = 0;
        multiplying
    }
}

/// Start value of the accumulator for an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Accumulator,
    Zero,
    Smallest,
    Psum,
}

/// Accumulators and psum files of the PEs of a column.
#[derive(Clone, Debug)]
pub(super) struct Accumulate {
    widths: Widths,
    mask: u64,
    rows: usize,
    /// `[row][lane]`.
    acc: Vec<i64>,
    sum: Vec<i64>,
    /// Outputs of the adders of the low parts.
    total: Vec<i64>,
    /// `[word][row][lane]`.
    psum: Vec<i64>,
    /// Addressed psum word, value of the read port, and whether sums were written that the port does not show yet.
    word: usize,
    shown: Vec<i64>,
    written: bool,
}

impl Accumulate {
    pub(super) fn new(rows: usize, words: usize, widths: Widths) -> Self {
        let size = rows * widths.lanes;
        let mask = mask64(widths.accumulator);
        let zeros = || vec![0; size];
        Self {
            widths,
            mask,
            rows,
            acc: zeros(),
            sum: zeros(),
            total: zeros(),
            psum: vec![0; words * size],
            word: 0,
            shown: zeros(),
            written: false,
        }
    }

    fn distance(&self, a: &[i64], b: &[i64]) -> u64 {
        a.iter().zip(b).map(|(a, b)| u64::from(((a ^ b) as u64 & self.mask).count_ones())).sum()
    }

    fn psum(&self, word: usize, row: usize, rows: usize) -> &[i64] {
        let lanes = self.widths.lanes;
        &self.psum[(word * self.rows + row) * lanes..][..rows * lanes]
    }

    /// Sets the address of the psum word.
    pub(super) fn address(&mut self, word: usize, toggles: &mut Toggles) {
        let changed = u64::from((self.word ^ word).count_ones());
        toggles[Toggle::PsumAddress] += changed * self.rows as u64;
        let bank = self.psum.len() / (2 * self.rows * self.widths.lanes);
        toggles[Toggle::PsumSelects] += selects(bank, self.word, word) * self.rows as u64;
        self.word = word;
        self.show(toggles);
    }

    /// Updates the read port with sums that have been written.
    pub(super) fn settle(&mut self, toggles: &mut Toggles) {
        if self.written {
            self.show(toggles);
        }
    }

    fn show(&mut self, toggles: &mut Toggles) {
        self.written = false;
        let size = self.rows * self.widths.lanes;
        let held = &self.psum[self.word * size..][..size];
        toggles[Toggle::PsumReadBus] += self.distance(&self.shown, held);
        self.shown.copy_from_slice(held);
    }

    fn start(&self, row: usize, lane: usize, start: Start) -> i64 {
        let at = row * self.widths.lanes + lane;
        match start {
            Start::Accumulator => self.acc[at],
            Start::Zero => 0,
            Start::Smallest => self.widths.smallest,
            Start::Psum => self.psum[self.word * self.rows * self.widths.lanes + at],
        }
    }

    /// Sets the adder of a lane to the low part of its start value plus the addend; returns the change of the high
    /// part.
    fn add(&mut self, at: usize, from: i64, operands: &Operands, toggles: &mut Toggles) -> i64 {
        let low = self.widths.low;
        let total = (from & mask64(low) as i64) + operands.signed(at);
        let changed = (std::mem::replace(&mut self.total[at], total) ^ total) as u64;
        toggles[Toggle::Total] += u64::from((changed & mask64(low + 2)).count_ones());
        total >> low
    }

    /// A row without a pixel: it stores nothing, but its adders receive their start values.
    pub(super) fn idle(
        &mut self,
        row: usize,
        start: Start,
        operands: &Operands,
        toggles: &mut Toggles,
    ) {
        for lane in 0..self.widths.lanes {
            let sum = self.start(row, lane, start);
            let at = row * self.widths.lanes + lane;
            let changed = (std::mem::replace(&mut self.sum[at], sum) ^ sum) as u64 & self.mask;
            toggles[Toggle::Sum] += u64::from(changed.count_ones());
            self.add(at, sum, operands, toggles);
        }
    }

    /// Accumulates the products of a row's lanes; `multiply` is the mask of the lanes that have one.
    pub(super) fn step(
        &mut self,
        row: usize,
        start: Start,
        multiply: u32,
        maximum: bool,
        operands: &Operands,
        toggles: &mut Toggles,
    ) {
        let lanes = self.widths.lanes;
        let starts = start != Start::Accumulator;
        let bits = |changed: i64, mask: u64| u64::from((changed as u64 & mask).count_ones());
        for lane in 0..lanes {
            let at = row * lanes + lane;
            let from = self.start(row, lane, start);
            let multiplies = multiply >> lane & 1 == 1;
            let moves = self.add(at, from, operands, toggles);
            let sum = match (multiplies, maximum) {
                (false, _) => from,
                (true, true) => from.max(i64::from(operands.operand[at])),
                (true, false) => self.widths.wrap(from + operands.signed(at)),
            };
            toggles[Toggle::Sum] += bits(self.sum[at] ^ sum, self.mask);
            self.sum[at] = sum;
            if multiplies {
                let reach = 64 - ((from ^ sum) as u64 & self.mask).leading_zeros();
                toggles[Toggle::SumCarry] += u64::from(reach);
            }
            if multiplies || starts {
                toggles[Toggle::AccumulatorTakes] += 1;
                toggles[Toggle::Accumulator] += bits(self.acc[at] ^ sum, self.mask);
                self.acc[at] = sum;
            }
            let moved = multiplies && (maximum || moves != 0);
            toggles[Toggle::AccumulatorMoves] += u64::from(moved || starts);
        }
        toggles[Toggle::MultiplyLanes] += u64::from(multiply.count_ones());
    }

    /// Writes the sums of the valid rows to the addressed psum word.
    pub(super) fn write(&mut self, valid: &[bool], toggles: &mut Toggles) {
        self.written = true;
        let lanes = self.widths.lanes;
        for row in (0..self.rows).filter(|row| valid[*row]) {
            let new = &self.sum[row * lanes..][..lanes];
            let changed = self.distance(self.psum(self.word, row, 1), new);
            let ones = new.iter().map(|v| u64::from((*v as u64 & self.mask).count_ones()));
            toggles[Toggle::PsumWrite] += changed;
            toggles[Toggle::PsumWriteOnes] += ones.sum::<u64>();
            if self.word == 0 {
                toggles[Toggle::DrainReadBus] += changed;
            }
            let at = (self.word * self.rows + row) * lanes;
            self.psum[at..at + lanes].copy_from_slice(&self.sum[row * lanes..][..lanes]);
        }
    }

    /// Bits that change at a row's drain port while its address moves from word 0 through `words` and back.
    pub(super) fn drain(&self, row: usize, words: impl Iterator<Item = usize> + Clone) -> u64 {
        let path = std::iter::once(0).chain(words.clone()).zip(words.chain(std::iter::once(0)));
        path.map(|(a, b)| self.distance(self.psum(a, row, 1), self.psum(b, row, 1))).sum()
    }
}
