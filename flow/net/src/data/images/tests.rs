use std::io::Write;
use std::path::Path;

use image::{ColorType, ImageFormat};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::pixels::Pixels;
use super::*;
use crate::data::{DataError, Samples, Selection};

/// The bytes of a pattern, channels innermost.
fn pattern(height: usize, width: usize, channels: usize) -> Vec<u8> {
    let values = (0..height * width * channels).map(|at| {
        let (pixel, k) = (at / channels, at % channels);
        let (y, x) = (pixel / width, pixel % width);
        ((37 * x + 91 * y + 53 * k + x * y) % 256) as u8
    });
    values.collect()
}

fn encoded(format: ImageFormat, height: usize, width: usize, color: ColorType) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    let values = pattern(height, width, usize::from(color.channel_count()));
    let (w, h) = (width as u32, height as u32);
    image::write_buffer_with_format(&mut file, &values, w, h, color, format).unwrap();
    file.into_inner()
}

fn png(height: usize, width: usize) -> Vec<u8> {
    encoded(ImageFormat::Png, height, width, ColorType::Rgb8)
}

fn resized(height: usize, width: usize, to: [usize; 2], channels: usize) -> Vec<u8> {
    Pixels::decode(&png(height, width), channels).unwrap().resized(to).data
}

/// 64-bit FNV-1a.
fn fnv(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Values of Pillow 11.3, which goes along the rows first (13.0 chooses the order, by which values differ by 1): `Image.fromarray(pattern).convert("L").resize((w, h), Image.BILINEAR)`.
#[test]
fn pixels_are_those_of_pil() {
    let gray = Pixels::decode(&png(10, 13), 1).unwrap();
    assert_eq!(gray.data[..13], [43, 80, 117, 154, 191, 199, 86, 46, 83, 120, 157, 165, 202]);
    assert_eq!(
        gray.resized([4, 5]).data,
        [
            119, 125, 124, 130, 135, 130, 127, 126, 127, 140, 133, 117, 134, 120, 131, 114, 132,
            126, 121, 138
        ]
    );
    // Smaller, larger, and one axis only.
    let cases = [
        ([10, 13], [7, 5], 0xf164_74fe_cb36_797b),
        ([40, 30], [11, 29], 0x1f58_4b03_5931_5207),
        ([9, 9], [23, 17], 0x2a98_0908_b1b7_1437),
        ([64, 48], [64, 10], 0x2b59_535f_6e8f_e34b),
    ];
    for ([height, width], to, hash) in cases {
        assert_eq!(fnv(&resized(height, width, to, 3)), hash, "{height}x{width} {to:?}");
    }
}

fn options(shape: [usize; 3], resize: Option<&str>, crop: Option<&str>) -> Preprocessing {
    let extent = |text: Option<&str>| text.map(|text| text.parse().unwrap());
    let (resize, crop) = (extent(resize), extent(crop));
    Preprocessing { resize, crop, ..Preprocessing::new(&shape).unwrap() }
}

#[test]
fn images_become_samples() {
    let file = png(9, 12);
    let values = pattern(9, 12, 3);
    let mut how = options([3, 4, 5], None, Some("4x5"));
    how.normalize(&[0.5, 0.25, 0.0], &[2.0]).unwrap();
    let sample = how.sample(&file).unwrap();
    // Margins of 5 and 7: 2.5 and 3.5 to even are 2 and 4.
    let at = |c: usize, y: usize, x: usize| values[((y + 2) * 12 + x + 4) * 3 + c];
    assert_eq!(sample[0], (f32::from(at(0, 0, 0)) / 255.0 - 0.5) / 2.0);
    assert_eq!(sample[20 + 5 + 2], (f32::from(at(1, 1, 2)) / 255.0 - 0.25) / 2.0);
    // The shorter side becomes 6, the other 8.
    let sample = options([1, 6, 8], Some("6"), None).sample(&file).unwrap();
    let gray = resized(9, 12, [6, 8], 1);
    assert_eq!(sample, gray.iter().map(|v| f32::from(*v) / 255.0).collect::<Vec<_>>());
    let text = options([3, 4, 4], None, None).sample(&file).unwrap_err();
    assert!(text.contains("9x12") && text.contains("--resize"), "{text}");
    let text = options([3, 10, 10], None, Some("10")).sample(&file).unwrap_err();
    assert!(text.contains("too small for a crop of 10x10"), "{text}");
    // Gray files for networks in color, alpha, and losses of JPEG within a few units of PNG.
    let gray = encoded(ImageFormat::Png, 4, 4, ColorType::L8);
    let color = options([3, 4, 4], None, None).sample(&gray).unwrap();
    assert_eq!(color[..16], color[32..]);
    let alpha = encoded(ImageFormat::Png, 4, 4, ColorType::Rgba8);
    assert_eq!(options([3, 4, 4], None, None).sample(&alpha).unwrap().len(), 48);
    let jpeg = encoded(ImageFormat::Jpeg, 16, 16, ColorType::L8);
    let mean = |file: &[u8]| {
        let sample = options([1, 16, 16], None, None).sample(file).unwrap();
        sample.iter().sum::<f32>() / 256.0
    };
    let exact = mean(&encoded(ImageFormat::Png, 16, 16, ColorType::L8));
    assert!((mean(&jpeg) - exact).abs() < 0.02);
}

#[test]
fn choices_that_do_not_fit_are_refused() {
    assert!(Preprocessing::new(&[2, 4, 4]).unwrap_err().contains("[2, 4, 4]"));
    let mut how = options([3, 4, 4], None, None);
    assert!(how.normalize(&[0.5, 0.5], &[]).unwrap_err().contains("3 channels"));
    assert!(how.normalize(&[], &[0.0]).unwrap_err().contains("above 0"));
    for bad in ["", "0", "x4", "4x", "99999", "-1", "4x4x4"] {
        assert!(bad.parse::<Extent>().is_err(), "{bad}");
    }
    assert_eq!("8x9".parse::<Extent>().unwrap().to_string(), "8x9");
}

/// A narrow image of many rows would take gigabytes between the two steps of a resize.
#[test]
fn resizes_are_bounded_by_pixels() {
    let narrow = png(20_000, 1);
    let said = |resize: &str| {
        options([3, 224, 224], Some(resize), None).sample(&narrow).unwrap_err().to_string()
    };
    for resize in ["8x4000", "16384x16384", "16384"] {
        let text = said(resize);
        assert!(text.contains("20000x1 pixels resized to"), "{text}");
    }
    assert!(said("8x8").contains("the network takes 224x224"));
}

fn selection(rows: &str) -> Selection {
    let images = Some(options([3, 4, 4], Some("4x4"), None));
    Selection { rows: rows.parse().unwrap(), images, ..Selection::default() }
}

/// A folder with classes `b` (2 images) and `a` (1 image).
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, file) in [
        ("b/2.png", png(4, 4)),
        ("b/10.JPEG", encoded(ImageFormat::Jpeg, 8, 8, ColorType::Rgb8)),
        ("a/z.png", png(5, 7)),
        ("a/notes.txt", b"no image".to_vec()),
        ("a/.hidden.png", b"no image".to_vec()),
    ] {
        let path = folder.path().join("set").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file).unwrap();
    }
    folder
}

