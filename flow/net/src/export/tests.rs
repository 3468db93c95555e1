use super::*;
use crate::onnx::{AttributeProto, Constant, TensorProto, attribute_type, data_type};
use crate::testing::{ModelBuilder, lenet, shared_file};

/// Changes every parameter: a third of the weights becomes 0, biases differ by channel.
pub(super) fn change(graph: &mut Graph) {
    for node in graph.nodes.node_weights_mut() {
        let Some(linear) = node.op.as_mut().and_then(|op| op.linear_mut()) else { continue };
        for (at, weight) in linear.weights.iter_mut().enumerate() {
            *weight = if at % 3 == 1 { 0.0 } else { *weight * 1.25 + 0.125 };
        }
        for (at, bias) in linear.bias.iter_mut().enumerate() {
            *bias = *bias * 0.75 + 0.25 * (at as f32 - 0.5);
        }
    }
}

/// The model with changed parameters: it has the same nodes, its import the parameters of the graph.
pub(super) fn written(model: &Model) -> Model {
    let mut graph = Graph::import(model).unwrap();
    change(&mut graph);
    written_as(model, &graph, 1e-6)
}

fn written_as(model: &Model, graph: &Graph, tolerance: f32) -> Model {
    let result = pruned(model, graph).unwrap();
    let again = Graph::import(&result).unwrap();
    let (old, new) = (layers(graph), layers(&again));
    assert_eq!(old.len(), new.len());
    for ((a, linear), (b, back)) in old.iter().zip(&new) {
        assert_eq!((&a.name, &a.folded), (&b.name, &b.folded));
        for (x, y) in linear.weights.iter().zip(&back.weights) {
            assert!((x - y).abs() <= tolerance * x.abs(), "{}: {x} {y}", a.name);
        }
        for (x, y) in linear.bias.iter().zip(&back.bias) {
            assert!((x - y).abs() <= tolerance * (1.0 + x.abs()), "{}: {x} {y}", a.name);
        }
    }
    let nodes = |m: &Model| m.proto.graph.as_ref().unwrap().node.len();
    assert_eq!(nodes(model), nodes(&result));
    let sample: Vec<f32> = (0..graph.input_shape().iter().product()).map(wave).collect();
    let (a, b) = (graph.outputs(&[&sample]).unwrap(), again.outputs(&[&sample]).unwrap());
    for (a, b) in a.concat().iter().zip(b.concat()) {
        assert!((a - b).abs() <= (20.0 * tolerance) * (1.0 + a.abs()), "{a} {b}");
    }
    result
}

fn wave(at: usize) -> f32 {
    (at as f32 * 0.7).sin()
}

pub(super) fn values(count: usize) -> Vec<f32> {
    (0..count).map(|at| wave(at + 1)).collect()
}

fn proto(model: &Model) -> &crate::onnx::GraphProto {
    model.proto.graph.as_ref().unwrap()
}

fn initializer(model: &Model, name: &str) -> Constant {
    let all = &proto(model).initializer;
    let tensor = all.iter().find(|t| t.name.as_deref() == Some(name));
    Constant::decode(tensor.unwrap_or_else(|| panic!("no {name}"))).unwrap()
}

fn float_attribute(name: &str, value: f32) -> AttributeProto {
    AttributeProto {
        name: Some(name.into()),
        r#type: Some(attribute_type::FLOAT),
        f: Some(value),
        ..AttributeProto::default()
    }
}

/// A convolution of 2 to 3 channels without a bias.
pub(super) fn conv(output: &str) -> ModelBuilder {
    ModelBuilder::new(&[2, 3, 3]).floats("w", &[3, 2, 1, 1], &values(6)).node(
        "Conv",
        &["x", "w"],
        output,
        &[],
    )
}

fn refused(model: &Model) -> String {
    let mut graph = Graph::import(model).unwrap();
    change(&mut graph);
    pruned(model, &graph).unwrap_err().to_string()
}

#[test]
fn unchanged_models_stay_as_they_are() {
    let mut models = vec![lenet(), gemm(true, 2.0, &[1])];
    for name in ["kws_dscnn", "resnet8_cifar10_jpegft"] {
        models
            .extend(shared_file(&format!("models/{name}.onnx")).map(|p| Model::read(&p).unwrap()));
    }
    for model in models {
        let graph = Graph::import(&model).unwrap();
        assert_eq!(pruned(&model, &graph).unwrap(), model);
    }
}

#[test]
fn whole_networks_are_written() {
    written(&lenet());
    for name in ["kws_dscnn", "resnet8_cifar10_jpegft"] {
        if let Some(path) = shared_file(&format!("models/{name}.onnx")) {
            written(&Model::read(&path).unwrap());
        }
    }
}

