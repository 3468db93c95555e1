//! Predictions for the layers of a program.

use pecan_config::geometry::Geometry;
use pecan_config::isa::counter::{Counter, Counters};
use pecan_emulator::Prediction;
use pecan_ir::layer::{Layer, Network};

use super::compiled::LayerMapping;
use crate::mapping::Mapping;

/// The layers of a program with their predictions.
pub(crate) fn layers(
    prediction: &Prediction,
    network: &Network,
    geometry: &Geometry,
    mappings: &[Mapping],
) -> Vec<LayerMapping> {
    let lanes = (geometry.rows * geometry.cols) as f64;
    let mut before = Counters::default();
    let counters = prediction.layers.iter().map(|reading| {
        let layer = reading.counters.since(&before, geometry.counter_bits);
        before = reading.counters;
        layer
    });
    let layers = network.layers.iter().zip(mappings).zip(counters);
    let predicted = |((layer, mapping), counters): ((&Layer, &Mapping), Counters)| {
        let cycles = counters[Counter::Cycles];
        LayerMapping {
            name: layer.name.clone(),
            copy: layer.is_copy(),
            mapping: mapping.clone(),
            counters,
            cycles,
            utilization: counters[Counter::PeSteps] as f64 / (lanes * cycles.max(1) as f64),
        }
    };
    layers.map(predicted).collect()
}
