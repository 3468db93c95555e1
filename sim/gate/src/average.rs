//! Energies from average activity: toggles and probabilities of nets instead of events.
//!
//! States are assumed to be independent of each other, so this is an approximation. It serves the comparison with other
//! power tools, which have the same inputs.

use super::GateDesign;
use super::activity::Activity;
use super::elaborate::NONE;
use super::energies::ScopeEnergy;
use super::model::{CLOCK_GATE, FLOP, GATE, Unit};
use pecan_liberty::Library;

impl GateDesign {
    /// Energies in pJ by module instance, in the order of [`Self::scopes`], from average activity. `library` must be
    /// the one that the design was loaded with.
    pub fn average(&self, library: &Library, activity: &Activity) -> Vec<ScopeEnergy> {
        let mut average = Average::new(self, activity);
        let mut unit = 0;
        for cell in &self.flat.cells {
            let model = &library.cells()[cell.cell as usize];
            let (inputs, outputs) = self.flat.pins_of(cell, library);
            let kind = self.model.units[unit].kind;
            for (output, &net) in outputs.iter().enumerate() {
                if output > 0 && kind != GATE {
                    break;
                }
                average.unit(unit, inputs, net);
                unit += 1;
            }
            debug_assert_eq!(model.inputs.len(), inputs.len());
        }
        average.nets();
        average.scopes
    }
}

struct Average<'a> {
    design: &'a GateDesign,
    activity: &'a Activity,
    scopes: Vec<ScopeEnergy>,
}

/// Activity at a unit: probabilities of its state bits and toggles of its inputs.
struct View<'a> {
    unit: &'a Unit,
    ones: Vec<f64>,
    toggles: Vec<f64>,
}

impl View<'_> {
    /// Probability of `state` with the bits of `without` left out.
    fn probability(&self, state: usize, without: usize) -> f64 {
        let bit = |(i, p): (usize, &f64)| match (without >> i & 1, state >> i & 1) {
            (1, _) => 1.0,
            (_, 1) => *p,
            _ => 1.0 - p,
        };
        self.ones.iter().enumerate().map(bit).product()
    }

    fn states(&self) -> std::ops::Range<usize> {
        0..1 << self.unit.bits
    }
}