fn gemm(transposed: bool, alpha: f32, bias: &[i64]) -> Model {
    let dims = if transposed { [2, 4] } else { [4, 2] };
    let count = bias.iter().product::<i64>() as usize;
    let mut builder = ModelBuilder::new(&[4])
        .floats("w", &dims, &values(8))
        .floats("b", bias, &values(count))
        .node("Gemm", &["x", "w", "b"], "y", &[("transB", &[i64::from(transposed)])]);
    let factors = [float_attribute("alpha", alpha), float_attribute("beta", 0.5)];
    builder.graph.node[0].attribute.extend(factors);
    builder.model()
}

#[test]
fn gemm_in_every_form() {
    for transposed in [false, true] {
        for bias in [&[2][..], &[1, 2], &[1], &[]] {
            for alpha in [1.0, 3.0, 0.0] {
                let model = written(&gemm(transposed, alpha, bias));
                let names = proto(&model).node[0].attribute.iter().map(|a| a.name.as_deref());
                assert_eq!(names.collect::<Vec<_>>(), [Some("transB")]);
                // A single value has become one per output.
                let dims = initializer(&model, "b").dims;
                assert_eq!(dims.iter().product::<usize>(), 2);
            }
        }
    }
}

#[test]
fn matmul_with_a_sum_keeps_its_operators() {
    for dims in [&[2][..], &[1, 2], &[]] {
        let count = dims.iter().product::<i64>() as usize;
        let model = ModelBuilder::new(&[4])
            .floats("w", &[4, 2], &values(8))
            .floats("b", dims, &values(count))
            .node("MatMul", &["x", "w"], "m", &[])
            .node("Add", &["b", "m"], "y", &[])
            .model();
        let model = written(&model);
        let ops: Vec<_> = proto(&model).node.iter().map(|n| n.op_type.as_deref()).collect();
        assert_eq!(ops, [Some("MatMul"), Some("Add")]);
    }
}

#[test]
fn layers_without_a_place_for_a_bias_get_one() {
    let model = written(&conv("y").model());
    assert_eq!(proto(&model).node[0].input, ["x", "w", "n_y.bias"]);
    assert_eq!(initializer(&model, "n_y.bias").dims, [3]);
    // A factor alone cannot represent it either.
    let scaled = conv("c").floats("s", &[], &[2.0]).node("Mul", &["c", "s"], "y", &[]).model();
    assert_eq!(initializer(&written(&scaled), "n_c.bias").dims, [3]);
    let matmul = |opset: i64| {
        let builder = ModelBuilder::new(&[4]).floats("w", &[4, 2], &values(8));
        let mut model = builder.node("MatMul", &["x", "w"], "y", &[]).model();
        let set = crate::onnx::OperatorSetIdProto { version: Some(opset), domain: None };
        model.proto.opset_import.push(set);
        model
    };
    let model = written(&matmul(13));
    assert_eq!(proto(&model).node[0].op_type.as_deref(), Some("Gemm"));
    let text = refused(&matmul(6));
    assert!(text.contains("`n_y`") && text.contains("set 6"), "{text}");
}

#[test]
fn a_bias_that_stays_zero_needs_no_place() {
    let model = conv("y").model();
    let mut graph = Graph::import(&model).unwrap();
    graph.node_mut("n_y").unwrap().op.as_mut().unwrap().linear_mut().unwrap().weights[0] = 0.0;
    let result = written_as(&model, &graph, 0.0);
    assert_eq!(proto(&result).node, proto(&model).node);
}

/// A normalization behind `builder`'s tensor `c`.
fn normalized(builder: ModelBuilder, mean: &str, variance: &str) -> Model {
    builder
        .floats("gamma", &[3], &[1.5, -0.5, 2.0])
        .floats("beta", &[3], &[0.1, -0.2, 0.3])
        .floats("mean", &[3], &[0.3, 0.4, -1.0])
        .floats("variance", &[3], &[4.0, 0.25, 1.0])
        .node("BatchNormalization", &["c", "gamma", "beta", mean, variance], "y", &[])
        .model()
}

#[test]
fn normalizations_become_the_identity() {
    let model = written(&normalized(conv("c"), "mean", "variance"));
    // The normalization has taken the bias.
    assert_eq!(proto(&model).node[0].input.len(), 2);
    assert_eq!(initializer(&model, "mean").floats().unwrap(), [0.0; 3]);
    let beta = initializer(&model, "beta");
    assert!(beta.floats().unwrap().iter().all(|b| *b != 0.0));
    let own = ModelBuilder::new(&[2, 3, 3])
        .floats("w", &[3, 2, 1, 1], &values(6))
        .floats("b", &[3], &values(3))
        .node("Conv", &["x", "w", "b"], "c", &[]);
    let model = written(&normalized(own, "mean", "variance"));
    assert_eq!(initializer(&model, "beta").floats().unwrap(), [0.0; 3]);
}

