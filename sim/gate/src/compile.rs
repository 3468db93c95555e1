//! Compiles the flat netlist to the simulation model.

use super::clock::ClockTree;
use super::connect::{Loads, check_drivers};
use super::elaborate::{Flat, FlatCell, NONE, ONE, ZERO};
use super::error::{GateError, Result};
use super::levels;
use super::model::{
    ASYNCHRONOUS, Branch, CLOCK_GATE, FLOP, Flop, FlopOutput, GATE, IDLE, LATCH, Model, PASSIVE,
    Unit,
};
use super::options::GateOptions;
use super::tables::Tables;
use pecan_liberty::{Cell, CellFunction, Library, Truth};

/// Builds the model of a flat design.
///
/// # Errors
/// Undriven and multiply driven nets, a clock that cannot be followed, too many scopes or cells.
pub(super) fn compile(flat: &Flat, library: &Library, options: &GateOptions) -> Result<Model> {
    let loads = Loads::new(flat, library);
    let net_scope = check_drivers(flat, library, &loads)?;
    let tree = ClockTree::new(flat, library, &loads, &options.clock)?;
    check_size(flat)?;
    let capacitance = capacitances(flat, library, &loads, options);
    let mut builder = ModelCompiler {
        flat,
        library,
        tree,
        tables: Tables::new(options.slew_ns * 1e3),
        capacitance,
        units: Vec::new(),
        first_unit: Vec::with_capacity(flat.cells.len() + 1),
        leakage_of: Vec::new(),
        flops: Vec::new(),
    };
    for cell in &flat.cells {
        builder.first_unit.push(builder.units.len() as u32);
        builder.cell(cell);
    }
    builder.first_unit.push(builder.units.len() as u32);
    Ok(builder.finish(&loads, net_scope))
}

/// Checks the size of the design, which the packed fields of units limit.
fn check_size(flat: &Flat) -> Result<()> {
    let limits = [
        ("scopes", flat.scopes.len(), usize::from(u16::MAX)),
        ("cells", flat.cells.len(), 1 << 26),
    ];
    for (key, value, most) in limits {
        if value > most {
            let allowed = format!("at most {most}");
            return Err(GateError::Option { key, value: value.to_string(), allowed });
        }
    }
    Ok(())
}

/// Load of every net in fF: the pins that read it and its wire.
fn capacitances(flat: &Flat, library: &Library, loads: &Loads, options: &GateOptions) -> Vec<f64> {
    let mut pins = vec![0.0; flat.nets as usize];
    let mut fanout = vec![0u32; flat.nets as usize];
    for net in 0..flat.nets {
        for &(cell, pin) in loads.of(net) {
            let model = &library.cells()[flat.cells[cell as usize].cell as usize];
            pins[net as usize] += model.inputs[usize::from(pin)].capacitance;
            fanout[net as usize] += 1;
        }
    }
    for m in &flat.memories {
        let buses = m.read_address.iter().chain(&m.write_address).chain(&m.write_data);
        for &net in buses.chain([&m.clock, &m.read_enable, &m.write_enable]) {
            pins[net as usize] += options.memory_pin_ff;
            fanout[net as usize] += 1;
        }
    }
    for port in flat.ports.iter().filter(|p| !p.input) {
        port.nets.iter().for_each(|&net| fanout[net as usize] += 1);
    }
    let wire = |fanout: u32| match fanout {
        0 => 0.0,
        _ => options.wire.fixed_ff + options.wire.per_fanout_ff * f64::from(fanout),
    };
    pins.iter().zip(fanout).map(|(pins, fanout)| pins + wire(fanout)).collect()
}

struct ModelCompiler<'a> {
    flat: &'a Flat,
    library: &'a Library,
    tree: ClockTree,
    tables: Tables,
    capacitance: Vec<f64>,
    units: Vec<Unit>,
    first_unit: Vec<u32>,
    leakage_of: Vec<u32>,
    flops: Vec<Flop>,
}

