use std::path::Path;

use super::*;
use crate::data::Npz;
use crate::onnx::Model;
use crate::testing::{ModelBuilder, lenet};

const KINDS: [&str; 2] = ["masks.npz", "masks.safetensors"];

fn read(model: &Model, path: &Path) -> String {
    let graph = Graph::import(model).unwrap();
    Masks::read(model, &graph, path).unwrap_err().to_string()
}

/// A convolution and a fully connected layer whose file holds the transpose.
fn model(weight: &str) -> Model {
    let w: Vec<f32> = (0..8).map(|v| (v % 3) as f32).collect();
    ModelBuilder::new(&[2, 1, 1])
        .floats(weight, &[2, 2, 1, 1], &[1.0, 0.0, 0.0, 2.0])
        .floats("fc", &[2, 4], &w)
        .node("Conv", &["x", weight], "c", &[])
        .node("Flatten", &["c"], "f", &[])
        .node("MatMul", &["f", "fc"], "y", &[])
        .model()
}

#[test]
fn masks_come_back_from_both_kinds_of_file() {
    let folder = tempfile::tempdir().unwrap();
    for model in [lenet(), model("w")] {
        let mut graph = Graph::import(&model).unwrap();
        for node in graph.nodes.node_weights_mut() {
            let Some(linear) = node.op.as_mut().and_then(|op| op.linear_mut()) else { continue };
            linear.weights.iter_mut().step_by(3).for_each(|w| *w = 0.0);
        }
        let masks = Masks::of(&graph);
        for kind in KINDS {
            let path = folder.path().join(kind);
            masks.write(&model, &graph, &path).unwrap();
            assert_eq!(Masks::read(&model, &graph, &path).unwrap(), masks, "{kind}");
        }
    }
    // No temporary file is left.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn arrays_lie_as_the_weights_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(KINDS[0]);
    let model = model("w");
    let graph = Graph::import(&model).unwrap();
    let mut masks = Masks::of(&graph);
    masks.write_npz(&model, &graph, &path).unwrap();
    let mut npz = Npz::open(&path).unwrap();
    assert_eq!(npz.keys(), ["fc", "w"]);
    let fc = npz.array("fc").unwrap();
    assert_eq!(fc.shape, [2, 4]);
    assert_eq!(fc.to_f32(), [0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0]);
    // A layer without a mask is left out.
    masks.0.remove("n_c");
    masks.write_npz(&model, &graph, &path).unwrap();
    assert_eq!(Npz::open(&path).unwrap().keys(), ["fc"]);
    assert_eq!(Masks::read_npz(&model, &graph, &path).unwrap(), masks);
}

#[test]
fn wrong_masks_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let other = model("weight");
    let graph = Graph::import(&other).unwrap();
    for kind in KINDS {
        let path = folder.path().join(kind);
        Masks::of(&graph).write(&other, &graph, &path).unwrap();
        let text = read(&model("weights"), &path);
        assert!(text.contains("`weight` is no weight tensor"), "{text}");
        assert!(text.contains("did you mean `weights`?") && text.contains("weights, fc"), "{text}");
        let mut reshaped = model("weight");
        let proto = reshaped.proto.graph.as_mut().unwrap();
        proto.initializer[1].dims = vec![4, 2];
        proto.node[2].op_type = Some("Gemm".into());
        proto.node[2].attribute = ModelBuilder::new(&[1])
            .node("Gemm", &[], "y", &[("transB", &[1])])
            .graph
            .node
            .remove(0)
            .attribute;
        let text = read(&reshaped, &path);
        assert!(text.contains("`fc`: shape [2, 4]; the weights have [4, 2]"), "{text}");
        std::fs::write(&path, b"nothing").unwrap();
        assert!(read(&other, &path).contains(kind));
        std::fs::remove_file(&path).unwrap();
        assert!(read(&other, &path).contains(kind));
    }
    let text = read(&other, Path::new("masks.zip"));
    assert!(text.contains(".npz, .safetensors"), "{text}");
    // There is a file at the path of the folder.
    let target = folder.path().join("blocked/masks.npz");
    std::fs::write(folder.path().join("blocked"), "").unwrap();
    assert!(Masks::of(&graph).write(&other, &graph, &target).is_err());
    // An array with values other than 0 and 1 is no mask; other element types are accepted.
    let path = folder.path().join("values.npz");
    for (values, fits) in [([1.0f32, 0.0], true), ([0.5, 0.0], false)] {
        let mut npz = ndarray_npy::NpzWriter::new(std::fs::File::create(&path).unwrap());
        let array = ndarray::Array::from_vec([values, [1.0, 0.0]].concat());
        npz.add_array("weight", &array.into_shape_with_order((2, 2, 1, 1)).unwrap()).unwrap();
        npz.finish().unwrap();
        match Masks::read(&other, &graph, &path) {
            Ok(masks) => assert!(fits && masks.layer("n_c").unwrap() == [true, false, true, false]),
            Err(error) => assert!(!fits && error.to_string().contains("holds 0.5")),
        }
    }
}

#[test]
fn masks_of_another_network_are_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(KINDS[0]);
    let model = model("w");
    let graph = Graph::import(&model).unwrap();
    let text = |masks: &Masks| masks.write(&model, &graph, &path).unwrap_err().to_string();
    let mut masks = Masks::of(&graph);
    masks.0.insert("n_cc".into(), vec![true]);
    assert!(text(&masks).contains("`n_cc` (did you mean `n_c`?)"));
    let mut masks = Masks::of(&graph);
    masks.0.insert("n_c".into(), vec![true; 3]);
    assert!(text(&masks).contains("3 values for 4 weights"));
    let lenet = Graph::import(&lenet()).unwrap();
    let error = Masks::of(&lenet).write(&model, &lenet, &path).unwrap_err().to_string();
    assert!(error.contains("no constant"), "{error}");
}

#[test]
fn layers_that_share_weights_share_the_mask() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(KINDS[1]);
    let model = ModelBuilder::new(&[2, 3, 3])
        .floats("w", &[2, 2, 1, 1], &[1.0, 0.0, 0.0, 2.0])
        .node("Conv", &["x", "w"], "c", &[])
        .node("Conv", &["c", "w"], "y", &[])
        .model();
    let graph = Graph::import(&model).unwrap();
    let mut masks = Masks::of(&graph);
    masks.write(&model, &graph, &path).unwrap();
    assert_eq!(Masks::read(&model, &graph, &path).unwrap(), masks);
    masks.0.insert("n_y".into(), vec![true; 4]);
    let text = masks.write(&model, &graph, &path).unwrap_err().to_string();
    assert!(text.contains("`n_y`") && text.contains("weights `w`"), "{text}");
}
