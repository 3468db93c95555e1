//! Size and length of networks: a large network is refused by a limit, or read in a time that its file's length bounds.

use std::time::{Duration, Instant};

use prost::Message;

use super::*;
use crate::limits::{
    MOST_FOLDED, MOST_LAYERS, MOST_MESSAGES, MOST_NETWORK_VALUES, MOST_NODES, MOST_VALUES,
};
use crate::onnx::{GraphProto, Model, ModelProto, NodeProto};
use crate::quantize;
use crate::quantize::calibrate;
use crate::testing::ModelBuilder;

/// Far above the time of a linear reader, far below that of a quadratic one.
const PATIENCE: Duration = Duration::from_secs(20);

/// Nodes of a long chain.
const LONG: usize = 60_000;

/// A chain of `count` nodes `op` on [N, `shape`], with a constant `c` where `constant` says so.
fn chain(op: &str, count: usize, shape: &[i64], constant: bool) -> ModelBuilder {
    let mut builder = ModelBuilder::new(shape).floats("c", &[], &[0.5]);
    for at in 0..count {
        let input = if at == 0 { "x".into() } else { format!("t{at}") };
        let output = if at + 1 == count { "y".into() } else { format!("t{}", at + 1) };
        let inputs: &[&str] = if constant { &[&input, "c"] } else { &[&input] };
        builder = builder.node(op, inputs, &output, &[]);
    }
    builder
}

fn timed<T>(work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    result
}

#[test]
fn long_chains_are_read_in_one_pass() {
    for op in ["Softmax", "Identity", "Relu"] {
        let model = chain(op, LONG, &[10], false).model();
        let findings = timed(|| check(&model));
        assert!(findings.len() == LONG && findings.iter().all(|f| f.supported), "{op}");
    }
    // If the host cannot compute a later node, no operation of the host before it is supported.
    let mut builder = chain("Softmax", 100, &[10], false);
    builder.graph.node[99].op_type = Some("Relu".into());
    let findings = check(&builder.model());
    assert_eq!(findings.iter().filter(|f| f.supported).count(), 1);
    // Quantization pairs, which are removed one by one.
    let mut builder = chain("QuantizeLinear", LONG, &[10], true);
    for node in builder.graph.node.iter_mut().skip(1).step_by(2) {
        node.op_type = Some("DequantizeLinear".into());
    }
    let model = builder.model();
    assert!(timed(|| check(&model)).iter().all(|f| f.supported));
}

#[test]
fn many_inputs_of_one_node_are_read_in_one_pass() {
    let inputs = vec!["x"; 100_000];
    let model =
        ModelBuilder::new(&[1, 2, 2]).node("Concat", &inputs, "y", &[("axis", &[1])]).model();
    let graph = timed(|| Graph::import(&model)).unwrap();
    assert_eq!(graph.output_shape(), [100_000, 2, 2]);
    let ranges = calibrate(&graph, &[&[1.0; 4]]).unwrap();
    let said = quantize::quantize(&graph, &ranges, quantize::Options::default()).unwrap_err();
    assert!(said.to_string().contains("100000 x 100000 weights"), "{said}");
}

#[test]
fn a_scalar_stays_a_scalar() {
    // Twelve products by one number: that number is all that is stored of each.
    let model = chain("Mul", 4, &[1 << 24], true).model();
    let graph = Graph::import(&model).unwrap();
    assert!(graph.iter().all(|node| node.op.as_ref().unwrap().parameters() == 2));
    let findings = graph.check();
    assert!(findings.iter().all(|f| f.reason.contains("16777216 channels; supported: at most")));
    // Before a layer, the factor applies to every channel.
    let conv = ModelBuilder::new(&[1, 2, 2])
        .floats("w", &[2, 1, 1, 1], &[1.0, 3.0])
        .floats("c", &[], &[0.5])
        .node("Conv", &["x", "w"], "a", &[])
        .node("Mul", &["a", "c"], "b", &[])
        .node("Sub", &["c", "b"], "y", &[]);
    let graph = Graph::import(&conv.model()).unwrap();
    let linear = graph.iter().next().unwrap().op.as_ref().unwrap().linear().unwrap();
    assert_eq!(
        (linear.weights.as_slice(), linear.bias.as_slice()),
        (&[-0.5, -1.5][..], &[0.5; 2][..])
    );
}

