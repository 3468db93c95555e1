//! Size of the user's cache, and its reduction.
//!
//! Every kind of entry has a folder below the cache, every entry a folder or file in it. Reading an entry updates its
//! time of last use, so that the least recently used entries are removed first.

use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::error::{HostError, Result};

/// Entries that were used this recently are kept, as a run may be about to use them again.
const RECENT: Duration = Duration::from_secs(600);

/// Folder of installed tools, which are no results of a run and need a network to be installed again.
pub const TOOLS: &str = "tools";

/// An entry of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Kind: folder below the cache, such as `simulators`.
    pub kind: String,
    /// Folder or file of the entry.
    pub path: PathBuf,
    /// Size of its files in bytes.
    pub bytes: u64,
    /// Time of last use, as far as the file system records it.
    pub used: SystemTime,
}

/// Every entry of a cache, by kind and path; none if there is no such folder. Folders that are about to become entries,
/// and remains of killed runs, count as entries whose names begin with a point.
///
/// # Errors
/// [`HostError::Io`] if a folder cannot be listed.
pub fn survey(cache: &Path) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for kind in list(cache)?.into_iter().filter(|path| path.is_dir()) {
        let name = kind.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for path in list(&kind)? {
            if path.extension().is_some_and(|extension| extension == "lock") {
                continue;
            }
            // Removed since it was listed: skipped.
            let Ok((bytes, used)) = measure(&path) else { continue };
            items.push(Item { kind: name.clone(), path, bytes, used });
        }
    }
    Ok(items)
}

/// Extent of the removal of entries from a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Everything but tools.
    Nothing,
    /// Everything, tools too.
    NotEvenTools,
    /// The entries that were not used for longest, until the others take at most so many bytes. Tools and entries
    /// that were used in the last ten minutes stay.
    Bytes(u64),
}

/// Removes entries, and returns the removed ones. Entries that another process is making are kept.
///
/// # Errors
/// [`HostError::Io`] if the cache cannot be listed or an entry not be removed.
pub fn remove(cache: &Path, limit: Limit) -> Result<Vec<Item>> {
    let mut items = survey(cache)?;
    items.retain(|item| limit == Limit::NotEvenTools || item.kind != TOOLS);
    items.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
    let mut left: u64 = items.iter().map(|item| item.bytes).sum();
    let recent = SystemTime::now() - RECENT;
    let mut gone = Vec::new();
    for item in items {
        if let Limit::Bytes(most) = limit
            && (left <= most || item.used > recent)
        {
            continue;
        }
        if discard(&item)? {
            left -= item.bytes;
            gone.push(item);
        }
    }
    Ok(gone)
}

/// Removes an entry unless a process is making it; returns whether it was removed.
fn discard(item: &Item) -> Result<bool> {
    let Some(_lock) = idle(&item.path)? else { return Ok(false) };
    let removed = match item.path.is_dir() {
        true => fs::remove_dir_all(&item.path),
        false => fs::remove_file(&item.path),
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(HostError::io("remove", &item.path)(error))
        }
        _ => Ok(true),
    }
}

/// The lock of an entry: `Some(None)` if the entry has none, `None` if a process holds it.
fn idle(path: &Path) -> Result<Option<Option<File>>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Scratch folders have the names of the entries that they will become: `.build-KEY-...`.
    let key = match name.strip_prefix(".build-") {
        Some(rest) => rest.rsplit_once('-').map_or(rest, |(key, _)| key),
        None => &name,
    };
    let lock = path.with_file_name(format!("{key}.lock"));
    match File::open(&lock) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Some(None)),
        Err(error) => Err(HostError::io("open", &lock)(error)),
        Ok(file) => match file.try_lock() {
            Ok(()) => Ok(Some(Some(file))),
            Err(_) => Ok(None),
        },
    }
}

/// Entries of a folder in order; none if there is no such folder.
fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(HostError::io("list", folder))?,
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

/// Size and time of last change of everything at a path; links are not followed.
fn measure(path: &Path) -> std::io::Result<(u64, SystemTime)> {
    let own = fs::symlink_metadata(path)?;
    let time = |data: &Metadata| data.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let (mut bytes, mut used) = (0, time(&own));
    let mut open = vec![(path.to_path_buf(), own)];
    while let Some((path, data)) = open.pop() {
        if data.is_dir() {
            for entry in fs::read_dir(&path)?.flatten() {
                open.push((entry.path(), entry.metadata()?));
            }
        } else {
            bytes += data.len();
            used = used.max(time(&data));
        }
    }
    Ok((bytes, used))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cache with entries of 10, 20 and 30 bytes, the first one the oldest, and a tool.
    fn cache() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let entry = |path: &str, bytes: usize, hours: u64| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, vec![0; bytes]).unwrap();
            let time = SystemTime::now() - Duration::from_secs(3600 * hours);
            File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
            File::open(path.parent().unwrap()).unwrap().set_modified(time).unwrap();
        };
        entry("simulators/old/simulator", 10, 30);
        entry("synthesis/middle/netlist.json", 20, 20);
        entry("simulators/new/simulator", 30, 10);
        entry("tools/verilator/bin", 1000, 90);
        folder
    }

    fn names(items: &[Item]) -> Vec<String> {
        items.iter().map(|i| i.path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let folder = cache();
        let bytes: u64 = survey(folder.path()).unwrap().iter().map(|item| item.bytes).sum();
        assert_eq!(bytes, 1060);
        assert_eq!(names(&remove(folder.path(), Limit::Bytes(60)).unwrap()), [""; 0]);
        assert_eq!(names(&remove(folder.path(), Limit::Bytes(49)).unwrap()), ["old", "middle"]);
        assert_eq!(names(&survey(folder.path()).unwrap()), ["new", "verilator"]);
        assert_eq!(names(&remove(folder.path(), Limit::Nothing).unwrap()), ["new"]);
        assert_eq!(names(&remove(folder.path(), Limit::NotEvenTools).unwrap()), ["verilator"]);
        assert!(survey(&folder.path().join("absent")).unwrap().is_empty());
    }

    #[test]
    fn what_is_being_made_stays() {
        let folder = cache();
        let base = folder.path().join("simulators");
        fs::create_dir(base.join(".build-next-Ab1")).unwrap();
        let lock = File::create(base.join("next.lock")).unwrap();
        lock.lock().unwrap();
        let gone = remove(folder.path(), Limit::Nothing).unwrap();
        assert_eq!(names(&gone), ["old", "middle", "new"]);
        assert!(base.join(".build-next-Ab1").exists());
        drop(lock);
        assert_eq!(names(&remove(folder.path(), Limit::Nothing).unwrap()), [".build-next-Ab1"]);
    }
}
