//! Writes numpy archives.

use std::io::{BufWriter, Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Alignment of an array's values in its file, as numpy has it.
const ALIGNMENT: usize = 64;

/// An array to write.
#[derive(Clone, Copy, Debug)]
pub struct NewArray<'a> {
    /// Name, without the ending.
    pub name: &'a str,
    /// Extent of each axis.
    pub shape: &'a [usize],
    /// Its values, row-major.
    pub values: Values<'a>,
}

/// Values of an array.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// Unsigned integers of 8 bits.
    Bytes(&'a [u8]),
    /// Floats of 32 bits.
    Floats(&'a [f32]),
    /// Signed integers of 64 bits.
    Integers(&'a [i64]),
}

impl Values<'_> {
    /// Element type in numpy's notation.
    fn descr(&self) -> &'static str {
        match self {
            Self::Bytes(_) => "|u1",
            Self::Floats(_) => "<f4",
            Self::Integers(_) => "<i8",
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Bytes(values) => values.len() as u64,
            Self::Floats(values) => 4 * values.len() as u64,
            Self::Integers(values) => 8 * values.len() as u64,
        }
    }

    fn write(&self, file: &mut impl Write) -> std::io::Result<()> {
        match self {
            Self::Bytes(values) => file.write_all(values),
            Self::Floats(values) => {
                values.iter().try_for_each(|v| file.write_all(&v.to_le_bytes()))
            }
            Self::Integers(values) => {
                values.iter().try_for_each(|v| file.write_all(&v.to_le_bytes()))
            }
        }
    }
}

/// The header of an array, version 1.0 of the format (NEP 1).
fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let extents: String = shape.iter().map(|extent| format!("{extent}, ")).collect();
    let mut text = format!(
        "{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}",
        extents.trim_end()
    );
    // Magic, version and length take 10 bytes; a line end closes the header.
    let length = (10 + text.len() + 1).next_multiple_of(ALIGNMENT) - 10;
    text.extend(std::iter::repeat_n(' ', length - text.len() - 1));
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

/// An archive of arrays, compressed. The same arrays give the same bytes.
///
/// # Errors
/// A name is there twice.
pub fn npz<'a>(arrays: impl IntoIterator<Item = NewArray<'a>>) -> zip::result::ZipResult<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    for NewArray { name, shape, values } in arrays {
        let is_large = values.bytes() > u64::from(u32::MAX) / 2;
        archive.start_file(format!("{name}.npy"), options.large_file(is_large))?;
        let mut file = BufWriter::new(&mut archive);
        file.write_all(&header(values.descr(), shape))?;
        values.write(&mut file)?;
        file.flush()?;
    }
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayD;
    use ndarray_npy::NpzReader;

    /// Read back by a library that is not ours.
    #[test]
    fn arrays_are_read_back_by_others() {
        let values: Vec<u8> = (0..24).collect();
        let long = "a/long name".repeat(9);
        let cases: [(&str, &[usize]); 4] =
            [("a", &[24]), ("b", &[2, 3, 4]), ("c", &[24, 1, 1, 1]), (&long, &[1, 24])];
        let arrays = || cases.iter().map(|&(name, shape)| byte_array(name, shape, &values));
        let bytes = npz(arrays()).unwrap();
        let mut reader = NpzReader::new(Cursor::new(bytes.clone())).unwrap();
        for (name, shape) in cases {
            let array: ArrayD<u8> = reader.by_name(&format!("{name}.npy")).unwrap();
            assert_eq!(array.shape(), shape);
            assert_eq!(array.into_raw_vec_and_offset().0, values);
        }
        assert_eq!(bytes, npz(arrays()).unwrap());
        assert!(npz([byte_array("a", &[1], &[0]); 2]).is_err());
    }

    #[test]
    fn floats_and_integers_are_read_back_by_others() {
        let (floats, integers) = ([1.5f32, -0.0, f32::MAX, f32::MIN_POSITIVE], [-1i64, i64::MAX]);
        let bytes = npz([
            NewArray { name: "y", shape: &[2, 2], values: Values::Floats(&floats) },
            NewArray { name: "labels", shape: &[2], values: Values::Integers(&integers) },
        ]);
        let mut reader = NpzReader::new(Cursor::new(bytes.unwrap())).unwrap();
        let array: ArrayD<f32> = reader.by_name("y.npy").unwrap();
        assert_eq!((array.shape(), array.as_slice().unwrap()), (&[2, 2][..], &floats[..]));
        let array: ArrayD<i64> = reader.by_name("labels.npy").unwrap();
        assert_eq!((array.shape(), array.as_slice().unwrap()), (&[2][..], &integers[..]));
    }

    fn byte_array<'a>(name: &'a str, shape: &'a [usize], values: &'a [u8]) -> NewArray<'a> {
        NewArray { name, shape, values: Values::Bytes(values) }
    }
}
