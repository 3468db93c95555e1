//! Estimates as members of `metrics.json`.

use std::collections::BTreeMap;

use pecan_config::Keyed;
use pecan_config::isa::counter::Counter;
use pecan_emulator::Toggle;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Entry, FLOOR, Report};
use pecan_energy::{Block, Breakdown, Data, LayerEstimate, Technology};
use pecan_map::Mapping;

/// All estimates of a run: the first one's members, and where there are more, all of them with ratios to the first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Estimates {
    /// What the mapper minimized: `delay`, `energy` or `edp`.
    pub objective: String,
    /// Memory behind the streams: `ideal` (always ready) or `dram`.
    pub memory: String,
    /// Values outside the ranges that the technology was calibrated for.
    pub warnings: Vec<String>,
    /// The first estimate.
    #[serde(flatten)]
    pub first: Option<EstimateDocument>,
    /// All estimates, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub estimates: Vec<EstimateDocument>,
    /// All estimates against the first, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub comparison: Vec<Comparison>,
}

/// One network on one accelerator in one technology.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EstimateDocument {
    /// Name, unique in the run.
    pub label: String,
    /// Name of the network.
    pub network: String,
    /// Source of inputs and weights, in words.
    pub inputs: String,
    /// Source of the activity: measured with which inputs, or rates.
    pub activity: String,
    /// The whole network, per image.
    pub total: Total,
    /// Lower bound of the energy.
    pub floor: Floor,
    /// The layers in the order of execution.
    pub layers: Vec<Layer>,
    /// Technology whose coefficients priced the counts.
    pub technology: TechnologyDocument,
    /// Effort of the search for mappings.
    pub mapper: Mapper,
}

/// Figures of the whole network per image.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EstimateTotal")]
pub struct Total {
    /// Energy; null where the unit of the technology is not pJ.
    pub energy_pj: Option<f64>,
    /// Energy.
    pub energy: f64,
    /// Energy without that of DRAM.
    #[schemars(extend("unit" = "technology.unit"))]
    pub energy_on_chip: f64,
    /// Latency.
    pub latency_cycles: f64,
    /// Product of energy and latency.
    #[schemars(extend("unit" = "technology.unit x cycles"))]
    pub edp: f64,
    /// Multiply-accumulates of the dense computation by trained weights.
    pub macs: u64,
    /// Additions and comparisons of sums, averages, copies and maxima.
    pub other_operations: u64,
    /// Energy over `macs`; null without any.
    #[schemars(extend("unit" = "technology.unit"))]
    pub energy_per_mac: Option<f64>,
    /// Energy of a multiplication in the PEs (multiplier, adder, operand registers) that took place.
    #[schemars(extend("unit" = "technology.unit"))]
    pub mac_energy_per_multiplication: f64,
    /// Energy by part of the device.
    pub by_component: Keyed<Block, f64>,
    /// Energy by kind of data.
    pub by_data: Keyed<Data, f64>,
}

/// Lower bound of the energy.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Floor {
    /// The bound.
    pub energy: f64,
    /// Energy spent over the bound; null where the bound is 0.
    pub ratio: Option<f64>,
    /// Multiplications whose weight is not zero.
    pub nonzero_macs: f64,
    /// Bits that have to cross the border of the chip.
    pub dram_bits: f64,
    /// Definition of the bound.
    pub definition: String,
}

