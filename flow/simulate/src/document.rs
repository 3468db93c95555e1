//! Results of a simulation as members of `metrics.json`.

use pecan_config::Keyed;
use pecan_config::isa::counter::{Counter, Counters};
use pecan_map::Mapping;
use pecan_verilator::Simulator;
use schemars::JsonSchema;
use serde::Serialize;

use super::compare::Difference;
use super::report::{Accuracy, LayerReport, Report, Total};

/// The members of a simulation.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Simulation {
    /// The layers in order of execution.
    pub layers: Vec<SimulatedLayer>,
    /// Their sum, including the commands between them.
    pub total: Total,
    /// Number of images.
    pub images: usize,
    /// Cycles of images where the weights stay in the device; null where every image loads them.
    pub image_cycles_with_weights_resident: Option<ResidentCycles>,
    /// Values that were compared with the reference, of RTL and emulator each.
    pub values_compared: u64,
    /// Whether counters had to be equal to their prediction: ideal memory, no stalls.
    pub counters_must_match: bool,
    /// Accuracy, where labels are given.
    pub accuracy: Option<Accuracy>,
    /// The first difference, earliest layer first.
    pub difference: Option<Difference>,
    /// The simulator.
    pub simulator: SimulatorDocument,
}

/// Cycles of images where the weights stay in the device.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ResidentCycles {
    /// Of the first image, which loads the weights.
    #[schemars(extend("unit" = "cycles"))]
    pub first: u64,
    /// Of a later image.
    #[schemars(extend("unit" = "cycles"))]
    pub later: u64,
}

/// One layer. Cycles and counters are means over the images, rounded to integers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SimulatedLayer {
    /// Name.
    pub name: String,
    /// Operator.
    pub op: String,
    /// The mapping as a sentence.
    pub mapping: String,
    /// The mapping.
    pub mapping_detail: Mapping,
    /// Multiply-accumulates of the dense computation per image, by trained weights.
    pub macs: u64,
    /// Multiply-accumulates among them whose weight is not zero.
    pub nonzero_macs: u64,
    /// Additions and comparisons of a sum, an average, a copy or a maximum per image.
    pub other_operations: u64,
    /// Whether the layer only moves values (concatenation, padding).
    pub copy: bool,
    /// Clock cycles of the RTL per image.
    pub cycles: u64,
    /// Clock cycles that the emulator predicts.
    pub predicted_cycles: u64,
    /// Share of the array's lane-cycles in which a list entry was processed.
    pub utilization: f64,
    /// Values in which RTL or emulator differ from the reference.
    pub mismatches: u64,
    /// Performance counters of the RTL.
    pub counters: Keyed<Counter, u64>,
    /// The same as the emulator predicts them.
    pub predicted_counters: Keyed<Counter, u64>,
}

/// The simulator and its speed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SimulatorDocument {
    /// Time to build it; of an earlier run, if `cached`.
    pub build_seconds: f64,
    /// Whether it was in the cache.
    pub cached: bool,
    /// Time of the RTL simulation of all images.
    pub run_seconds: f64,
    /// Clock cycles simulated per second.
    #[schemars(extend("unit" = "cycles/s"))]
    pub cycles_per_second: f64,
}

impl Simulation {
    /// The members for a report of that simulator.
    #[must_use]
    pub fn of(report: &Report, simulator: &Simulator) -> Self {
        let resident = |[first, later]: [u64; 2]| ResidentCycles { first, later };
        Self {
            layers: report.layers.iter().map(SimulatedLayer::of).collect(),
            total: report.total.clone(),
            images: report.images,
            image_cycles_with_weights_resident: report.later_cycles.map(resident),
            values_compared: report.values_compared,
            counters_must_match: report.exact,
            accuracy: report.accuracy,
            difference: report.difference.clone(),
            simulator: SimulatorDocument {
                build_seconds: simulator.build_seconds,
                cached: simulator.cached,
                run_seconds: report.run_seconds,
                cycles_per_second: report.cycles_per_second(),
            },
        }
    }
}

impl SimulatedLayer {
    fn of(layer: &LayerReport) -> Self {
        Self {
            name: layer.name.clone(),
            op: layer.op.clone(),
            mapping: layer.mapping.to_string(),
            mapping_detail: layer.mapping.clone(),
            macs: layer.macs,
            nonzero_macs: layer.nonzero_macs,
            other_operations: layer.other_operations,
            copy: layer.copy,
            cycles: layer.counters[Counter::Cycles],
            predicted_cycles: layer.predicted[Counter::Cycles],
            utilization: layer.utilization,
            mismatches: layer.mismatches,
            counters: keyed(&layer.counters),
            predicted_counters: keyed(&layer.predicted),
        }
    }
}

fn keyed(counters: &Counters) -> Keyed<Counter, u64> {
    Keyed::of(|counter| counters[counter])
}
