//! Compiled objects of Verilator's run-time library, shared by all models of one Verilator and compiler.
//!
//! Compiling the library takes longer than compiling a small model, and a sweep builds many models.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use pecan_host::child::Scratch;
use pecan_ir::error::{Result, SimError};

const MANIFEST: &str = "objects.json";

/// A folder of objects for one combination of Verilator, compiler, flags and waveform format.
pub(super) struct Runtime {
    folder: PathBuf,
}

impl Runtime {
    /// The folder for `key` in the user's cache; it need not exist.
    pub(super) fn new(cache: &Path, key: &str) -> Self {
        Self { folder: cache.join("runtime").join(key) }
    }

    /// Copies the objects into the build folder `into`, where make finds them. Returns whether there were any; damaged
    /// ones are not used.
    pub(super) fn provide(&self, into: &Path) -> Result<bool> {
        let Some(objects) = self.load() else { return Ok(false) };
        for (name, bytes) in objects {
            let path = into.join(name);
            fs::write(&path, bytes).map_err(SimError::io("write", &path))?;
        }
        Ok(true)
    }

    /// Keeps the objects that make has left in the build folder `from`.
    pub(super) fn keep(&self, from: &Path) -> Result<()> {
        let base = self.folder.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(base).map_err(SimError::io("create", base))?;
        let staged = Scratch::create(base, ".keep-")?;
        let mut manifest = BTreeMap::new();
        for item in fs::read_dir(from).map_err(SimError::io("list", from))?.flatten() {
            let name = item.file_name().to_string_lossy().into_owned();
            if name.starts_with("verilated") && name.ends_with(".o") {
                let bytes = fs::read(item.path()).map_err(SimError::io("read", from))?;
                manifest.insert(name.clone(), blake3::hash(&bytes).to_hex().to_string());
                let path = staged.path().join(&name);
                fs::write(&path, bytes).map_err(SimError::io("write", &path))?;
            }
        }
        let path = staged.path().join(MANIFEST);
        File::create(&path)
            .and_then(|file| serde_json::to_writer(file, &manifest).map_err(Into::into))
            .map_err(SimError::io("write", &path))?;
        if self.folder.exists() && self.load().is_none() {
            fs::remove_dir_all(&self.folder).map_err(SimError::io("remove", &self.folder))?;
        }
        // Another builder may have been first; its objects are the same.
        match fs::rename(staged.path(), &self.folder) {
            Err(error) if !self.folder.is_dir() => Err(SimError::io("create", &self.folder)(error)),
            _ => Ok(()),
        }
    }

    fn load(&self) -> Option<Vec<(String, Vec<u8>)>> {
        let text = fs::read(self.folder.join(MANIFEST)).ok()?;
        let manifest: BTreeMap<String, String> = serde_json::from_slice(&text).ok()?;
        let read = |(name, hash): (String, String)| {
            let bytes = fs::read(self.folder.join(&name)).ok()?;
            (blake3::hash(&bytes).to_hex().as_str() == hash).then_some((name, bytes))
        };
        manifest.into_iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_come_back_unless_damaged() {
        let root = tempfile::tempdir().unwrap();
        let (first, second) = (root.path().join("first"), root.path().join("second"));
        for folder in [&first, &second] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(first.join("verilated.o"), "object").unwrap();
        fs::write(first.join("Vpecan.o"), "model").unwrap();
        let runtime = Runtime::new(root.path(), "key");
        assert!(!runtime.provide(&second).unwrap());
        runtime.keep(&first).unwrap();
        runtime.keep(&first).unwrap();
        assert!(runtime.provide(&second).unwrap());
        assert_eq!(fs::read(second.join("verilated.o")).unwrap(), b"object");
        assert!(!second.join("Vpecan.o").exists());

        fs::write(runtime.folder.join("verilated.o"), "damage").unwrap();
        assert!(!runtime.provide(&second).unwrap());
        runtime.keep(&first).unwrap();
        assert!(runtime.provide(&second).unwrap());
        assert_eq!(fs::read_dir(root.path().join("runtime")).unwrap().count(), 1);
    }
}