impl ModelCompiler<'_> {
    fn load(&self, net: u32) -> f64 {
        self.capacitance[net as usize]
    }

    fn cell(&mut self, flat: &FlatCell) {
        let library = self.library;
        let cell = &library.cells()[flat.cell as usize];
        match &cell.kind {
            CellFunction::Flop { .. } => self.flop(flat, cell),
            CellFunction::ClockGate { enable, .. } => {
                let net = self.flat.pins_of(flat, library).1[0];
                let mut unit = self.unit(flat, cell, 0, net);
                unit.kind = CLOCK_GATE;
                unit.table = self.tables.truth(enable);
                unit.out = self.tree.of_net[net as usize];
                self.push(unit, flat, cell, true);
            }
            CellFunction::Latch { next } => self.gates(flat, cell, Some(next)),
            CellFunction::Combinational | CellFunction::Unusable(_) => self.gates(flat, cell, None),
        }
    }

    /// One unit per output.
    fn gates(&mut self, flat: &FlatCell, cell: &Cell, next: Option<&Truth>) {
        for (output, &net) in self.flat.pins_of(flat, self.library).1.iter().enumerate() {
            let function = &cell.outputs[output].function;
            let mut unit = self.unit(flat, cell, output, net);
            unit.table = match next {
                None => self.tables.truth(function),
                Some(next) => {
                    unit.flags |= LATCH;
                    let inverts = function.get(0);
                    let value = if inverts { next.clone().complement() } else { next.clone() };
                    self.tables.truth(&value)
                }
            };
            self.push(unit, flat, cell, output == 0);
        }
    }

    fn flop(&mut self, flat: &FlatCell, cell: &Cell) {
        let CellFunction::Flop { clock, next, clear, preset } = &cell.kind else { return };
        let (inputs, outputs) = self.flat.pins_of(flat, self.library);
        let mut unit = self.unit(flat, cell, 0, outputs[0]);
        unit.kind = FLOP;
        unit.table = self.tables.truth(next);
        unit.out = self.flops.len() as u32;
        let fixed = |net: u32| net == ZERO || net == ONE;
        let data_only = inputs
            .iter()
            .enumerate()
            .all(|(i, &net)| fixed(net) || !(depends(clear, cell, i) || depends(preset, cell, i)));
        if !data_only {
            unit.flags |= ASYNCHRONOUS;
        }
        let none = FlopOutput { net: NONE, table: 0, energy: 0 };
        let mut list = [none; 2];
        for (output, &net) in outputs.iter().enumerate().take(2) {
            list[output] = FlopOutput {
                net,
                table: self.tables.truth(&cell.outputs[output].function),
                energy: self.tables.output(flat.cell, cell, output, self.load(net)),
            };
        }
        self.flops.push(Flop {
            unit: self.units.len() as u32,
            domain: self.tree.of_net[inputs[*clock as usize] as usize],
            clock: *clock as u8,
            outputs: list,
            clear: self.tables.truth(clear),
            preset: self.tables.truth(preset),
            clock_energy: self.tables.clock(flat.cell, cell, *clock),
        });
        self.push(unit, flat, cell, true);
    }

    /// A unit of a cell, with the parts common to all kinds.
    fn unit(&mut self, flat: &FlatCell, cell: &Cell, output: usize, net: u32) -> Unit {
        let load = self.load(net);
        Unit {
            state: 0,
            cause: match cell.kind {
                CellFunction::Flop { clock, .. } | CellFunction::ClockGate { clock, .. } => {
                    clock as u8
                }
                _ => 0,
            },
            bits: cell.variables as u8,
            kind: GATE,
            flags: 0,
            scope: flat.scope as u16,
            table: 0,
            energy: self.tables.output(flat.cell, cell, output, load),
            passive: 0,
            out: net,
            delay: self.tables.delay(cell, output, load),
            pending: IDLE,
        }
    }

    /// Adds a unit; the first one of a cell has the cell's input energies and leakage.
    fn push(&mut self, mut unit: Unit, flat: &FlatCell, cell: &Cell, first: bool) {
        if first && cell.inputs.iter().any(|p| !p.power.is_empty()) {
            unit.flags |= PASSIVE;
            unit.passive = self.tables.passive(flat.cell, cell);
        }
        self.units.push(unit);
        let leakage = if first { self.tables.leakage(flat.cell, cell) } else { NONE };
        self.leakage_of.push(leakage);
    }

    /// Drivers of the clock domains.
    fn branches(&mut self) -> Vec<Branch> {
        let mut branches = Vec::new();
        for domain in &self.tree.domains {
            if domain.driver == NONE {
                branches.push(Branch { unit: NONE, clock: 0, gated: false, clock_energy: 0 });
                continue;
            }
            let flat = &self.flat.cells[domain.driver as usize];
            let cell = &self.library.cells()[flat.cell as usize];
            let (clock, gated) = match cell.kind {
                CellFunction::ClockGate { clock, .. } => (clock, true),
                _ => (0, false),
            };
            branches.push(Branch {
                unit: self.first_unit[domain.driver as usize],
                clock: clock as u8,
                gated,
                clock_energy: self.tables.clock(flat.cell, cell, clock),
            });
        }
        branches
    }

    /// Readers of the data nets as units.
    fn fan(&self, loads: &Loads) -> (Vec<u32>, Vec<u32>) {
        let (mut start, mut fan) = (vec![0], Vec::new());
        for net in 0..self.flat.nets {
            if self.tree.of_net[net as usize] == NONE {
                for &(cell, pin) in loads.of(net) {
                    let cell = cell as usize;
                    let units = self.first_unit[cell]..self.first_unit[cell + 1];
                    fan.extend(units.map(|unit| unit << 4 | u32::from(pin)));
                }
            }
            start.push(fan.len() as u32);
        }
        (start, fan)
    }

    fn finish(mut self, loads: &Loads, net_scope: Vec<u32>) -> Model {
        let branches = self.branches();
        let (fan_start, fan) = self.fan(loads);
        let (levels, depth) = levels::levels(&self.units, &fan_start, &fan);
        let half = 0.5 * self.library.voltage * self.library.voltage * 1e-3;
        let longest = self.units.iter().flat_map(|u| u.delay).max().unwrap_or(1);
        Model {
            levels,
            depth,
            units: self.units,
            flops: self.flops,
            tree: self.tree,
            branches,
            fan_start,
            fan,
            truth: self.tables.truth,
            energy: self.tables.energy,
            clock_energy: self.tables.clock_energy,
            leakage: self.tables.leakage,
            leakage_of: self.leakage_of,
            net_energy: self.capacitance.iter().map(|c| half * c).collect(),
            net_scope,
            longest: u32::from(longest),
        }
    }
}

/// True if a table over a cell's states depends on input `input`.
fn depends(truth: &Truth, cell: &Cell, input: usize) -> bool {
    (0..1usize << cell.variables).any(|s| truth.get(s) != truth.get(s ^ 1 << input))
}
