//! The running design: values, toggles, energies and what happens when a net toggles.

use super::elaborate::{Flat, NONE, ONE};
use super::memory::Memory;
use super::model::{
    ASYNCHRONOUS, CLOCK_GATE, FLOP, IDLE, LATCH, LISTED, Model, PASSIVE, QUEUED, Unit,
};
use super::wheel::Wheel;

/// Marks an event of a net (an input or a memory output) instead of a unit.
pub(super) const NET_EVENT: u32 = 1 << 31;

/// Energies in pJ by scope, as they are added up while events happen.
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
    /// Toggles of data nets; those of clock nets follow from `rises`.
    pub(super) toggles: Vec<u32>,
    pub(super) memories: Vec<Memory>,
    pub(super) sums: Sums,
    /// Rising edges of each domain so far, and whether the current cycle has one.
    pub(super) rises: Vec<u32>,
    pub(super) active: Vec<bool>,
    /// First half of the cycle.
    pub(super) high: bool,
    /// Edges that each flop's clock energy is accounted for.
    seen: Vec<[u32; 2]>,
    /// Flops that may change at the next edge, by domain.
    listed: Vec<Vec<u32>>,
    /// Units to evaluate.
    pub(super) touched: Vec<u32>,
    pub(super) wheel: Wheel,
}

