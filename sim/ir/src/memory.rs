//! Timing of the simulated memory behind the two streams.
//!
//! The same rule exists twice: here, for predicting cycles, and in `harness/cpp/memory.h`, compiled with
//! the Verilator model. A test runs both on random traffic and compares every cycle.
//!
//! # The rule
//! Let `beat` be the bytes per beat. Transfers are those of [`Ordering`]; a transfer's *wait* is the number
//! of transfers of the other direction that must be complete (last beat handed over) before its first beat.
//! A run starts at cycle 0 with empty credit and nothing fetched. In every cycle:
//!
//! *Ideal*
//! 1. The next beat of the sends is available if its wait is fulfilled by handshakes of earlier cycles.
//! 2. The next beat of the receives is accepted if its wait is fulfilled by handshakes of earlier cycles.
//!
//! *DRAM* with `numerator / denominator` bytes per cycle: a token bucket shared by reads and writes. Credit
//! is counted in `1 / denominator` bytes, so a beat costs `beat * denominator`.
//! 1. Credit grows by `numerator`, up to `numerator` plus the cost of one beat (idle time saves up no more).
//! 2. The next beat of the receives is accepted if its wait is fulfilled by handshakes of earlier cycles
//!    and the credit covers its cost. The cost is paid if the device hands the beat over.
//! 3. The oldest fetched beat is available if it was issued at least `latency + 1` cycles ago.
//! 4. After the handshakes of this cycle one read is issued if fewer than `window` beats are issued and not
//!    yet taken by the device, the wait of the next send is fulfilled (this cycle's handshakes included),
//!    and the credit left covers its cost, which is paid at once. Writes therefore go before reads.
//!
//! Reads are issued in order across transfer boundaries, so the latency is paid once per pause, not once
//! per transfer. It models a prefetching DMA engine in front of a DRAM of fixed latency; bank conflicts and
//! refresh are not modelled.

use std::collections::VecDeque;

use crate::error::SimError;
use crate::program::{OrderedTransfer, Ordering};

/// Bandwidth and latency of a DRAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DramTiming {
    /// Bytes per `denominator` cycles, reads and writes together; 1 to 2^32 - 1.
    pub numerator: u64,
    /// Cycles per `numerator` bytes; 1 to 2^32 - 1.
    pub denominator: u64,
    /// Cycles from the issue of a read until its data can be taken, 0 meaning the next cycle.
    pub latency: u64,
    /// Most beats issued and not yet taken, at least 1.
    pub window: u64,
}

impl DramTiming {
    /// Prefetch window, in beats, where none is given.
    pub const WINDOW: u64 = 64;

    /// Timing from a bandwidth in bytes per cycle, rounded to 1/1024 byte, and a latency in cycles.
    pub fn new(bytes_per_cycle: f64, latency: u64) -> Self {
        let numerator = (bytes_per_cycle * 1024.0).round().max(1.0) as u64;
        Self { numerator, denominator: 1024, latency, window: Self::WINDOW }
    }
}

/// Timing behaviour of the memory behind the streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MemoryModel {
    /// Always ready: one beat per cycle and direction.
    #[default]
    Ideal,
    /// Limited bandwidth and latency.
    Dram(DramTiming),
}

impl MemoryModel {
    /// Checks the ranges of the timing numbers.
    ///
    /// # Errors
    /// [`SimError::InvalidJob`] naming the number that is out of range.
    pub fn validate(&self) -> Result<(), SimError> {
        let Self::Dram(timing) = self else { return Ok(()) };
        let limit = u64::from(u32::MAX);
        for (key, value, low) in [
            ("memory.numerator", timing.numerator, 1),
            ("memory.denominator", timing.denominator, 1),
            ("memory.latency", timing.latency, 0),
            ("memory.window", timing.window, 1),
        ] {
            if !(low..=limit).contains(&value) {
                let (value, allowed) = (value.to_string(), format!("{low} to {limit}"));
                return Err(SimError::InvalidJob { key, value, allowed });
            }
        }
        Ok(())
    }
}

/// Transfers that the memory allows in the current cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// A beat for the input stream is available.
    pub read: bool,
    /// A beat of the output stream would be accepted.
    pub write: bool,
}

/// Position in the transfers of one direction.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    /// Complete transfers.
    done: usize,
    /// Beats moved of the transfer behind them.
    beat: u64,
}

impl Cursor {
    fn pending(&self, list: &[OrderedTransfer], others: &Cursor) -> bool {
        list.get(self.done).is_some_and(|transfer| transfer.wait <= others.done as u64)
    }

    fn advance(&mut self, list: &[OrderedTransfer]) {
        self.beat += 1;
        if list.get(self.done).is_some_and(|transfer| transfer.beats == self.beat) {
            *self = Self { done: self.done + 1, beat: 0 };
        }
    }
}

/// Cycle-by-cycle state of the memory during one run.
#[derive(Clone, Debug)]
pub struct MemoryState<'a> {
    ordering: &'a Ordering,
    dram: Option<DramTiming>,
    cost: u64,
    cycle: u64,
    credit: u64,
    issued: Cursor,
    taken: Cursor,
    written: Cursor,
    /// Cycle from which each issued beat is available, oldest first.
    arrivals: VecDeque<u64>,
}

