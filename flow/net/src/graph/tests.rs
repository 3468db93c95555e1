use super::*;
use crate::data::Npz;
use crate::onnx::{DimensionValue, Model, TypeValue};
use crate::testing::{ModelBuilder, data_file, digits, lenet, shared_file};

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn golden(model: &str, key: &str, tolerance: f32) {
    let (Some(model), Some(data)) =
        (shared_file(&format!("models/{model}.onnx")), shared_file("data/golden.npz"))
    else {
        return;
    };
    let graph = Graph::import(&Model::read(&model).unwrap()).unwrap();
    let mut npz = Npz::open(&data).unwrap();
    let x = npz.array(&format!("{key}_x")).unwrap().to_f32();
    let y = npz.array(&format!("{key}_y")).unwrap().to_f32();
    let samples: Vec<&[f32]> = x.chunks(x.len() / 8).collect();
    let outputs = graph.outputs(&samples).unwrap().concat();
    let difference = largest_difference(&outputs, &y);
    println!("{key}: largest difference {difference:e}");
    assert!(difference < tolerance, "{key}: {difference}");
}

#[test]
fn float_inference_matches_the_golden_outputs() {
    golden("lenet_digits", "lenet", 2e-5);
    golden("resnet8_cifar10_jpegft", "resnet8_jpegft", 2e-5);
    golden("kws_dscnn", "kws", 2e-5);
}

#[test]
fn float_accuracy_of_the_bundled_network() {
    let graph = Graph::import(&lenet()).unwrap();
    assert_eq!((graph.input_shape(), graph.output_shape()), (&[1, 8, 8][..], &[10][..]));
    let data = digits("test_idx", None);
    data.expect_shape(graph.input_shape()).unwrap();
    let outputs = graph.outputs(&data.as_slices()).unwrap();
    let labels = data.expect_labels(10).unwrap();
    let argmax = crate::op::argmax::<f32>;
    let right = outputs.iter().zip(labels).filter(|(o, l)| argmax(o) == **l).count();
    assert_eq!(right, 353); // 98.06 % of 360
}

#[test]
fn check_of_the_bundled_network_finds_nothing() {
    let findings = check(&lenet());
    assert_eq!(findings.len(), 9);
    assert!(findings.iter().all(|f| f.supported), "{findings:?}");
}

#[test]
fn check_finds_nothing_in_the_shared_networks() {
    for name in ["resnet8_cifar10_jpegft", "kws_dscnn", "int8/resnet8_cifar10_jpegft_minmax"] {
        let Some(path) = shared_file(&format!("models/{name}.onnx")) else { continue };
        let findings = check(&Model::read(&path).unwrap());
        let bad: Vec<_> = findings.iter().filter(|f| !f.supported).collect();
        assert!(bad.is_empty(), "{name}: {bad:?}");
    }
}

#[test]
fn check_says_what_the_hardware_lacks() {
    let pool: &[(&str, &[i64])] = &[("kernel_shape", &[3, 3]), ("pads", &[1, 1, 1, 1])];
    let model = ModelBuilder::new(&[2, 4, 6])
        .node("AveragePool", &["x"], "p", pool)
        .node("Transpose", &["p"], "t", &[("perm", &[0, 1, 3, 2])])
        .ints("shape", &[0, 4, 6, 2])
        .node("Reshape", &["t", "shape"], "r", &[])
        .node("Mul", &["r", "r"], "m", &[])
        .node("Softmax", &["m"], "y", &[])
        .model();
    let findings = check(&model);
    let reason = |at: usize| {
        assert!(!findings[at].supported, "{:?}", findings[at]);
        findings[at].reason.as_str()
    };
    assert!(reason(0).contains("windows of 2 and of 3 rows") && reason(0).contains("one divisor"));
    assert!(reason(1).contains("moves values"));
    assert!(reason(2).contains("the new shape [4, 6, 2]"));
    assert!(reason(3).contains("two computed tensors; supported: one constant"));
}

#[test]
fn every_problem_is_reported_at_once() {
    let model = ModelBuilder::new(&[4, 8, 8])
        .floats("w", &[2, 3, 3, 3], &[0.0; 54])
        .node("Conv", &["x", "w"], "a", &[("strides", &[0, 1]), ("bogus", &[1])])
        .node("Konv", &["a", "w"], "b", &[])
        .node("Relu", &["gone"], "c", &[])
        .node("Gemm", &["b", "c"], "d", &[("transA", &[1])])
        .node("Add", &["d", "x"], "e", &[])
        .node("Flatten", &["e"], "y", &[("axis", &[2])])
        .model();
    let findings = check(&model);
    let reason = |node: &str| {
        let finding = findings.iter().find(|f| f.node == node).unwrap();
        assert!(!finding.supported, "{node}");
        finding.reason.as_str()
    };
    assert!(reason("n_a").contains("`strides` = [0, 1]") && reason("n_a").contains("`bogus`"));
    assert_eq!(reason("n_b"), "unknown operator");
    assert!(reason("n_c").contains("`gone`"));
    assert!(reason("n_d").contains("`transA` = 1; supported: 0") && reason("n_d").contains("`c`"));
    assert!(reason("n_y").contains("`axis` = 2"));
    let Err(GraphError::Unsupported { findings, .. }) = Graph::import(&model) else { panic!() };
    assert!(findings.len() >= 5);
}

