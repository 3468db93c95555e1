//! Reports of results: text, JSON and a self-contained HTML page, all from the same [`Report`].

mod chart;
mod document;
mod frontier;
mod html;
mod html_tables;
mod provenance;
mod pruning;
mod roofline;
mod text;

use pecan_config::Config;

use pecan_energy::{Estimate, Target};

pub use document::{
    Comparison, DramBits, EstimateDocument, Estimates, Floor, Layer, Mapper, Residual,
    TechnologyDocument, Total,
};
pub use html::html;
pub use pruning::{Histogram, MethodResult, Pruning, Step, pruning_html};
pub use text::{technology_text, text};

/// A network on a target, with its estimate.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Short name, unique in the report.
    pub label: String,
    /// The target of the estimate.
    pub target: Target,
    /// The estimate.
    pub estimate: Estimate,
    /// Source of inputs and weights, in words.
    pub inputs: String,
}

/// Estimates side by side; the first is the reference of the others.
#[derive(Clone, Debug)]
pub struct Report {
    /// At least one.
    pub entries: Vec<Entry>,
    /// The objective of the mapper.
    pub objective: String,
    /// Memory behind the streams.
    pub memory: String,
}

impl Entry {
    /// Unit of the energies.
    #[must_use]
    pub fn unit(&self) -> &str {
        &self.target.technology.unit
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.target.config
    }

    /// Lower bound of the energy, and the ratio of the energy to it.
    #[must_use]
    pub fn floor(&self) -> (f64, f64) {
        let floor = self.estimate.floor_energy(&self.target.technology);
        (floor, if floor > 0.0 { self.estimate.energy() / floor } else { f64::NAN })
    }
}

impl Report {
    /// All warnings about calibrated ranges, each once.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for warning in self.entries.iter().flat_map(|entry| entry.target.model.warnings()) {
            if !all.contains(warning) {
                all.push(warning.clone());
            }
        }
        all
    }
}

/// Definition of the lower bound, for the reader.
pub(crate) const FLOOR: &str = "nonzero multiplications x energy of a multiplication here (multiplier, adder, operand \
    registers, at this activity) + bits that have to cross the border of the chip once (input, output, and weights and \
    parameters, these once for all images where they stay; in the shortest of three forms: values, bitmap and values, \
    the program's) x energy per bit of DRAM";

/// Limits of the numbers.
pub(crate) const LIMITS: &str = "Estimated before layout: wires are an assumption of the technology, there is no \
    placement, no clock tree synthesis and no silicon behind these numbers.";
