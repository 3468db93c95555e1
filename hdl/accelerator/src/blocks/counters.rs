//! Performance counters and the status registers that show them.

use pecan_config::geometry::Geometry;
use pecan_config::isa::counter::{COUNT, Counter, STATUS_BASE};
use pecan_rtl::prelude::*;

/// Bits of the low part of a counter beyond those of its event.
const HEADROOM: usize = 4;

block! {
    /// The performance counters. An event of a cycle is added in the next one, so it shows in the counter two cycles
    /// later; array-wide sums arrive already registered.
    ///
    /// A counter is held in two parts. The high part changes only with a carry, and neither part without an event:
    /// registers that do not change need no clock.
    pub(crate) struct CounterBank = "counter_bank" {
        pub(crate) clock: Signal<In, Clock>,
        pub(crate) clear: Signal<In, Bit>,
        // Increment of each counter, in the order of `Counter::ALL`.
        pub(crate) event: Vec<Wire<In>> = widths.iter().map(|&w| Wire::new(w)).collect(),
        // Status: configuration id, error, layers; the register selected by `address`.
        pub(crate) error: Wire<In> = Wire::new(4),
        pub(crate) layer: Wire<In> = Wire::new(16),
        pub(crate) address: Wire<In> = Wire::new(8),
        pub(crate) data: Wire<Out> = Wire::new(32),
        bottom: Vec<Reg> = widths.iter().map(|w| Reg::new(bottom(w))).collect(),
        top: Vec<Reg> = widths.iter().map(|w| Reg::new(g.counter_bits - bottom(w))).collect(),
        sum: Vec<Wire<Local>> = widths.iter().map(|w| Wire::new(bottom(w) + 1)).collect(),
        value: Vec<Wire<Local>> = Wire::vec(COUNT, g.counter_bits),
        id: Const = Const::new(id, 32),
        low: Vec<Const> = (0..COUNT).map(|k| at(k, 0)).collect(),
        high: Vec<Const> = (0..COUNT).map(|k| at(k, 1)).collect(),
        bottom_bits: Vec<Const> = widths.iter().map(|w| Const::new(bottom(w), 6)).collect(),
        _count: usize = COUNT,
        wide: When = When::new(g.counter_bits > 32),
    }

    pub(crate) fn new(g: &Geometry, id: u32, widths: &[usize]) {
        let bottom = |&w: &usize| (w + HEADROOM).min(g.counter_bits - 1);
        let at = |k: usize, high: usize| Const::new(STATUS_BASE as usize + 2 * k + high, 8);
    }
}

impl CounterBank {
    /// Bits of the increment of each counter per cycle.
    pub(crate) fn widths(g: &Geometry) -> Vec<usize> {
        let (pes, lanes) =
            (addr_width(g.rows * g.cols + 1), addr_width(g.rows * g.cols * g.lanes + 1));
        let cols = addr_width(g.cols + 1);
        Counter::ALL
            .iter()
            .map(|counter| match counter {
                Counter::PeSteps | Counter::PsumReads | Counter::PsumWrites => pes,
                Counter::ScratchWrites => addr_width(g.rows + 1),
                Counter::ActiveLanes | Counter::ScratchReads => lanes,
                Counter::WeightReads => cols,
                _ => 1,
            })
            .collect()
    }
}

impl Logic for CounterBank {
    #[hdl_gen]
    fn update(&mut self) {
        self.data.next = 0.into();
        for k in 0..self._count {
            dff_setup!(self, clock, bottom[k], top[k]);
            self.sum[k].next = self.bottom[k].q.val() + self.event[k].val();
            if self.event[k].val().any() | self.clear.val() {
                self.bottom[k].d.next = unsigned_cast(self.sum[k].val());
                if self.clear.val() {
                    self.bottom[k].d.next = 0.into();
                }
            }
            if (self.sum[k].val() >> self.bottom_bits[k].val()).any() | self.clear.val() {
                self.top[k].d.next = self.top[k].q.val() + 1.into();
                if self.clear.val() {
                    self.top[k].d.next = 0.into();
                }
            }
            self.value[k].next =
                (self.top[k].q.val() << self.bottom_bits[k].val()) + self.bottom[k].q.val();
            if self.address.val() == self.low[k].val() {
                self.data.next = unsigned_cast(self.value[k].val());
            }
            if self.wide.val() && (self.address.val() == self.high[k].val()) {
                self.data.next = self.value[k].val() >> 32;
            }
        }
        if self.address.val() == 0.into() {
            self.data.next = self.id.val();
        }
        if self.address.val() == 1.into() {
            self.data.next = self.error.val();
        }
        if self.address.val() == 2.into() {
            self.data.next = self.layer.val();
        }
    }
}
