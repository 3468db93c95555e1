//! Settings of the mapper.

use crate::cost::objective::Objective;
use crate::space::density::Density;

/// Settings of the mapper.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Objective of the search.
    pub objective: Objective,
    /// Density of the lists of layers without weights; see [`plan_shapes`](fn@crate::plan_shapes).
    pub density: Density,
}
