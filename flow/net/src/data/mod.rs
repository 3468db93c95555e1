//! Samples from `.npz` files (numpy archives), and from folders and zip archives of images.

mod header;
mod images;
mod npz;
mod rows;
mod write;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use pecan_text::escape::escape_name;
use thiserror::Error;

pub use images::{Extent, ImageError, ImageProblem, Preprocessing, is_image_set};
pub use npz::{Array, Npz};
pub use rows::Rows;
pub use write::{NewArray, Values, npz as write_npz};

/// Reasons why samples cannot be loaded or do not fit.
#[derive(Debug, Error)]
pub enum DataError {
    /// The file cannot be opened.
    #[error("cannot open data file {}: {source}", path.display())]
    Open {
        /// File.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// The file is not an archive or is damaged.
    #[error("{}: {problem}", path.display())]
    Format {
        /// File.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
    /// An array is not in the file.
    #[error("{}: no array `{key}`{}; arrays: {}", path.display(), hint(nearest), shortened(keys))]
    Key {
        /// File.
        path: PathBuf,
        /// The array asked for.
        key: String,
        /// The present array with the nearest spelling.
        nearest: Option<String>,
        /// All present arrays.
        keys: Vec<String>,
    },
    /// An array does not have the needed contents.
    #[error("{}, array `{key}`: {problem}", path.display())]
    Array {
        /// File.
        path: PathBuf,
        /// Array.
        key: String,
        /// The problem, and the expected contents.
        problem: String,
    },
    /// Images cannot be used.
    #[error(transparent)]
    Images(#[from] ImageError),
    /// A selection of rows is wrong.
    #[error("rows `{rows}`: {problem}")]
    Rows {
        /// The selection.
        rows: String,
        /// The problem.
        problem: String,
    },
}

/// Names listed in a message.
const SHOWN: usize = 20;

/// The first names of a list, and the number of the others.
fn shortened(names: &[String]) -> String {
    let shown = names.iter().take(SHOWN).map(|name| escape_name(name));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|n| format!(" (did you mean `{}`?)", escape_name(n))).unwrap_or_default()
}

/// Which samples to load.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// Array with the inputs.
    pub x_key: String,
    /// Array with the labels; `None` takes `y` if the file has it, and if it is not an array of outputs: floats with
    /// more axes than one.
    pub y_key: Option<String>,
    /// Which rows.
    pub rows: Rows,
    /// At most so many of them.
    pub limit: Option<usize>,
    /// How images become samples, for folders and archives of images.
    pub images: Option<Preprocessing>,
}

impl Default for Selection {
    fn default() -> Self {
        Self { x_key: "x".into(), y_key: None, rows: Rows::All, limit: None, images: None }
    }
}

/// Inputs, with labels where the file has them.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// File.
    pub path: PathBuf,
    /// Array that the inputs come from.
    pub x_key: String,
    /// Shape of one sample.
    pub shape: Vec<usize>,
    /// Row of the file that each sample is.
    pub rows: Vec<usize>,
    /// Rows of the file.
    pub total: usize,
    /// Label of each sample.
    pub labels: Option<Vec<usize>>,
    values: Vec<Vec<f32>>,
}

/// Where samples are stored.
enum Store<'a> {
    Arrays(Npz),
    Images { set: images::ImageSet, how: &'a Preprocessing },
}

/// An array of inputs whose shape is known and legal, or a set of images.
struct Source<'a> {
    selection: &'a Selection,
    path: &'a Path,
    store: Store<'a>,
    /// Rows of the file.
    total: usize,
    /// Shape of one sample; never empty.
    shape: Vec<usize>,
}

impl<'a> Source<'a> {
    fn open(path: &'a Path, selection: &'a Selection) -> Result<Self, DataError> {
        if is_image_set(path) {
            return Self::open_images(path, selection);
        }
        let mut npz = Npz::open(path)?;
        let shape = npz.shape(&selection.x_key)?;
        let store = Store::Arrays(npz);
        let source = |total, shape| Self { selection, path, store, total, shape };
        let fail = |problem: String| DataError::Array {
            path: path.to_path_buf(),
            key: selection.x_key.clone(),
            problem,
        };
        match shape.as_slice() {
            [] => Err(fail("a single number; expected shape [N, ...]".into())),
            [_, sample @ ..] if sample.contains(&0) => {
                Err(fail(format!("shape {shape:?} has empty samples")))
            }
            [total, sample @ ..] => Ok(source(*total, sample.to_vec())),
        }
    }

    fn open_images(path: &'a Path, selection: &'a Selection) -> Result<Self, DataError> {
        let how = selection.images.as_ref().ok_or_else(|| DataError::Format {
            path: path.to_path_buf(),
            problem: "images, where an .npz archive is expected".into(),
        })?;
        let set = images::ImageSet::open(path, how.labels.as_deref())?;
        let (total, shape) = (set.len(), how.shape.to_vec());
        let store = Store::Images { set, how };
        Ok(Self { selection, path, store, total, shape })
    }

    fn fail(&self, key: &str, problem: String) -> DataError {
        DataError::Array { path: self.path.to_path_buf(), key: key.to_string(), problem }
    }

    /// The selected rows; never none.
    fn rows(&mut self) -> Result<Vec<usize>, DataError> {
        let (total, limit) = (self.total, self.selection.limit.unwrap_or(usize::MAX));
        let (path, key) = (self.path, &self.selection.x_key);
        let size = self.shape.iter().product();
        let room = |count| {
            npz::room(count, size).map_err(|problem| DataError::Array {
                path: path.to_path_buf(),
                key: key.clone(),
                problem,
            })
        };
        let npz = match &mut self.store {
            Store::Arrays(npz) => Some(npz),
            Store::Images { .. } => None,
        };
        let rows = self.selection.rows.resolve(total, limit, npz, room)?;
        if rows.is_empty() {
            let problem = format!("selects none of {total} samples");
            return Err(DataError::Rows { rows: self.selection.rows.to_string(), problem });
        }
        Ok(rows)
    }

