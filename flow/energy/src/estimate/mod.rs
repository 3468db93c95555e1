//! Estimates: cost of a network on a configuration in a technology, by layer, block and kind of data.
//!
//! [`measure()`] executes a network on the emulator with real activations: counts are those of the hardware's counters,
//! and every toggled bit is counted. [`Planned`] needs no activations: its counts come from a plan and equal the
//! emulator's exactly, and quantities that depend on activations come from [`Rates`] of an earlier measurement. It
//! keeps the plan, so that after a change of one layer only that layer is mapped again.

mod costs;
mod floor;
mod measure;
mod planned;
mod rates;

use std::time::Duration;

use pecan_config::Config;
use pecan_config::isa::counter::Counter;

use super::{Block, Breakdown, Events, Model, Technology};
use pecan_map::Mapping;
use pecan_map::Searched;

pub use costs::action_costs;
pub use floor::Floor;
pub use measure::{MeasureError, measure};
pub use planned::Planned;
pub use rates::Rates;

/// Accelerator, technology and energy model of an estimate.
#[derive(Clone, Debug)]
pub struct Target {
    /// The accelerator.
    pub config: Config,
    /// The technology.
    pub technology: Technology,
    /// The model of this configuration in this technology.
    pub model: Model,
}

impl Target {
    /// The model of a configuration in a technology.
    ///
    /// # Errors
    /// As [`Model::new`].
    pub fn new(config: &Config, technology: &Technology) -> Result<Self, super::EnergyError> {
        let model = Model::new(technology, config)?;
        Ok(Self { config: config.clone(), technology: technology.clone(), model })
    }
}

/// Estimate of one layer, per image.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerEstimate {
    /// Name of the layer.
    pub name: String,
    /// The mapping.
    pub mapping: Mapping,
    /// Multiply-accumulates of the dense computation, by trained weights.
    pub macs: u64,
    /// Additions and comparisons of sums, averages, copies and maxima.
    pub other_operations: u64,
    /// Whether the layer only moves values (concatenation, padding).
    pub copy: bool,
    /// Counts and toggles. The last layer includes the store of the network's output.
    pub events: Events,
    /// Bits between DRAM and device: weights and parameters, inputs, outputs, commands.
    pub dram_bits: [f64; 4],
    /// Energy in the technology's unit.
    pub energy: Breakdown,
    /// The minimal work of the layer.
    pub floor: Floor,
}

impl LayerEstimate {
    /// Cycles of the layer.
    #[must_use]
    pub fn cycles(&self) -> f64 {
        self.events.count(Counter::Cycles)
    }

    /// Bits between DRAM and device.
    #[must_use]
    pub fn traffic(&self) -> f64 {
        self.dram_bits.iter().sum()
    }
}

/// Estimate of a network, per image.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Name of the network.
    pub network: String,
    /// Source of counts and activity, for the reader.
    pub activity: String,
    /// The layers in order of execution.
    pub layers: Vec<LayerEstimate>,
    /// Cycles of the whole program, or of all programs where layers are planned one by one.
    pub cycles: f64,
    /// Extent of the mapper's searches.
    pub searched: Searched,
    /// Time that mapping took.
    pub mapping_time: Duration,
}

impl Estimate {
    /// Energy of all layers.
    #[must_use]
    pub fn breakdown(&self) -> Breakdown {
        let mut total = Breakdown::default();
        self.layers.iter().for_each(|layer| total.add_all(&layer.energy));
        total
    }

    /// Energy of an image, in the technology's unit.
    #[must_use]
    pub fn energy(&self) -> f64 {
        self.breakdown().total()
    }

    /// Energy times cycles.
    #[must_use]
    pub fn edp(&self) -> f64 {
        self.energy() * self.cycles
    }

    /// Multiply-accumulates of the dense computation.
    #[must_use]
    pub fn macs(&self) -> u64 {
        self.layers.iter().map(|layer| layer.macs).sum()
    }

    /// Additions and comparisons of sums, averages, copies and maxima.
    #[must_use]
    pub fn other_operations(&self) -> u64 {
        self.layers.iter().map(|layer| layer.other_operations).sum()
    }

    /// All energy of an image per multiply-accumulate of the dense computation, in the technology's unit; none if there
    /// is no multiply-accumulate.
    #[must_use]
    pub fn energy_per_mac(&self) -> Option<f64> {
        let macs = self.macs();
        (macs > 0).then(|| self.energy() / macs as f64)
    }

    /// Energy of the multipliers, adders and operand registers per executed multiplication, in the technology's unit; 0
    /// if there was none.
    #[must_use]
    pub fn multiplication_energy(&self) -> f64 {
        let active: f64 = self.layers.iter().map(|l| l.events.count(Counter::ActiveLanes)).sum();
        let energy: f64 = self.layers.iter().map(|l| l.energy.block(Block::Mac)).sum();
        if active > 0.0 { energy / active } else { 0.0 }
    }

    /// The minimal work of all layers.
    #[must_use]
    pub fn floor(&self) -> Floor {
        let mut total = Floor::default();
        for Floor { nonzero_macs, dram_bits } in self.layers.iter().map(|layer| layer.floor) {
            total.nonzero_macs += nonzero_macs;
            total.dram_bits += dram_bits;
        }
        total
    }

    /// Energy of the minimal work with this technology's multiplier and DRAM.
    #[must_use]
    pub fn floor_energy(&self, technology: &Technology) -> f64 {
        self.floor().energy(self.multiplication_energy(), technology.dram.per_bit)
    }

    /// Appends the estimate of a network that is executed after this one.
    pub fn append(&mut self, other: Self) {
        self.layers.extend(other.layers);
        self.cycles += other.cycles;
        self.searched.bounded += other.searched.bounded;
        self.searched.timed += other.searched.timed;
        self.mapping_time += other.mapping_time;
    }
}