impl<'a> State<'a> {
    /// All nets and inputs 0; stored bits such that flops hold what they would load from zeros.
    pub(super) fn new(model: &'a Model, flat: &Flat, longest: u32) -> Self {
        let domains = model.domains().len();
        let mut state = Self {
            model,
            units: model.units.clone(),
            values: vec![0; flat.nets as usize],
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
        self.memories.iter_mut().for_each(Memory::reset_counts);
    }

    /// Rising and falling edges of a domain so far.
    #[inline]
    fn edges(&self, domain: u32) -> [u32; 2] {
        let rises = self.rises[domain as usize];
        [rises, rises - u32::from(self.is_high(domain))]
    }

    #[inline]
    fn is_high(&self, domain: u32) -> bool {
        self.high && self.active[domain as usize]
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

    /// An input of a flop or clock gate (not its clock) changes.
    fn clocked_input(&mut self, index: u32, pin: u8) {
        let model = self.model;
        let unit = self.units[index as usize];
        let state = unit.state ^ 1 << pin;
        let (clock, domain) = if unit.kind == FLOP {
            let flop = &model.flops[unit.out as usize];
            self.flush_clock(unit.out);
            (flop.clock, flop.domain)
        } else {
            let domain = &model.domains()[unit.out as usize];
            (model.branches[unit.out as usize].clock, domain.parent)
        };
        if unit.flags & PASSIVE != 0 {
            let seen = state | u16::from(self.is_high(domain)) << clock;
            let at = unit.passive + (u32::from(pin) << unit.bits | u32::from(seen));
            let sum =
                if unit.kind == FLOP { &mut self.sums.internal } else { &mut self.sums.clock };
            sum[usize::from(unit.scope)] += f64::from(model.energy[at as usize]);
        }
        self.units[index as usize].state = state;
        if unit.kind == FLOP {
            self.list(index);
            if unit.flags & ASYNCHRONOUS != 0 {
                self.units[index as usize].cause = pin;
                self.touch(index);
            }
        }
    }

    /// Notes a flop whose next value differs from its value.
    fn list(&mut self, index: u32) {
        let unit = &mut self.units[index as usize];
        let stored = unit.state >> (unit.bits - 1) & 1 == 1;
        if unit.flags & LISTED == 0 && self.model.bit(unit.table, unit.state) != stored {
            unit.flags |= LISTED;
            let domain = self.model.flops[unit.out as usize].domain;
            self.listed[domain as usize].push(index);
        }
    }

    /// Accounts for the clock edges that a flop saw in its present state.
    #[inline]
    fn flush_clock(&mut self, flop: u32) {
        let parts = &self.model.flops[flop as usize];
        let now = self.edges(parts.domain);
        let seen = &mut self.seen[flop as usize];
        if now == *seen {
            return;
        }
        let (rises, falls) = (now[0] - seen[0], now[1] - seen[1]);
        *seen = now;
        let unit = &self.units[parts.unit as usize];
        let [rise, fall] =
            self.model.clock_energy[parts.clock_energy as usize + usize::from(unit.state)];
        let energy = f64::from(rises) * f64::from(rise) + f64::from(falls) * f64::from(fall);
        self.sums.clock[usize::from(unit.scope)] += energy;
    }

    /// Accounts for all clock edges so far.
    pub(super) fn flush_clocks(&mut self) {
        for flop in 0..self.seen.len() as u32 {
            self.flush_clock(flop);
        }
    }

    /// A rising clock edge: which branches see it, and which flops change; `changes` gets those.
    pub(super) fn edge(&mut self, changes: &mut Vec<u32>) {
        let model = self.model;
        for (index, domain) in model.domains().iter().enumerate() {
            let branch = &model.branches[index];
            let parent = domain.parent == NONE || self.active[domain.parent as usize];
            let mut active = parent;
            if branch.gated {
                let unit = &mut self.units[branch.unit as usize];
                let enabled = model.bit(unit.table, unit.state);
                let stored = 1 << (unit.bits - 1);
                unit.state = unit.state & !stored | if enabled { stored } else { 0 };
                active &= enabled;
            }
            if branch.unit != NONE && parent {
                self.branch_energy(index, active);
            }
            self.active[index] = active;
            self.rises[index] += u32::from(active);
        }
        self.high = true;
        for domain in 0..model.domains().len() {
            if !self.active[domain] {
                continue;
            }
            let mut listed = std::mem::take(&mut self.listed[domain]);
            for index in listed.drain(..) {
                let unit = &mut self.units[index as usize];
                unit.flags &= !LISTED;
                let stored = unit.state >> (unit.bits - 1) & 1 == 1;
                if model.bit(unit.table, unit.state) != stored && self.forced(index).is_none() {
                    changes.push(index);
                }
            }
            self.listed[domain] = listed;
        }
    }

    /// Energy of a clock gate or buffer for one cycle of the clock that drives it.
    fn branch_energy(&mut self, index: usize, active: bool) {
        let branch = &self.model.branches[index];
        let unit = &self.units[branch.unit as usize];
        let state = usize::from(unit.state) & !(1 << branch.clock);
        let [rise, fall] = self.model.clock_energy[branch.clock_energy as usize + state];
        let mut energy = f64::from(rise) + f64::from(fall);
        if active {
            let first = unit.energy as usize + (usize::from(branch.clock) << unit.bits);
            energy += f64::from(self.model.energy[first + (state | 1 << branch.clock)]);
            energy += f64::from(self.model.energy[first + state]);
        }
        self.sums.clock[usize::from(unit.scope)] += energy;
    }

    /// The value that clear or preset force a flop to (clear wins).
    pub(super) fn forced(&self, index: u32) -> Option<bool> {
        let unit = &self.units[index as usize];
        if unit.flags & ASYNCHRONOUS == 0 {
            return None;
        }
        let flop = &self.model.flops[unit.out as usize];
        if self.model.bit(flop.clear, unit.state) {
            Some(false)
        } else {
            self.model.bit(flop.preset, unit.state).then_some(true)
        }
    }

    /// The stored bit of a flop changes.
    pub(super) fn flip(&mut self, index: u32) {
        let unit = self.units[index as usize];
        self.flush_clock(unit.out);
        self.units[index as usize].state ^= 1 << (unit.bits - 1);
        self.drive_flop(unit.out);
        self.list(index);
        self.units[index as usize].cause = self.model.flops[unit.out as usize].clock;
        if unit.flags & ASYNCHRONOUS != 0 {
            self.touch(index);
        }
    }

    /// Brings the outputs of a flop to its stored bit.
    fn drive_flop(&mut self, flop: u32) {
        let parts = &self.model.flops[flop as usize];
        let unit = self.units[parts.unit as usize];
        for output in parts.outputs.iter().filter(|o| o.net != NONE) {
            let value = u8::from(self.model.bit(output.table, unit.state));
            if self.values[output.net as usize] != value {
                let state = unit.state | u16::from(self.is_high(parts.domain)) << parts.clock;
                let at = output.energy + (u32::from(unit.cause) << unit.bits | u32::from(state));
                self.sums.internal[usize::from(unit.scope)] +=
                    f64::from(self.model.energy[at as usize]);
                self.toggle(output.net);
            }
        }
    }

    /// The value that a gate's inputs ask for, if its output has another.
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

    /// Adds the present leakage of everything.
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
