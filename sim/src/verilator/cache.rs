//! The cache of built simulators: one folder per content hash with the executable and its record.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::WaveFormat;
use super::build::Recipe;
use crate::error::{Result, SimError};

const EXECUTABLE: &str = "simulator";
const RECORD: &str = "entry.json";

/// What is known about a cached executable.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    /// BLAKE3 of the executable, in hexadecimal.
    pub(super) checksum: String,
    /// Wall-clock seconds that the build took.
    pub(super) build_seconds: f64,
    /// Waveform format, if compiled in.
    pub(super) wave: Option<WaveFormat>,
    /// Verilator that made it.
    pub(super) verilator: String,
}

/// A usable cache entry.
pub(super) struct Entry {
    pub(super) executable: PathBuf,
    pub(super) record: Record,
    /// Whether it was there already.
    pub(super) cached: bool,
}

/// Returns the entry for the recipe, building it first if it is absent or damaged.
///
/// Builders of the same entry wait for each other; the build happens in a scratch folder that becomes the
/// entry in one step, so a killed build leaves no entry behind.
pub(super) fn obtain(recipe: &Recipe) -> Result<Entry> {
    let key = recipe.key();
    let base = recipe.verilator.cache.join("simulators");
    let target = base.join(&key);
    if let Some(entry) = load(&target) {
        return Ok(entry);
    }
    fs::create_dir_all(&base).map_err(SimError::io("create", &base))?;
    let lock_path = base.join(format!("{key}.lock"));
    let lock = File::create(&lock_path).map_err(SimError::io("create", &lock_path))?;
    // The system releases the lock when its holder ends, however it ends.
    lock.lock().map_err(SimError::io("lock", &lock_path))?;
    if let Some(entry) = load(&target) {
        return Ok(entry);
    }
    remove_leftovers(&base, &key)?;
    let scratch = tempfile::Builder::new()
        .prefix(&scratch_prefix(&key))
        .tempdir_in(&base)
        .map_err(SimError::io("create a folder in", &base))?;
    let start = Instant::now();
    let built = recipe.build(scratch.path())?;
    let record = Record {
        checksum: checksum(&built)?,
        build_seconds: start.elapsed().as_secs_f64(),
        wave: recipe.wave,
        verilator: recipe.verilator.version.clone(),
    };
    // Objects and generated C++ are many times larger than the executable: keep only that.
    let staged = scratch.path().join("entry");
    let record_path = staged.join(RECORD);
    fs::create_dir(&staged).map_err(SimError::io("create", &staged))?;
    fs::rename(&built, staged.join(EXECUTABLE)).map_err(SimError::io("move", &built))?;
    File::create(&record_path)
        .and_then(|file| serde_json::to_writer_pretty(file, &record).map_err(Into::into))
        .map_err(SimError::io("write", &record_path))?;
    fs::rename(&staged, &target).map_err(SimError::io("create", &target))?;
    Ok(Entry { executable: target.join(EXECUTABLE), record, cached: false })
}

/// The entry at `target` if it is complete and its executable is the one that was recorded.
fn load(target: &Path) -> Option<Entry> {
    let text = fs::read(target.join(RECORD)).ok()?;
    let executable = target.join(EXECUTABLE);
    let intact = serde_json::from_slice::<Record>(&text)
        .ok()
        .filter(|record| checksum(&executable).is_ok_and(|found| found == record.checksum));
    if intact.is_none() {
        tracing::warn!("the cached simulator {} is damaged and is built again", target.display());
    }
    intact.map(|record| Entry { executable, record, cached: true })
}

fn checksum(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(SimError::io("read", path))?;
    Ok(blake3::hash(&bytes).to_hex().to_string())
}

fn scratch_prefix(key: &str) -> String {
    format!(".build-{key}-")
}

/// Removes a damaged entry and what killed builds of it left. Call with the lock held.
fn remove_leftovers(base: &Path, key: &str) -> Result<()> {
    let prefix = scratch_prefix(key);
    for item in fs::read_dir(base).map_err(SimError::io("list", base))?.flatten() {
        let name = item.file_name();
        let name = name.to_string_lossy();
        if name == key || name.starts_with(&prefix) {
            let path = item.path();
            fs::remove_dir_all(&path).map_err(SimError::io("remove", &path))?;
        }
    }
    Ok(())
}
