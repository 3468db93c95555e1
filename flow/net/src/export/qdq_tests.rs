use pecan_ir::layer::{Network, Op};

use super::*;
use crate::onnx::{GraphProto, OperatorSetIdProto};
use crate::quantize::{Options, Quantized, quantize_with};
use crate::testing::{ModelBuilder, digits, lenet, shared_file};

fn wave(at: usize) -> f32 {
    (at as f32 * 0.7).sin()
}

fn values(count: usize) -> Vec<f32> {
    (0..count).map(|at| wave(at + 1)).collect()
}

fn model(builder: ModelBuilder, opset: i64) -> Model {
    let mut model = builder.model();
    model.proto.opset_import.push(OperatorSetIdProto { version: Some(opset), domain: None });
    model
}

fn proto(model: &Model) -> &GraphProto {
    model.proto.graph.as_ref().unwrap()
}

fn ops(model: &Model) -> Vec<&str> {
    proto(model).node.iter().map(|n| n.op_type.as_deref().unwrap()).collect()
}

/// Compares the layers except their names: weights exactly, rescaling within a unit of its multiplier.
fn same_integers(a: &Network, b: &Network) {
    assert_eq!((a.tensors.len(), a.layers.len()), (b.tensors.len(), b.layers.len()));
    assert_eq!(a.tensors, b.tensors);
    for (x, y) in a.layers.iter().zip(&b.layers) {
        assert_eq!((&x.op, x.input, x.output, x.clamp), (&y.op, y.input, y.output, y.clamp));
        assert_eq!(x.name, y.name);
        for (r, s) in x.requant.iter().zip(&y.requant) {
            let near = r.bias.abs_diff(s.bias) as f64 <= 1e-6 * r.bias.abs() as f64;
            assert!(near, "{}: {r:?} {s:?}", x.name);
            assert!(r.shift == s.shift && r.multiplier.abs_diff(s.multiplier) <= 1, "{r:?} {s:?}");
        }
    }
}

fn same_scales(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    for (x, y) in a.iter().zip(b) {
        assert!((x / y - 1.0).abs() < 3e-7, "{x} {y}");
    }
}

/// Writes `graph` with the integers of `quantized`, and reads it back: the integers are the same.
fn written(model: &Model, graph: &Graph, quantized: &Quantized) -> Model {
    let result = quantized_qdq(model, graph, quantized).unwrap();
    let again = Graph::import(&result).unwrap();
    let bits = &quantized.network;
    let options = Options { activation_bits: bits.activation_bits, weight_bits: bits.weight_bits };
    // No sample: every range is in the file.
    let back = quantize_with(&again, &[], options).unwrap();
    same_integers(&quantized.network, &back.network);
    same_scales(&quantized.scales, &back.scales);
    for (a, b) in quantized.weight_scales.iter().zip(&back.weight_scales) {
        same_scales(a, b);
    }
    assert_eq!(quantized.host_ops, back.host_ops);
    // No constant is unread, and no tensor is written twice.
    let nodes = &proto(&result).node;
    for tensor in &proto(&result).initializer {
        let name = tensor.name.as_ref().unwrap();
        assert!(nodes.iter().any(|n| n.input.contains(name)), "{name} is not read");
    }
    let mut outputs: Vec<&String> = nodes.iter().flat_map(|n| &n.output).collect();
    outputs.sort();
    assert!(outputs.windows(2).all(|pair| pair[0] != pair[1]));
    result
}

fn widths(activation_bits: usize, weight_bits: usize) -> Options {
    Options { activation_bits, weight_bits }
}

fn write(model: &Model, options: Options) -> Model {
    let graph = Graph::import(model).unwrap();
    let size: usize = graph.input_shape().iter().product();
    let samples: Vec<Vec<f32>> =
        (0..4).map(|s| (0..size).map(|at| wave(at * 3 + s)).collect()).collect();
    let samples: Vec<&[f32]> = samples.iter().map(Vec::as_slice).collect();
    written(model, &graph, &quantize_with(&graph, &samples, options).unwrap())
}

#[test]
fn lenet_in_every_width() {
    let graph = Graph::import(&lenet()).unwrap();
    let data = digits("train_idx", Some(50));
    for (activations, weights) in [(8, 8), (16, 16), (4, 4), (8, 4), (4, 16), (16, 8)] {
        let options = widths(activations, weights);
        let quantized = quantize_with(&graph, &data.as_slices(), options).unwrap();
        let result = written(&lenet(), &graph, &quantized);
        let eight = activations == 8 && weights == 8;
        let least = if eight { opset::PER_CHANNEL } else { opset::ALL_WIDTHS };
        assert!(result.opset().unwrap() >= least);
        assert!(result.proto.ir_version.unwrap() >= if eight { 7 } else { 10 });
        let output = proto(&result).output[0].name.as_deref();
        assert_eq!(output, proto(&lenet()).output[0].name.as_deref());
    }
}

