//! Evaluation until all nets have settled, without delays and with them.

use super::elaborate::NONE;
use super::error::{GateError, Result};
use super::model::{FLOP, IDLE, QUEUED};
use super::state::{NET_EVENT, State};

/// Passes over the levels after which a design without delays counts as oscillating.
const MOST_SWEEPS: u32 = 1000;

/// Queues of units by level, kept from cycle to cycle.
pub(super) struct Buckets(Vec<Vec<u32>>);

impl Buckets {
    pub(super) fn new(depth: u32) -> Self {
        Self(vec![Vec::new(); depth as usize])
    }
}

impl State<'_> {
    /// Evaluates all touched units in order of their levels, and again where loops require it. Returns `None` if
    /// settled; otherwise a unit that still changes.
    pub(super) fn settle_levels(&mut self, buckets: &mut Buckets) -> Option<u32> {
        for _ in 0..MOST_SWEEPS {
            self.sort(buckets);
            let mut again = false;
            for level in 0..buckets.0.len() {
                // A unit of this level that another unit of this level touches waits for the next sweep.
                let mut batch = std::mem::take(&mut buckets.0[level]);
                for index in batch.drain(..) {
                    self.evaluate_now(index);
                }
                buckets.0[level] = batch;
                again |= self.sort_after(buckets, level);
            }
            if !again {
                return None;
            }
        }
        self.touched.first().copied().or_else(|| buckets.0.iter().flatten().next().copied())
    }

    fn sort(&mut self, buckets: &mut Buckets) {
        for index in self.touched.drain(..) {
            buckets.0[self.model.levels[index as usize] as usize].push(index);
        }
    }

    /// Sorts the touched units by level; true if some of them are not above `level`.
    fn sort_after(&mut self, buckets: &mut Buckets, level: usize) -> bool {
        let mut behind = false;
        for index in self.touched.drain(..) {
            let own = self.model.levels[index as usize] as usize;
            behind |= own <= level;
            buckets.0[own].push(index);
        }
        behind
    }

    fn evaluate_now(&mut self, index: u32) {
        let unit = &mut self.units[index as usize];
        unit.flags &= !QUEUED;
        if unit.kind == FLOP {
            let stored = unit.state >> (unit.bits - 1) & 1 == 1;
            if self.forced(index).is_some_and(|value| value != stored) {
                self.flip(index);
            }
            return;
        }
        let unit = self.units[index as usize];
        if self.wants(&unit).is_some() {
            self.fire(index);
        }
    }

    /// Processes the wheel until it is empty; `half` is the time in ps at which the clock falls, `most` the time after
    /// which the design counts as oscillating. Returns `None` if settled; otherwise a unit that still changes.
    pub(super) fn settle_wheel(&mut self, half: u32, most: u32) -> Option<u32> {
        let mut batch = Vec::new();
        while self.wheel.take(&mut batch) {
            let now = self.wheel.now();
            if now >= half {
                self.high = false;
            }
            if now > most {
                let moving = batch.iter().find(|&&event| event & NET_EVENT == 0).copied();
                self.wheel.clear();
                return moving.or(Some(0));
            }
            for event in batch.drain(..) {
                if event & NET_EVENT != 0 {
                    self.toggle(event & !NET_EVENT);
                } else if self.units[event as usize].pending == now {
                    self.apply(event);
                }
            }
            let mut touched = std::mem::take(&mut self.touched);
            for index in touched.drain(..) {
                self.schedule(index, now);
            }
            self.touched = touched;
            self.sums.settled_ps = self.sums.settled_ps.max(now);
        }
        None
    }

    #[inline]
    fn apply(&mut self, index: u32) {
        if self.units[index as usize].kind == FLOP {
            self.units[index as usize].pending = IDLE;
            self.flip(index);
        } else {
            self.fire(index);
        }
    }

    /// Decides the effect of changed inputs of a unit: start an event, keep it or swallow it.
    #[inline]
    fn schedule(&mut self, index: u32, now: u32) {
        let unit = &mut self.units[index as usize];
        unit.flags &= !QUEUED;
        let unit = *unit;
        let wanted = if unit.kind == FLOP {
            let stored = unit.state >> (unit.bits - 1) & 1 == 1;
            self.forced(index).filter(|&value| value != stored)
        } else {
            self.wants(&unit)
        };
        match wanted {
            Some(value) if unit.pending == IDLE => {
                self.start(index, now + u32::from(unit.delay[usize::from(!value)]));
            }
            None if unit.pending != IDLE && unit.kind != FLOP => {
                self.units[index as usize].pending = IDLE;
                self.sums.swallowed += 1;
            }
            _ => {}
        }
    }

    /// Schedules the toggle of a unit.
    #[inline]
    pub(super) fn start(&mut self, index: u32, time: u32) {
        self.units[index as usize].pending = time;
        self.wheel.add(time, index);
    }

    /// The error for a design that does not settle.
    pub(super) fn unsettled(
        &self,
        cycle: u64,
        unit: u32,
        name: impl Fn(u32) -> String,
    ) -> Result<()> {
        let unit = &self.units[unit as usize];
        let net = match unit.kind {
            FLOP => self.model.flops[unit.out as usize].outputs[0].net,
            _ => unit.out,
        };
        let nets = if net == NONE { Vec::new() } else { vec![name(net)] };
        Err(GateError::Unsettled { cycle, nets })
    }
}