#[test]
fn constants_that_a_folded_node_shares_get_a_copy() {
    // The scale is also the variance, and an unrelated node reads the mean.
    let model = normalized(conv("c"), "mean", "gamma");
    let mut model = Model { proto: model.proto.clone(), ..model };
    let graph = model.proto.graph.as_mut().unwrap();
    let gamma = graph.initializer.iter_mut().find(|t| t.name.as_deref() == Some("gamma"));
    gamma.unwrap().set_floats(&[3], &[1.5, 0.5, 2.0]).unwrap();
    model.proto.ir_version = Some(3);
    let result = written(&model);
    let inputs = &proto(&result).node[1].input;
    assert_eq!(inputs[1], "n_y.gamma");
    // In this version of the format initializers are inputs as well.
    assert!(proto(&result).input.iter().any(|i| i.name.as_deref() == Some("n_y.gamma")));
}

#[test]
fn chains_of_factors_and_sums() {
    let add = |op, first: [&str; 2]| {
        let builder = conv("c")
            .floats("m", &[1, 3, 1, 1], &[2.0, -3.0, 0.5])
            .floats("a", &[], &[0.75])
            .floats("d", &[3, 1, 1], &[4.0, 2.0, -1.0])
            .node("Mul", &["m", "c"], "p", &[])
            .node(op, &first, "s", &[])
            .node("Div", &["s", "d"], "q", &[])
            .node("Sub", &["a", "q"], "y", &[]);
        let ops = |m: &Model| -> Vec<Option<String>> {
            proto(m).node.iter().map(|n| n.op_type.clone()).collect()
        };
        let model = builder.model();
        assert_eq!(Graph::import(&model).unwrap().iter().count(), 1);
        let result = written(&model);
        assert_eq!(ops(&result), ops(&model));
        result
    };
    for (op, inputs) in [("Sub", ["p", "a"]), ("Sub", ["a", "p"]), ("Add", ["a", "p"])] {
        let result = add(op, inputs);
        // The sum has the bias, its single value was extended; the last constant, which was shared with it, became 0.
        let carrier = &proto(&result).node[2];
        let port = carrier.input.iter().position(|i| i != "p").unwrap();
        assert_eq!(initializer(&result, &carrier.input[port]).dims, [3, 1, 1]);
    }
}

#[test]
fn constant_nodes_are_rewritten() {
    let tensor = TensorProto::of_floats("", &[3, 2, 1, 1], &values(6));
    let mut builder = ModelBuilder::new(&[2, 3, 3])
        .node("Constant", &[], "w", &[])
        .node("Constant", &[], "b", &[])
        .node("Conv", &["x", "w", "b"], "y", &[]);
    builder.graph.node[0].attribute.push(AttributeProto {
        name: Some("value".into()),
        r#type: Some(attribute_type::TENSOR),
        t: Some(tensor),
        ..AttributeProto::default()
    });
    builder.graph.node[1].attribute.push(AttributeProto {
        name: Some("value_floats".into()),
        r#type: Some(attribute_type::FLOATS),
        floats: values(3),
        ..AttributeProto::default()
    });
    let result = written(&builder.model());
    assert!(proto(&result).initializer.is_empty());
}

#[test]
fn element_types_are_kept() {
    for (kind, tolerance) in
        [(data_type::DOUBLE, 1e-6), (data_type::FLOAT16, 1e-3), (data_type::BFLOAT16, 1e-2)]
    {
        let mut model = conv("y").model();
        let tensor = &mut model.proto.graph.as_mut().unwrap().initializer[0];
        tensor.data_type = Some(kind);
        tensor.set_floats(&[3, 2, 1, 1], &values(6)).unwrap();
        let mut graph = Graph::import(&model).unwrap();
        change(&mut graph);
        let result = written_as(&model, &graph, tolerance);
        let kinds: Vec<_> = proto(&result).initializer.iter().map(|t| t.data_type).collect();
        assert_eq!(kinds, [Some(kind); 2]);
    }
    let mut model = conv("y").model();
    let tensor = &mut model.proto.graph.as_mut().unwrap().initializer[0];
    tensor.data_type = Some(data_type::FLOAT16);
    tensor.set_floats(&[3, 2, 1, 1], &values(6)).unwrap();
    let mut graph = Graph::import(&model).unwrap();
    graph.node_mut("n_y").unwrap().op.as_mut().unwrap().linear_mut().unwrap().weights[0] = 1e6;
    let text = pruned(&model, &graph).unwrap_err().to_string();
    assert!(text.contains("`w`") && text.contains("1000000"), "{text}");
}
