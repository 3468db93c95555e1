//! Mapper: compiles a quantized network into a program for one configuration.
//!
//! A layer becomes one or more kernels (see `docs/command-stream.md`).
//!
//! # The mapping space
//!
//! A mapping of a layer is a choice of
//!
//! - the **tile**: `h x w` output pixels, one per row of the array; all `h w <= R` whose patch fits the loader's
//!   registers. Layers of single pixels are flattened to one row of pixels first;
//! - the **reduction tile**: channel words, kernel rows and kernel columns that fit half a scratchpad. Kernel rows and
//!   columns are cut into even parts; channel words are as many as fit, with and without cutting them evenly;
//! - the **channel tiles**: even parts of the output channels, and all multiples of the channels that fill the columns
//!   once, whose partial sums fit a psum bank and whose lists fit the weight buffers.
//!
//! If no channel tile fits, the lists of a single reduction tile have to fit: reduction tiles then accumulate in
//! kernels of their own, and the space includes any even part of the channel words. The search covers all combinations,
//! bounds the cost of each from below and times those whose bound does not exceed the best cost found. So it returns a
//! mapping of least [`Objective::cost`]; [`Searched`] counts both. Cost is that of the layer by itself with its tensors
//! in the global buffer. Among equals the first wins in the order of bounds, then reduction tiles (kernel rows, kernel
//! columns, channel words: large first), channel tiles and tiles (large first, then square).
//!
//! Rules decide the rest without a search: which tensors are resident in the global buffer (all that fit); spatial
//! tiles where a tensor is not (the largest that fit, two allocations where loads hide behind kernels); whether all
//! channel tiles of a spatial tile come before the next one or all spatial tiles of a channel tile (the order that
//! loads fewer bits); when lists are loaded (as early as they overwrite nothing in use); and the order of lane groups,
//! which balances the columns.
//!
//! A fully connected layer for one image has a single output pixel and so uses one row of the array: rows hold pixels,
//! and no sum crosses rows. Its lists are used once, so the stream limits it, not the array.
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
