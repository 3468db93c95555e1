//! The cycles of a simulation: inputs, edge, settling, memories, checks, measuring window.

use std::ops::Range;

use super::elaborate::{Flat, NONE, TopPort};
use super::energies::{Energies, MemoryUse, ScopeEnergy};
use super::error::{GateError, Result};
use super::model::Model;
use super::options::{GateOptions, Mode};
use super::pins::{Pins, Signal};
use super::settle::Buckets;
use super::state::{NET_EVENT, State};

/// Samples of the leakage in a window.
const LEAKAGE_SAMPLES: usize = 32;
/// Samples of the nets' values in a window.
const VALUE_SAMPLES: usize = 1024;

/// A simulation of given pins.
pub(super) struct Run<'a> {
    flat: &'a Flat,
    model: &'a Model,
    options: &'a GateOptions,
    pins: &'a Pins,
    inputs: Vec<&'a TopPort>,
    outputs: Vec<&'a TopPort>,
    state: State<'a>,
    buckets: Buckets,
    /// Flops that change after the edge.
    changes: Vec<u32>,
    /// Inputs and memory outputs that change, with their time in ps.
    nets: Vec<(u32, u32)>,
    input_ps: u32,
    access_ps: u32,
}

impl<'a> Run<'a> {
    /// Prepares a run; the design is settled with all inputs at 0.
    ///
    /// # Errors
    /// [`GateError::Pins`] if ports differ, [`GateError::Unsettled`].
    pub(super) fn new(
        flat: &'a Flat,
        model: &'a Model,
        options: &'a GateOptions,
        pins: &'a Pins,
    ) -> Result<Self> {
        let inputs = ports(flat, pins.inputs(), true)?;
        let outputs = ports(flat, pins.outputs(), false)?;
        let missing = |p: &&TopPort| {
            p.input && p.name != options.clock && pins.inputs().iter().all(|s| s.name != p.name)
        };
        if let Some(port) = flat.ports.iter().find(missing) {
            return Err(GateError::Pins { problem: format!("no values for input {}", port.name) });
        }
        let ps = |ns: f64| ((ns * 1e3).round() as u32).max(1);
        let (input_ps, access_ps) = (ps(options.input_delay_ns), ps(options.memory_access_ns));
        let longest = model.longest.max(input_ps).max(access_ps);
        let mut run = Self {
            flat,
            model,
            options,
            pins,
            inputs,
            outputs,
            state: State::new(model, flat, longest),
            buckets: Buckets::new(model.depth),
            changes: Vec::new(),
            nets: Vec::new(),
            input_ps,
            access_ps,
        };
        let moving = run.state.settle_levels(&mut run.buckets);
        run.settled(0, moving)?;
        Ok(run)
    }

    /// Simulates all cycles and returns the energies of those in `window`.
    pub(super) fn all(mut self, window: Range<usize>) -> Result<Energies> {
        let window = window.start..window.end.min(self.pins.cycles());
        let leakage_every = (window.len() / LEAKAGE_SAMPLES).max(1);
        let values_every = (window.len() / VALUE_SAMPLES).max(1);
        let mut energies = None;
        for cycle in 0..self.pins.cycles() {
            if cycle == window.start {
                self.state.reset_sums();
            }
            self.cycle(cycle)?;
            if window.contains(&cycle) {
                let since = cycle - window.start;
                if since.is_multiple_of(leakage_every) {
                    self.state.sample_leakage();
                }
                if since.is_multiple_of(values_every) {
                    self.state.sample_values();
                }
            }
            if cycle + 1 == window.end {
                energies = Some(self.collect(window.len()));
            }
        }
        energies.ok_or_else(|| GateError::Pins {
            problem: format!("no cycle to measure among {}", self.pins.cycles()),
        })
    }

    fn cycle(&mut self, cycle: usize) -> Result<()> {
        self.changes.clear();
        self.nets.clear();
        if cycle > 0 {
            self.state.edge(&mut self.changes);
            self.memories();
        }
        for (port, &value) in self.inputs.iter().zip(self.pins.applied(cycle)) {
            for (bit, &net) in port.nets.iter().enumerate() {
                if u64::from(self.state.values[net as usize]) != value >> bit & 1 {
                    self.nets.push((net, self.input_ps));
                }
            }
        }
        let moving = match self.options.mode {
            Mode::ZeroDelay => self.settle_levels(),
            Mode::Inertial => self.settle_wheel(),
        };
        self.state.high = false;
        self.settled(cycle, moving)?;
        self.check(cycle)
    }

    fn settle_levels(&mut self) -> Option<u32> {
        for &flop in &self.changes {
            self.state.flip(flop);
        }
        for &(net, _) in &self.nets {
            self.state.toggle(net);
        }
        self.state.settle_levels(&mut self.buckets)
    }

    fn settle_wheel(&mut self) -> Option<u32> {
        let state = &mut self.state;
        state.wheel.restart();
        for &flop in &self.changes {
            let unit = &state.units[flop as usize];
            let rises = unit.state >> (unit.bits - 1) & 1 == 0;
            let delay = u32::from(unit.delay[usize::from(!rises)]);
            state.start(flop, delay);
        }
        for &(net, time) in &self.nets {
            state.wheel.add(time, net | NET_EVENT);
        }
        let half = (self.options.period_ns * 500.0).round() as u32;
        // Without loops no path takes longer than the deepest path of slowest gates.
        let most = (self.model.depth + 2).saturating_mul(self.model.longest).saturating_mul(4);
        state.settle_wheel(half, most.saturating_add(self.input_ps).saturating_add(self.access_ps))
    }

