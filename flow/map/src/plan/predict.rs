//! What the mapper says about the layers of a program.

use pecan_config::geometry::Geometry;
use pecan_config::isa::counter::{Counter, Counters};
use pecan_emulator::Prediction;
use pecan_ir::layer::{Layer, Network};

use crate::LayerMapping;
use crate::cost::search::Choice;
use crate::lower::split::{Away, Split};

/// The layers of a program with what is predicted for them.
pub(crate) fn layers(
    prediction: &Prediction,
    network: &Network,
    geometry: &Geometry,
    descriptions: &[String],
) -> Vec<LayerMapping> {
    let lanes = (geometry.rows * geometry.cols) as f64;
    let mut before = Counters::default();
    let counters = prediction.layers.iter().map(|reading| {
        let layer = reading.counters.since(&before, geometry.counter_bits);
        before = reading.counters;
        layer
    });
    let layers = network.layers.iter().zip(descriptions).zip(counters);
    let mapping = |((layer, description), counters): ((&Layer, &String), Counters)| {
        let cycles = counters[Counter::Cycles];
        LayerMapping {
            name: layer.name.clone(),
            description: description.clone(),
            counters,
            cycles,
            utilization: counters[Counter::PeSteps] as f64 / (lanes * cycles.max(1) as f64),
        }
    };
    layers.map(mapping).collect()
}

/// A mapping in words.
pub(crate) fn describe(choice: &Choice, split: &Split, away: Away) -> String {
    let [th, tw] = choice.tiling.tile;
    let [c, y, x] = choice.tiling.slice;
    let mut text =
        format!("tile {th}x{tw}, slice {c} words x {y}x{x}, {} passes", choice.passes.len());
    if choice.sliced {
        text += ", slices accumulate";
    }
    if away.input || away.output {
        let [h, w] = split.rect;
        text += &format!(", {h}x{w} pixels at a time");
        if split.pass_first {
            text += ", each pass over all of them first";
        }
    }
    text
}
