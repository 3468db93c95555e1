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
    /// Area in the library's unit (um^2).
    pub area: f64,
    pub(crate) inputs: Vec<Pin>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) kind: CellFunction,
    /// Inputs plus stored bits.
    pub(crate) variables: u32,
    /// Leakage in W by state.
    pub(crate) leakage: Vec<f64>,
}

/// An input pin.
#[derive(Debug, Clone)]
pub(crate) struct Pin {
    pub(crate) name: String,
    /// Capacitance in fF.
    pub(crate) capacitance: f64,
    /// Energy of a toggle of this pin alone, by state (after the toggle).
    pub(crate) power: Selection,
}

/// An output pin.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) function: Truth,
    /// Energy of a toggle, by `cause << variables | state` (after the toggle).
    pub(crate) power: Selection,
    /// Delay tables in ps.
    pub(crate) rise: Vec<Table>,
    pub(crate) fall: Vec<Table>,
}

/// How a cell behaves.
#[derive(Debug, Clone)]
pub(crate) enum CellFunction {
    /// Outputs follow from the inputs.
    Combinational,
    /// Stores `next` at the rising edge of input `clock`, unless it is forced.
    Flop { clock: u32, next: Truth, clear: Truth, preset: Truth },
    /// The stored bit follows from the inputs and itself.
    Latch { next: Truth },
    /// The output is input `clock` where `enable` held before the rising edge.
    ClockGate { clock: u32, enable: Truth },
    /// Cannot be simulated, for the reason given.
    Unusable(String),
}

/// Internal energy of one toggle in pJ, rising and falling; the tables are added.
#[derive(Debug, Clone, Default)]
pub(crate) struct Power {
    pub(crate) when: Option<Truth>,
    pub(crate) rise: Vec<Table>,
    pub(crate) fall: Vec<Table>,
}

/// Which internal-power groups hold in which state: their mean is the energy.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    pub(crate) groups: Vec<Power>,
    /// Sets of groups.
    pub(crate) mixes: Vec<Vec<u16>>,
    /// Index into `mixes` by state.
    pub(crate) choice: Vec<u16>,
}

impl Power {
    /// Energy of a toggle in pJ.
    pub(crate) fn at(&self, rise: bool, slew: f64, load: f64) -> f64 {
        let tables = if rise { &self.rise } else { &self.fall };
        tables.iter().map(|t| t.at(slew, load)).sum()
    }
}

impl Selection {
    /// `(rise, fall)` energies in pJ of every mix at `slew` ps and `load` fF.
    pub(crate) fn energies(&self, slew: f64, load: f64) -> Vec<[f64; 2]> {
        let mean = |mix: &[u16], rise| {
            let sum: f64 =
                mix.iter().map(|&g| self.groups[usize::from(g)].at(rise, slew, load)).sum();
            sum / mix.len().max(1) as f64
        };
        self.mixes.iter().map(|mix| [mean(mix, true), mean(mix, false)]).collect()
    }

    /// True if no toggle costs anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

impl Cell {
    /// Entries of its tables by state.
    pub(super) fn states(&self) -> usize {
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

    /// Why the cell cannot be simulated, if so.
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