fn zipped(folder: &Path, target: &Path) {
    let mut archive = ZipWriter::new(std::fs::File::create(target).unwrap());
    for class in ["b", "a"] {
        for item in std::fs::read_dir(folder.join("set").join(class)).unwrap() {
            let item = item.unwrap().path();
            let name = item.file_name().unwrap().to_str().unwrap();
            let options = SimpleFileOptions::default();
            archive.start_file(format!("set/{class}/{name}"), options).unwrap();
            archive.write_all(&std::fs::read(item).unwrap()).unwrap();
        }
    }
    archive.finish().unwrap();
}

#[test]
fn folders_and_archives_hold_the_same() {
    let folder = folder();
    let archive = folder.path().join("set.zip");
    zipped(folder.path(), &archive);
    let load = |path: &Path, rows: &str| Samples::load(path, &selection(rows)).unwrap();
    let all = load(folder.path(), "all");
    assert_eq!((all.len(), all.total, all.labels.as_deref()), (3, 3, Some(&[0, 1, 1][..])));
    let other = load(&archive, "all");
    assert_eq!((all.as_slices(), &all.labels), (other.as_slices(), &other.labels));
    let part = load(&archive, "1..2");
    assert_eq!((part.as_slices()[0], &part.labels), (all.as_slices()[1], &Some(vec![1])));
    all.expect_shape(&[3, 4, 4]).unwrap();
    // Names decide the labels.
    let mut named = selection("all");
    let names = ["x", "b", "a"].map(str::to_owned).to_vec();
    named.images.as_mut().unwrap().labels = Some(names);
    assert_eq!(Samples::load(&archive, &named).unwrap().labels, Some(vec![2, 1, 1]));
    named.images.as_mut().unwrap().labels = Some(vec!["a".into()]);
    let text = Samples::load(&archive, &named).unwrap_err().to_string();
    assert!(text.contains("`b` is not among the labels"), "{text}");
    // One folder is no class.
    assert_eq!(load(&folder.path().join("set/b"), "all").labels, None);
    let text = Samples::load(&archive, &selection("test_idx")).unwrap_err().to_string();
    assert!(text.contains("images have no arrays of rows"), "{text}");
}

