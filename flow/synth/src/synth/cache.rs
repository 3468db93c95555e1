//! The cache of netlists, and its keys.

use std::fs;
use std::path::{Path, PathBuf};

use pecan_host::cache::checksum;
use pecan_host::file::write_whole;

use crate::library::Library;
use crate::{Result, ToolError};

pub(super) const NETLIST: &str = "netlist.json";
pub(super) const VERILOG: &str = "netlist.v";
pub(super) const LIBERTY: &str = "cells.lib";

/// A file that Yosys reads: its name and text.
pub(super) type Input = (String, String);

/// Hash of everything that decides a result: files and further inputs.
pub(super) fn key<'a>(files: &'a [Input], more: impl IntoIterator<Item = &'a str>) -> String {
    let files = files.iter().flat_map(|(name, text)| [name.as_str(), text.as_str()]);
    let mut hasher = blake3::Hasher::new();
    for text in files.chain(more) {
        // The length first, so that moving a byte from one item to the next changes the hash.
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_string()
}

/// Writes the files into the folder, and a link to the cell library.
pub(super) fn write(folder: &Path, files: &[Input], liberty: &Path) -> Result<()> {
    for (name, text) in files {
        let path = folder.join(name);
        fs::write(&path, text).map_err(ToolError::io("write", &path))?;
    }
    link(liberty, &folder.join(LIBERTY))
}

/// Makes a link.
pub(super) fn link(from: &Path, to: &Path) -> Result<()> {
    std::os::unix::fs::symlink(from, to).map_err(ToolError::io("create", to))
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
