//! Samples from JPEG and PNG images: folders and zip archives, with one folder per class.

mod options;
mod pixels;
mod resample;
mod source;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use pecan_text::escape::escape_name;
use thiserror::Error;

pub use options::{Extent, Preprocessing};

use source::{Entry, Source};

/// Images that a message names.
const SHOWN: usize = 20;

/// Reasons why images cannot be used.
#[derive(Debug, Error)]
pub enum ImageError {
    /// The folder or archive cannot be read, or holds no images.
    #[error("{}: {problem}", path.display())]
    Source {
        /// Folder or archive.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
    /// Images cannot be decoded or do not fit the network.
    #[error("{}: {} of {total} images cannot be used:{}", path.display(), problems.len(), listing(problems))]
    Images {
        /// Folder or archive.
        path: PathBuf,
        /// Images that were to be loaded.
        total: usize,
        /// Name and problem of each image that cannot be used; the message lists the first.
        problems: Vec<ImageProblem>,
    },
}

/// An image that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageProblem {
    /// Its name in the folder or archive.
    pub name: String,
    /// Why.
    pub problem: String,
}

fn listing(problems: &[ImageProblem]) -> String {
    let line = |p: &ImageProblem| format!("\n  {}: {}", escape_name(&p.name), p.problem);
    let mut text: String = problems.iter().take(SHOWN).map(line).collect();
    if problems.len() > SHOWN {
        text += &format!("\n  and {} more", problems.len() - SHOWN);
    }
    text
}

/// Whether `path` is a folder or a zip archive of images: what is not, is an archive of arrays.
#[must_use]
pub fn is_image_set(path: &Path) -> bool {
    path.is_dir() || path.extension().is_some_and(|end| end.eq_ignore_ascii_case("zip"))
}

/// The images of a folder or archive, in the order of their classes and then of their names.
#[derive(Debug)]
pub(super) struct ImageSet {
    path: PathBuf,
    source: Source,
    entries: Vec<Entry>,
    /// Class of each image, where they lie in different folders or a file names the classes.
    labels: Option<Vec<usize>>,
}

impl ImageSet {
    /// Lists the images. The classes are the folders, sorted by name, or those that `names` lists, in that order.
    /// Images that all lie in one folder have no labels, unless `names` lists it.
    ///
    /// # Errors
    /// The folder or archive cannot be read, is over a limit or holds no images; a folder that `names` does not list.
    pub(super) fn open(path: &Path, names: Option<&[String]>) -> Result<Self, ImageError> {
        let fail = |problem| ImageError::Source { path: path.to_path_buf(), problem };
        let (source, mut entries) = Source::open(path).map_err(fail)?;
        if entries.is_empty() {
            return Err(fail("no images (.jpg, .jpeg, .png)".into()));
        }
        source::strip_common(&mut entries);
        entries.sort_by(|a, b| (&a.folder, &a.name).cmp(&(&b.folder, &b.name)));
        let labels = labels(&entries, names).map_err(fail)?;
        Ok(Self { path: path.to_path_buf(), source, entries, labels })
    }

    /// Number of images; never 0.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Labels of the images in `rows`, which must exist.
    pub(super) fn labels(&self, rows: &[usize]) -> Option<Vec<usize>> {
        let labels = self.labels.as_ref()?;
        Some(rows.iter().map(|row| labels[*row]).collect())
    }

    /// The images in `rows`, which must exist, as samples of the shape that `how` has: one is decoded at a time.
    ///
    /// # Errors
    /// [`ImageError::Images`] with every image that cannot be used.
    pub(super) fn load(
        &mut self,
        rows: &[usize],
        how: &Preprocessing,
    ) -> Result<Vec<Vec<f32>>, ImageError> {
        let (mut problems, mut places) = (Vec::new(), HashMap::new());
        let mut samples: Vec<Vec<f32>> = Vec::with_capacity(rows.len());
        for &row in rows {
            if let Some(place) = places.insert(row, samples.len()) {
                // Samples that are run may also decide the quantization.
                samples.push(samples.get(place).cloned().unwrap_or_default());
                continue;
            }
            let entry = &self.entries[row];
            let bytes = self.source.read(entry);
            samples.push(bytes.and_then(|bytes| how.sample(&bytes)).unwrap_or_else(|problem| {
                problems.push(ImageProblem { name: entry.path.clone(), problem });
                Vec::new()
            }));
        }
        if problems.is_empty() {
            return Ok(samples);
        }
        Err(ImageError::Images { path: self.path.clone(), total: places.len(), problems })
    }
}

/// Positions of the images' folders among the names, or among all folders.
fn labels(entries: &[Entry], names: Option<&[String]>) -> Result<Option<Vec<usize>>, String> {
    let mut folders: Vec<&str> = entries.iter().map(|entry| entry.folder.as_str()).collect();
    folders.dedup();
    let order: Vec<&str> = match names {
        Some(names) => names.iter().map(String::as_str).collect(),
        None if folders.len() == 1 => return Ok(None),
        None if folders.contains(&"") => {
            return Err("images beside folders of images: their class is unknown".into());
        }
        None => folders.clone(),
    };
    let places: BTreeMap<&str, usize> = order.iter().copied().zip(0..).collect();
    if let Some(folder) = folders.iter().find(|folder| !places.contains_key(*folder)) {
        return Err(format!("the folder `{}` is not among the labels", escape_name(folder)));
    }
    Ok(Some(entries.iter().map(|entry| places[entry.folder.as_str()]).collect()))
}

#[cfg(test)]
mod tests;
