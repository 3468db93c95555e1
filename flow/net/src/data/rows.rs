//! Selections of rows.

use std::fmt::{self, Display};
use std::str::FromStr;

use super::{DataError, Npz};

/// Rows of an array: written `all`, `A..B` (either end may be left out), the name of an index array in the same file,
/// or a part of that array, `NAME[A..B]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Every row.
    All,
    /// From the first up to, without, the second; `None` means the end.
    Range(usize, Option<usize>),
    /// Those that an array of indices lists.
    Key(String),
    /// Those that a part of an array of indices lists: its name and the part.
    Part(String, usize, Option<usize>),
}

/// The numbers around `..`.
fn range(
    text: &str,
    fail: impl Fn(&str) -> DataError,
) -> Result<(usize, Option<usize>), DataError> {
    let Some((from, to)) = text.split_once("..") else {
        return Err(fail("expected numbers of rows around `..`"));
    };
    let number = |text: &str| {
        text.parse::<usize>().map_err(|_| fail("expected numbers of rows around `..`"))
    };
    let from = if from.is_empty() { 0 } else { number(from)? };
    let to = if to.is_empty() { None } else { Some(number(to)?) };
    if to.is_some_and(|to| to <= from) {
        return Err(fail("empty range; the second number must be larger"));
    }
    Ok((from, to))
}

impl FromStr for Rows {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let fail =
            |problem: &str| DataError::Rows { rows: text.to_string(), problem: problem.into() };
        if text.is_empty() {
            return Err(fail(
                "empty; expected `all`, `A..B`, the name of an index array or `NAME[A..B]`",
            ));
        }
        if text == "all" {
            return Ok(Self::All);
        }
        if let Some((key, part)) = text.strip_suffix(']').and_then(|text| text.split_once('[')) {
            let (from, to) = range(part, fail)?;
            return Ok(Self::Part(key.into(), from, to));
        }
        if !text.contains("..") {
            return Ok(Self::Key(text.into()));
        }
        let (from, to) = range(text, fail)?;
        Ok(Self::Range(from, to))
    }
}

impl Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Range(from, Some(to)) => write!(f, "{from}..{to}"),
            Self::Range(from, None) => write!(f, "{from}.."),
            Self::Key(key) => f.write_str(key),
            Self::Part(key, from, Some(to)) => write!(f, "{key}[{from}..{to}]"),
            Self::Part(key, from, None) => write!(f, "{key}[{from}..]"),
        }
    }
}

impl Rows {
    /// The first row numbers out of `total`, at most `limit`; `room` refuses too many rows.
    pub(super) fn resolve(
        &self,
        total: usize,
        limit: usize,
        npz: Option<&mut Npz>,
        room: impl Fn(usize) -> Result<(), DataError>,
    ) -> Result<Vec<usize>, DataError> {
        let fail = |problem: String| DataError::Rows { rows: self.to_string(), problem };
        let numbers = |from: usize, to: usize| {
            let to = to.min(from.saturating_add(limit));
            room(to.saturating_sub(from))?;
            Ok((from..to).collect::<Vec<usize>>())
        };
        let (key, from, to) = match self {
            Self::All => return numbers(0, total),
            Self::Range(from, to) => {
                let to = to.unwrap_or(total);
                if *from > total || to > total {
                    return Err(fail(format!(
                        "the file has rows 0 to {}",
                        total.saturating_sub(1)
                    )));
                }
                return numbers(*from, to);
            }
            Self::Key(key) => (key, 0, None),
            Self::Part(key, from, to) => (key, *from, *to),
        };
        let Some(npz) = npz else {
            return Err(fail("images have no arrays of rows; expected `all` or `A..B`".into()));
        };
        let shape = npz.shape(key)?;
        let listed: usize = shape.iter().product();
        let to = to.unwrap_or(listed);
        if from > to || to > listed {
            return Err(fail(format!("`{key}` lists {listed} rows")));
        }
        if shape.len() != 1 {
            return Err(fail(format!("`{key}` has shape {shape:?}; expected one axis")));
        }
        let rows = npz.indices(key, &numbers(from, to)?)?;
        match rows.iter().find(|&&row| row >= total) {
            Some(row) => Err(fail(format!("row {row}; the file has {total} rows"))),
            None => Ok(rows),
        }
    }
}
