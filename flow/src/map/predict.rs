//! What the mapper says about the layers of a program.

use pecan_hdl::geometry::Geometry;
use pecan_hdl::isa::counter::Counter;
use pecan_sim::emulator::{Emulator, Outcome};
use pecan_sim::layer::Network;
use pecan_sim::memory::MemoryModel;
use pecan_sim::program::Program;

use super::choose::Choice;
use super::split::{Away, Split};
use super::{LayerMapping, MapError};

/// The predictions for the layers of a finished program, and its cycles.
///
/// # Errors
/// The program is malformed or does not run to its end.
pub(super) fn predict(
    emulator: &mut Emulator,
    program: &Program,
    network: &Network,
    geometry: &Geometry,
    descriptions: &[String],
) -> Result<(Vec<LayerMapping>, u64), MapError> {
    let report = emulator.predict(program, &MemoryModel::Ideal)?;
    if report.outcome != Outcome::Done {
        return Err(MapError::Unfinished(report.outcome));
    }
    let lanes = (geometry.rows * geometry.cols) as f64;
    let counters = report.layers(geometry.counter_bits);
    let layers = network.layers.iter().zip(descriptions).zip(counters);
    let layers = layers.map(|((layer, description), counters)| {
        let cycles = counters[Counter::Cycles];
        LayerMapping {
            name: layer.name.clone(),
            description: description.clone(),
            counters,
            cycles,
            utilization: counters[Counter::PeSteps] as f64 / (lanes * cycles.max(1) as f64),
        }
    });
    Ok((layers.collect(), report.cycles))
}

/// A mapping in words.
pub(super) fn describe(choice: &Choice, split: &Split, away: Away) -> String {
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
    }
    text
}