/// One layer, per image.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EstimateLayer")]
pub struct Layer {
    /// Name.
    pub name: String,
    /// The mapping as a sentence.
    pub mapping: String,
    /// The mapping.
    pub mapping_detail: Mapping,
    /// Energy; null where the unit of the technology is not pJ.
    pub energy_pj: Option<f64>,
    /// Energy.
    pub energy: f64,
    /// Latency.
    pub cycles: f64,
    /// Multiply-accumulates of the dense computation by trained weights.
    pub macs: u64,
    /// Multiply-accumulates among them whose weight is not zero.
    pub nonzero_macs: f64,
    /// Additions and comparisons of a sum, an average, a copy or a maximum.
    pub other_operations: u64,
    /// Whether the layer only moves values (concatenation, padding).
    pub copy: bool,
    /// Energy by part of the device.
    pub by_component: Keyed<Block, f64>,
    /// Energy by kind of data.
    pub by_data: Keyed<Data, f64>,
    /// Transfers to and from DRAM.
    pub dram_bits: DramBits,
    /// Performance counters of the hardware.
    pub counters: Keyed<Counter, f64>,
    /// Bits that change, by place of the hardware.
    pub toggles: Keyed<Toggle, f64>,
}

/// Transfers to and from DRAM by kind of data.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DramBits {
    /// Weight lists and requantization parameters.
    #[schemars(extend("unit" = "bits"))]
    pub weights: f64,
    /// Input activations.
    #[schemars(extend("unit" = "bits"))]
    pub inputs: f64,
    /// Output activations.
    #[schemars(extend("unit" = "bits"))]
    pub outputs: f64,
    /// Commands of the program.
    #[schemars(extend("unit" = "bits"))]
    pub commands: f64,
}

/// Technology of an estimate.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TechnologyDocument {
    /// Name.
    pub name: String,
    /// Unit of all energies beside it.
    pub unit: String,
    /// How its coefficients were found, such as `calibrated`.
    pub origin: String,
    /// Source of its coefficients.
    pub source: String,
    /// Errors on layers that the fit has not seen; null where they are not known.
    pub residual: Option<Residual>,
    /// Clock period, which decides the energy of leakage.
    pub period_ns: f64,
    /// Assumptions behind the figures.
    pub assumptions: Vec<String>,
    /// Versions of the tools that it was made with.
    pub tools: BTreeMap<String, String>,
    /// BLAKE3 of the cell library.
    pub liberty_hash: String,
}

/// Errors on layers that a fit has not seen.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Residual {
    /// Layers times configurations.
    pub points: usize,
    /// Configurations.
    pub configurations: usize,
    /// Mean relative error.
    pub mean_error: f64,
    /// Largest relative error.
    pub max_error: f64,
}

/// Effort of the search for mappings.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Mapper {
    /// Mappings of which at least a bound was computed.
    #[schemars(extend("unit" = "mappings"))]
    pub mappings_evaluated: u64,
    /// Mappings among them that were timed cycle by cycle.
    #[schemars(extend("unit" = "mappings"))]
    pub mappings_timed: u64,
    /// Time of the search.
    pub seconds: f64,
}

/// An estimate against the first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Comparison {
    /// Name of the estimate.
    pub label: String,
    /// Energy over that of the first; null where units differ.
    pub energy_ratio: Option<f64>,
    /// Latency over that of the first.
    pub latency_ratio: f64,
    /// Energy-delay product over that of the first; null where units differ.
    pub edp_ratio: Option<f64>,
}

impl Estimates {
    /// The members for a report.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let several = if report.entries.len() > 1 { &report.entries[..] } else { &[] };
        let first = report.entries.first();
        Self {
            objective: report.objective.clone(),
            memory: report.memory.clone(),
            warnings: report.warnings(),
            first: first.map(EstimateDocument::of),
            estimates: several.iter().map(EstimateDocument::of).collect(),
            comparison: several
                .iter()
                .zip(first.into_iter().cycle())
                .map(|(entry, first)| Comparison::of(entry, first))
                .collect(),
        }
    }
}

impl Comparison {
    fn of(entry: &Entry, first: &Entry) -> Self {
        let (own, base) = (&entry.estimate, &first.estimate);
        let comparable = entry.unit() == first.unit();
        let ratio = |value: f64, base: f64| (comparable && base > 0.0).then(|| value / base);
        Self {
            label: entry.label.clone(),
            energy_ratio: ratio(own.energy(), base.energy()),
            latency_ratio: own.cycles / base.cycles.max(1.0),
            edp_ratio: ratio(own.edp(), base.edp()),
        }
    }
}

