//! Arrays of any numeric type from a numpy archive. Only the requested rows are held in memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use pecan_text::nearest;
use zip::ZipArchive;
use zip::result::ZipError;

use super::DataError;
use super::header::{Element, Header};
use crate::archive;

/// Most values held at once; the largest data set in use, imagenette at 96 pixels, has half of that.
pub(super) const MOST_VALUES: usize = 1 << 29;

/// Memory of a row besides its values, in values: its number, label and place.
const ROW_COST: usize = 16;

/// An open archive.
#[derive(Debug)]
pub struct Npz {
    path: PathBuf,
    archive: ZipArchive<BufReader<File>>,
}

/// A whole array.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Extent of each axis.
    pub shape: Vec<usize>,
    element: Element,
    /// The values, row-major.
    bytes: Vec<u8>,
}

impl Npz {
    /// Opens an archive.
    ///
    /// # Errors
    /// The file does not exist, cannot be read, is not a zip archive, or has two members of one name.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let mut file = File::open(path)
            .map_err(|source| DataError::Open { path: path.to_path_buf(), source })?;
        let fail = |problem: String| DataError::Format {
            path: path.to_path_buf(),
            problem: format!("not an .npz archive, or a truncated one: {problem}"),
        };
        archive::check(&mut file).map_err(fail)?;
        let archive = ZipArchive::new(BufReader::new(file)).map_err(|e| fail(e.to_string()))?;
        Ok(Self { path: path.to_path_buf(), archive })
    }

    /// Names of the arrays, sorted.
    pub fn keys(&self) -> Vec<String> {
        let strip = |name: &str| name.strip_suffix(".npy").unwrap_or(name).to_string();
        let mut keys: Vec<String> = self.archive.file_names().map(strip).collect();
        keys.sort();
        keys
    }

    /// Whether there is an array `key`.
    pub fn has(&self, key: &str) -> bool {
        self.archive.index_for_name(&format!("{key}.npy")).is_some()
    }

    /// Shape of the array `key`.
    ///
    /// # Errors
    /// There is none, or its header is damaged.
    pub fn shape(&mut self, key: &str) -> Result<Vec<usize>, DataError> {
        self.member(key, |header, _| Ok(header.shape))
    }

    /// Whether the array `key` holds floats in several axes: outputs of a network, no labels.
    ///
    /// # Errors
    /// As for [`Npz::shape`].
    pub fn is_outputs(&mut self, key: &str) -> Result<bool, DataError> {
        self.member(key, |header, _| Ok(!header.element.is_integer() && header.shape.len() > 1))
    }

    /// Reads the array `key`.
    ///
    /// # Errors
    /// There is none, it is damaged or too large, or its element type is not a real number.
    pub fn array(&mut self, key: &str) -> Result<Array, DataError> {
        self.member(key, |header, reader| {
            let Header { element, fortran, shape, .. } = header;
            let count: usize = shape.iter().product();
            if count > MOST_VALUES {
                return Err(format!("{count} values; at most {MOST_VALUES} are held at once"));
            }
            let mut bytes = vec![0; count * element.width];
            reader.read_exact(&mut bytes).map_err(|e| damaged(&e))?;
            end(reader)?;
            if fortran {
                let place = |(at, target): (usize, usize)| (at, target * element.width);
                let mut ordered = vec![0; bytes.len()];
                for (at, target) in targets(&shape).enumerate().map(place) {
                    ordered[target..target + element.width]
                        .copy_from_slice(&bytes[at * element.width..][..element.width]);
                }
                bytes = ordered;
            }
            Ok(Array { shape, element, bytes })
        })
    }

    /// The given rows of the array `key` as floats, in the order given. Rows must exist.
    ///
    /// # Errors
    /// As for [`Npz::array`].
    pub fn rows(&mut self, key: &str, rows: &[usize]) -> Result<Vec<Vec<f32>>, DataError> {
        self.member(key, |header, reader| {
            let size = row_size(&header.shape);
            room(rows.len(), size)?;
            // Row by row: zeroed memory that is not written yet takes none.
            let mut values: Vec<Vec<f32>> = rows.iter().map(|_| vec![0f32; size]).collect();
            let element = header.element;
            each(&header, reader, rows, |row, at, bytes| {
                values[row][at] = element.float(bytes);
                Ok(())
            })?;
            Ok(values)
        })
    }

    /// The given values of the array `key`, which has one axis, as indices or labels. They must exist.
    ///
    /// # Errors
    /// As for [`Npz::array`]; or the element type is not an integer, or a value is negative.
    pub(super) fn indices(&mut self, key: &str, rows: &[usize]) -> Result<Vec<usize>, DataError> {
        self.member(key, |header, reader| {
            room(rows.len(), 1)?;
            let element = header.element;
            if !element.is_integer() {
                return Err("holds floats; expected integers".into());
            }
            let mut values = vec![0; rows.len()];
            each(&header, reader, rows, |row, _, bytes| {
                let bad =
                    |value| format!("value {value} at position {}; expected 0 or more", rows[row]);
                values[row] = element.index(bytes).map_err(bad)?;
                Ok(())
            })?;
            Ok(values)
        })
    }

    /// Opens the member of array `key`, checks that its size is that of its header, and passes both to `read`.
    fn member<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(Header, &mut dyn BufRead) -> Result<T, String>,
    ) -> Result<T, DataError> {
        let fail = |path: &Path, problem: String| DataError::Array {
            path: path.to_path_buf(),
            key: key.to_string(),
            problem,
        };
        let name = format!("{key}.npy");
        if self.archive.index_for_name(&name).is_none() {
            let keys = self.keys();
            let nearest = nearest(key, keys.iter().map(String::as_str)).map(str::to_owned);
            let (path, key) = (self.path.clone(), key.to_string());
            return Err(DataError::Key { path, key, nearest, keys });
        }
        let entry = self.archive.by_name(&name).map_err(|e| match e {
            ZipError::UnsupportedArchive(_) => {
                fail(&self.path, format!("{e}; supported: stored, deflated"))
            }
            _ => fail(&self.path, e.to_string()),
        })?;
        let size = archive::declared(&entry).map_err(|problem| fail(&self.path, problem))?;
        let mut reader = BufReader::with_capacity(1 << 16, entry);
        let header = Header::read(&mut reader).map_err(|problem| fail(&self.path, problem))?;
        if header.total_bytes() != Some(size) {
            let problem = format!(
                "shape {:?} does not fit the {} bytes of its values",
                header.shape,
                size.saturating_sub(header.bytes)
            );
            return Err(fail(&self.path, problem));
        }
        read(header, &mut reader).map_err(|problem| fail(&self.path, problem))
    }
}

