//! The cache of netlists, and what decides one.

use std::fs;
use std::path::{Path, PathBuf};

use pecan_sim::cache::{Entry, Slot, checksum};
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
pub(super) struct Detail {
    /// Cells and areas.
    pub(super) report: SynthReport,
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
pub(super) fn obtain(
    cache: &Path,
    inputs: &Inputs<'_>,
    make: impl FnOnce(&Path) -> Result<SynthReport>,
) -> Result<Entry<Detail>> {
    let (base, key) = (cache.join("synthesis"), inputs.key());
    let slot = Slot { base: &base, key: &key, what: "netlist", files: &[NETLIST, VERILOG] };
    slot.obtain(|folder| {
        inputs.write(folder)?;
        Ok(Detail { report: make(folder)? })
    })
}
