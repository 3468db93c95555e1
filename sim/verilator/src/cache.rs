//! The cache of built simulators.

use std::fs;

use serde::{Deserialize, Serialize};

use super::WaveFormat;
use super::build::Recipe;
use pecan_host::cache::{Entry, Slot};
use pecan_ir::error::{Result, SimError};

pub(super) const EXECUTABLE: &str = "simulator";

/// Recorded details of a built simulator.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Detail {
    /// Waveform format, if compiled in.
    pub(super) wave: Option<WaveFormat>,
    /// Verilator that made it.
    pub(super) verilator: String,
}

/// Returns the entry for the recipe, building it first if it is absent or damaged.
pub(super) fn obtain(recipe: &Recipe) -> Result<Entry<Detail>> {
    let (base, key) = (recipe.verilator.cache.join("simulators"), recipe.key());
    let slot = Slot { base: &base, key: &key, what: "simulator", files: &[EXECUTABLE] };
    slot.obtain(|folder| {
        // Objects and generated C++ are many times larger than the executable, so only that is kept.
        let built = recipe.build(folder)?;
        fs::rename(&built, folder.join(EXECUTABLE)).map_err(SimError::io("move", &built))?;
        Ok(Detail { wave: recipe.wave, verilator: recipe.verilator.version.clone() })
    })
}