#[test]
fn every_image_that_cannot_be_used_is_named() {
    let folder = folder();
    let place = |name: &str| folder.path().join("set").join(name);
    let whole = png(64, 64);
    std::fs::write(place("a/cut.png"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(place("b/text.jpg"), b"not an image").unwrap();
    std::fs::write(place("b/empty.jpg"), b"").unwrap();
    let error = Samples::load(folder.path(), &selection("all")).unwrap_err();
    let DataError::Images(ImageError::Images { total, problems, .. }) = &error else {
        panic!("{error}")
    };
    let names: Vec<&str> = problems.iter().map(|problem| problem.name.as_str()).collect();
    assert_eq!(
        (*total, &names[..]),
        (6, &["set/a/cut.png", "set/b/empty.jpg", "set/b/text.jpg"][..])
    );
    (0..30).for_each(|n| std::fs::write(place(&format!("b/c{n}.jpg")), b"").unwrap());
    let text = Samples::load(folder.path(), &selection("all")).unwrap_err().to_string();
    assert!(text.contains("33 of 36") && text.contains("and 13 more"), "{text}");
    // Images that are not asked for are not read.
    assert!(Samples::load(folder.path(), &selection("0..1")).is_err());
    assert!(Samples::load(folder.path(), &selection("1..2")).is_ok());
    let beside = place("top.png");
    std::fs::write(beside, png(4, 4)).unwrap();
    let text = Samples::load(folder.path(), &selection("all")).unwrap_err().to_string();
    assert!(text.contains("beside folders"), "{text}");
}

/// What claims more than it holds, or unpacks to more than it may, is refused before it takes memory.
#[test]
fn bombs_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let archive = |name: &str, contents: &[u8]| {
        let path = folder.path().join(name);
        let mut archive = ZipWriter::new(std::fs::File::create(&path).unwrap());
        archive.start_file("a/x.png", SimpleFileOptions::default()).unwrap();
        archive.write_all(contents).unwrap();
        archive.finish().unwrap();
        path
    };
    let said = |path: &Path| Samples::load(path, &selection("all")).unwrap_err().to_string();
    let text = said(&archive("large.zip", &vec![0; (1 << 26) + 1]));
    assert!(text.contains("at most 67108864"), "{text}");
    // The directory declares fewer bytes than the member unpacks to.
    let path = archive("more.zip", &png(40, 40));
    let mut bytes = std::fs::read(&path).unwrap();
    let entry = bytes.windows(4).rposition(|part| part == b"PK\x01\x02").unwrap();
    bytes[entry + 24..entry + 28].copy_from_slice(&20u32.to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let text = said(&path);
    assert!(text.contains("x.png"), "{text}");
    // 60,000 x 60,000 pixels in a header.
    let mut huge = png(4, 4);
    huge[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let text = said(&archive("pixels.zip", &huge));
    assert!(text.contains("x.png"), "{text}");
    std::fs::write(folder.path().join("none.zip"), b"PK").unwrap();
    assert!(said(&folder.path().join("none.zip")).contains("not a zip archive"));
    let text = said(folder.path());
    assert!(text.contains("no images"), "{text}");
}