#[test]
fn real_networks() {
    for (name, data) in
        [("kws_dscnn", "data/kws01.npz"), ("resnet8_cifar10_jpegft", "data/cifar10_train.npz")]
    {
        let (Some(path), Some(data)) =
            (shared_file(&format!("models/{name}.onnx")), shared_file(data))
        else {
            continue;
        };
        let model = Model::read(&path).unwrap();
        let graph = Graph::import(&model).unwrap();
        let selection =
            crate::data::Selection { rows: "0..10".parse().unwrap(), ..Default::default() };
        let data = crate::data::Samples::load(&data, &selection).unwrap();
        let quantized = quantize_with(&graph, &data.as_slices(), Options::default()).unwrap();
        written(&model, &graph, &quantized);
    }
}

/// Changed parameters and zeros are exported, too.
#[test]
fn pruned_graphs() {
    let mut graph = Graph::import(&lenet()).unwrap();
    for node in graph.nodes.node_weights_mut() {
        let Some(linear) = node.op.as_mut().and_then(|op| op.linear_mut()) else { continue };
        linear.weights.iter_mut().step_by(2).for_each(|w| *w = 0.0);
        // A channel without weights keeps its bias, one without anything its zeros.
        let per_output = linear.weights.len() / linear.outputs;
        linear.weights[..2 * per_output].fill(0.0);
        (linear.bias[0], linear.bias[1]) = (0.25, 0.0);
    }
    let data = digits("train_idx", Some(20));
    let quantized = quantize_with(&graph, &data.as_slices(), Options::default()).unwrap();
    written(&lenet(), &graph, &quantized);
}

#[test]
fn folded_nodes_disappear() {
    let builder = ModelBuilder::new(&[2, 4, 4])
        .floats("w", &[3, 2, 1, 1], &values(6))
        .floats("gamma", &[3], &[1.5, -0.5, 2.0])
        .floats("beta", &[3], &[0.1, -0.2, 0.3])
        .floats("mean", &[3], &[0.3, 0.4, -1.0])
        .floats("variance", &[3], &[4.0, 0.25, 1.0])
        .node("Pad", &["x", "pads"], "e", &[])
        .ints("pads", &[0, 0, 1, 1, 0, 0, 1, 1])
        .node("Conv", &["e", "w"], "c", &[])
        .node("Identity", &["c"], "i", &[])
        .node("BatchNormalization", &["i", "gamma", "beta", "mean", "variance"], "n", &[])
        .node("Relu", &["n"], "y", &[]);
    let result = write(&model(builder, 13), Options::default());
    assert_eq!(
        ops(&result),
        [
            "QuantizeLinear",
            "DequantizeLinear",
            "Pad",
            "DequantizeLinear",
            "DequantizeLinear",
            "Conv",
            "Relu",
            "QuantizeLinear",
            "DequantizeLinear"
        ]
    );
    let inputs = &proto(&result).node[5].input;
    assert_eq!(inputs[1..], ["w_dequantized", "n_c.bias_dequantized"]);
}

#[test]
fn fully_connected_layers() {
    let gemm = |transposed: bool, op: &str| {
        let dims = if transposed { [2, 8] } else { [8, 2] };
        let flag: &[(&str, &[i64])] = &[("transB", &[1])];
        let builder = ModelBuilder::new(&[2, 2, 2])
            .floats("w", &dims, &values(16))
            .floats("b", &[2], &[0.3, -0.2])
            .node("Flatten", &["x"], "f", &[]);
        let builder = if op == "Gemm" {
            builder.node("Gemm", &["f", "w", "b"], "m", if transposed { flag } else { &[] })
        } else {
            builder.node("MatMul", &["f", "w"], "m", &[]).node("Add", &["m", "b"], "a", &[])
        };
        let last = if op == "Gemm" { "m" } else { "a" };
        model(builder.node("Softmax", &[last], "y", &[]), 11)
    };
    for (transposed, op) in [(false, "Gemm"), (true, "Gemm"), (false, "MatMul")] {
        let result = write(&gemm(transposed, op), Options::default());
        // A sum that was folded becomes the bias: of a Gemm.
        assert_eq!(ops(&result).iter().filter(|o| **o == "Gemm").count(), 1);
        assert_eq!(ops(&result).last(), Some(&"Softmax"));
        assert_eq!(result.opset(), Some(13));
    }
    let plain = ModelBuilder::new(&[4]).floats("w", &[4, 3], &values(12));
    let result = write(&model(plain.node("MatMul", &["x", "w"], "y", &[]), 13), widths(16, 8));
    assert!(ops(&result).contains(&"MatMul"));
    // The output keeps its name; the computed tensor has another.
    let node = proto(&result).node.iter().find(|n| n.op_type.as_deref() == Some("MatMul"));
    assert_eq!(node.unwrap().output, ["y_float"]);
}

