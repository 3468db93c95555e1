//! Arrays of any numeric type from a numpy archive.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use ndarray::ArrayViewD;
use ndarray_npy::{
    ReadNpyError, ReadNpyExt, ReadableElement, ViewElement, ViewNpyError, ViewNpyExt,
};
use pecan_hdl::config::nearest;
use zip::ZipArchive;
use zip::result::ZipError;

use super::DataError;

/// Most bytes of one array when unpacked: keeps a damaged or hostile archive from taking all memory.
const MOST_BYTES: u64 = 1 << 32;

/// An open archive.
#[derive(Debug)]
pub struct Npz {
    path: PathBuf,
    archive: ZipArchive<BufReader<File>>,
}

/// Values in the type of the file, row-major.
#[derive(Clone, Debug, PartialEq)]
enum Values {
    F32(Vec<f32>),
    F64(Vec<f64>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    Bool(Vec<bool>),
}

/// An array.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Extent of each axis.
    pub shape: Vec<usize>,
    values: Values,
}

impl Npz {
    /// Opens an archive.
    ///
    /// # Errors
    /// The file does not exist, cannot be read, or is not a zip archive.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let file = File::open(path)
            .map_err(|source| DataError::Open { path: path.to_path_buf(), source })?;
        let archive = ZipArchive::new(BufReader::new(file)).map_err(|e| DataError::Format {
            path: path.to_path_buf(),
            problem: format!("not an .npz archive, or a truncated one: {e}"),
        })?;
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

    /// Reads the array `key`.
    ///
    /// # Errors
    /// There is none, it is damaged, or its element type is not a real number.
    pub fn array(&mut self, key: &str) -> Result<Array, DataError> {
        let bytes = self.bytes(key)?;
        decode(&bytes).map_err(|problem| DataError::Array {
            path: self.path.clone(),
            key: key.to_string(),
            problem,
        })
    }

    fn bytes(&mut self, key: &str) -> Result<Vec<u8>, DataError> {
        let keys = self.keys();
        let fail = |problem: String| DataError::Array {
            path: self.path.clone(),
            key: key.to_string(),
            problem,
        };
        let entry = match self.archive.by_name(&format!("{key}.npy")) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => {
                let nearest = nearest(key, keys.iter().map(String::as_str)).map(str::to_owned);
                let (path, key) = (self.path.clone(), key.to_string());
                return Err(DataError::Key { path, key, nearest, keys });
            }
            Err(e) => return Err(fail(e.to_string())),
        };
        let mut bytes = Vec::new();
        let read = entry.take(MOST_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|e| fail(format!("truncated or damaged: {e}")))?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(fail(format!("more than {MOST_BYTES} bytes")));
        }
        Ok(bytes)
    }
}

/// Shape and values, or nothing.
type Typed<T> = Option<(Vec<usize>, Vec<T>)>;

/// Reads `bytes` as an array of `T`; `None` if the elements have another type.
fn read_as<T>(bytes: &[u8]) -> Result<Typed<T>, String>
where
    T: ViewElement + ReadableElement + Clone,
{
    // The view checks the header's shape against the bytes present before anything is allocated.
    let array = match ArrayViewD::<T>::view_npy(bytes) {
        Ok(view) => view.into_owned(),
        Err(ViewNpyError::WrongDescriptor(_)) => return Ok(None),
        Err(ViewNpyError::MisalignedData) => match ndarray::ArrayD::<T>::read_npy(bytes) {
            Ok(array) => array,
            Err(ReadNpyError::WrongDescriptor(_)) => return Ok(None),
            Err(e) => return Err(e.to_string()),
        },
        Err(e) => return Err(e.to_string()),
    };
    // Iteration is in logical order, whatever the order in the file.
    Ok(Some((array.shape().to_vec(), array.iter().cloned().collect())))
}

fn decode(bytes: &[u8]) -> Result<Array, String> {
    macro_rules! first_of {
        ($($variant:ident: $type:ty),*) => {
            $(if let Some((shape, values)) = read_as::<$type>(bytes)? {
                return Ok(Array { shape, values: Values::$variant(values) });
            })*
        };
    }
    first_of!(F32: f32, F64: f64, U8: u8, I8: i8, I64: i64, I32: i32, I16: i16, U16: u16);
    first_of!(U32: u32, U64: u64, Bool: bool);
    Err("element type not supported; supported: floats of 32 and 64 bits, integers, booleans"
        .into())
}

/// Runs `$body` with `$values` bound to the typed vector.
macro_rules! with_values {
    ($array:expr, $values:ident => $body:expr) => {
        match $array {
            Values::F32($values) => $body,
            Values::F64($values) => $body,
            Values::I8($values) => $body,
            Values::I16($values) => $body,
            Values::I32($values) => $body,
            Values::I64($values) => $body,
            Values::U8($values) => $body,
            Values::U16($values) => $body,
            Values::U32($values) => $body,
            Values::U64($values) => $body,
            Values::Bool($values) => $body,
        }
    };
}

/// Conversion of an element to what samples and labels are.
trait Element: Copy {
    fn float(self) -> f32;
    fn index(self) -> Option<usize>;
}

macro_rules! integers {
    ($($type:ty),*) => {
        $(impl Element for $type {
            fn float(self) -> f32 {
                self as f32
            }
            fn index(self) -> Option<usize> {
                usize::try_from(self).ok()
            }
        })*
    };
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64);

impl Element for f32 {
    fn float(self) -> f32 {
        self
    }
    fn index(self) -> Option<usize> {
        None
    }
}

impl Element for f64 {
    fn float(self) -> f32 {
        self as f32
    }
    fn index(self) -> Option<usize> {
        None
    }
}

impl Element for bool {
    fn float(self) -> f32 {
        f32::from(u8::from(self))
    }
    fn index(self) -> Option<usize> {
        Some(usize::from(self))
    }
}

impl Array {
    /// The values as floats.
    pub fn to_f32(&self) -> Vec<f32> {
        with_values!(&self.values, v => v.iter().map(|v| v.float()).collect())
    }

    /// The given rows, each of `size` values, as floats. Rows must exist.
    pub(super) fn rows_as_f32(&self, rows: &[usize], size: usize) -> Vec<f32> {
        with_values!(&self.values, v => {
            rows.iter().flat_map(|&r| &v[r * size..(r + 1) * size]).map(|v| v.float()).collect()
        })
    }

    /// The values as indices or labels.
    ///
    /// # Errors
    /// The element type is not an integer, or a value is negative.
    pub fn as_indices(&self) -> Result<Vec<usize>, String> {
        if matches!(self.values, Values::F32(_) | Values::F64(_)) {
            return Err("holds floats; expected integers".into());
        }
        with_values!(&self.values, v => {
            let bad = |at: usize| format!("value {:?} at position {at}; expected 0 or more", v[at]);
            v.iter().enumerate().map(|(at, v)| v.index().ok_or_else(|| bad(at))).collect()
        })
    }
}