#[test]
fn wrong_graphs_are_refused_by_name() {
    let problem = |model: &Model| {
        let text = Graph::import(model).unwrap_err().to_string();
        assert!(text.contains("test.onnx"), "{text}");
        text
    };
    let relu = |b: ModelBuilder, i: &str, o: &str| b.node("Relu", &[i], o, &[]);
    let cycle = relu(relu(ModelBuilder::new(&[4]), "y", "a"), "a", "y").model();
    assert!(problem(&cycle).contains("cycle"));
    let twice = relu(relu(ModelBuilder::new(&[4]), "x", "y"), "x", "y");
    assert!(problem(&twice.model()).contains("`n_y_1` writes tensor `y`, as does node `n_y`"));
    let mut twice = relu(relu(ModelBuilder::new(&[4]), "x", "y"), "x", "y");
    twice.graph.node[1].name = Some("other".into());
    assert!(problem(&twice.model()).contains("`other` writes tensor `y`, as does node `n_y`"));
    let none = ModelBuilder::new(&[4]).model();
    assert!(problem(&none).contains("`y` is written by no node"));
    let mut both = ModelBuilder::new(&[4]).node("Add", &["x", "x2"], "y", &[]);
    both.graph.input.push(both.graph.input[0].clone());
    both.graph.input[1].name = Some("x2".into());
    assert!(problem(&both.clone().model()).contains("2 graph inputs (x, x2)"));
    // One that nobody reads is none.
    both.graph.node[0].input[1] = "x".into();
    assert!(Graph::import(&both.model()).is_ok());
    let duplicate =
        relu(ModelBuilder::new(&[4]), "x", "y").floats("w", &[], &[1.0]).floats("w", &[], &[1.0]);
    assert!(problem(&duplicate.model()).contains("`w` occurs more than once"));
}

#[test]
fn absurd_input_shapes_are_refused() {
    for shape in [&[i64::MAX, i64::MAX][..], &[1 << 40], &[0, 3], &[-1]] {
        let model = ModelBuilder::new(shape).node("Relu", &["x"], "y", &[]).model();
        let text = Graph::import(&model).unwrap_err().to_string();
        assert!(text.contains("`x`"), "{text}");
    }
    let mut dynamic = ModelBuilder::new(&[3]).node("Relu", &["x"], "y", &[]);
    let info = dynamic.graph.input[0].r#type.as_mut().unwrap();
    let Some(TypeValue::Tensor(tensor)) = &mut info.value else { panic!() };
    tensor.shape.as_mut().unwrap().dim[1].value = Some(DimensionValue::Param("width".into()));
    let text = Graph::import(&dynamic.model()).unwrap_err().to_string();
    assert!(text.contains("[N, width]"), "{text}");
    let window: &[(&str, &[i64])] = &[("kernel_shape", &[4096, 4096]), ("pads", &[4096; 4])];
    let model = ModelBuilder::new(&[1, 4, 4]).node("MaxPool", &["x"], "y", window).model();
    assert!(Graph::import(&model).unwrap_err().to_string().contains("padding only"));
}

#[test]
fn normalizations_and_no_ops_disappear() {
    let build = |folded: bool| {
        let b = ModelBuilder::new(&[1, 2, 2])
            .floats("w", &[2, 1, 1, 1], &[2.0, -3.0])
            .floats("b", &[2], &[0.5, 1.0])
            .floats("gamma", &[2], &[1.5, 0.5])
            .floats("beta", &[2], &[0.1, -0.2])
            .floats("mean", &[2], &[0.3, 0.4])
            .floats("variance", &[2], &[4.0, 0.25])
            .ints("shape", &[0, -1])
            .node("Conv", &["x", "w", "b"], "c", &[]);
        let b = if folded {
            b.node("Identity", &["c"], "i", &[])
        } else {
            b.node("Relu", &["c"], "i", &[])
        };
        b.node("BatchNormalization", &["i", "gamma", "beta", "mean", "variance"], "n", &[])
            .node("Dropout", &["n"], "d", &[])
            .node("Reshape", &["d", "shape"], "y", &[])
            .model()
    };
    let graph = Graph::import(&build(true)).unwrap();
    let ops: Vec<&str> = graph.iter().map(|n| n.op_type.as_str()).collect();
    assert_eq!(ops, ["Conv", "Reshape"]);
    assert_eq!(graph.nodes.edge_count(), 1);
    let x = [1.0, -1.0, 0.25, 2.0];
    let y = graph.outputs(&[&x]).unwrap().concat();
    let norm = |v: f32, g: f32, b: f32, m: f32, s: f32| g * (v - m) / (s + 1e-5).sqrt() + b;
    let first = x.map(|x| norm(2.0 * x + 0.5, 1.5, 0.1, 0.3, 4.0));
    let second = x.map(|x| norm(-3.0 * x + 1.0, 0.5, -0.2, 0.4, 0.25));
    assert!(largest_difference(&y, &[first, second].concat()) < 1e-5);
    let findings = graph.check();
    assert!(findings.iter().all(|f| f.supported), "{findings:?}");
    assert!(findings.iter().any(|f| f.reason == "folded into `n_c`"));
    // Behind a ReLU the normalization stays and computes the same.
    let graph = Graph::import(&build(false)).unwrap();
    let y = graph.outputs(&[&x]).unwrap().concat();
    assert!((y[1] - norm(0.0, 1.5, 0.1, 0.3, 4.0)).abs() < 1e-6);
    assert!(graph.check().iter().all(|f| f.supported));
    assert_eq!(graph.iter().nth(2).unwrap().op_type, "BatchNormalization");
}

#[test]
fn wrong_samples_are_refused() {
    let graph = Graph::import(&Model::read(&data_file("lenet_digits.onnx")).unwrap()).unwrap();
    let text = graph.outputs(&[&[0.0; 63]]).unwrap_err().to_string();
    assert!(text.contains("63 values") && text.contains("[1, 8, 8]"), "{text}");
}
