//! The mapping of a layer in the terms of [`Mapping`].

use std::ops::Range;

use pecan_config::geometry::Geometry;

use crate::lower::buffer_mapping::{Away, BufferMapping};
use crate::mapping::{Dimension, Level, Loop, Mapping, SpatialTile};
use crate::space::array_mapping::ArrayMapping;
use crate::space::workload::Workload;

/// A layer with the mapping found for it.
pub(crate) struct Described<'a> {
    pub(crate) workload: &'a Workload<'a>,
    pub(crate) flattened: bool,
    pub(crate) array: &'a ArrayMapping,
    pub(crate) buffer: &'a BufferMapping,
    pub(crate) away: Away,
}

impl Described<'_> {
    /// The mapping in the terms of the literature.
    pub(crate) fn mapping(&self, geometry: &Geometry) -> Mapping {
        let Self { array, buffer, away, .. } = *self;
        let elsewhere = away.input || away.output;
        let spatial_tile = elsewhere.then_some(SpatialTile {
            pixels: buffer.rect,
            inside_channel_tiles: buffer.channel_tiles_first,
            buffers: buffer.slots,
            input_words: buffer.input,
            output_words: buffer.output,
        });
        Mapping {
            tile: array.tiling.tile,
            reduction_tile: array.tiling.slice,
            channel_tiles: array.channel_tiles.iter().map(Range::len).collect(),
            accumulates: array.sliced,
            flattened: self.flattened,
            loops: self.loops(elsewhere, geometry),
            input_resident: !away.input,
            output_resident: !away.output,
            weights_resident: array.resident(geometry),
            weight_entries: array.walk,
            spatial_tile,
        }
    }

    /// The loops from the outermost to those in space, without those of a single iteration.
    fn loops(&self, elsewhere: bool, geometry: &Geometry) -> Vec<Loop> {
        let channels = self.array.channel_tiles.iter().map(Range::len).max().unwrap_or(0);
        let channel_tiles = |level| Loop {
            level,
            dimension: Dimension::K,
            bound: self.array.channel_tiles.len(),
            tile: channels,
        };
        let mut loops = Vec::new();
        let first = elsewhere && self.buffer.channel_tiles_first;
        if first {
            loops.push(channel_tiles(Level::Dram));
        }
        // Pixels are also cut where everything is resident, if a kernel over all of them would take too long.
        let level = if elsewhere { Level::Dram } else { Level::Buffer };
        let outputs = self.workload.axes.map(|axis| axis.output);
        let mut extent = outputs;
        for (axis, dimension) in [Dimension::P, Dimension::Q].into_iter().enumerate() {
            let tile = self.buffer.rect[axis].min(outputs[axis]);
            loops.push(Loop { level, dimension, bound: outputs[axis].div_ceil(tile), tile });
            extent[axis] = tile;
        }
        if !first {
            loops.push(channel_tiles(Level::Buffer));
        }
        loops.extend(self.inner(extent, geometry));
        loops.extend(self.spatial(channels, geometry));
        loops.retain(|one| one.bound > 1);
        loops
    }

    /// Loops over tiles of pixels and of the reduction, for `extent` output rows and columns.
    fn inner(&self, extent: [usize; 2], geometry: &Geometry) -> Vec<Loop> {
        let tiling = &self.array.tiling;
        let pixels = |axis: usize, dimension| {
            // Phases of a dilated layer are computed one after the other, each with tiles of its own.
            let spacing = self.workload.axes[axis].spacing(tiling.tile[axis]).min(extent[axis]);
            let tiles =
                |phase: usize| (extent[axis] - phase).div_ceil(spacing).div_ceil(tiling.tile[axis]);
            let bound = (0..spacing).map(tiles).sum();
            Loop { level: Level::Array, dimension, bound, tile: tiling.tile[axis] }
        };
        let level = if self.array.sliced { Level::Buffer } else { Level::Array };
        // Where every output channel reads its own input channel, there is no sum over channels.
        let per_channel = self.workload.per_channel();
        let all = self.workload.inputs.div_ceil(geometry.word_channels);
        let words = if per_channel { 1 } else { all };
        let [ky, kx] = self.workload.axes.map(|axis| axis.kernel);
        let reduction = [(Dimension::C, words), (Dimension::R, ky), (Dimension::S, kx)];
        let reduction =
            reduction.into_iter().zip(tiling.slice).map(|((dimension, extent), tile)| {
                let tile = tile.min(extent.max(1));
                Loop { level, dimension, bound: extent.div_ceil(tile), tile }
            });
        let mut loops: Vec<Loop> = reduction.collect();
        let pixels = [pixels(0, Dimension::P), pixels(1, Dimension::Q)];
        let at = if self.array.sliced { loops.len() } else { 0 };
        loops.splice(at..at, pixels);
        loops
    }

    /// The loop over output channels that the array does not compute side by side, and the loops in space: pixels on
    /// rows, output channels on columns and lanes.
    fn spatial(&self, channels: usize, geometry: &Geometry) -> [Loop; 4] {
        let [h, w] = self.array.tiling.tile;
        let level = Level::Spatial;
        let wide = channels.min(geometry.channels(1));
        let rounds = channels.div_ceil(wide.max(1));
        [
            Loop { level: Level::Array, dimension: Dimension::K, bound: rounds, tile: wide },
            Loop { level, dimension: Dimension::P, bound: h, tile: 1 },
            Loop { level, dimension: Dimension::Q, bound: w, tile: 1 },
            Loop { level, dimension: Dimension::K, bound: wide, tile: 1 },
        ]
    }
}
