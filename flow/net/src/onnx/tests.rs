use prost::Message;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::graph::{Graph, check};
use crate::testing::{data_file, lenet, shared_file};

fn round_trip(path: &Path) {
    let model = Model::read(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.onnx");
    model.write(&copy).unwrap();
    assert_eq!(Model::read(&copy).unwrap().proto, model.proto, "{}", path.display());
    // No other file is in the folder, and no byte of the file is lost.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let (old, new) = (std::fs::read(path).unwrap(), std::fs::read(&copy).unwrap());
    assert_eq!(old.len(), new.len(), "{}", path.display());
}

#[test]
fn written_models_equal_what_was_read() {
    round_trip(&data_file("lenet_digits.onnx"));
    for name in ["lenet_digits", "kws_dscnn", "resnet8_cifar10_jpegft", "int8/lenet_digits_minmax"]
    {
        if let Some(path) = shared_file(&format!("models/{name}.onnx")) {
            round_trip(&path);
        }
    }
}

#[test]
fn replaced_initializers_are_written() {
    let mut model = lenet();
    let values = vec![0.5f32; 10];
    model.set_initializer("fc2.bias", &values).unwrap();
    let again = Model::decode(&model.proto.encode_to_vec(), "again").unwrap();
    let graph = again.proto.graph.unwrap();
    let bias = graph.initializer.iter().find(|t| t.name.as_deref() == Some("fc2.bias")).unwrap();
    assert_eq!(Constant::decode(bias).unwrap().floats().unwrap(), values);
    assert!(model.set_initializer("fc2.bias", &[1.0]).unwrap_err().problem.contains("10 old"));
    assert!(model.set_initializer("fc3.bias", &values).is_err());
}

#[test]
fn errors_name_the_file() {
    let missing = Model::read(Path::new("no/such/file.onnx")).unwrap_err().to_string();
    assert!(missing.contains("no/such/file.onnx"), "{missing}");
    let bytes = std::fs::read(data_file("lenet_digits.onnx")).unwrap();
    let cut = Model::decode(&bytes[..1000], "cut.onnx").unwrap_err().to_string();
    assert!(cut.contains("cut.onnx") && cut.contains("1000 bytes"), "{cut}");
    assert!(Model::decode(b"", "empty.onnx").unwrap_err().to_string().contains("no graph"));
    // There is a file at the path of the folder.
    assert!(lenet().write(&data_file("lenet_digits.onnx").join("m.onnx")).is_err());
}

/// Damaged files yield an error or a model; they never cause a panic, a hang or a large allocation.
#[test]
fn damaged_files_are_survived() {
    let bytes = std::fs::read(data_file("lenet_digits.onnx")).unwrap();
    let weights = bytes.len() - 150_000;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (mut decoded, mut imported) = (0, 0);
    for _ in 0..2000 {
        let mut damaged = bytes.clone();
        for _ in 0..rng.random_range(0..4) {
            // Half of the flips in the first bytes: the nodes and the heads of the first tensors.
            let end = if rng.random() { weights } else { damaged.len() };
            let at = rng.random_range(0..end);
            damaged[at] ^= 1 << rng.random_range(0..8);
        }
        if rng.random_range(0..3) == 0 {
            damaged.truncate(rng.random_range(0..bytes.len()));
        }
        let Ok(model) = Model::decode(&damaged, "damaged.onnx") else { continue };
        decoded += 1;
        let findings = check(&model);
        assert!(!findings.is_empty());
        imported += usize::from(Graph::import(&model).is_ok());
    }
    println!("of 2000 damaged files {decoded} are well-formed, {imported} can be imported");
    assert!(decoded > imported && imported > 0);
}
