//! State of the simulation: values, toggles and energies, and the effects of a toggle.

use super::elaborate::{Flat, NONE, ONE};
use super::memory::Memory;
use super::model::{CLOCK_GATE, FLOP, IDLE, LATCH, Model, PASSIVE, QUEUED, Unit};
use super::wheel::Wheel;

/// Marks an event of a net (an input or a memory output) instead of a unit.
pub(super) const NET_EVENT: u32 = 1 << 31;

/// Energies in pJ by scope, added up as events occur.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    pub(super) internal: Vec<f64>,
    pub(super) clock: Vec<f64>,
    /// W, summed over samples.
    pub(super) leakage: Vec<f64>,
    pub(super) leakage_samples: u64,
    pub(super) events: u64,
    /// Pulses that were shorter than the delay of the gate.
    pub(super) swallowed: u64,
    /// Latest event after a clock edge in ps.
    pub(super) settled_ps: u32,
}

impl Sums {
    pub(super) fn new(scopes: usize) -> Self {
        Self {
            internal: vec![0.0; scopes],
            clock: vec![0.0; scopes],
            leakage: vec![0.0; scopes],
            leakage_samples: 0,
            events: 0,
            swallowed: 0,
            settled_ps: 0,
        }
    }
}

/// State of a simulation.
pub(super) struct State<'a> {
    pub(super) model: &'a Model,
    pub(super) units: Vec<Unit>,
    pub(super) values: Vec<u8>,
    /// Samples in which each net was 1, and their number.
    pub(super) ones: Vec<u32>,
    pub(super) ones_samples: u32,
    /// Toggles of data nets; those of clock nets follow from `rises`.
    pub(super) toggles: Vec<u32>,
    pub(super) memories: Vec<Memory>,
    pub(super) sums: Sums,
    /// Rising edges of each domain so far, and whether the current cycle has one.
    pub(super) rises: Vec<u32>,
    pub(super) active: Vec<bool>,
    /// First half of the cycle.
    pub(super) high: bool,
    /// Edges of each flop whose clock energy has been added.
    pub(super) seen: Vec<[u32; 2]>,
    /// Flops that may change at the next edge, by domain.
    pub(super) listed: Vec<Vec<u32>>,
    /// Units to evaluate.
    pub(super) touched: Vec<u32>,
    pub(super) wheel: Wheel,
}

impl<'a> State<'a> {
    /// All nets and inputs 0; the stored bit of a flop is the one that it would load from zeros.
    pub(super) fn new(model: &'a Model, flat: &Flat, longest: u32) -> Self {
        let domains = model.domains().len();
        let mut state = Self {
            model,
            units: model.units.clone(),
            values: vec![0; flat.nets as usize],
            ones: vec![0; flat.nets as usize],
            ones_samples: 0,
            toggles: vec![0; flat.nets as usize],
            memories: flat.memories.iter().map(|m| Memory::new(&m.shape)).collect(),
            sums: Sums::new(flat.scopes.len()),
            rises: vec![0; domains],
            active: vec![false; domains],
            high: false,
            seen: vec![[0; 2]; model.flops.len()],
            listed: vec![Vec::new(); domains],
            touched: Vec::new(),
            wheel: Wheel::new(longest),
        };
        for index in 0..state.units.len() as u32 {
            let unit = state.units[index as usize];
            match unit.kind {
                FLOP => {
                    if model.bit(unit.table, 0) {
                        state.units[index as usize].state ^= 1 << (unit.bits - 1);
                    }
                    state.drive_flop(unit.out);
                    state.list(index);
                }
                CLOCK_GATE => {}
                _ => state.touch(index),
            }
        }
        state.toggle(ONE);
        state
    }

    /// Sets all sums to zero.
    pub(super) fn reset_sums(&mut self) {
        self.rises.fill(0);
        self.active.fill(false);
        for flop in 0..self.seen.len() {
            self.seen[flop] = self.edges(self.model.flops[flop].domain);
        }
        self.sums = Sums::new(self.sums.internal.len());
        self.toggles.fill(0);
        self.ones.fill(0);
        self.ones_samples = 0;
        self.memories.iter_mut().for_each(Memory::reset_counts);
    }

    #[inline]
    pub(super) fn touch(&mut self, index: u32) {
        let unit = &mut self.units[index as usize];
        if unit.flags & QUEUED == 0 {
            unit.flags |= QUEUED;
            self.touched.push(index);
        }
    }

    /// A data net changes its value.
    #[inline]
    pub(super) fn toggle(&mut self, net: u32) {
        let model = self.model;
        let net = net as usize;
        self.values[net] ^= 1;
        self.toggles[net] += 1;
        self.sums.events += 1;
        let range = model.fan_start[net] as usize..model.fan_start[net + 1] as usize;
        for &reader in &model.fan[range] {
            let (index, pin) = (reader >> 4, (reader & 15) as u8);
            let unit = &mut self.units[index as usize];
            if unit.kind != super::model::GATE {
                self.clocked_input(index, pin);
                continue;
            }
            unit.state ^= 1 << pin;
            unit.cause = pin;
            if unit.flags & PASSIVE != 0 {
                let at = unit.passive + (u32::from(pin) << unit.bits | u32::from(unit.state));
                self.sums.internal[usize::from(unit.scope)] += f64::from(model.energy[at as usize]);
            }
            if unit.flags & QUEUED == 0 {
                unit.flags |= QUEUED;
                self.touched.push(index);
            }
        }
    }

    /// The value that a gate's inputs imply, if its output differs.
    #[inline]
    pub(super) fn wants(&self, unit: &Unit) -> Option<bool> {
        let value = self.model.bit(unit.table, unit.state);
        (self.values[unit.out as usize] != u8::from(value)).then_some(value)
    }

    /// The output of a gate toggles.
    #[inline]
    pub(super) fn fire(&mut self, index: u32) {
        let unit = &mut self.units[index as usize];
        unit.pending = IDLE;
        if unit.flags & LATCH != 0 {
            unit.state ^= 1 << (unit.bits - 1);
        }
        let at = unit.energy + (u32::from(unit.cause) << unit.bits | u32::from(unit.state));
        let (scope, net) = (usize::from(unit.scope), unit.out);
        self.sums.internal[scope] += f64::from(self.model.energy[at as usize]);
        self.toggle(net);
    }

    /// Samples which nets are 1.
    pub(super) fn sample_values(&mut self) {
        self.ones_samples += 1;
        for (ones, &value) in self.ones.iter_mut().zip(&self.values) {
            *ones += u32::from(value);
        }
    }

    /// Adds the present leakage of all units.
    pub(super) fn sample_leakage(&mut self) {
        let model = self.model;
        self.sums.leakage_samples += 1;
        for (unit, &first) in self.units.iter().zip(&model.leakage_of) {
            if first == NONE {
                continue;
            }
            let low = model.leakage[first as usize + usize::from(unit.state)];
            let clock = match unit.kind {
                FLOP => {
                    let flop = &model.flops[unit.out as usize];
                    Some((flop.domain, flop.clock))
                }
                CLOCK_GATE => {
                    let domain = &model.domains()[unit.out as usize];
                    Some((domain.parent, model.branches[unit.out as usize].clock))
                }
                _ => None,
            };
            let watts = match clock {
                Some((domain, pin)) if self.active[domain as usize] => {
                    let state = usize::from(unit.state) | 1 << pin;
                    (low + model.leakage[first as usize + state]) / 2.0
                }
                _ => low,
            };
            self.sums.leakage[usize::from(unit.scope)] += watts;
        }
    }
}
