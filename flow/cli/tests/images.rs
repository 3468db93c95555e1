//! Folders and archives of images as data.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod command;

use std::io::Write;
use std::path::Path;

use image::{ColorType, ImageFormat};
use pecan_net::data::{NewArray, Values, write_npz};

use command::{bundled, document, said};

fn pixels(number: usize) -> Vec<u8> {
    (0..64).map(|at| ((at * 7 + number * 41) % 256) as u8).collect()
}

/// Images of 8x8 gray pixels, two of each of two classes.
fn images(folder: &Path) {
    for (number, name) in ["one/a.png", "one/b.png", "two/a.png", "two/b.png"].iter().enumerate() {
        let path = folder.join("set").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let (values, gray) = (pixels(number), ColorType::L8);
        image::save_buffer_with_format(path, &values, 8, 8, gray, ImageFormat::Png).unwrap();
    }
}

/// The same samples from images and from an archive of arrays give the same figures.
#[test]
fn images_are_data() {
    let folder = tempfile::tempdir().unwrap();
    images(folder.path());
    let values: Vec<f32> =
        (0..4).flat_map(pixels).map(|value| (f32::from(value) / 255.0 - 0.5) / 0.25).collect();
    let labels = [0, 0, 1, 1];
    let archive = write_npz([
        NewArray { name: "x", shape: &[4, 1, 8, 8], values: Values::Floats(&values) },
        NewArray { name: "y", shape: &[4], values: Values::Integers(&labels) },
    ]);
    std::fs::write(folder.path().join("set.npz"), archive.unwrap()).unwrap();
    let mut zip =
        zip::ZipWriter::new(std::fs::File::create(folder.path().join("set.zip")).unwrap());
    for name in ["one/a.png", "one/b.png", "two/a.png", "two/b.png"] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&std::fs::read(folder.path().join("set").join(name)).unwrap()).unwrap();
    }
    zip.finish().unwrap();
    let model = bundled("lenet_digits.onnx");
    let run = |command: &str, data: &str| {
        let mut args = vec![command, &model, "--preset", "tiny", "--data", data, "--json"];
        if data != "set.npz" {
            args.extend(["--mean", "0.5", "--std", "0.25"]);
        }
        let mut result = document(folder.path(), &args);
        for key in ["inputs", "origin", "simulator", "mapper", "report"] {
            result.as_object_mut().unwrap().remove(key);
        }
        result
    };
    for command in ["check", "simulate"] {
        let expected = run(command, "set.npz");
        assert_eq!(run(command, "set"), expected, "{command}");
        assert_eq!(run(command, "set.zip"), expected, "{command}");
    }
    assert_eq!(run("simulate", "set")["accuracy"]["samples"], 4);
    // A workload file has the same choices.
    let workload =
        format!("model = '{model}'\ndata = 'set'\nmean = [0.5]\nstd = [0.25]\nresize = '8x8'\n");
    std::fs::write(folder.path().join("w.toml"), workload).unwrap();
    let args = ["simulate", "--workload", "w.toml", "--preset", "tiny", "--json"];
    let result = document(folder.path(), &args);
    assert_eq!(result["accuracy"], run("simulate", "set")["accuracy"]);
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    images(folder.path());
    std::fs::write(folder.path().join("set/two/c.jpg"), b"no image").unwrap();
    let model = bundled("lenet_digits.onnx");
    let base = ["estimate", &model, "--data", "set", "--out", "out"];
    let said = |more: &[&str], code| said(folder.path(), &[&base[..], more].concat(), code);
    let text = said(&[], 3);
    assert!(text.contains("set/two/c.jpg") || text.contains("two/c.jpg"), "{text}");
    assert!(!folder.path().join("out").exists());
    let text = said(&["--crop", "9"], 3);
    assert!(text.contains("5 of 5 images") && text.contains("9x9"), "{text}");
    assert!(said(&["--x-key", "x"], 2).contains("--x-key is for .npz"));
    assert!(said(&["--mean", "1,2,3"], 3).contains("mean of 3 values"));
    assert!(said(&["--resize", "0"], 2).contains("HxW"));
    let args = ["check", &model, "--resize", "8"];
    assert!(self::said(folder.path(), &args, 2).contains("--resize is for images"));
}
