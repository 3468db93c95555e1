//! Where images lie: a folder or a zip archive.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use crate::archive;

/// Most bytes of an image file.
const MOST_BYTES: u64 = 1 << 26;
/// Most images in a folder; an archive has a limit of its own.
const MOST_IMAGES: usize = 1 << 21;
/// Most folders within each other.
const MOST_DEPTH: usize = 8;

/// An image in its folder or archive.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Path below the folder or in the archive.
    pub(super) path: String,
    /// Folders of it, without those that all images share.
    pub(super) folder: String,
    /// Name of the file.
    pub(super) name: String,
    /// Number of the member of an archive.
    member: usize,
}

#[derive(Debug)]
pub(super) enum Source {
    Folder(PathBuf),
    Archive(Box<ZipArchive<BufReader<File>>>),
}

/// The entry of a path that is that of an image; hidden files and what macOS adds to archives are none.
fn entry(path: &str, member: usize) -> Option<Entry> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let end = name.rsplit_once('.')?.1.to_ascii_lowercase();
    let hidden = path.split('/').any(|part| part.starts_with('.') || part == "__MACOSX");
    let is_image = matches!(end.as_str(), "jpg" | "jpeg" | "png") && !hidden;
    let [path, folder, name] = [path, folder, name].map(str::to_owned);
    is_image.then_some(Entry { path, folder, name, member })
}

/// The first folder of a path, and the others.
fn outermost(folder: &str) -> (&str, &str) {
    folder.split_once('/').unwrap_or((folder, ""))
}

/// Removes the leading folders that all images share, except one in which all of them lie.
pub(super) fn strip_common(entries: &mut [Entry]) {
    while let Some(first) = entries.first().map(|entry| outermost(&entry.folder).0.to_owned()) {
        let is_shared =
            !first.is_empty() && entries.iter().all(|e| outermost(&e.folder).0 == first);
        if !is_shared || entries.iter().all(|entry| entry.folder == first) {
            return;
        }
        for entry in &mut *entries {
            entry.folder = outermost(&entry.folder).1.to_owned();
        }
    }
}

impl Source {
    /// A folder or archive, and its images in any order.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<Entry>), String> {
        if path.is_dir() {
            let mut entries = Vec::new();
            list(path, "", 0, &mut entries)?;
            return Ok((Self::Folder(path.to_path_buf()), entries));
        }
        let mut file = File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
        archive::check(&mut file).map_err(|problem| format!("not a zip archive: {problem}"))?;
        let files = ZipArchive::new(BufReader::new(file)).map_err(|error| error.to_string())?;
        let members = (0..files.len()).filter_map(|at| Some((at, files.name_for_index(at)?)));
        let entries = members.filter_map(|(at, name)| entry(name, at)).collect();
        Ok((Self::Archive(Box::new(files)), entries))
    }

    /// The bytes of an image file.
    pub(super) fn read(&mut self, entry: &Entry) -> Result<Vec<u8>, String> {
        match self {
            Self::Folder(folder) => {
                let file = File::open(folder.join(&entry.path)).map_err(|e| e.to_string())?;
                let size = file.metadata().map_err(|e| e.to_string())?.len();
                bounded(file, size)
            }
            Self::Archive(files) => {
                let member = files.by_index(entry.member).map_err(|e| e.to_string())?;
                let size = archive::declared(&member)?;
                bounded(member, size)
            }
        }
    }
}

/// Reads `size` bytes and no more.
fn bounded(file: impl Read, size: u64) -> Result<Vec<u8>, String> {
    if size > MOST_BYTES {
        return Err(format!("{size} bytes; allowed: at most {MOST_BYTES}"));
    }
    let mut bytes = Vec::new();
    file.take(size + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 != size {
        return Err(format!("another size than the {size} bytes that are declared"));
    }
    Ok(bytes)
}

/// Adds the images below `folder`, whose path below the root is `below`.
fn list(folder: &Path, below: &str, depth: usize, found: &mut Vec<Entry>) -> Result<(), String> {
    if depth > MOST_DEPTH {
        return Err(format!("folders in more than {MOST_DEPTH} levels: {below}"));
    }
    let fail = |error: std::io::Error| format!("{below}: {error}");
    for item in std::fs::read_dir(folder).map_err(fail)? {
        let item = item.map_err(fail)?;
        // A name that is not UTF-8 cannot be told in a message.
        let name = item
            .file_name()
            .into_string()
            .map_err(|name| format!("the name `{}` is not UTF-8", name.to_string_lossy()))?;
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        // Follows links, as sets of images are often made of them.
        if item.path().is_dir() {
            list(&item.path(), &path, depth + 1, found)?;
        } else if let Some(entry) = entry(&path, 0) {
            found.push(entry);
        }
        if found.len() > MOST_IMAGES {
            return Err(format!("more than {MOST_IMAGES} images"));
        }
    }
    Ok(())
}