#[test]
fn sums_concatenations_and_factors() {
    let builder = ModelBuilder::new(&[2, 4, 4])
        .floats("w", &[2, 2, 1, 1], &values(4))
        .floats("v", &[2, 2, 1, 1], &values(4))
        .floats("m", &[2, 1, 1], &[1.5, -0.5])
        .node("Conv", &["x", "w"], "a", &[])
        .node("Conv", &["x", "v"], "b", &[])
        .node("Add", &["a", "b"], "s", &[])
        .node("Relu", &["s"], "r", &[])
        // Behind a ReLU a factor is a layer of its own.
        .node("Mul", &["r", "m"], "f", &[])
        .node("Concat", &["f", "a"], "k", &[("axis", &[1])])
        .node("MaxPool", &["k"], "p", &[("kernel_shape", &[2, 2]), ("strides", &[2, 2])])
        .node("GlobalAveragePool", &["p"], "y", &[]);
    let result = write(&model(builder, 13), Options::default());
    assert!(ops(&result).contains(&"Mul"));
    assert!(proto(&result).initializer.iter().any(|t| t.name.as_deref() == Some("m")));
}

#[test]
fn weights_of_two_layers_and_constant_nodes() {
    let builder = ModelBuilder::new(&[2, 3, 3])
        .floats("w", &[2, 2, 1, 1], &values(4))
        .node("Conv", &["x", "w"], "c", &[])
        .node("Conv", &["c", "w"], "y", &[]);
    let mut tied = model(builder, 13);
    let names = |m: &Model| -> Vec<String> {
        proto(m).initializer.iter().filter_map(|t| t.name.clone()).collect()
    };
    let result = write(&tied, Options::default());
    assert!(names(&result).contains(&"w_quantized_1".to_string()));
    // An old file lists its initializers as inputs; removed ones must not stay as inputs.
    let graph = tied.proto.graph.as_mut().unwrap();
    graph.input.push(graph.input[0].clone());
    graph.input[1].name = Some("w".into());
    assert_eq!(proto(&write(&tied, Options::default())).input.len(), 1);
}

#[test]
fn biases_beyond_32_bits_stay_floats() {
    let builder = ModelBuilder::new(&[1])
        .floats("w", &[1, 1], &[1e-3])
        .floats("b", &[1], &[1e3])
        .node("Gemm", &["x", "w", "b"], "y", &[]);
    let result = quantized_qdq_of(&model(builder, 21), widths(16, 16));
    let bias = proto(&result).initializer.iter().find(|t| t.name.as_deref() == Some("b_float"));
    assert!(bias.is_some());
}

fn quantized_qdq_of(model: &Model, options: Options) -> Model {
    let graph = Graph::import(model).unwrap();
    let mut quantized = quantize_with(&graph, &[&[0.5]], options).unwrap();
    quantized.network.layers[0].requant[0].bias = 1 << 40;
    quantized_qdq(model, &graph, &quantized).unwrap()
}

#[test]
fn operator_sets_rise_only_where_nodes_keep_their_meaning() {
    let mean = |opset| {
        let axes: &[(&str, &[i64])] = &[("axes", &[2, 3])];
        let builder = ModelBuilder::new(&[2, 3, 3])
            .floats("w", &[2, 2, 1, 1], &values(4))
            .node("Conv", &["x", "w"], "c", &[])
            .node("ReduceMean", &["c"], "y", axes);
        model(builder, opset)
    };
    assert_eq!(write(&mean(11), Options::default()).opset(), Some(13));
    assert_eq!(write(&mean(17), Options::default()).opset(), Some(17));
    let fail = |model: &Model, options: Options| {
        let graph = Graph::import(model).unwrap();
        let size: usize = graph.input_shape().iter().product();
        let quantized = quantize_with(&graph, &[&values(size)], options).unwrap();
        quantized_qdq(model, &graph, &quantized).unwrap_err().to_string()
    };
    let text = fail(&mean(13), widths(16, 8));
    assert!(text.contains("`n_y`") && text.contains("`axes`") && text.contains("set 21"), "{text}");
    let text = fail(&mean(6), Options::default());
    assert!(text.contains("older than 7"), "{text}");
    let mut none = mean(13);
    none.proto.opset_import.clear();
    let text = fail(&none, Options::default());
    assert!(text.contains("no operator set"), "{text}");
}

#[test]
fn integers_of_another_network_are_refused() {
    let graph = Graph::import(&lenet()).unwrap();
    let data = digits("train_idx", Some(5));
    let good = quantize_with(&graph, &data.as_slices(), Options::default()).unwrap();
    let text =
        |quantized: &Quantized| quantized_qdq(&lenet(), &graph, quantized).unwrap_err().to_string();
    let mut renamed = good.clone();
    renamed.network.layers[0].name = "other".into();
    assert!(text(&renamed).contains("the integer network has no such layer"));
    let mut short = good.clone();
    let Op::Conv(conv) = &mut short.network.layers[0].op else { panic!() };
    conv.weights.pop();
    assert!(text(&short).contains("integer weights, scales and biases"));
    // A quantized model is not a float model.
    let written = quantized_qdq(&lenet(), &graph, &good).unwrap();
    let again = Graph::import(&written).unwrap();
    let text = quantized_qdq(&written, &again, &good).unwrap_err().to_string();
    assert!(text.contains("quantized already"), "{text}");
}