fn damaged(error: &io::Error) -> String {
    format!("truncated or damaged: {error}")
}

/// Values in a row of an array of that shape.
pub(super) fn row_size(shape: &[usize]) -> usize {
    shape.iter().skip(1).product()
}

/// Checks that `rows` rows of `size` values can be held.
///
/// # Errors
/// The limit, and a remedy.
pub(super) fn room(rows: usize, size: usize) -> Result<(), String> {
    let most = MOST_VALUES / size.saturating_add(ROW_COST);
    if rows <= most {
        return Ok(());
    }
    Err(format!(
        "{rows} samples of {size} values; at most {MOST_VALUES} values are held at once ({most} such samples): \
         choose fewer"
    ))
}

/// Reads the end of an array of which every value was read: there the checksum is compared.
fn end(reader: &mut dyn BufRead) -> Result<(), String> {
    match reader.fill_buf().map_err(|e| damaged(&e))?.is_empty() {
        true => Ok(()),
        false => Err("more values than its shape says".into()),
    }
}

/// Skips `count` bytes.
fn skip(reader: &mut dyn BufRead, mut count: u64) -> Result<(), String> {
    while count > 0 {
        let there = reader.fill_buf().map_err(|e| damaged(&e))?.len();
        if there == 0 {
            return Err("truncated or damaged".into());
        }
        let passed = count.min(there as u64);
        reader.consume(passed as usize);
        count -= passed;
    }
    Ok(())
}

/// Calls `take` with the position in `rows`, the position in the row (row-major) and the bytes of every value of these
/// rows. Stops after the last one.
fn each(
    header: &Header,
    reader: &mut dyn BufRead,
    rows: &[usize],
    mut take: impl FnMut(usize, usize, &[u8]) -> Result<(), String>,
) -> Result<(), String> {
    let (width, size) = (header.element.width, row_size(&header.shape));
    let total = header.shape.first().copied().unwrap_or(1);
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|at| rows[*at]);
    let same_row = |a: &usize, b: &usize| rows[*a] == rows[*b];
    // The file repeats a block of values of each row in turn.
    let (blocks, block) = if header.fortran { (size, 1) } else { (1, size) };
    let mut bytes = vec![0; block * width];
    let mut targets = targets(header.shape.get(1..).unwrap_or_default());
    let mut next = 0;
    for _ in 0..blocks {
        let first = if header.fortran { targets.next().unwrap_or(0) } else { 0 };
        next = 0;
        for same in order.chunk_by(same_row) {
            let row = rows[same[0]];
            skip(reader, (row - next) as u64 * bytes.len() as u64)?;
            reader.read_exact(&mut bytes).map_err(|e| damaged(&e))?;
            for (at, value) in bytes.chunks_exact(width).enumerate() {
                same.iter().try_for_each(|position| take(*position, first + at, value))?;
            }
            next = row + 1;
        }
        if header.fortran {
            skip(reader, total.saturating_sub(next) as u64 * bytes.len() as u64)?;
        }
    }
    if header.fortran || next == total { end(reader) } else { Ok(()) }
}

/// Row-major positions of the values of an array in the order in which its first axis runs fastest.
fn targets(shape: &[usize]) -> impl Iterator<Item = usize> {
    let count = if shape.contains(&0) { 0 } else { shape.iter().product() };
    let mut steps = vec![1usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        steps[axis - 1] = steps[axis].saturating_mul(shape[axis]);
    }
    let (shape, mut index, mut target) = (shape.to_vec(), vec![0; shape.len()], 0);
    (0..count).map(move |_| {
        let this = target;
        for (axis, step) in steps.iter().enumerate() {
            index[axis] += 1;
            target += step;
            if index[axis] < shape[axis] {
                break;
            }
            target -= index[axis] * step;
            index[axis] = 0;
        }
        this
    })
}

impl Array {
    fn elements(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks_exact(self.element.width)
    }

    /// The values as floats.
    pub fn to_f32(&self) -> Vec<f32> {
        self.elements().map(|bytes| self.element.float(bytes)).collect()
    }
}
