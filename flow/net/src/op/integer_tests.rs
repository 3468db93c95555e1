//! Every operator: compares the float result with one by hand, and the integer network with the float result.

use crate::graph::{Graph, check};
use crate::onnx::{AttributeProto, Model};
use crate::quantize::{Options, Quantized, quantize_with};
use crate::testing::ModelBuilder;

/// Quantizes with the sample itself, compares with the float result within `units` units of the output,
/// and returns both.
fn agree(model: &Model, x: &[f32], units: f32) -> (Vec<f32>, Quantized) {
    let findings = check(model);
    assert!(findings.iter().all(|f| f.supported), "{findings:?}");
    let graph = Graph::import(model).unwrap();
    let exact = graph.outputs(&[x]).unwrap().concat();
    let quantized = quantize_with(&graph, &[x], Options::default()).unwrap();
    let output = quantized.reference_outputs(&[x]).unwrap().remove(0);
    for (a, b) in quantized.finish(&output).iter().zip(&exact) {
        let unit = quantized.output_scale as f32;
        assert!((a - b).abs() <= units * unit, "{a} {b}, unit {unit}");
    }
    (exact, quantized)
}

fn ramp(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i * 7 % 23) as f32 - 11.0).collect()
}

fn attribute(name: &str, kind: i32) -> AttributeProto {
    AttributeProto { name: Some(name.into()), r#type: Some(kind), ..AttributeProto::default() }
}

#[test]
fn grouped_depthwise_and_dilated_convolution() {
    for (groups, outputs) in [(1, 4), (2, 4), (4, 4), (4, 8)] {
        let per = 4 / groups;
        let weights = ramp((outputs * per * 9) as usize);
        let model = ModelBuilder::new(&[4, 7, 6])
            .floats("w", &[outputs, per, 3, 3], &weights)
            .node(
                "Conv",
                &["x", "w"],
                "y",
                &[("group", &[groups]), ("dilations", &[2, 1]), ("pads", &[1, 0, 2, 1])],
            )
            .model();
        let (exact, quantized) = agree(&model, &ramp(4 * 42), 3.0);
        assert_eq!(exact.len(), quantized.network.tensors[1].len());
        // The first value by its definition: output row 0, taps at input rows -1, 1, 3.
        let x = ramp(4 * 42);
        let tap = |c: i64, r: usize, k: usize| {
            let w = weights[((c * 3) as usize + r) * 3 + k];
            w * x[(c as usize * 7 + 2 * r - 1) * 6 + k]
        };
        let all = (0..per).flat_map(|c| [1, 2].map(|r| (c, r)));
        let sum: f32 = all.flat_map(|(c, r)| [0, 1, 2].map(|k| tap(c, r, k))).sum();
        assert!((sum - exact[0]).abs() < 1e-3, "{groups}: {sum} {}", exact[0]);
    }
}

#[test]
fn matmul_with_bias_and_constant_terms() {
    let model = ModelBuilder::new(&[2])
        .floats("w", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
        .floats("b", &[3], &[0.5, -0.5, 1.0])
        .floats("two", &[], &[2.0])
        .node("MatMul", &["x", "w"], "m", &[])
        .node("Add", &["b", "m"], "a", &[])
        .node("Mul", &["a", "two"], "s", &[])
        .node("Sub", &["two", "s"], "y", &[])
        .model();
    let (exact, quantized) = agree(&model, &[1.0, -1.0], 1.5);
    assert_eq!(exact, [7.0, 9.0, 6.0].map(|v: f32| v));
    assert_eq!(quantized.network.layers.len(), 1);
    // Behind a maximum no layer can absorb the terms: they become a depthwise layer.
    let model = ModelBuilder::new(&[2, 2, 2])
        .floats("b", &[1, 2, 1, 1], &[0.5, -2.0])
        .node("MaxPool", &["x"], "m", &[("kernel_shape", &[2, 2])])
        .node("Div", &["m", "b"], "y", &[])
        .model();
    let (exact, quantized) = agree(&model, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], 1.5);
    assert_eq!(exact, [8.0, -4.0]);
    assert_eq!(quantized.network.layers[1].kind, "Div");
    // A vector over the columns is not a vector over the channels.
    let model = ModelBuilder::new(&[2, 2, 3])
        .floats("b", &[3], &[1.0; 3])
        .node("Add", &["x", "b"], "y", &[])
        .model();
    assert!(check(&model)[0].reason.contains("one per channel (2)"));
}

#[test]
fn clip_by_attributes_and_inputs() {
    let x = [-9.0, -3.0, 2.0, 9.0];
    let inputs = ModelBuilder::new(&[4])
        .floats("low", &[], &[0.0])
        .floats("high", &[], &[6.0])
        .node("Clip", &["x", "low", "high"], "y", &[])
        .model();
    let (exact, quantized) = agree(&inputs, &x, 1.0);
    assert_eq!(exact, [0.0, 0.0, 2.0, 6.0]);
    assert_eq!(quantized.network.layers[0].clamp, [0, 85]);
    let mut attributes = ModelBuilder::new(&[4]).node("Clip", &["x", ""], "y", &[]);
    let low = AttributeProto { f: Some(-4.0), ..attribute("min", 1) };
    attributes.graph.node[0].attribute.push(low);
    assert_eq!(agree(&attributes.model(), &x, 1.0).0, [-4.0, -3.0, 2.0, 9.0]);
    // ReLU and then Clip become the clamp of the layer before.
    let chain = ModelBuilder::new(&[4])
        .floats("w", &[4, 1], &[1.0; 4])
        .floats("high", &[1], &[6.0])
        .node("MatMul", &["x", "w"], "m", &[])
        .node("Relu", &["m"], "r", &[])
        .node("Clip", &["r", "", "high"], "y", &[])
        .model();
    assert_eq!(agree(&chain, &[2.0, 3.0, 4.0, 5.0], 1.0).1.network.layers.len(), 1);
}

#[test]
fn averages() {
    // An output unit is finer than one of the input, whose rounding dominates.
    let x = ramp(2 * 36);
    let global = ModelBuilder::new(&[2, 6, 6]).node("GlobalAveragePool", &["x"], "y", &[]).model();
    let mean = |c: usize| x[c * 36..][..36].iter().sum::<f32>() / 36.0;
    let (exact, _) = agree(&global, &x, 4.0);
    assert!((exact[0] - mean(0)).abs() < 1e-4 && (exact[1] - mean(1)).abs() < 1e-4);
    let reduce =
        ModelBuilder::new(&[2, 6, 6]).node("ReduceMean", &["x"], "y", &[("axes", &[-1, 2])]);
    assert_eq!(agree(&reduce.model(), &x, 4.0).0, exact);
    let pool = |more: &[(&str, &[i64])]| {
        let all = [&[("kernel_shape", &[2i64, 3][..]), ("strides", &[2, 3])][..], more].concat();
        ModelBuilder::new(&[2, 6, 6]).node("AveragePool", &["x"], "y", &all).model()
    };
    let (exact, _) = agree(&pool(&[]), &x, 4.0);
    let first: f32 = [0, 1, 2, 6, 7, 8].map(|i| x[i]).iter().sum::<f32>() / 6.0;
    assert!((exact[0] - first).abs() < 1e-5);
    // Padding that counts, and padding that does not.
    let padded = [("pads", &[1i64, 0, 1, 0][..]), ("count_include_pad", &[1])];
    let (exact, _) = agree(&pool(&padded), &x, 4.0);
    assert!((exact[0] - [0, 1, 2].map(|i| x[i]).iter().sum::<f32>() / 6.0).abs() < 1e-5);
    let graph = Graph::import(&pool(&padded[..1])).unwrap();
    let y = graph.outputs(&[&x]).unwrap().concat();
    assert!((y[0] - [0, 1, 2].map(|i| x[i]).iter().sum::<f32>() / 3.0).abs() < 1e-5);
    assert!(graph.check()[0].reason.contains("one divisor for all windows"));
}

#[test]
fn residual_sum_with_fused_limit() {
    let model = ModelBuilder::new(&[2, 2, 2])
        .floats("w", &[2, 2, 1, 1], &[0.1, -0.3, 0.2, 0.05])
        .node("Conv", &["x", "w"], "c", &[])
        .node("Add", &["c", "x"], "a", &[])
        .node("Relu", &["a"], "y", &[])
        .model();
    let x = ramp(8);
    let (_, quantized) = agree(&model, &x, 2.0);
    let kinds: Vec<&str> = quantized.network.layers.iter().map(|l| l.kind.as_str()).collect();
    assert_eq!(kinds, ["Conv", "Add"]);
    assert_eq!(quantized.network.layers[1].inputs().collect::<Vec<_>>(), [1, 0]);
    assert_eq!(quantized.network.layers[1].clamp, [0, 127]);
}

#[test]
fn concatenation_of_three() {
    let model = ModelBuilder::new(&[2, 2, 2])
        .floats("w", &[1, 2, 1, 1], &[0.5, -3.0])
        .node("Conv", &["x", "w"], "c", &[])
        .node("Concat", &["x", "c", "x"], "a", &[("axis", &[1])])
        .node("Relu", &["a"], "r", &[])
        .node("Flatten", &["r"], "y", &[])
        .model();
    let (exact, quantized) = agree(&model, &ramp(8), 1.5);
    assert_eq!(exact.len(), 20);
    assert_eq!(quantized.network.layers.len(), 1 + 3 + 2);
    let wrong = ModelBuilder::new(&[2, 2, 2]).node("Concat", &["x", "x"], "y", &[("axis", &[2])]);
    assert!(check(&wrong.model())[0].reason.contains("`axis` = 2; supported: 1"));
}

#[test]
fn padding_moves_into_its_reader() {
    let pads = &[0, 0, 1, 0, 0, 0, 2, 1];
    let build = |reader: Option<&[(&str, &[i64])]>| {
        let b = ModelBuilder::new(&[1, 4, 4]).floats("w", &[1, 1, 3, 3], &ramp(9)).ints("p", pads);
        let b = b.node("Pad", &["x", "p"], if reader.is_some() { "a" } else { "y" }, &[]);
        match reader {
            Some(attributes) => b.node("Conv", &["a", "w"], "y", attributes).model(),
            None => b.model(),
        }
    };
    let x = ramp(16);
    let (folded, quantized) = agree(&build(Some(&[])), &x, 2.0);
    assert_eq!(quantized.network.layers.len(), 1);
    let direct = ModelBuilder::new(&[1, 4, 4])
        .floats("w", &[1, 1, 3, 3], &ramp(9))
        .node("Conv", &["x", "w"], "y", &[("pads", &[1, 0, 2, 1])])
        .model();
    assert_eq!(folded, agree(&direct, &x, 2.0).0);
    let (alone, _) = agree(&build(None), &x, 0.5);
    assert_eq!((alone.len(), alone[0], alone[5], alone[9]), (35, 0.0, x[0], 0.0));
}

#[test]
fn other_names_for_the_same_values() {
    let model = ModelBuilder::new(&[12])
        .ints("shape", &[-1, 3, 2, 2])
        .ints("axes", &[2, 3])
        .node("Reshape", &["x", "shape"], "r", &[])
        .node("GlobalAveragePool", &["r"], "g", &[])
        .node("Transpose", &["g"], "t", &[("perm", &[0, 1, 3, 2])])
        .node("Transpose", &["t"], "t2", &[("perm", &[0, 1, 3, 2])])
        .node("Squeeze", &["t2", "axes"], "s", &[])
        .node("Unsqueeze", &["s"], "u", &[("axes", &[2, 3])])
        .node("Identity", &["u"], "i", &[])
        .node("Squeeze", &["i"], "y", &[])
        .model();
    let (exact, quantized) = agree(&model, &ramp(12), 4.0);
    assert_eq!((exact.len(), quantized.network.layers.len()), (3, 1));
    assert_eq!(quantized.input_shape().channels, 3);
    let moved = ModelBuilder::new(&[2, 3]).node("Transpose", &["x"], "y", &[("perm", &[0, 2, 1])]);
    let graph = Graph::import(&moved.model()).unwrap();
    let y = graph.outputs(&[&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]).unwrap().concat();
    assert_eq!(y, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
}

#[test]
fn labels_on_the_host() {
    let model = ModelBuilder::new(&[2])
        .floats("w", &[2, 3], &[1.0, 0.0, -1.0, 0.0, 1.0, 0.5])
        .node("MatMul", &["x", "w"], "m", &[])
        .node("Softmax", &["m"], "s", &[])
        .node("ArgMax", &["s"], "y", &[("axis", &[1])])
        .model();
    assert_eq!(agree(&model, &[1.0, 2.0], 0.0).0, [1.0]);
}

#[test]
fn quantized_files_give_ranges() {
    let model = |zero: i64, kind: i32| {
        let mut b = ModelBuilder::new(&[2])
            .floats("s", &[], &[0.5])
            .floats("ws", &[2], &[0.25, 0.5])
            .node("DequantizeLinear", &["q", "ws"], "w", &[("axis", &[0])])
            .node("QuantizeLinear", &["x", "s", "z"], "xq", &[])
            .node("DequantizeLinear", &["xq", "s", "z"], "xd", &[])
            .node("Gemm", &["xd", "w"], "g", &[("transB", &[1])])
            .node("QuantizeLinear", &["g", "s", "z"], "gq", &[])
            .node("DequantizeLinear", &["gq", "s", "z"], "y", &[])
            .ints("q", &[3, -4, 5, 6])
            .ints("z", &[zero]);
        b.graph.initializer[2].dims = vec![2, 2];
        b.graph.initializer[3].data_type = Some(kind);
        b.graph.initializer[3].int32_data = vec![zero as i32];
        b.graph.initializer[3].int64_data.clear();
        b.model()
    };
    const UINT8: i32 = 2;
    const INT8: i32 = 3;
    for (zero, kind, scale) in [(0, INT8, 0.5), (128, UINT8, 0.5), (0, UINT8, 255.0 * 0.5 / 127.0)]
    {
        let graph = Graph::import(&model(zero, kind)).unwrap();
        // A grid that starts at 0 is a limit too, of the input by the host, of the output in the layer.
        let limited = zero == 0 && kind == UINT8;
        assert_eq!(graph.iter().count(), if limited { 3 } else { 1 });
        let quantized = quantize_with(&graph, &[], Options::default()).unwrap();
        assert_eq!(quantized.network.layers.len(), 1);
        let below = graph.outputs(&[&[-4.0, 2.0]]).unwrap().concat();
        assert_eq!(below, if limited { [0.0, 6.0] } else { [-5.0, -4.0] });
        let output = quantized.reference_outputs(&[&[-4.0, 2.0]]).unwrap().remove(0);
        let got = quantized.finish(&output);
        assert!(got.iter().zip(&below).all(|(a, b)| (a - b).abs() <= 1.0), "{got:?} {below:?}");
        assert!((quantized.input_scale - scale).abs() < 1e-6, "{}", quantized.input_scale);
        assert_eq!(quantized.weight_scales[0], [0.25, 0.5]);
        let output = quantized.reference_outputs(&[&[4.0, 2.0]]).unwrap().remove(0);
        let got = quantized.finish(&output);
        assert!((got[0] - 1.0).abs() <= 0.5 && (got[1] - 16.0).abs() <= 1.5, "{got:?}");
    }
    let alone = ModelBuilder::new(&[2]).floats("s", &[], &[0.5]).node(
        "QuantizeLinear",
        &["x", "s"],
        "y",
        &[],
    );
    assert!(check(&alone.model())[0].reason.contains("that only DequantizeLinear"));
}