impl EstimateDocument {
    /// The members for an estimate.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        let estimate = &entry.estimate;
        Self {
            label: entry.label.clone(),
            network: estimate.network.clone(),
            inputs: entry.inputs.clone(),
            activity: estimate.activity.clone(),
            total: Total::of(entry),
            floor: Floor::of(entry),
            layers: estimate.layers.iter().map(|layer| Layer::of(entry, layer)).collect(),
            technology: TechnologyDocument::of(&entry.target.technology),
            mapper: Mapper {
                mappings_evaluated: estimate.searched.bounded,
                mappings_timed: estimate.searched.timed,
                seconds: estimate.mapping_time.as_secs_f64(),
            },
        }
    }
}

impl Total {
    fn of(entry: &Entry) -> Self {
        let estimate = &entry.estimate;
        let breakdown = estimate.breakdown();
        Self {
            energy_pj: picojoules(entry, estimate.energy()),
            energy: estimate.energy(),
            energy_on_chip: breakdown.on_chip(),
            latency_cycles: estimate.cycles,
            edp: estimate.edp(),
            macs: estimate.macs(),
            other_operations: estimate.other_operations(),
            energy_per_mac: estimate.energy_per_mac(),
            mac_energy_per_multiplication: estimate.multiplication_energy(),
            by_component: by_component(&breakdown),
            by_data: by_data(&breakdown),
        }
    }
}

impl Floor {
    fn of(entry: &Entry) -> Self {
        let (energy, ratio) = entry.floor();
        let work = entry.estimate.floor();
        Self {
            energy,
            ratio: ratio.is_finite().then_some(ratio),
            nonzero_macs: work.nonzero_macs,
            dram_bits: work.dram_bits,
            definition: FLOOR.to_owned(),
        }
    }
}

impl Layer {
    fn of(entry: &Entry, layer: &LayerEstimate) -> Self {
        let total = layer.energy.total();
        let [weights, inputs, outputs, commands] = layer.dram_bits;
        Self {
            name: layer.name.clone(),
            mapping: layer.mapping.to_string(),
            mapping_detail: layer.mapping.clone(),
            energy_pj: picojoules(entry, total),
            energy: total,
            cycles: layer.cycles(),
            macs: layer.macs,
            nonzero_macs: layer.floor.nonzero_macs,
            other_operations: layer.other_operations,
            copy: layer.copy,
            by_component: by_component(&layer.energy),
            by_data: by_data(&layer.energy),
            dram_bits: DramBits { weights, inputs, outputs, commands },
            counters: Keyed::of(|counter| layer.events.count(counter)),
            toggles: Keyed::of(|toggle| layer.events.toggle(toggle)),
        }
    }
}

impl TechnologyDocument {
    fn of(technology: &Technology) -> Self {
        Self {
            name: technology.name.clone(),
            unit: technology.unit.clone(),
            origin: technology.origin.clone(),
            source: technology.source.clone(),
            residual: technology.held_out.as_ref().map(|held_out| Residual {
                points: held_out.points,
                configurations: held_out.configurations,
                mean_error: held_out.mean_error,
                max_error: held_out.max_error,
            }),
            period_ns: technology.period_ns,
            assumptions: technology.assumptions.clone(),
            tools: technology.tools.clone(),
            liberty_hash: technology.liberty_hash.clone(),
        }
    }
}

/// A value in pJ, if the technology has this unit.
fn picojoules(entry: &Entry, value: f64) -> Option<f64> {
    (entry.unit() == "pJ").then_some(value)
}

fn by_component(breakdown: &Breakdown) -> Keyed<Block, f64> {
    Keyed::of(|block| breakdown.block(block))
}

fn by_data(breakdown: &Breakdown) -> Keyed<Data, f64> {
    Keyed::of(|data| breakdown.data(data))
}
