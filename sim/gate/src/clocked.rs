//! Flops, clock gates and the clock edge.

use super::elaborate::NONE;
use super::model::{ASYNCHRONOUS, FLOP, LISTED, PASSIVE};
use super::state::State;

impl State<'_> {
    /// Rising and falling edges of a domain so far.
    #[inline]
    pub(super) fn edges(&self, domain: u32) -> [u32; 2] {
        let rises = self.rises[domain as usize];
        [rises, rises - u32::from(self.is_high(domain))]
    }

    #[inline]
    pub(super) fn is_high(&self, domain: u32) -> bool {
        self.high && self.active[domain as usize]
    }

    /// An input of a flop or clock gate (not its clock) changes.
    pub(super) fn clocked_input(&mut self, index: u32, pin: u8) {
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
                if self.forced(index).is_some() {
                    self.units[index as usize].cause = pin;
                }
                self.touch(index);
            }
        }
    }

    /// Lists a flop whose next value differs from its value.
    pub(super) fn list(&mut self, index: u32) {
        let unit = &mut self.units[index as usize];
        let stored = unit.state >> (unit.bits - 1) & 1 == 1;
        if unit.flags & LISTED == 0 && self.model.bit(unit.table, unit.state) != stored {
            unit.flags |= LISTED;
            let domain = self.model.flops[unit.out as usize].domain;
            self.listed[domain as usize].push(index);
        }
    }

    /// Adds the energy of the clock edges that a flop received in its present state.
    #[inline]
    pub(super) fn flush_clock(&mut self, flop: u32) {
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

    /// Adds the energy of all clock edges so far.
    pub(super) fn flush_clocks(&mut self) {
        for flop in 0..self.seen.len() as u32 {
            self.flush_clock(flop);
        }
    }

    /// A rising clock edge: determines the branches that pass it and the flops that change, which are added to
    /// `changes`.
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
                    let clock = model.flops[self.units[index as usize].out as usize].clock;
                    self.units[index as usize].cause = clock;
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
        if unit.flags & ASYNCHRONOUS != 0 {
            self.touch(index);
        }
    }

    /// Sets the outputs of a flop to its stored bit.
    pub(super) fn drive_flop(&mut self, flop: u32) {
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
}
