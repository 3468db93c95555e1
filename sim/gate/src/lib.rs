//! Gate level: Liberty cells, a netlist of them, its simulation cycle by cycle, and the energy of
//! every module instance.
//!
//! A synthesized netlist (Yosys JSON, hierarchy kept) is simulated with recorded pins; its outputs
//! are compared with the recorded ones in every cycle. Energies follow from the events: half of
//! C times V^2 per toggle of a net, the library's internal energy of the pin and state per toggle of
//! a cell's pin, leakage by state and time. With [`Mode::Inertial`] gates have the delays of the
//! library, so glitches count.

mod activity;
mod average;
mod clock;
mod clocked;
mod compile;
mod connect;
mod elaborate;
mod energies;
pub mod error;
mod flatten;
mod hierarchy;
mod levels;
mod memory;
mod model;
mod netlist;
mod options;
mod pins;
mod run;
mod saif;
mod settle;
mod state;
mod tables;
mod vcd;
mod wheel;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::Path;

pub use activity::Activity;
use elaborate::Flat;
pub use energies::{Energies, MemoryUse, ScopeEnergy};
pub use error::{GateError, Result};
use model::Model;
pub use options::{GateOptions, Mode, Wire};
pub use pecan_liberty::Library;
pub use pins::{Pins, Signal};
use run::Run;
pub use vcd::Window;

/// A netlist ready for simulation.
#[derive(Debug)]
pub struct GateDesign {
    flat: Flat,
    model: Model,
    options: GateOptions,
    area: f64,
}

/// A module instance of a design.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeName<'a> {
    /// Instance names from the top, separated by `.`; empty for the top itself.
    pub path: &'a str,
    /// Name of the module.
    pub module: &'a str,
}

impl GateDesign {
    /// Reads a Yosys JSON netlist of cells of `library`.
    ///
    /// # Errors
    /// A file that cannot be read, cells that are missing or cannot be simulated, nets without a
    /// driver or with several, a clock that cannot be followed: all of a kind at once.
    pub fn load(netlist: &Path, library: &Library, options: &GateOptions) -> Result<Self> {
        options.check()?;
        let flat = Flat::read(netlist, library, &options.memories)?;
        let model = compile::compile(&flat, library, options)?;
        let area = flat.cells.iter().map(|c| library.cells()[c.cell as usize].area).sum();
        Ok(Self { flat, model, options: options.clone(), area })
    }

    /// Simulates all cycles of `pins` from the state of zeros.
    ///
    /// # Errors
    /// [`GateError::Pins`] if the pins do not fit, [`GateError::Mismatch`] at the first output that
    /// differs, [`GateError::Unsettled`].
    pub fn run(&self, pins: &Pins) -> Result<Energies> {
        self.run_window(pins, 0..pins.cycles())
    }

    /// As [`Self::run`], but energies are those of the cycles in `window` only.
    ///
    /// # Errors
    /// As [`Self::run`]; [`GateError::Pins`] if the window is empty.
    pub fn run_window(&self, pins: &Pins, window: Range<usize>) -> Result<Energies> {
        Run::new(&self.flat, &self.model, &self.options, pins)?.all(window)
    }

    /// Module instances, parents before children, in the order of [`Energies::scopes`].
    pub fn scopes(&self) -> impl Iterator<Item = ScopeName<'_>> {
        self.flat.scopes.iter().map(|s| ScopeName { path: &s.path, module: &s.module })
    }

    /// Number of cell instances.
    pub fn cells(&self) -> usize {
        self.flat.cells.len()
    }

    /// Number of nets.
    pub fn nets(&self) -> usize {
        self.flat.nets as usize
    }

    /// Area of all cells in the library's unit (um^2), without memories.
    pub fn area(&self) -> f64 {
        self.area
    }

    /// Top-level ports without the clock: inputs, then outputs.
    pub fn ports(&self) -> (Vec<Signal>, Vec<Signal>) {
        let signal =
            |p: &elaborate::TopPort| Signal { name: p.name.clone(), width: p.nets.len() as u32 };
        let data = || self.flat.ports.iter().filter(|p| p.name != self.options.clock);
        let inputs = data().filter(|p| p.input).map(signal).collect();
        (inputs, data().filter(|p| !p.input).map(signal).collect())
    }
}