impl<'a> MemoryState<'a> {
    /// The state before cycle 0. `beat_bytes` is the width of a stream in bytes.
    pub fn new(ordering: &'a Ordering, beat_bytes: u64, model: &MemoryModel) -> Self {
        let dram = match model {
            MemoryModel::Ideal => None,
            MemoryModel::Dram(timing) => Some(*timing),
        };
        Self {
            ordering,
            dram,
            cost: dram.map_or(0, |timing| timing.denominator * beat_bytes),
            cycle: 0,
            credit: 0,
            issued: Cursor::default(),
            taken: Cursor::default(),
            written: Cursor::default(),
            arrivals: VecDeque::new(),
        }
    }

    /// Starts a cycle (steps 1 to 3 of the rule). Call once per cycle, before [`Self::end_cycle`].
    pub fn begin_cycle(&mut self) -> Offer {
        let write = self.written.pending(&self.ordering.receives, &self.taken);
        let Some(timing) = self.dram else {
            return Offer { read: self.taken.pending(&self.ordering.sends, &self.written), write };
        };
        self.credit = (self.credit + timing.numerator).min(timing.numerator + self.cost);
        Offer {
            read: self.arrivals.front().is_some_and(|ready| *ready <= self.cycle),
            write: write && self.credit >= self.cost,
        }
    }

    /// Ends a cycle in which the device took the offered beat (`read`) or handed one over (`write`).
    pub fn end_cycle(&mut self, read: bool, write: bool) {
        if write {
            self.written.advance(&self.ordering.receives);
            self.credit -= self.cost;
        }
        if read {
            self.taken.advance(&self.ordering.sends);
            self.arrivals.pop_front();
        }
        if let Some(timing) = self.dram {
            let room = (self.arrivals.len() as u64) < timing.window;
            let pending = self.issued.pending(&self.ordering.sends, &self.written);
            if room && pending && self.credit >= self.cost {
                self.credit -= self.cost;
                self.issued.advance(&self.ordering.sends);
                self.arrivals.push_back(self.cycle + 1 + timing.latency);
            }
        }
        self.cycle += 1;
    }

    /// Whether every beat of the sends was taken.
    pub fn all_sent(&self) -> bool {
        self.taken.done == self.ordering.sends.len()
    }

    /// Whether every beat of the receives was written.
    pub fn all_received(&self) -> bool {
        self.written.done == self.ordering.receives.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordering(sends: &[(u64, u64)], receives: &[(u64, u64)]) -> Ordering {
        let list = |pairs: &[(u64, u64)]| {
            pairs.iter().map(|&(beats, wait)| OrderedTransfer { address: 0, beats, wait }).collect()
        };
        Ordering { sends: list(sends), receives: list(receives) }
    }

    /// Cycles in which an always willing device takes a beat.
    fn arrivals(ordering: &Ordering, model: MemoryModel, beat: u64) -> Vec<u64> {
        let mut memory = MemoryState::new(ordering, beat, &model);
        let mut taken = Vec::new();
        for cycle in 0..1000 {
            let offer = memory.begin_cycle();
            if offer.read {
                taken.push(cycle);
            }
            memory.end_cycle(offer.read, offer.write);
        }
        assert!(memory.all_sent() && memory.all_received());
        taken
    }

    #[test]
    fn ideal_memory_moves_a_beat_each_cycle() {
        let order = ordering(&[(3, 0), (2, 0)], &[]);
        assert_eq!(arrivals(&order, MemoryModel::Ideal, 8), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_send_waits_for_the_receive_it_depends_on() {
        let order = ordering(&[(1, 0), (1, 1)], &[(4, 0)]);
        assert_eq!(arrivals(&order, MemoryModel::Ideal, 8), [0, 4]);
    }

    #[test]
    fn latency_is_paid_once_and_bandwidth_is_kept() {
        let order = ordering(&[(2, 0), (3, 0)], &[]);
        let timing = DramTiming { numerator: 8, denominator: 2, latency: 10, window: 64 };
        // 4 bytes per cycle and 8-byte beats: issues after cycles 1, 3, 5, ...
        assert_eq!(arrivals(&order, MemoryModel::Dram(timing), 8), [12, 14, 16, 18, 20]);
    }

    #[test]
    fn a_short_window_limits_throughput() {
        let order = ordering(&[(4, 0)], &[]);
        let timing = DramTiming { numerator: 64, denominator: 1, latency: 9, window: 2 };
        assert_eq!(arrivals(&order, MemoryModel::Dram(timing), 8), [10, 11, 20, 21]);
    }

    #[test]
    fn ranges_are_checked() {
        let timing = DramTiming { denominator: 0, ..DramTiming::new(8.0, 100) };
        let error = MemoryModel::Dram(timing).validate().unwrap_err();
        assert!(error.to_string().contains("memory.denominator = 0"));
        assert_eq!(DramTiming::new(2.5, 1).numerator, 2560);
    }
}
