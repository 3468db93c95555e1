//! How a layer is laid over the array: tile, reduction tile and channel tiles.

use std::ops::Range;

use pecan_config::geometry::Geometry;
use pecan_config::isa;

use super::workload::Workload;
use crate::space::reduction::ReductionTile;

/// How a layer is laid over the array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tiling {
    /// Output pixels of a tile (y, x).
    pub(crate) tile: [usize; 2],
    /// Extent of a slice: channel words, kernel rows, kernel columns.
    pub(crate) slice: ReductionTile,
}

/// How a layer is cut, apart from what the buffer forces.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ArrayMapping {
    /// Tile and slice.
    pub(crate) tiling: Tiling,
    /// Output channels of each channel tile.
    pub(crate) channel_tiles: Vec<Range<usize>>,
    /// Each slice is a kernel of its own, because the lists of a channel tile exceed the weight buffer.
    pub(crate) sliced: bool,
    /// Entries of the longest column, over all channel tiles.
    pub(crate) walk: u64,
    /// Its cost by the objective.
    pub(crate) cost: f64,
    /// Predicted cycles of the layer by itself.
    pub(crate) cycles: u64,
    /// How many mappings the search has covered.
    pub(crate) searched: Searched,
}

impl ArrayMapping {
    /// Whether the lists of all channel tiles fit the weight buffers together.
    pub(crate) fn resident(&self, geometry: &Geometry) -> bool {
        self.walk <= geometry.weight_entries as u64
    }
}

/// Longest kernel in cycles that the mapper makes; a kernel's time is exact, so little is left for safety.
pub(crate) const LONGEST_KERNEL: u64 = isa::register::LONGEST_RUN - 2 * isa::register::LIMIT_UNIT;

/// Fewest tiles of a channel tile that is spread.
pub(crate) const FEWEST_TILES: usize = 6;

/// Mappings of a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    /// Mappings in the space, each of which was bounded from below.
    pub bounded: u64,
    /// Those among them whose bound did not rule them out, so that they were timed.
    pub timed: u64,
}

/// Phases along each axis.
fn phase_grid(workload: &Workload<'_>, tiling: &Tiling) -> [usize; 2] {
    [0, 1].map(|i| workload.axes[i].spacing(tiling.tile[i]).min(workload.axes[i].output))
}

/// Phases of a tiling, (y, x).
pub(crate) fn phases(workload: &Workload<'_>, tiling: &Tiling) -> Vec<[usize; 2]> {
    let [y, x] = phase_grid(workload, tiling);
    (0..y * x).map(|n| [n / x, n % x]).collect()
}

/// How many phases there are.
pub(crate) fn phase_count(workload: &Workload<'_>, tiling: &Tiling) -> usize {
    phase_grid(workload, tiling).iter().product()
}
