//! Published form of a layer's mapping: loops with their bounds and levels, tiles, residency.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// A loop dimension of a convolution, as the literature on mappings names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Dimension {
    /// Output channels.
    K,
    /// Words of input channels ([`Geometry::word_channels`](pecan_config::geometry::Geometry) channels each).
    C,
    /// Kernel rows.
    R,
    /// Kernel columns.
    S,
    /// Output rows.
    P,
    /// Output columns.
    Q,
}

/// Level of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Over parts of tensors that are loaded from DRAM one after the other.
    Dram,
    /// Over kernels of the compute engine, whose operands lie in the global buffer.
    Buffer,
    /// Within a kernel, over tiles of pixels and of the reduction, and over output channels. Within a reduction tile
    /// the weight list decides the order, as it skips groups of zeros.
    Array,
    /// In space: over the rows of the array (pixels), or its columns and lanes (output channels).
    Spatial,
}

/// One loop of a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Loop {
    /// Its level.
    pub level: Level,
    /// Its dimension.
    pub dimension: Dimension,
    /// Number of iterations. For loops in space, units that work side by side.
    pub bound: usize,
    /// Largest extent along the dimension of one iteration.
    pub tile: usize,
}

/// Output pixels that are computed before the next are loaded, and the size of their allocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SpatialTile {
    /// Output rows (P) and columns (Q).
    pub pixels: [usize; 2],
    /// Every channel tile is computed for all spatial tiles before the next channel tile.
    pub inside_channel_tiles: bool,
    /// Alternating allocations: 2 where transfers hide behind compute.
    pub buffers: usize,
    /// Global-buffer words of an input allocation; 0 if the input is resident.
    pub input_words: usize,
    /// Global-buffer words of an output allocation; 0 if the output is resident.
    pub output_words: usize,
}

/// A mapping of a layer: tile sizes, order of loops, bounds per level, residency, buffers used.
///
/// Its [`Display`](fmt::Display) is a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Mapping {
    /// Output rows (P) and columns (Q) of a tile; each pixel has a row of the array.
    pub tile: [usize; 2],
    /// Reduction tile: channel words (C), kernel rows (R), kernel columns (S).
    pub reduction_tile: [usize; 3],
    /// Output channels (K) of every channel tile, padded to whole words.
    pub channel_tiles: Vec<usize>,
    /// Every reduction tile is a kernel by itself, which adds to the partial sums of the one before.
    pub accumulates: bool,
    /// The pixels of all rows are mapped as one row: the layer is pointwise.
    pub flattened: bool,
    /// Loops from the outermost to those in space.
    pub loops: Vec<Loop>,
    /// The input lies in the global buffer as a whole.
    pub input_resident: bool,
    /// The output lies in the global buffer as a whole.
    pub output_resident: bool,
    /// The weight lists of all channel tiles fit the weight buffers together.
    pub weights_resident: bool,
    /// Weight-buffer entries of the longest column, over all channel tiles.
    #[schemars(extend("unit" = "list entries"))]
    pub weight_entries: u64,
    /// Spatial tile, where input or output do not lie in the global buffer.
    pub spatial_tile: Option<SpatialTile>,
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([th, tw], [c, y, x]) = (self.tile, self.reduction_tile);
        let passes = self.channel_tiles.len();
        write!(f, "tile {th}x{tw}, slice {c} words x {y}x{x}, {passes} passes")?;
        if self.accumulates {
            f.write_str(", slices accumulate")?;
        }
        let Some(SpatialTile { pixels: [h, w], inside_channel_tiles, .. }) = self.spatial_tile
        else {
            return Ok(());
        };
        write!(f, ", {h}x{w} pixels at a time")?;
        if inside_channel_tiles {
            f.write_str(", each pass over all of them first")?;
        }
        Ok(())
    }
}
