//! A cache of results that take long to make: one folder per content hash with the files and their record.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::child::Scratch;
use crate::error::HostError;

const RECORD: &str = "entry.json";

/// Key, files and place of a cache entry.
#[derive(Clone, Copy, Debug)]
pub struct Slot<'a> {
    /// Folder of all entries of the kind.
    pub base: &'a Path,
    /// Hash of everything that decides the files.
    pub key: &'a str,
    /// Name of the kind of entry, for messages.
    pub what: &'static str,
    /// Names of its files.
    pub files: &'a [&'static str],
}

/// Record of an entry, stored with its files.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record<D> {
    /// BLAKE3 of each file, in hexadecimal.
    checksums: BTreeMap<String, String>,
    /// Wall-clock seconds that it took to make.
    seconds: f64,
    #[serde(flatten)]
    detail: D,
}

/// A usable entry.
#[derive(Clone, Debug)]
pub struct Entry<D> {
    /// Folder of its files.
    pub folder: PathBuf,
    /// Details recorded by its maker.
    pub detail: D,
    /// Wall-clock seconds that it took to make.
    pub seconds: f64,
    /// Whether it existed before.
    pub cached: bool,
}

impl Slot<'_> {
    /// Returns the entry, making it first if it is absent or damaged. `make` receives an empty folder and leaves the
    /// entry's files in it; all other files there are removed.
    ///
    /// Makers of the same entry wait for each other. The work happens in a scratch folder, which becomes the entry
    /// in one step, so a killed run leaves no entry behind.
    ///
    /// # Errors
    /// Those of `make`, and [`HostError::Io`] for the cache's own files.
    pub fn obtain<D, E>(&self, make: impl FnOnce(&Path) -> Result<D, E>) -> Result<Entry<D>, E>
    where
        D: Serialize + DeserializeOwned,
        E: From<HostError>,
    {
        let target = self.base.join(self.key);
        if let Some(entry) = self.load(&target) {
            return Ok(entry);
        }
        let _lock = self.lock()?;
        if let Some(entry) = self.load(&target) {
            return Ok(entry);
        }
        self.remove_leftovers()?;
        let scratch = Scratch::create(self.base, &self.scratch_prefix())?;
        let start = Instant::now();
        let detail = make(scratch.path())?;
        let seconds = start.elapsed().as_secs_f64();
        let detail = self.keep(scratch.path(), &target, seconds, detail)?;
        Ok(Entry { folder: target, detail, seconds, cached: false })
    }

    /// Waits until no other process makes the entry. The system releases the lock whenever its holder ends.
    fn lock(&self) -> Result<File, HostError> {
        fs::create_dir_all(self.base).map_err(HostError::io("create", self.base))?;
        let path = self.base.join(format!("{}.lock", self.key));
        let lock = File::create(&path).map_err(HostError::io("create", &path))?;
        lock.lock().map_err(HostError::io("lock", &path))?;
        Ok(lock)
    }

    /// Moves the files of a scratch folder into the entry, with `detail` and the time that making them took.
    fn keep<D: Serialize>(
        &self,
        scratch: &Path,
        target: &Path,
        seconds: f64,
        detail: D,
    ) -> Result<D, HostError> {
        let staged = scratch.join("entry");
        fs::create_dir(&staged).map_err(HostError::io("create", &staged))?;
        let mut checksums = BTreeMap::new();
        for name in self.files {
            let (from, to) = (scratch.join(name), staged.join(name));
            fs::rename(&from, &to).map_err(HostError::io("move", &from))?;
            checksums.insert((*name).to_owned(), checksum(&to)?);
        }
        let record = Record { checksums, seconds, detail };
        let path = staged.join(RECORD);
        let text = serde_json::to_string_pretty(&record)
            .map_err(|error| HostError::io("write", &path)(error.into()))?;
        fs::write(&path, text).map_err(HostError::io("write", &path))?;
        fs::rename(&staged, target).map_err(HostError::io("create", target))?;
        Ok(record.detail)
    }

    /// The entry at `target` if it is complete and its files match the record.
    fn load<D: DeserializeOwned>(&self, target: &Path) -> Option<Entry<D>> {
        let text = fs::read(target.join(RECORD)).ok()?;
        let intact = serde_json::from_slice::<Record<D>>(&text).ok().filter(|record| {
            let same = |name: &&str| {
                let found = checksum(&target.join(name)).ok();
                found.is_some() && found.as_ref() == record.checksums.get(*name)
            };
            self.files.iter().all(same)
        });
        if intact.is_none() {
            tracing::warn!(
                "the cached {} {} is damaged and is made again",
                self.what,
                target.display()
            );
        }
        let Record { seconds, detail, .. } = intact?;
        // Time of last use, by which a cache is reduced; an entry whose time cannot be written works as well.
        let _ = File::options()
            .append(true)
            .open(target.join(RECORD))
            .and_then(|file| file.set_modified(std::time::SystemTime::now()));
        Some(Entry { folder: target.to_path_buf(), detail, seconds, cached: true })
    }

    fn scratch_prefix(&self) -> String {
        format!(".build-{}-", self.key)
    }

    /// Removes a damaged entry and remains of killed runs. Call with the lock held.
    fn remove_leftovers(&self) -> Result<(), HostError> {
        let prefix = self.scratch_prefix();
        for item in fs::read_dir(self.base).map_err(HostError::io("list", self.base))?.flatten() {
            let name = item.file_name();
            let name = name.to_string_lossy();
            if name == self.key || name.starts_with(&prefix) {
                let path = item.path();
                fs::remove_dir_all(&path).map_err(HostError::io("remove", &path))?;
            }
        }
        Ok(())
    }
}

/// BLAKE3 of a file, in hexadecimal.
///
/// # Errors
/// [`HostError::Io`].
pub fn checksum(path: &Path) -> Result<String, HostError> {
    let bytes = fs::read(path).map_err(HostError::io("read", path))?;
    Ok(blake3::hash(&bytes).to_hex().to_string())
}