#[test]
fn sizes_beyond_a_limit_are_named() {
    let said = |builder: ModelBuilder| Graph::import(&builder.model()).unwrap_err().to_string();
    let text = said(chain("Relu", 1, &[2 * MOST_VALUES as i64], false));
    assert!(text.contains("1 to 16777216 values per sample"), "{text}");
    let text = said(chain("Relu", MOST_NODES + 1, &[4], false));
    assert!(text.contains("65537 nodes; allowed: at most 65536"), "{text}");
    let text = said(chain("Relu", 1, &[1; 100_000], false));
    assert!(text.contains("at most 16 axes") && text.len() < 500, "{text}");
    let count = MOST_NETWORK_VALUES / MOST_VALUES + 3;
    let graph = Graph::import_partial(&chain("Relu", count, &[1 << 24], false).model()).unwrap();
    assert!(
        graph.limit().unwrap().contains("150994944 values in one sample"),
        "{:?}",
        graph.limit()
    );
    assert_eq!(graph.iter().filter(|node| node.problem.is_some()).count(), 3);
    let window = &[("kernel_shape", &[4096, 4096][..]), ("pads", &[2048; 4])];
    let text = said(ModelBuilder::new(&[1, 2048, 2048]).node("MaxPool", &["x"], "y", window));
    assert!(text.contains("operations on one sample; allowed without weights"), "{text}");
    // One tensor of weights, read by many nodes.
    let mut builder = chain("Conv", 20_000, &[128, 1, 1], true);
    builder.graph.initializer.clear();
    let text = said(builder.floats("c", &[128, 128, 1, 1], &[0.0; 1 << 14]));
    assert!(text.contains("parameters; allowed: at most 4456448"), "{text}");
    assert!(text.contains("and 19711 more") && text.lines().count() < 30, "{text}");
}

#[test]
fn layers_have_a_limit() {
    let builder =
        chain("Mul", MOST_FOLDED + 2, &[1, 1, 1], true).floats("w", &[1, 1, 1, 1], &[1.0]);
    let mut builder = builder.node("Conv", &["x", "w"], "first", &[]);
    builder.graph.node.rotate_right(1);
    builder.graph.node[1].input[0] = "first".into();
    let graph = Graph::import(&builder.model()).unwrap();
    assert_eq!(graph.iter().map(|node| node.folded.len()).collect::<Vec<_>>(), [MOST_FOLDED, 0, 0]);
    let window = &[("kernel_shape", &[1, 1][..])];
    let mut builder = ModelBuilder::new(&[1, 1, 1]);
    for at in 0..=MOST_LAYERS {
        let input = if at == 0 { "x".into() } else { format!("t{at}") };
        let output = if at == MOST_LAYERS { "y".into() } else { format!("t{}", at + 1) };
        builder = builder.node("MaxPool", &[&input], &output, window);
    }
    let graph = Graph::import(&builder.model()).unwrap();
    let ranges = calibrate(&graph, &[&[1.0]]).unwrap();
    let said = quantize::quantize(&graph, &ranges, quantize::Options::default()).unwrap_err();
    assert!(said.to_string().contains("more layers than are allowed: 4096"), "{said}");
}

#[test]
fn messages_are_counted_before_they_take_memory() {
    let graph =
        |nodes| GraphProto { node: vec![NodeProto::default(); nodes], ..GraphProto::default() };
    let bytes =
        |nodes| ModelProto { graph: Some(graph(nodes)), ..ModelProto::default() }.encode_to_vec();
    assert!(Model::decode(&bytes(MOST_MESSAGES - 1), "m").is_ok());
    let said = Model::decode(&bytes(MOST_MESSAGES), "m").unwrap_err().to_string();
    assert!(said.contains("more than 262144 messages"), "{said}");
    // Graphs in attributes of nodes of graphs.
    let mut nested = Vec::new();
    for _ in 0..1000 {
        for tag in [0x32, 0x2a, 0x0a] {
            let mut outer = vec![tag];
            prost::encode_length_delimiter(nested.len(), &mut outer).unwrap();
            outer.append(&mut nested);
            nested = outer;
        }
    }
    let mut bytes = vec![0x3a];
    prost::encode_length_delimiter(nested.len(), &mut bytes).unwrap();
    bytes.append(&mut nested);
    assert!(Model::decode(&bytes, "m").unwrap_err().to_string().contains("recursion limit"));
}

#[test]
fn control_characters_in_names_become_escapes() {
    let hostile = "a\u{1b}[2J\u{7}\n\u{202e}";
    let builder = ModelBuilder::new(&[4]).node("Relu", &["x"], hostile, &[]).node(
        "Relu",
        &[hostile],
        "y",
        &[],
    );
    let bytes = builder.model().proto.encode_to_vec();
    let model = Model::decode(&bytes, "m").unwrap();
    let graph = Graph::import(&model).unwrap();
    let names = graph.iter().map(|node| &node.name).chain(graph.tensors.iter().map(|t| &t.name));
    let names: Vec<&String> = names.collect();
    assert!(names.iter().all(|name| !name.contains(pecan_text::escape::acts)));
    assert!(names.iter().any(|name| *name == "n_a\\u{1b}[2J\\u{7}\\n\\u{202e}"));
}
