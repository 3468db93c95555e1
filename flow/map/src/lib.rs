//! Mapper: compiles a quantized network into a program for one configuration.
//!
//! A layer becomes one or more kernels (see `docs/command-stream.md`).
//!
//! # The mapping space
//!
//! A mapping of a layer is a choice of
//!
//! - the **tile**: `h x w` output pixels, one per row of the array; all `h w <= R` whose patch the loader's
//!   registers span. Layers of single pixels are flattened to one row of pixels first;
//! - the **slice**: channel words, kernel rows and kernel columns that lie in half a scratchpad. Kernel rows and
//!   columns are cut into even parts; of channel words as many as fit, evenly cut, or as many as fit;
//! - the **passes** over output channels: even parts of the channels, and all multiples of what fills the columns
//!   once, whose partial sums fit a psum bank and whose lists fit the weight buffers.
//!
//! If no pass fits, the lists of single slices have to: slices then accumulate in kernels of their own, and any even
//! part of the channel words is in the space. The search covers all combinations, bounds each from below, times those
//! that no found cost rules out and so returns a mapping of least [`Objective::cost`]; [`Searched`] counts both. Cost
//! is that of the layer by itself with its tensors in the global buffer. Of equals the first in the order of bounds,
//! then slices (kernel rows, kernel columns, channel words: large first), passes and tiles (large first, then
//! square) wins.
//!
//! Not searched, but decided by rules: which tensors live in the global buffer (all that fit), rectangles of output
//! pixels where one does not (the largest that fit, two at a time where loads hide behind runs), whether all channel tiles of
//! a rectangle come before the next one or all rectangles of a channel tile (what loads fewer bits), when lists are
//! loaded (as early as nothing in use is overwritten), and the order of lane groups, which levels the columns.
//!
//! A fully connected layer for one image has a single output pixel and so uses one row of the array: rows hold
//! pixels, and no sum runs across rows. Its lists are used once, so the stream bounds it, not the array.
//!
//! # Plans
//!
//! [`plan_network`] and [`plan_shapes()`] predict counters and cycles with the code that builds the program and the
//! clock of the emulator, without the program's bytes.

mod cost;
mod emit;
mod error;
mod lower;
mod mapping;
mod options;
mod plan;
mod space;

pub use crate::cost::objective::{ActionCosts, CostError, Objective};
pub use crate::lower::layer::MOST_KERNELS;
pub use crate::plan::shapes::{Found, plan_shapes, search_shape};
pub use crate::space::array_mapping::Searched;
pub use crate::space::density::{Density, DensityError};
pub use error::MapError;
pub use mapping::{Dimension, Level, Loop, Mapping, SpatialTile};
pub use options::Options;
pub use plan::compiled::{Compiled, Later, LayerMapping};
pub use plan::job::compile;
pub use plan::{DataCounts, LayerPlan, NetworkPlan, plan_network};
