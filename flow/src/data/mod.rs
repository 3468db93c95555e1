//! Samples from `.npz` files (numpy archives).

mod npz;
mod rows;

use std::path::{Path, PathBuf};

use thiserror::Error;

pub use npz::{Array, Npz};
pub use rows::Rows;

/// Samples cannot be loaded or do not fit.
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
        /// What is wrong.
        problem: String,
    },
    /// An array is not in the file.
    #[error("{}: no array `{key}`{}; arrays: {}", path.display(), hint(nearest), keys.join(", "))]
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
    /// An array does not hold what is needed.
    #[error("{}, array `{key}`: {problem}", path.display())]
    Array {
        /// File.
        path: PathBuf,
        /// Array.
        key: String,
        /// What is wrong, and what is expected.
        problem: String,
    },
    /// A selection of rows is wrong.
    #[error("rows `{rows}`: {problem}")]
    Rows {
        /// The selection.
        rows: String,
        /// What is wrong.
        problem: String,
    },
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default()
}

/// Which samples to load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Array with the inputs.
    pub x_key: String,
    /// Array with the labels; `None` takes `y` if the file has it.
    pub y_key: Option<String>,
    /// Which rows.
    pub rows: Rows,
    /// At most so many of them.
    pub limit: Option<usize>,
}

impl Default for Selection {
    fn default() -> Self {
        Self { x_key: "x".into(), y_key: None, rows: Rows::All, limit: None }
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
    /// Label of each sample.
    pub labels: Option<Vec<usize>>,
    values: Vec<f32>,
}

impl Samples {
    /// Loads the selected rows of `path`.
    ///
    /// # Errors
    /// File missing, truncated or no archive; array missing; element type not numeric; labels that are
    /// negative, not integers or of another number; rows out of range; nothing selected.
    pub fn load(path: &Path, selection: &Selection) -> Result<Self, DataError> {
        let mut npz = Npz::open(path)?;
        let x = npz.array(&selection.x_key)?;
        let fail = |key: &str, problem: String| DataError::Array {
            path: path.to_path_buf(),
            key: key.to_string(),
            problem,
        };
        let [total, shape @ ..] = x.shape.as_slice() else {
            return Err(fail(&selection.x_key, "a single number; expected shape [N, ...]".into()));
        };
        let mut rows = selection.rows.resolve(*total, &mut npz)?;
        rows.truncate(selection.limit.unwrap_or(usize::MAX));
        if rows.is_empty() {
            let problem = format!("selects none of {total} samples");
            return Err(DataError::Rows { rows: selection.rows.to_string(), problem });
        }
        let size: usize = shape.iter().product();
        if size == 0 {
            return Err(fail(&selection.x_key, format!("shape {:?} has empty samples", x.shape)));
        }
        let values = x.rows_as_f32(&rows, size);
        let y_key = selection.y_key.clone().or_else(|| npz.has("y").then(|| "y".into()));
        let labels = match y_key {
            Some(key) => {
                let y = npz.array(&key)?;
                if y.shape != [*total] {
                    let problem =
                        format!("shape {:?}; expected one label per sample, [{total}]", y.shape);
                    return Err(fail(&key, problem));
                }
                let all = y.as_indices().map_err(|e| fail(&key, e))?;
                Some(rows.iter().map(|&row| all[row]).collect())
            }
            None => None,
        };
        Ok(Self {
            path: path.to_path_buf(),
            x_key: selection.x_key.clone(),
            shape: shape.to_vec(),
            rows,
            labels,
            values,
        })
    }

    /// Those of the samples whose row of the file is chosen.
    #[must_use]
    pub fn keep(&self, chosen: impl Fn(usize) -> bool) -> Self {
        let size = self.shape.iter().product::<usize>().max(1);
        let kept: Vec<usize> = (0..self.len()).filter(|at| chosen(self.rows[*at])).collect();
        let labels = self.labels.as_ref().map(|all| kept.iter().map(|at| all[*at]).collect());
        Self {
            path: self.path.clone(),
            x_key: self.x_key.clone(),
            shape: self.shape.clone(),
            rows: kept.iter().map(|at| self.rows[*at]).collect(),
            labels,
            values: kept.iter().flat_map(|at| &self.values[at * size..][..size]).copied().collect(),
        }
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
        self.values.chunks(self.shape.iter().product::<usize>().max(1))
    }

    /// The samples as slices, as inference and calibration take them.
    pub fn as_slices(&self) -> Vec<&[f32]> {
        self.iter().collect()
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
