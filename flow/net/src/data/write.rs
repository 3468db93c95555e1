//! Writes numpy archives.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Alignment of an array's values in its file, as numpy has it.
const ALIGNMENT: usize = 64;

/// The header of an array of bytes or floats, version 1.0 of the format (NEP 1).
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

/// An archive of byte arrays (name, shape and values in row-major order), compressed. The same arrays give the same
/// bytes.
///
/// # Errors
/// A name is there twice.
pub(crate) fn npz<'a>(
    arrays: impl IntoIterator<Item = (&'a str, &'a [usize], &'a [u8])>,
) -> zip::result::ZipResult<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    for (name, shape, values) in arrays {
        archive.start_file(format!("{name}.npy"), options)?;
        archive.write_all(&header("|u1", shape))?;
        archive.write_all(values)?;
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
        let bytes = npz(cases.iter().map(|(name, shape)| (*name, *shape, &values[..]))).unwrap();
        let mut reader = NpzReader::new(Cursor::new(bytes.clone())).unwrap();
        for (name, shape) in cases {
            let array: ArrayD<u8> = reader.by_name(&format!("{name}.npy")).unwrap();
            assert_eq!(array.shape(), shape);
            assert_eq!(array.into_raw_vec_and_offset().0, values);
        }
        let again = npz(cases.iter().map(|(name, shape)| (*name, *shape, &values[..]))).unwrap();
        assert_eq!(bytes, again);
        let twice = [("a", &[1usize][..], &[0u8][..]); 2];
        assert!(npz(twice).is_err());
    }
}