    /// Memories at the clock edge: reads return the old word, then writes are executed.
    fn memories(&mut self) {
        for (index, ports) in self.flat.memories.iter().enumerate() {
            let domain = self.model.tree.of_net[ports.clock as usize];
            if !self.state.active[domain as usize] {
                continue;
            }
            let values = &self.state.values;
            let bit = |net: u32| values[net as usize] == 1;
            let number = |nets: &[u32]| {
                nets.iter().enumerate().map(|(i, &n)| usize::from(bit(n)) << i).sum::<usize>()
            };
            let memory = &mut self.state.memories[index];
            if bit(ports.read_enable) {
                memory.reads += 1;
                let address = number(&ports.read_address);
                for (i, &net) in ports.read_data.iter().enumerate() {
                    if memory.bit(address, i) != bit(net) {
                        memory.read_toggles += 1;
                        self.nets.push((net, self.access_ps));
                    }
                }
            }
            if bit(ports.write_enable) {
                let address = number(&ports.write_address);
                memory.write(address, ports.write_data.iter().map(|&n| bit(n)));
            }
        }
    }

    fn settled(&self, cycle: usize, moving: Option<u32>) -> Result<()> {
        match moving {
            None => Ok(()),
            Some(unit) => self.state.unsettled(cycle as u64, unit, |net| self.flat.net_name(net)),
        }
    }

    fn check(&self, cycle: usize) -> Result<()> {
        for (port, expected) in self.outputs.iter().zip(self.pins.expected(cycle)) {
            let Some(expected) = *expected else { continue };
            let bits = port.nets.iter().enumerate();
            let found =
                bits.map(|(i, &net)| u64::from(self.state.values[net as usize]) << i).sum::<u64>();
            if found != expected {
                let (cycle, signal) = (cycle as u64, port.name.clone());
                return Err(GateError::Mismatch { cycle, signal, expected, found });
            }
        }
        Ok(())
    }

    /// Toggles of all nets in the window.
    fn toggles(&self) -> Vec<u64> {
        let mut toggles: Vec<u64> = self.state.toggles.iter().map(|&t| u64::from(t)).collect();
        for (domain, &rises) in self.model.domains().iter().zip(&self.state.rises) {
            toggles[domain.net as usize] = 2 * u64::from(rises);
        }
        toggles
    }

    /// Share of the time at 1 of all nets.
    fn ones(&self, cycles: usize) -> Vec<f64> {
        let samples = f64::from(self.state.ones_samples.max(1));
        let mut ones: Vec<f64> =
            self.state.ones.iter().map(|&ones| f64::from(ones) / samples).collect();
        for (domain, &rises) in self.model.domains().iter().zip(&self.state.rises) {
            ones[domain.net as usize] = f64::from(rises) / (2 * cycles.max(1)) as f64;
        }
        ones
    }

    fn collect(&mut self, cycles: usize) -> Energies {
        self.state.flush_clocks();
        let toggles = self.toggles();
        let sums = &self.state.sums;
        let (mut switching, mut clock) = (vec![0.0; self.flat.scopes.len()], sums.clock.clone());
        for (net, &count) in toggles.iter().enumerate() {
            let scope = self.model.net_scope[net];
            if count > 0 && scope != NONE {
                let clocked = self.model.is_clock(net as u32);
                let sum = if clocked { &mut clock } else { &mut switching };
                sum[scope as usize] += self.model.net_energy[net] * count as f64;
            }
        }
        // W times ns are nJ.
        let time = cycles as f64 * self.options.period_ns * 1e3;
        let samples = sums.leakage_samples.max(1) as f64;
        let scopes = self.flat.scopes.iter().enumerate().map(|(i, scope)| ScopeEnergy {
            path: scope.path.clone(),
            module: scope.module.clone(),
            switching_pj: switching[i],
            internal_pj: sums.internal[i],
            clock_pj: clock[i],
            leakage_pj: sums.leakage[i] / samples * time,
        });
        Energies {
            scopes: scopes.collect(),
            memories: self.memory_use(),
            toggles,
            ones: self.ones(cycles),
            cycles: cycles as u64,
            events: sums.events,
            swallowed: sums.swallowed,
            settled_ns: f64::from(sums.settled_ps) / 1e3,
        }
    }

    fn memory_use(&self) -> Vec<MemoryUse> {
        let memories = self.flat.memories.iter().zip(&self.state.memories);
        let one = memories.map(|(flat, memory)| MemoryUse {
            path: self.flat.scopes[flat.scope as usize].path.clone(),
            module: self.flat.scopes[flat.scope as usize].module.clone(),
            words: flat.shape.words,
            bits: flat.shape.bits,
            reads: memory.reads,
            writes: memory.writes,
            read_toggles: memory.read_toggles,
            write_toggles: memory.write_toggles,
        });
        one.collect()
    }
}

/// The top-level ports of the signals.
fn ports<'a>(flat: &'a Flat, signals: &[Signal], input: bool) -> Result<Vec<&'a TopPort>> {
    let find = |signal: &Signal| {
        let port = flat.ports.iter().find(|p| p.name == signal.name && p.input == input);
        let kind = if input { "input" } else { "output" };
        let port = port.ok_or_else(|| GateError::Pins {
            problem: format!("the netlist has no {kind} {}", signal.name),
        })?;
        if port.nets.len() != signal.width as usize || port.nets.len() > 64 {
            let problem = format!(
                "{} has {} bits in the netlist and {} in the pins (most is 64)",
                signal.name,
                port.nets.len(),
                signal.width
            );
            return Err(GateError::Pins { problem });
        }
        Ok(port)
    };
    signals.iter().map(find).collect()
}
