//! Energy as a function of events.

use pecan_config::Config;
use pecan_config::geometry::Geometry;
use pecan_config::isa::counter::Counter;
use pecan_config::isa::{MULTIPLIER_BITS, SHIFT_BITS};

use super::actions::ACTIONS;
use super::block::{Block, Breakdown, Class};
use super::feature::{FEATURES, Feature};
use super::technology::Technology;
use super::{Data, EnergyError, Events};
use pecan_map::DataCounts;

/// The energy model of one configuration in one technology.
#[derive(Clone, Debug)]
pub struct Model {
    geometry: Geometry,
    /// Features with their coefficients (pJ) and the block of the breakdown.
    terms: Vec<(&'static Feature, Block, f64)>,
    memories: Memories,
    dram_per_bit: f64,
    period_ns: f64,
    warnings: Vec<String>,
}

/// Energy of the synchronous memories of one configuration, in pJ; leakage in mW.
#[derive(Clone, Copy, Debug)]
struct Memories {
    buffer: [f64; 2],
    weights: [f64; 2],
    params: [f64; 2],
    leakage: f64,
}

impl Model {
    /// The model of a legal configuration. [`Self::warnings`] lists the quantities outside the calibrated ranges.
    ///
    /// # Errors
    /// The technology lacks a block or names a feature that is not known.
    pub fn new(technology: &Technology, config: &Config) -> Result<Self, EnergyError> {
        let geometry = Geometry::of(config);
        let terms = terms(technology)?;
        let memories = Memories::of(technology, &geometry);
        let warnings = warnings(technology, config);
        Ok(Self {
            terms,
            memories,
            dram_per_bit: technology.dram.per_bit,
            period_ns: technology.period_ns,
            warnings,
            geometry,
        })
    }

    /// Quantities outside the calibrated ranges, in words.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Geometry of the configuration.
    #[must_use]
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Energy of the standard cells (pJ), the part that gate-level simulation can confirm.
    #[must_use]
    pub fn cells(&self, events: &Events) -> Breakdown {
        let mut breakdown = Breakdown::default();
        for (feature, block, pj) in &self.terms {
            breakdown.add(*block, feature.data, pj * (feature.value)(&self.geometry, events));
        }
        breakdown
    }

    /// Energy of everything (pJ): cells, memories, DRAM.
    #[must_use]
    pub fn energy(&self, events: &Events, data: &DataCounts) -> Breakdown {
        let mut breakdown = self.cells(events);
        let m = &self.memories;
        let mut add =
            |block, data, count: u64, pj: f64| breakdown.add(block, data, count as f64 * pj);
        add(Block::GlobalBuffer, Data::Inputs, data.input_reads, m.buffer[0]);
        add(Block::GlobalBuffer, Data::Inputs, data.input_writes, m.buffer[1]);
        add(Block::GlobalBuffer, Data::Outputs, data.output_reads, m.buffer[0]);
        add(Block::GlobalBuffer, Data::Outputs, data.output_writes, m.buffer[1]);
        add(Block::WeightBuffer, Data::Weights, data.weight_reads, m.weights[0]);
        add(Block::WeightBuffer, Data::Weights, data.weight_writes, m.weights[1]);
        add(Block::ParameterMemory, Data::Weights, data.param_writes, m.params[1]);
        let steps = events.count(Counter::DrainSteps) * self.geometry.drain_lanes as f64;
        breakdown.add(Block::ParameterMemory, Data::Weights, steps * m.params[0]);
        let time = events.count(Counter::Cycles) * self.period_ns;
        breakdown.add(Block::Leakage, Data::Overhead, time * m.leakage);
        let kinds = [Data::Weights, Data::Inputs, Data::Outputs, Data::Overhead];
        for (kind, bits) in kinds.into_iter().zip(data.dram_bits(self.geometry.stream_bits)) {
            breakdown.add(Block::Dram, kind, bits as f64 * self.dram_per_bit);
        }
        breakdown
    }
}

impl Memories {
    fn of(technology: &Technology, g: &Geometry) -> Self {
        let sram = &technology.sram;
        let sizes = memory_sizes(g);
        let bits: usize = sizes.iter().map(|[words, bits, copies]| words * bits * copies).sum();
        let [buffer, weights, params] = sizes.map(|[words, bits, _]| sram.accesses(words, bits));
        Self { buffer, weights, params, leakage: bits as f64 * sram.leakage_per_bit }
    }
}

/// Words, bits of a word and copies of global buffer, weight buffers and parameter memories.
fn memory_sizes(g: &Geometry) -> [[usize; 3]; 3] {
    let param_bits = g.bias_bits() + MULTIPLIER_BITS + SHIFT_BITS;
    [
        [g.buffer_words, g.word_channels * g.activation_bits, 1],
        [g.weight_entries, g.entry_bits, g.cols],
        [g.param_rows(), param_bits, g.drain_lanes],
    ]
}

/// All terms of the technology with their features.
fn terms(technology: &Technology) -> Result<Vec<(&'static Feature, Block, f64)>, EnergyError> {
    let mut problems = Vec::new();
    let mut terms = Vec::new();
    for fit in &technology.fits {
        let (block, class) = (Block::from_name(&fit.block), Class::from_name(&fit.class));
        let (Some(block), Some(class)) = (block, class) else {
            problems.push(format!("unknown block or class `{}.{}`", fit.block, fit.class));
            continue;
        };
        let shown = match class {
            Class::Data => block,
            Class::Clock => Block::Clock,
            Class::Leakage => Block::Leakage,
        };
        for (name, pj) in &fit.terms {
            let found = |r: &&Feature| (r.block, r.class, r.name) == (block, class, name);
            match FEATURES.iter().chain(ACTIONS).find(found) {
                Some(feature) => terms.push((feature, shown, *pj)),
                None => problems
                    .push(format!("unknown feature `{name}` of {}.{}", fit.block, fit.class)),
            }
        }
    }
    for block in Block::CELLS {
        for class in Class::ALL {
            let there =
                |f: &super::technology::Fit| f.block == block.name() && f.class == class.name();
            if !technology.fits.iter().any(there) {
                problems.push(format!("no fit of {}.{}", block.name(), class.name()));
            }
        }
    }
    if problems.is_empty() {
        Ok(terms)
    } else {
        Err(EnergyError::Terms { technology: technology.name.clone(), problems })
    }
}

/// Every key outside its calibrated range.
fn warnings(technology: &Technology, config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    for key in Config::keys() {
        let Some([low, high]) = technology.ranges.get(&key.path()) else { continue };
        let Some(value) = key.get(config).ordinal() else { continue };
        if !(*low..=*high).contains(&value) {
            warnings.push(format!(
                "{} = {value} is outside the calibrated range {low} to {high} of `{}`",
                key.path(),
                technology.name
            ));
        }
    }
    warnings
}
