//! Toggles and times at 1 of all nets: from this simulator, or from the SAIF or VCD file of another.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use pecan_text::escape::escape_name;

use super::GateDesign;
use super::energies::Energies;
use super::error::{GateError, Result};
use super::hierarchy::Located;
use super::saif;
use super::vcd::{self, Window};
use pecan_host::file::write_whole;

/// Bytes that are read from a VCD file at a time.
const CHUNK: usize = 1 << 18;

/// Activity of every net of a design.
#[derive(Debug, Clone, PartialEq)]
pub struct Activity {
    /// Toggles in the whole time.
    pub toggles: Vec<f64>,
    /// Share of the time at 1.
    pub ones: Vec<f64>,
    /// Clock cycles.
    pub cycles: f64,
    /// Share of the nets that the source covers.
    pub coverage: f64,
    /// Path of the instance in the source that is the design's top; empty for a simulation of this program.
    pub scope: String,
}

impl Activity {
    /// The activity of a simulation of the same design.
    pub fn of(energies: &Energies) -> Self {
        Self {
            toggles: energies.toggles.iter().map(|&t| t as f64).collect(),
            ones: energies.ones.clone(),
            cycles: energies.cycles as f64,
            coverage: 1.0,
            scope: String::new(),
        }
    }

    /// Reads a SAIF file. The instance of path `scope` is the design's top, else the one whose names are those of the
    /// design's nets; the period of the design's options and the duration of the file determine the number of cycles.
    ///
    /// # Errors
    /// [`GateError::Io`], [`GateError::Saif`] if it is malformed, if no instance or more than one can be the top, or if
    /// less than 99 % of the nets are covered, with the first names that are missing.
    pub fn read_saif(design: &GateDesign, file: &Path, scope: Option<&str>) -> Result<Self> {
        let text = std::fs::read_to_string(file).map_err(GateError::io("read", file))?;
        let problem = |problem: String| GateError::Saif {
            file: file.to_path_buf(),
            problem: escape_name(&problem).into_owned(),
        };
        let saif = saif::parse(&text).map_err(problem)?;
        let located = saif.names.locate(design, scope).map_err(problem)?;
        let duration = saif.duration.max(f64::MIN_POSITIVE);
        let figures = |net: usize| {
            let (variable, _) = located.bits[net]?;
            let (toggles, ones) = saif.figures[variable as usize];
            Some((toggles, ones / duration))
        };
        let cycles = saif.duration * saif.scale_ns / design.options.period_ns;
        Ok(Self::located(design, &located, cycles, figures))
    }

    /// Reads a VCD file, of which no more is held than the names and the state of its variables. `scope` and cycles are
    /// as for [`Self::read_saif`]; only changes and time within `window` count.
    ///
    /// A toggle is a change from 0 to 1 or back, as in SAIF: changes from or to x and z do not count, and time at x and
    /// z is neither at 0 nor at 1. Time in which the dump is switched off does not count.
    ///
    /// # Errors
    /// [`GateError::Io`], [`GateError::Option`] if the window is empty, [`GateError::Vcd`] if the file is malformed or
    /// does not reach over the window, and as for [`Self::read_saif`].
    pub fn read_vcd(
        design: &GateDesign,
        file: &Path,
        scope: Option<&str>,
        window: &Window,
    ) -> Result<Self> {
        window.check()?;
        let fault = |fault: vcd::Fault| fault.of(file);
        let opened = File::open(file).map_err(GateError::io("read", file))?;
        let mut words = vcd::Words::new(BufReader::with_capacity(CHUNK, opened));
        let header = vcd::Header::read(&mut words).map_err(fault)?;
        let located =
            header.names.locate(design, scope).map_err(vcd::Fault::from).map_err(fault)?;
        let counts = vcd::count(words, header, &located.bits, window).map_err(fault)?;
        let figures = |net: usize| {
            let (toggles, ones) = counts.of(net)?;
            Some((toggles as f64, ones as f64 / counts.duration as f64))
        };
        let cycles = counts.duration as f64 * counts.scale_ns / design.options.period_ns;
        Ok(Self::located(design, &located, cycles, figures))
    }

    /// The activity with `figures` by net: toggles, share of the time at 1.
    fn located(
        design: &GateDesign,
        located: &Located,
        cycles: f64,
        figures: impl Fn(usize) -> Option<(f64, f64)>,
    ) -> Self {
        let nets = (0..design.nets()).map(|net| figures(net).unwrap_or_default());
        let (toggles, mut ones): (Vec<f64>, Vec<f64>) = nets.unzip();
        ones[1] = 1.0;
        Self { toggles, ones, cycles, coverage: located.coverage, scope: located.scope.clone() }
    }
}

impl GateDesign {
    /// Nets with a driver.
    pub(super) fn driven(&self) -> impl Iterator<Item = u32> {
        let driven = |net: &u32| self.model.net_scope[*net as usize] != super::elaborate::NONE;
        (2..self.flat.nets).filter(driven)
    }

    /// Writes toggles and times at 1 of a run as a SAIF file.
    ///
    /// # Errors
    /// [`GateError::Io`].
    pub fn write_saif(&self, energies: &Energies, file: &Path) -> Result<()> {
        let duration = (energies.cycles as f64 * self.options.period_ns * 1e3).round();
        let text = saif::text(&self.flat, energies, duration);
        write_whole(file, text).map_err(GateError::io("write", file))
    }
}
