use ndarray::{Array1, Array3, array};
use ndarray_npy::NpzWriter;

use super::*;
use crate::testing::{data_file, digits};

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

/// An archive with one member `x.npy` of these bytes, twice if asked for.
fn archive(bytes: &[u8], packed: bool) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut zip = zip::ZipWriter::new(file.reopen().unwrap());
    let method =
        if packed { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    zip.start_file("x.npy", options).unwrap();
    std::io::Write::write_all(&mut zip, bytes).unwrap();
    zip.finish().unwrap();
    file
}

/// An array with that header and these bytes of values.
fn array_of(header: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{header:<117}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values);
    bytes
}

fn header(descr: &str, fortran: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}")
}

#[test]
fn absurd_headers_take_no_memory() {
    for (shape, said) in [
        ("(99999999999, 4)", "does not fit the 0 bytes"),
        ("(1099511627776, 0)", "has empty samples"),
        ("(0, 1099511627776)", "selects none of 0"),
        ("(4294967296, 4294967296, 4294967296)", "does not fit"),
        ("(18446744073709551616,)", "other than whole numbers"),
        ("()", "does not fit"),
    ] {
        let file = archive(&array_of(&header("<f4", "False", shape), &[]), false);
        let text = load(file.path(), |_| {}).unwrap_err();
        assert!(text.contains(said), "{shape}: {text}");
    }
    let text = load(archive(&[0x93; 300], false).path(), |_| {}).unwrap_err();
    assert!(text.contains("no array in numpy's format"), "{text}");
}

#[test]
fn rows_are_the_same_in_either_order_of_the_file() {
    let values = ndarray::Array4::from_shape_fn((5, 2, 3, 4), |(n, c, h, w)| {
        (1000 * n + 100 * c + 10 * h + w) as i32
    });
    let turned = values.t().as_standard_layout().into_owned();
    let file = file(|npz| {
        npz.add_array("x", &values).unwrap();
        npz.add_array("f", &turned.t()).unwrap();
        npz.add_array("rows", &array![4u8, 1, 1, 3]).unwrap();
    });
    for rows in ["all", "1..3", "rows", "rows[1..]"] {
        let row_major = load(file.path(), |s| s.rows = rows.parse().unwrap()).unwrap();
        let other = |s: &mut Selection| {
            s.rows = rows.parse().unwrap();
            s.x_key = "f".into();
        };
        let column_major = load(file.path(), other).unwrap();
        assert_eq!(row_major.as_slices(), column_major.as_slices(), "{rows}");
        for (row, sample) in row_major.rows.iter().zip(row_major.iter()) {
            let expected: Vec<f32> =
                values.index_axis(ndarray::Axis(0), *row).iter().map(|v| *v as f32).collect();
            assert_eq!(sample, expected);
        }
    }
    let whole = Npz::open(file.path()).unwrap().array("f").unwrap();
    let expected: Vec<f32> = values.iter().map(|v| *v as f32).collect();
    assert_eq!((whole.shape.as_slice(), whole.to_f32()), (&[5, 2, 3, 4][..], expected));
}

