use ndarray::{Array1, Array3, array};
use ndarray_npy::NpzWriter;

use super::*;
use crate::net::testing::{data_file, digits};

fn file(write: impl FnOnce(&mut NpzWriter<std::fs::File>)) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut npz = NpzWriter::new_compressed(file.reopen().unwrap());
    write(&mut npz);
    npz.finish().unwrap();
    file
}

fn load(path: &Path, change: impl FnOnce(&mut Selection)) -> Result<Samples, String> {
    let mut selection = Selection::default();
    change(&mut selection);
    Samples::load(path, &selection).map_err(|e| e.to_string())
}

#[test]
fn digits_by_index_array() {
    let samples = digits("test_idx", Some(5));
    assert_eq!((samples.len(), samples.shape.as_slice()), (5, &[1, 8, 8][..]));
    assert_eq!(samples.labels.as_ref().unwrap().len(), 5);
    assert!(samples.iter().flatten().all(|v| (0.0..=1.0).contains(v)));
    assert_eq!(digits("all", None).len(), 1797);
    assert_eq!(digits("10..13", None).rows, [10, 11, 12]);
    samples.expect_shape(&[1, 8, 8]).unwrap();
    samples.expect_shape(&[8, 8]).unwrap();
    assert!(samples.expect_shape(&[1, 8, 9]).unwrap_err().to_string().contains("[1, 8, 9]"));
    assert!(samples.expect_labels(3).unwrap_err().to_string().contains("3 classes"));
}

#[test]
fn every_numeric_type_is_read() {
    let file = file(|npz| {
        npz.add_array("x", &array![[1.5f64, -2.0], [3.0, 4.0]].t()).unwrap();
        npz.add_array("a", &array![[1u8, 2], [3, 4]]).unwrap();
        npz.add_array("b", &array![[-1i16, 2], [3, 4]]).unwrap();
        npz.add_array("y", &array![3i8, 4]).unwrap();
        npz.add_array("truth", &array![true, false]).unwrap();
    });
    let samples = load(file.path(), |_| {}).unwrap();
    assert_eq!(samples.as_slices(), [[1.5, 3.0], [-2.0, 4.0]]);
    assert_eq!(samples.labels.unwrap(), [3, 4]);
    let samples = load(file.path(), |s| s.x_key = "b".into()).unwrap();
    assert_eq!(samples.as_slices()[0], [-1.0, 2.0]);
    let samples = load(file.path(), |s| s.y_key = Some("truth".into())).unwrap();
    assert_eq!(samples.labels.unwrap(), [1, 0]);
}

#[test]
fn errors_say_what_and_where() {
    let digits = data_file("digits.npz");
    let error = |change: fn(&mut Selection)| load(&digits, change).unwrap_err();
    let text = error(|s| s.rows = Rows::Key("tset_idx".into()));
    assert!(text.contains("did you mean `test_idx`?") && text.contains("train_idx"), "{text}");
    let text = error(|s| s.rows = Rows::Range(0, Some(5000)));
    assert!(text.contains("0..5000") && text.contains("0 to 1796"), "{text}");
    let text = error(|s| s.limit = Some(0));
    assert!(text.contains("none of 1797"), "{text}");
    let text = error(|s| s.y_key = Some("x".into()));
    assert!(text.contains("`x`") && text.contains("[1797]"), "{text}");
    assert!(load(Path::new("none.npz"), |_| {}).unwrap_err().contains("none.npz"));
    for bad in ["", "5..5", "a..b", "7..3", "-1..3"] {
        assert!(bad.parse::<Rows>().unwrap_err().to_string().contains(bad));
    }
    for good in ["idx[2..5]", "idx[3..]", "all", "3..9", "4..", "key"] {
        assert_eq!(good.parse::<Rows>().unwrap().to_string(), good);
    }
}

#[test]
fn damaged_archives_are_refused() {
    let bytes = std::fs::read(data_file("digits.npz")).unwrap();
    for cut in [0, 10, 1000, bytes.len() / 2, bytes.len() - 10] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes[..cut]).unwrap();
        assert!(load(file.path(), |_| {}).unwrap_err().contains("truncated"), "{cut}");
    }
    let mut flipped = bytes.clone();
    flipped[5000] ^= 0x10;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &flipped).unwrap();
    assert!(load(file.path(), |_| {}).is_err());
}

#[test]
fn absurd_headers_take_no_memory() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut zip = zip::ZipWriter::new(file.reopen().unwrap());
    zip.start_file("x.npy", zip::write::SimpleFileOptions::default()).unwrap();
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 4), }";
    let header = format!("{header:<117}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    std::io::Write::write_all(&mut zip, &bytes).unwrap();
    zip.finish().unwrap();
    let text = load(file.path(), |_| {}).unwrap_err();
    assert!(text.contains("array `x`"), "{text}");
}

#[test]
fn labels_and_indices_must_be_legal() {
    let file = file(|npz| {
        npz.add_array("x", &Array3::<f32>::zeros((4, 2, 2))).unwrap();
        npz.add_array("y", &array![0i64, 1, -1, 2]).unwrap();
        npz.add_array("f", &Array1::<f32>::zeros(4)).unwrap();
        npz.add_array("far", &array![1u16, 4]).unwrap();
    });
    assert!(load(file.path(), |_| {}).unwrap_err().contains("value -1 at position 2"));
    let text = load(file.path(), |s| s.y_key = Some("f".into())).unwrap_err();
    assert!(text.contains("`f`") && text.contains("holds floats"), "{text}");
    let text = load(file.path(), |s| {
        s.y_key = Some("far".into());
        s.rows = Rows::Key("far".into());
    });
    assert!(text.unwrap_err().contains("row 4; the file has 4 rows"));
}