impl<'a> Average<'a> {
    fn new(design: &'a GateDesign, activity: &'a Activity) -> Self {
        let scope = |s: super::ScopeName<'_>| ScopeEnergy {
            path: s.path.to_string(),
            module: s.module.to_string(),
            ..ScopeEnergy::default()
        };
        Self { design, activity, scopes: design.scopes().map(scope).collect() }
    }

    fn unit(&mut self, index: usize, inputs: &[u32], output: u32) {
        let model = &self.design.model;
        let unit = &model.units[index];
        let ones = |net: u32| self.activity.ones[net as usize].clamp(0.0, 1.0);
        let mut view = View {
            unit,
            ones: inputs.iter().map(|&n| ones(n)).collect(),
            toggles: inputs.iter().map(|&n| self.activity.toggles[n as usize]).collect(),
        };
        if usize::from(unit.bits) > inputs.len() {
            view.ones.push(ones(output));
        }
        let toggles = self.activity.toggles[output as usize];
        let (internal, clock) = match unit.kind {
            FLOP => self.flop(&view, toggles),
            CLOCK_GATE => (0.0, self.clock_gate(&view, toggles)),
            _ => (self.passive(&view, NONE) + self.gate(&view, toggles), 0.0),
        };
        let leakage = match model.leakage_of[index] {
            NONE => 0.0,
            first => view
                .states()
                .map(|s| model.leakage[first as usize + s] * view.probability(s, 0))
                .sum(),
        };
        let scope = &mut self.scopes[usize::from(unit.scope)];
        scope.internal_pj += internal;
        scope.clock_pj += clock;
        scope.leakage_pj += leakage * self.activity.cycles * self.design.options.period_ns * 1e3;
    }

    /// Energy of input pins by themselves; `clock` is left out.
    fn passive(&self, view: &View<'_>, clock: u32) -> f64 {
        if view.unit.flags & super::model::PASSIVE == 0 {
            return 0.0;
        }
        let mut energy = 0.0;
        for (pin, toggles) in view.toggles.iter().enumerate().filter(|p| p.0 as u32 != clock) {
            let first = view.unit.passive as usize + (pin << view.unit.bits);
            let mean: f64 = view
                .states()
                .map(|s| self.energy(first + s) * view.probability(s, 1 << pin) / 2.0)
                .sum();
            energy += toggles * mean;
        }
        energy
    }

    fn energy(&self, at: usize) -> f64 {
        f64::from(self.design.model.energy[at])
    }

    /// Energy of a gate's output: causes weighted by their toggles and by the share of states in which they change the
    /// output.
    fn gate(&self, view: &View<'_>, toggles: f64) -> f64 {
        let model = &self.design.model;
        let value = |s: usize| model.bit(view.unit.table, s as u16);
        let (mut weights, mut weighted) = (0.0, 0.0);
        for (pin, moved) in view.toggles.iter().enumerate() {
            let first = view.unit.energy as usize + (pin << view.unit.bits);
            for s in view.states().filter(|&s| value(s) != value(s ^ 1 << pin)) {
                let weight = moved * view.probability(s, 1 << pin);
                weights += weight;
                weighted += weight * self.energy(first + s);
            }
        }
        if weights > 0.0 { toggles * weighted / weights } else { 0.0 }
    }

    /// Internal and clock energy of a flop. The share of cycles in which D differs from Q follows from Q's toggles.
    fn flop(&self, view: &View<'_>, toggles: f64) -> (f64, f64) {
        let model = &self.design.model;
        let parts = &model.flops[view.unit.out as usize];
        let clock = 1usize << parts.clock;
        let edges = view.toggles[usize::from(parts.clock)] / 2.0;
        let differs = if edges > 0.0 { (toggles / edges).min(1.0) } else { 0.0 };
        let stored = 1usize << (view.unit.bits - 1);
        let mut pin = 0.0;
        for s in view.states().filter(|s| s & clock == 0) {
            let next = model.bit(view.unit.table, s as u16);
            let same = next == (s & stored != 0);
            let weight = if same { 1.0 - differs } else { differs };
            let [rise, fall] = model.clock_energy[parts.clock_energy as usize + s];
            pin += weight * view.probability(s, clock | stored) * f64::from(rise + fall);
        }
        let mut internal = self.passive(view, u32::from(parts.clock));
        for output in parts.outputs.iter().filter(|o| o.net != NONE) {
            let first = output.energy as usize + (usize::from(parts.clock) << view.unit.bits);
            let high = view.states().filter(|s| s & clock != 0);
            let mean: f64 = high
                .map(|s| view.probability(s, clock | stored) / 2.0 * self.energy(first + s))
                .sum();
            internal += self.activity.toggles[output.net as usize] * mean;
        }
        (internal, edges * pin)
    }

    /// Energy of a clock gate for a number of toggles of its output.
    fn clock_gate(&self, view: &View<'_>, toggles: f64) -> f64 {
        let model = &self.design.model;
        let branch = &model.branches[view.unit.out as usize];
        let (clock, stored) = (1usize << branch.clock, 1usize << (view.unit.bits - 1));
        let first = view.unit.energy as usize + (usize::from(branch.clock) << view.unit.bits);
        let (mut pin, mut output) = (0.0, 0.0);
        for s in view.states().filter(|s| s & clock == 0) {
            let [rise, fall] = model.clock_energy[branch.clock_energy as usize + s];
            pin += view.probability(s, clock) * f64::from(rise + fall);
            if s & stored != 0 {
                let both = self.energy(first + s) + self.energy(first + (s | clock));
                output += view.probability(s, clock | stored) * both;
            }
        }
        let edges = view.toggles[usize::from(branch.clock)] / 2.0;
        self.passive(view, u32::from(branch.clock)) + edges * pin + toggles / 2.0 * output
    }

    /// Charging of the nets.
    fn nets(&mut self) {
        let model = &self.design.model;
        for (net, &toggles) in self.activity.toggles.iter().enumerate() {
            let scope = model.net_scope[net];
            if scope == NONE {
                continue;
            }
            let energy = model.net_energy[net] * toggles;
            let scope = &mut self.scopes[scope as usize];
            if model.is_clock(net as u32) {
                scope.clock_pj += energy;
            } else {
                scope.switching_pj += energy;
            }
        }
    }
}