    /// The labels of `rows`, if the file has any.
    fn labels(&mut self, rows: &[usize]) -> Result<Option<Vec<usize>>, DataError> {
        let npz = match &mut self.store {
            Store::Arrays(npz) => npz,
            Store::Images { set, .. } => return Ok(set.labels(rows)),
        };
        let key = match &self.selection.y_key {
            Some(key) => key.clone(),
            None if npz.has("y") && !npz.is_outputs("y")? => "y".into(),
            None => return Ok(None),
        };
        let shape = npz.shape(&key)?;
        if shape != [self.total] {
            let expected = self.total;
            let problem = format!("shape {shape:?}; expected one label per sample, [{expected}]");
            return Err(self.fail(&key, problem));
        }
        npz.indices(&key, rows).map(Some)
    }

    /// The samples in `rows`, with the labels of the first `labelled`.
    fn load(mut self, rows: Vec<usize>, labelled: usize) -> Result<Samples, DataError> {
        let values = match &mut self.store {
            Store::Arrays(npz) => npz.rows(&self.selection.x_key, &rows)?,
            Store::Images { set, how } => set.load(&rows, how)?,
        };
        let labels = self.labels(&rows[..labelled])?;
        let (path, x_key) = (self.path.to_path_buf(), self.selection.x_key.clone());
        Ok(Samples { path, x_key, shape: self.shape, rows, total: self.total, labels, values })
    }
}

impl Samples {
    /// Loads the selected rows of `path`; others take no memory.
    ///
    /// # Errors
    /// File missing, truncated or no archive; array missing; element type not numeric; labels that are
    /// negative, not integers or of another number; rows out of range or too many; nothing selected.
    pub fn load(path: &Path, selection: &Selection) -> Result<Self, DataError> {
        let mut source = Source::open(path, selection)?;
        let rows = source.rows()?;
        let count = rows.len();
        source.load(rows, count)
    }

    /// As [`Samples::load`], and in the same pass the first `count` samples that are not selected, or, if all are
    /// selected, the first of all; the flag is true if there were others. Their labels are left out.
    ///
    /// # Errors
    /// As for [`Samples::load`].
    pub fn load_and_others(
        path: &Path,
        selection: &Selection,
        count: usize,
    ) -> Result<(Self, Vec<Vec<f32>>, bool), DataError> {
        let mut source = Source::open(path, selection)?;
        let mut rows = source.rows()?;
        let selected: HashSet<usize> = rows.iter().copied().collect();
        let free = (0..source.total).filter(|row| !selected.contains(row));
        let mut others: Vec<usize> = free.take(count).collect();
        let free = !others.is_empty();
        if !free {
            others = (0..source.total).take(count).collect();
        }
        let chosen = rows.len();
        rows.extend(others);
        let mut samples = source.load(rows, chosen)?;
        samples.rows.truncate(chosen);
        let others = samples.values.split_off(chosen);
        Ok((samples, others, free))
    }

    /// The numbers of the selected rows, without their values.
    ///
    /// # Errors
    /// As for [`Samples::load`], except those of the values.
    pub fn select(path: &Path, selection: &Selection) -> Result<Vec<usize>, DataError> {
        Source::open(path, selection)?.rows()
    }

    /// Loads the given rows, which must be among those of [`Samples::select`].
    ///
    /// # Errors
    /// As for [`Samples::load`].
    pub fn load_rows(
        path: &Path,
        selection: &Selection,
        rows: Vec<usize>,
    ) -> Result<Self, DataError> {
        let count = rows.len();
        Source::open(path, selection)?.load(rows, count)
    }

    /// Number of samples; never 0.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The samples, in the order of the selection.
    pub fn iter(&self) -> impl Iterator<Item = &[f32]> {
        self.values.iter().map(Vec::as_slice)
    }

    /// The samples as slices, for inference and calibration.
    pub fn as_slices(&self) -> Vec<&[f32]> {
        self.iter().collect()
    }

    /// The values of the samples.
    #[must_use]
    pub fn into_values(self) -> Vec<Vec<f32>> {
        self.values
    }

    /// Checks that a sample has the network's input `shape` (without batch).
    ///
    /// # Errors
    /// Another shape; axes of extent 1 in front may differ.
    pub fn expect_shape(&self, shape: &[usize]) -> Result<(), DataError> {
        let strip = |s: &[usize]| s.iter().copied().skip_while(|&d| d == 1).collect::<Vec<_>>();
        if strip(shape) == strip(&self.shape) {
            return Ok(());
        }
        Err(DataError::Array {
            path: self.path.clone(),
            key: self.x_key.clone(),
            problem: format!("samples of shape {:?}; the network takes {shape:?}", self.shape),
        })
    }

    /// The labels, checked to be below `classes`.
    ///
    /// # Errors
    /// The file has no labels, or one is out of range.
    pub fn expect_labels(&self, classes: usize) -> Result<&[usize], DataError> {
        let fail = |problem: String| DataError::Format { path: self.path.clone(), problem };
        let Some(labels) = &self.labels else {
            return Err(fail("no labels (array `y`); name their array with --y-key".into()));
        };
        match labels.iter().position(|&label| label >= classes) {
            Some(at) => Err(fail(format!(
                "label {} of row {}; the network has {classes} classes (0 to {})",
                labels[at],
                self.rows[at],
                classes.saturating_sub(1)
            ))),
            None => Ok(labels),
        }
    }
}

#[cfg(test)]
mod tests;
