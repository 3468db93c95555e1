//! Mapping of a layer onto the array: tile, reduction tile and channel tiles.

use std::ops::Range;

use pecan_config::geometry::Geometry;
use pecan_config::isa;

use super::workload::Workload;
use crate::space::reduction::ReductionTile;

/// Tile and reduction tile of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tiling {
    /// Output pixels of a tile (y, x).
    pub(crate) tile: [usize; 2],
    /// Reduction tile: channel words, kernel rows, kernel columns.
    pub(crate) slice: ReductionTile,
}

/// Mapping of a layer onto the array, apart from divisions that the global buffer forces.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ArrayMapping {
    /// Tile and reduction tile.
    pub(crate) tiling: Tiling,
    /// Output channels of each channel tile.
    pub(crate) channel_tiles: Vec<Range<usize>>,
    /// Each reduction tile is a kernel of its own, because the lists of a channel tile exceed the weight buffer.
    pub(crate) sliced: bool,
    /// Entries of the longest column, over all channel tiles.
    pub(crate) walk: u64,
    /// Its cost by the objective.
    pub(crate) cost: f64,
    /// Predicted cycles of the layer by itself.
    pub(crate) cycles: u64,
    /// Extent of the search.
    pub(crate) searched: Searched,
}

impl ArrayMapping {
    /// Whether the lists of all channel tiles fit the weight buffers together.
    pub(crate) fn resident(&self, geometry: &Geometry) -> bool {
        self.walk <= geometry.weight_entries as u64
    }
}

/// Longest kernel in cycles that the mapper makes. Predicted cycles are exact, so a small margin suffices.
pub(crate) const LONGEST_KERNEL: u64 = isa::register::LONGEST_RUN - 2 * isa::register::LIMIT_UNIT;

/// Fewest tiles of a channel tile that is spread.
pub(crate) const FEWEST_TILES: usize = 6;

/// Extent of a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    /// Mappings in the space; the cost of each was bounded from below.
    pub bounded: u64,
    /// Mappings among them that their bound did not exclude, so that they were timed.
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

/// Number of phases.
pub(crate) fn phase_count(workload: &Workload<'_>, tiling: &Tiling) -> usize {
    phase_grid(workload, tiling).iter().product()
}