#[test]
fn no_more_rows_are_unpacked_than_are_asked_for() {
    // 64 MB of zeros with a damaged end: the values before it are usable.
    let zeros = array_of(&header("|u1", "False", "(65536, 1024)"), &vec![0; 1 << 26]);
    let file = archive(&zeros, true);
    let length = file.as_file().metadata().unwrap().len();
    assert!(length < 1 << 18, "{length} bytes");
    let mut bytes = std::fs::read(file.path()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(file.path(), bytes).unwrap();
    let (first, others, free) = Samples::load_and_others(
        file.path(),
        &Selection { limit: Some(3), ..Selection::default() },
        2,
    )
    .unwrap();
    assert_eq!((first.rows.as_slice(), others.len(), free), (&[0, 1, 2][..], 2, true));
    assert!(load(file.path(), |_| {}).is_err());
    // Too many values are refused before anything is read.
    let shape = format!("({}, 64)", 1u64 << 30);
    let mut npz = archive(&array_of(&header("|u1", "False", &shape), &[]), true);
    let text = load(npz.path(), |_| {}).unwrap_err();
    assert!(text.contains("does not fit"), "{text}");
    npz = archive(&array_of(&header("|u1", "False", "(67108864, 1)"), &vec![0; 1 << 26]), true);
    let text = load(npz.path(), |_| {}).unwrap_err();
    assert!(text.contains("at most 536870912 values"), "{text}");
}

#[test]
fn samples_that_are_not_selected_come_in_the_same_pass() {
    let digits = data_file("digits.npz");
    let selection = |rows: &str| Selection { rows: rows.parse().unwrap(), ..Selection::default() };
    let load = |rows, count| Samples::load_and_others(&digits, &selection(rows), count).unwrap();
    let all = Samples::load(&digits, &selection("all")).unwrap();
    let (chosen, others, free) = load("1..3", 3);
    let expected: Vec<&[f32]> = [0, 3, 4].map(|row| all.as_slices()[row]).to_vec();
    assert!(free && others == expected);
    assert_eq!(chosen, Samples::load(&digits, &selection("1..3")).unwrap());
    let (_, others, free) = load("all", 3);
    assert!(!free && others == all.as_slices()[..3]);
}

#[test]
fn archives_that_lie_about_themselves_are_refused() {
    let good = archive(&array_of(&header("|u1", "False", "(2, 3)"), &[1, 2, 3, 4, 5, 6]), false);
    let bytes = std::fs::read(good.path()).unwrap();
    assert_eq!(load(good.path(), |_| {}).unwrap().as_slices(), [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let directory = bytes.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
    let end = bytes.windows(4).rposition(|w| w == b"PK\x05\x06").unwrap();
    let refused = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        edit(&mut bytes);
        std::fs::write(good.path(), bytes).unwrap();
        load(good.path(), |_| {}).unwrap_err()
    };
    // The unpacked size, the packed size, a header of another shape.
    let text = refused(&|b| b[directory + 24..][..4].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]));
    assert!(text.contains("cannot unpack to 2147483647"), "{text}");
    refused(&|b| b[directory + 20..][..4].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]));
    let text = refused(&|b| {
        let shape = b.windows(6).position(|w| w == b"(2, 3)").unwrap();
        b[shape + 1] = b'9';
    });
    assert!(text.contains("[9, 3] does not fit the 6 bytes"), "{text}");
    // Two members of one name.
    let text = refused(&|b| {
        let entry = b[directory..end].to_vec();
        b.splice(end..end, entry.iter().copied());
        let end = end + entry.len();
        for at in [8, 10] {
            b[end + at] = 2;
        }
        b[end + 12] = (2 * entry.len()) as u8;
    });
    assert!(text.contains("`x.npy` is there twice"), "{text}");
    let text = refused(&|b| b[end + 10] = 77);
    assert!(text.contains("member 1 of the directory is damaged"), "{text}");
    let text = refused(&|b| b.truncate(end + 5));
    assert!(text.contains("no directory at its end"), "{text}");
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

/// Golden outputs stand beside inputs in archives of model makers, also under the name of labels.
#[test]
fn outputs_are_no_labels() {
    let outputs = array![[0.5f32, 0.5], [0.25, 0.75]];
    let file = file(|npz| {
        npz.add_array("x", &array![[1.5f32], [3.0]]).unwrap();
        npz.add_array("y", &outputs).unwrap();
    });
    let samples = load(file.path(), |_| {}).unwrap();
    assert_eq!((samples.labels, samples.total), (None, 2));
    // Asked for by name, they are wrong.
    let text = load(file.path(), |s| s.y_key = Some("y".into())).unwrap_err();
    assert!(text.contains("expected one label per sample"), "{text}");
}
