//! Tables of the model: truth tables and energies, each kept once for equal cells and loads.

use std::collections::HashMap;

use pecan_liberty::{Cell, Selection, Truth};

/// Builds the tables that units refer to.
pub(super) struct Tables {
    slew: f64,
    pub(super) truth: Vec<u64>,
    pub(super) energy: Vec<f32>,
    pub(super) clock_energy: Vec<[f32; 2]>,
    pub(super) leakage: Vec<f64>,
    truths: HashMap<Vec<u64>, u32>,
    outputs: HashMap<(u32, usize, u64), u32>,
    passives: HashMap<u32, u32>,
    clocks: HashMap<u32, u32>,
    leakages: HashMap<u32, u32>,
}

impl Tables {
    /// Tables read at `slew` ps.
    pub(super) fn new(slew: f64) -> Self {
        Self {
            slew,
            truth: Vec::new(),
            energy: Vec::new(),
            clock_energy: Vec::new(),
            leakage: Vec::new(),
            truths: HashMap::new(),
            outputs: HashMap::new(),
            passives: HashMap::new(),
            clocks: HashMap::new(),
            leakages: HashMap::new(),
        }
    }

    /// Position of a truth table.
    pub(super) fn truth(&mut self, truth: &Truth) -> u32 {
        if let Some(&at) = self.truths.get(truth.words()) {
            return at;
        }
        let at = self.truth.len() as u32;
        self.truth.extend(truth.words());
        self.truths.insert(truth.words().to_vec(), at);
        at
    }

    /// Position of an output's energies at `load` fF: `cause << bits | state` (after the toggle).
    pub(super) fn output(&mut self, index: u32, cell: &Cell, output: usize, load: f64) -> u32 {
        let key = (index, output, load.to_bits());
        if let Some(&at) = self.outputs.get(&key) {
            return at;
        }
        let at = self.energy.len() as u32;
        let pin = &cell.outputs[output];
        let states = 1usize << cell.variables;
        let energies = pin.power.energies(self.slew, load);
        for i in 0..cell.inputs.len().max(1) * states {
            let rise = pin.function.get(i & (states - 1));
            self.energy.push(toggle(&pin.power, &energies, i, rise));
        }
        self.outputs.insert(key, at);
        at
    }

    /// Position of the energies of a cell's input pins: `pin << bits | state` (after the toggle).
    pub(super) fn passive(&mut self, index: u32, cell: &Cell) -> u32 {
        if let Some(&at) = self.passives.get(&index) {
            return at;
        }
        let at = self.energy.len() as u32;
        for (i, pin) in cell.inputs.iter().enumerate() {
            let energies = pin.power.energies(self.slew, 0.0);
            for state in 0..1usize << cell.variables {
                let rise = state >> i & 1 == 1;
                self.energy.push(toggle(&pin.power, &energies, state, rise));
            }
        }
        self.passives.insert(index, at);
        at
    }

    /// Position of the energies of a clock pin by state (with the clock at 0 in the state).
    pub(super) fn clock(&mut self, index: u32, cell: &Cell, clock: u32) -> u32 {
        if let Some(&at) = self.clocks.get(&index) {
            return at;
        }
        let at = self.clock_energy.len() as u32;
        let pin = &cell.inputs[clock as usize].power;
        let energies = pin.energies(self.slew, 0.0);
        for state in 0..1usize << cell.variables {
            let rise = toggle(pin, &energies, state | 1 << clock, true);
            self.clock_energy.push([rise, toggle(pin, &energies, state, false)]);
        }
        self.clocks.insert(index, at);
        at
    }

    /// Position of a cell's leakages by state.
    pub(super) fn leakage(&mut self, index: u32, cell: &Cell) -> u32 {
        if let Some(&at) = self.leakages.get(&index) {
            return at;
        }
        let at = self.leakage.len() as u32;
        self.leakage.extend(&cell.leakage);
        self.leakages.insert(index, at);
        at
    }

    /// Delays in ps of an output rising and falling at `load` fF: the mean of its arcs.
    pub(super) fn delay(&self, cell: &Cell, output: usize, load: f64) -> [u16; 2] {
        let pin = &cell.outputs[output];
        let mean = |tables: &[_]| mean_delay(tables, self.slew, load);
        [mean(&pin.rise), mean(&pin.fall)]
    }
}

/// Mean of delay tables, at least 1 ps (a cell without arcs has a negligible delay).
fn mean_delay(tables: &[pecan_liberty::Table], slew: f64, load: f64) -> u16 {
    let sum: f64 = tables.iter().map(|t| t.at(slew, load)).sum();
    let mean = sum / tables.len().max(1) as f64;
    mean.round().clamp(1.0, f64::from(u16::MAX)) as u16
}

fn toggle(selection: &Selection, energies: &[[f64; 2]], index: usize, rise: bool) -> f32 {
    match selection.choice.get(index) {
        Some(&mix) => energies[usize::from(mix)][usize::from(!rise)] as f32,
        None => 0.0,
    }
}
