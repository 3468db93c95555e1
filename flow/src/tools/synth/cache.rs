//! The cache of netlists: one folder per content hash with the files and their record.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use pecan_sim::file::write_whole;
use pecan_sim::verilator::VerilogFile;
use serde::{Deserialize, Serialize};

use super::SynthReport;
use crate::tools::liberty::Library;
use crate::tools::{Result, ToolError};

pub(super) const NETLIST: &str = "netlist.json";
pub(super) const VERILOG: &str = "netlist.v";
pub(super) const SCRIPT: &str = "synth.ys";
pub(super) const LIBERTY: &str = "cells.lib";
const RECORD: &str = "entry.json";

/// What decides a netlist.
pub(super) struct Inputs<'a> {
    pub(super) files: &'a [VerilogFile],
    /// The cell library on disk.
    pub(super) liberty: &'a Path,
    /// Further files: name and text.
    pub(super) extra: &'a [(&'a str, &'a str)],
    pub(super) script: &'a str,
    /// What else decides: hash of the library, version of the tool.
    pub(super) key: &'a [&'a str],
}

/// What is known about a cached netlist.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    /// BLAKE3 of each file, in hexadecimal.
    checksums: BTreeMap<String, String>,
    /// Wall-clock seconds that the synthesis took.
    pub(super) seconds: f64,
    /// Cells and areas.
    pub(super) report: SynthReport,
}

/// A usable cache entry.
pub(super) struct Entry {
    pub(super) folder: PathBuf,
    pub(super) record: Record,
    /// Whether it was there already.
    pub(super) cached: bool,
}

impl Inputs<'_> {
    /// Hash of everything that decides the result.
    fn key(&self) -> String {
        let files = self.files.iter().flat_map(|file| [file.name.as_str(), file.text.as_str()]);
        let extra = self.extra.iter().flat_map(|(name, text)| [*name, *text]);
        let mut hasher = blake3::Hasher::new();
        for text in files.chain(extra).chain([self.script]).chain(self.key.iter().copied()) {
            // The length first, so that moving a byte from one item to the next changes the hash.
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        hasher.finalize().to_hex()[..32].to_string()
    }

    /// Writes everything that the script reads into the folder.
    fn write(&self, folder: &Path) -> Result<()> {
        let rtl = folder.join("rtl");
        fs::create_dir(&rtl).map_err(ToolError::io("create", &rtl))?;
        for file in self.files {
            write(&rtl.join(&file.name), &file.text)?;
        }
        for (name, text) in self.extra.iter().chain(&[(SCRIPT, self.script)]) {
            write(&folder.join(name), text)?;
        }
        let link = folder.join(LIBERTY);
        std::os::unix::fs::symlink(self.liberty, &link).map_err(ToolError::io("create", &link))
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(ToolError::io("write", path))
}

/// Writes the joined cell library into the cache, unless it is there, and returns its path.
pub(super) fn store_liberty(cache: &Path, library: &Library) -> Result<PathBuf> {
    let hash = blake3::hash(library.text.as_bytes()).to_hex();
    let path = cache.join("liberty").join(format!("{}.lib", &hash[..32]));
    if !checksum(&path).is_ok_and(|found| found == hash.as_str()) {
        write_whole(&path, &library.text).map_err(ToolError::io("write", &path))?;
    }
    Ok(path)
}

/// Returns the entry for the inputs, making it first if it is absent or damaged. `make` runs the script in a
/// folder with all inputs and reports on the files that it left there.
///
/// Makers of the same entry wait for each other; the work happens in a scratch folder that becomes the entry
/// in one step, so a killed run leaves no entry behind.
pub(super) fn obtain(
    cache: &Path,
    inputs: &Inputs<'_>,
    make: impl FnOnce(&Path) -> Result<SynthReport>,
) -> Result<Entry> {
    let key = inputs.key();
    let base = cache.join("synthesis");
    let target = base.join(&key);
    if let Some(entry) = load(&target) {
        return Ok(entry);
    }
    fs::create_dir_all(&base).map_err(ToolError::io("create", &base))?;
    let lock_path = base.join(format!("{key}.lock"));
    let lock = File::create(&lock_path).map_err(ToolError::io("create", &lock_path))?;
    // The system releases the lock when its holder ends, however it ends.
    lock.lock().map_err(ToolError::io("lock", &lock_path))?;
    if let Some(entry) = load(&target) {
        return Ok(entry);
    }
    remove_leftovers(&base, &key)?;
    let scratch = tempfile::Builder::new()
        .prefix(&scratch_prefix(&key))
        .tempdir_in(&base)
        .map_err(ToolError::io("create a folder in", &base))?;
    inputs.write(scratch.path())?;
    let start = Instant::now();
    let report = make(scratch.path())?;
    let staged = scratch.path().join("entry");
    fs::create_dir(&staged).map_err(ToolError::io("create", &staged))?;
    let mut checksums = BTreeMap::new();
    for name in [NETLIST, VERILOG] {
        let (from, to) = (scratch.path().join(name), staged.join(name));
        fs::rename(&from, &to).map_err(ToolError::io("move", &from))?;
        checksums.insert(name.to_owned(), checksum(&to)?);
    }
    let record = Record { checksums, seconds: start.elapsed().as_secs_f64(), report };
    let record_path = staged.join(RECORD);
    let text = serde_json::to_string_pretty(&record)
        .map_err(|error| ToolError::io("write", &record_path)(error.into()))?;
    write(&record_path, &text)?;
    fs::rename(&staged, &target).map_err(ToolError::io("create", &target))?;
    Ok(Entry { folder: target, record, cached: false })
}

/// The entry at `target` if it is complete and its files are those that were recorded.
fn load(target: &Path) -> Option<Entry> {
    let text = fs::read(target.join(RECORD)).ok()?;
    let intact = serde_json::from_slice::<Record>(&text).ok().filter(|record| {
        let same = |(name, sum): (&String, &String)| {
            checksum(&target.join(name)).is_ok_and(|found| found == *sum)
        };
        record.checksums.len() == 2 && record.checksums.iter().all(same)
    });
    if intact.is_none() {
        tracing::warn!("the cached netlist {} is damaged and is made again", target.display());
    }
    intact.map(|record| Entry { folder: target.to_path_buf(), record, cached: true })
}

fn checksum(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(ToolError::io("read", path))?;
    Ok(blake3::hash(&bytes).to_hex().to_string())
}

fn scratch_prefix(key: &str) -> String {
    format!(".synth-{key}-")
}

/// Removes a damaged entry and what killed runs left of it. Call with the lock held.
fn remove_leftovers(base: &Path, key: &str) -> Result<()> {
    let prefix = scratch_prefix(key);
    for item in fs::read_dir(base).map_err(ToolError::io("list", base))?.flatten() {
        let name = item.file_name();
        let name = name.to_string_lossy();
        if name == key || name.starts_with(&prefix) {
            let path = item.path();
            fs::remove_dir_all(&path).map_err(ToolError::io("remove", &path))?;
        }
    }
    Ok(())
}
