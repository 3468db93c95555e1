//! Compact models of library cells.

use super::boolean::Truth;
use super::table::Table;

/// Most variables (inputs plus state) of a cell: states are counted in tables.
pub(crate) const MAX_VARIABLES: u32 = 11;

/// Most outputs of a cell that is simulated.
pub(crate) const MOST_OUTPUTS: usize = 64;

/// Most entries of the tables by state of all cells of a library; asap7 has some 2,000,000.
pub(crate) const MOST_STATES: usize = 1 << 26;

/// One cell. A state of it is a number: bit `i` is input `i`, the bit above the inputs is the stored
/// value of flops, latches and clock gates.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Name in the library.
    pub name: String,
    /// Line of the file where it begins, from 1.
    pub line: u32,
    /// Area in the library's unit (um^2).
    pub area: f64,
    /// Input pins, in the order of the variables.
    pub inputs: Vec<Pin>,
    /// Output pins.
    pub outputs: Vec<Output>,
    /// Its behaviour.
    pub kind: CellFunction,
    /// Inputs plus stored bits.
    pub variables: u32,
    /// Leakage in W by state.
    pub leakage: Vec<f64>,
}

/// An input pin.
#[derive(Debug, Clone)]
pub struct Pin {
    /// Name.
    pub name: String,
    /// Capacitance in fF.
    pub capacitance: f64,
    /// Energy of a toggle of this pin alone, by state (after the toggle).
    pub power: Selection,
}

/// An output pin.
#[derive(Debug, Clone)]
pub struct Output {
    /// Name.
    pub name: String,
    /// Value by state.
    pub function: Truth,
    /// Energy of a toggle, by `cause << variables | state` (after the toggle).
    pub power: Selection,
    /// Delay tables of rising edges, in ps.
    pub rise: Vec<Table>,
    /// Delay tables of falling edges, in ps.
    pub fall: Vec<Table>,
}

/// Behaviour of a cell.
#[derive(Debug, Clone)]
pub enum CellFunction {
    /// Outputs follow from the inputs.
    Combinational,
    /// Stores `next` at the rising edge of input `clock`, unless it is forced.
    Flop {
        /// Number of the clock input.
        clock: u32,
        /// Stored value, by state.
        next: Truth,
        /// States that force 0.
        clear: Truth,
        /// States that force 1.
        preset: Truth,
    },
    /// The stored bit follows from the inputs and itself.
    Latch {
        /// The stored bit, by state.
        next: Truth,
    },
    /// The output is input `clock` where `enable` held before the rising edge.
    ClockGate {
        /// Number of the clock input.
        clock: u32,
        /// States in which the clock passes.
        enable: Truth,
    },
    /// Cannot be simulated, for the reason given.
    Unusable(String),
}

/// Internal energy of one toggle in pJ, rising and falling; the tables are added.
#[derive(Debug, Clone, Default)]
pub struct Power {
    /// States in which it holds; without, those that no other group covers.
    pub when: Option<Truth>,
    /// Tables of rising edges.
    pub rise: Vec<Table>,
    /// Tables of falling edges.
    pub fall: Vec<Table>,
}

/// Internal-power groups that apply in each state: their mean is the energy.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The groups.
    pub groups: Vec<Power>,
    /// Sets of groups.
    pub mixes: Vec<Vec<u16>>,
    /// Index into `mixes` by state.
    pub choice: Vec<u16>,
}

impl Power {
    /// Energy of a toggle in pJ.
    pub fn at(&self, rise: bool, slew: f64, load: f64) -> f64 {
        let tables = if rise { &self.rise } else { &self.fall };
        tables.iter().map(|t| t.at(slew, load)).sum()
    }
}

impl Selection {
    /// `(rise, fall)` energies in pJ of every mix at `slew` ps and `load` fF.
    pub fn energies(&self, slew: f64, load: f64) -> Vec<[f64; 2]> {
        let mean = |mix: &[u16], rise| {
            let sum: f64 =
                mix.iter().map(|&g| self.groups[usize::from(g)].at(rise, slew, load)).sum();
            sum / mix.len().max(1) as f64
        };
        self.mixes.iter().map(|mix| [mean(mix, true), mean(mix, false)]).collect()
    }

    /// True if no toggle costs anything.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

impl Cell {
    /// Entries of its tables by state.
    pub fn states(&self) -> usize {
        let inputs = self.inputs.iter().map(|pin| pin.power.choice.len());
        let outputs = self.outputs.iter().map(|pin| pin.power.choice.len());
        inputs.chain(outputs).sum::<usize>() + self.leakage.len()
    }

    /// True if the cell is a flip-flop.
    pub fn is_flop(&self) -> bool {
        matches!(self.kind, CellFunction::Flop { .. })
    }

    /// True if the cell is an integrated clock gate.
    pub fn is_clock_gate(&self) -> bool {
        matches!(self.kind, CellFunction::ClockGate { .. })
    }

    /// Reason why the cell cannot be simulated, if so.
    pub fn unusable(&self) -> Option<&str> {
        match &self.kind {
            CellFunction::Unusable(reason) => Some(reason),
            _ => None,
        }
    }

    /// Mean leakage over all states, in nW.
    pub fn leakage_nw(&self) -> f64 {
        self.leakage.iter().sum::<f64>() / self.leakage.len().max(1) as f64 * 1e9
    }
}
