//! Results of a simulation.

use pecan_config::isa::counter::Counters;
use pecan_map::Mapping;
use schemars::JsonSchema;
use serde::Serialize;

use super::compare::Difference;

/// One layer. Cycles and counters are means over the images, rounded to integers. With ideal memory all images take the
/// same cycles, except for the first where weights stay in the device.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerReport {
    /// Name in the network.
    pub name: String,
    /// Operator.
    pub op: String,
    /// The mapping.
    pub mapping: Mapping,
    /// Multiply-accumulates of the dense computation per image, by trained weights.
    pub macs: u64,
    /// Multiply-accumulates among them whose weight is not zero.
    pub nonzero_macs: u64,
    /// Additions and comparisons of a sum, an average, a copy or a maximum per image.
    pub other_operations: u64,
    /// Whether the layer only moves values (concatenation, padding).
    pub copy: bool,
    /// Counters of the RTL.
    pub counters: Counters,
    /// Counters that the emulator predicts.
    pub predicted: Counters,
    /// Share of the array's lane-cycles in which a list entry was processed.
    pub utilization: f64,
    /// Values in which RTL or emulator differ from the reference, over all images for the last layer and
    /// over one image for the layers before it.
    pub mismatches: u64,
}

/// The whole program, from the header to the end. Cycles and counters are means as in [`LayerReport`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "SimulationTotal")]
pub struct Total {
    /// Clock cycles per image.
    pub cycles: u64,
    /// Clock cycles per image that the emulator predicts.
    pub predicted_cycles: u64,
    /// Multiply-accumulates per image, by trained weights.
    pub macs: u64,
    /// Multiply-accumulates among them whose weight is not zero.
    pub nonzero_macs: u64,
    /// Additions and comparisons of sums, averages, copies and maxima per image.
    pub other_operations: u64,
    /// Differing values, as [`LayerReport::mismatches`].
    pub mismatches: u64,
    /// Counters of layers and images that differ from the prediction; 0 unless they were compared.
    pub counter_mismatches: u64,
    /// Share of the array's lane-cycles in which a list entry was processed.
    pub utilization: f64,
}

/// Share of right labels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Accuracy {
    /// Labelled images.
    pub samples: usize,
    /// Of the float network.
    #[schemars(extend("unit" = "1"))]
    pub float: f64,
    /// Of the integer reference.
    #[schemars(extend("unit" = "1"))]
    pub reference: f64,
    /// Of the RTL.
    #[schemars(extend("unit" = "1"))]
    pub rtl: f64,
}

/// Results of a simulation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The layers in order of execution.
    pub layers: Vec<LayerReport>,
    /// Their sum, including the commands between them.
    pub total: Total,
    /// Images.
    pub images: usize,
    /// Whether counters had to be equal to the prediction: ideal memory, no stalls.
    pub exact: bool,
    /// The first difference, earliest layer first.
    pub difference: Option<Difference>,
    /// Accuracy, where labels are given.
    pub accuracy: Option<Accuracy>,
    /// Values that were compared with the reference, of RTL and emulator each.
    pub values_compared: u64,
    /// RTL cycles of the first image and of a later one, where the weights stay in the device between images.
    pub later_cycles: Option<[u64; 2]>,
    /// RTL cycles that were simulated for the images.
    pub simulated_cycles: u64,
    /// Wall-clock seconds of the RTL simulation of the images.
    pub run_seconds: f64,
}

impl Report {
    /// Whether all results are equal, and all counters that have to be.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.total.mismatches == 0 && self.total.counter_mismatches == 0
    }

    /// RTL cycles per wall-clock second.
    #[must_use]
    pub fn cycles_per_second(&self) -> f64 {
        self.simulated_cycles as f64 / self.run_seconds.max(1e-9)
    }

    /// Appends the results of another network: layers one after the other, totals summed.
    pub fn append(&mut self, other: Self) {
        let lanes = |t: &Total| t.utilization * t.cycles as f64;
        let busy = lanes(&self.total) + lanes(&other.total);
        let (a, b) = (&mut self.total, &other.total);
        a.cycles += b.cycles;
        a.predicted_cycles += b.predicted_cycles;
        a.macs += b.macs;
        a.nonzero_macs += b.nonzero_macs;
        a.other_operations += b.other_operations;
        a.mismatches += b.mismatches;
        a.counter_mismatches += b.counter_mismatches;
        a.utilization = busy / a.cycles.max(1) as f64;
        self.layers.extend(other.layers);
        self.images = self.images.max(other.images);
        self.exact = other.exact;
        self.difference = self.difference.take().or(other.difference);
        self.values_compared += other.values_compared;
        self.simulated_cycles += other.simulated_cycles;
        self.run_seconds += other.run_seconds;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_add_up() {
        let of = |cycles, utilization| Report {
            total: Total { cycles, utilization, ..Total::default() },
            ..Report::default()
        };
        let mut sum = of(100, 0.5);
        sum.append(of(300, 0.9));
        assert_eq!(sum.total.cycles, 400);
        assert!((sum.total.utilization - 0.8).abs() < 1e-12);
        assert!(sum.agrees());
    }
}
