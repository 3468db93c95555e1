//! Mutations of ONNX models that are still messages of the format.

use pecan_net::onnx::{Dimension, DimensionValue, GraphProto, ModelProto, NodeProto, TypeValue};
use pecan_net::op::REGISTRY;
use prost::Message;
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

/// Largest number of nodes that repetition makes.
const MOST_NODES: usize = 3000;

/// Numbers at the edges of types, limits and axes.
const NUMBERS: [i64; 16] = [
    0,
    1,
    -1,
    2,
    3,
    5,
    255,
    4096,
    4097,
    65536,
    1 << 24,
    1 << 28,
    1 << 40,
    i64::MAX,
    i64::MIN,
    i32::MAX as i64,
];

/// A model of the corpus with one to six mutations; sometimes none, and then bytes are mutated.
pub(super) fn mutate(rng: &mut ChaCha8Rng, corpus: &[Vec<u8>]) -> Option<Vec<u8>> {
    if rng.random_bool(0.25) {
        return None;
    }
    let decode = |bytes: &Vec<u8>| ModelProto::decode(bytes.as_slice()).ok();
    let mut model = corpus.choose(rng).and_then(decode)?;
    let other = corpus.choose(rng).and_then(decode)?.graph?;
    let graph = model.graph.as_mut()?;
    for _ in 0..rng.random_range(1..=6) {
        mutation(rng, graph, &other);
    }
    Some(model.encode_to_vec())
}

fn mutation(rng: &mut ChaCha8Rng, graph: &mut GraphProto, other: &GraphProto) {
    let count = graph.node.len();
    let at = rng.random_range(0..count.max(1));
    match rng.random_range(0..10) {
        0 => attribute(rng, graph, at),
        1 => dimensions(rng, graph),
        2 => tensor(rng, graph),
        3 => {
            if let (Some(node), Some((name, _))) = (graph.node.get_mut(at), REGISTRY.choose(rng)) {
                node.op_type = Some((*name).into());
            }
        }
        4 => rewire(rng, graph, at),
        5 => repeat(rng, graph, at),
        6 => {
            graph.node.extend(other.node.choose(rng).cloned());
            graph.initializer.extend(other.initializer.choose(rng).cloned());
        }
        7 if count > 0 => drop(graph.node.remove(at)),
        8 => {
            if let Some(node) = graph.node.get_mut(at) {
                let again = node.input.first().cloned().unwrap_or_default();
                node.input.extend(vec![again; rng.random_range(1..2000)]);
            }
        }
        _ => {
            if let Some(node) = graph.node.get_mut(at) {
                let name = ["\u{1b}[2J", "", "a\nb", "\u{202e}"].choose(rng).copied().unwrap_or("");
                node.name = Some(name.repeat(rng.random_range(1..100)));
            }
        }
    }
}

fn attribute(rng: &mut ChaCha8Rng, graph: &mut GraphProto, at: usize) {
    let Some(node) = graph.node.get_mut(at) else { return };
    let Some(count) = node.attribute.len().checked_sub(1) else { return };
    let attribute = &mut node.attribute[rng.random_range(0..=count)];
    let value = NUMBERS.choose(rng).copied().unwrap_or(0);
    match rng.random_range(0..5) {
        0 => attribute.i = Some(value),
        1 => attribute.ints.push(value),
        2 => attribute.ints = vec![value; rng.random_range(0..2000)],
        3 => attribute.f = [f32::NAN, f32::INFINITY, -1.0, 0.0, 1e38].choose(rng).copied(),
        _ => {
            if let Some(number) = attribute.ints.first_mut() {
                *number = value;
            }
        }
    }
}

fn dimensions(rng: &mut ChaCha8Rng, graph: &mut GraphProto) {
    let values = graph.input.iter_mut().chain(&mut graph.output);
    let mut all: Vec<&mut Vec<Dimension>> = values
        .filter_map(|info| match info.r#type.as_mut()?.value.as_mut()? {
            TypeValue::Tensor(tensor) => tensor.shape.as_mut().map(|shape| &mut shape.dim),
            _ => None,
        })
        .collect();
    let Some(last) = all.len().checked_sub(1) else { return };
    let dims = &mut all[rng.random_range(0..=last)];
    let value = NUMBERS.choose(rng).copied().map(DimensionValue::Value);
    let dimension = Dimension { value, ..Dimension::default() };
    match dims.len().checked_sub(1) {
        Some(last) if rng.random_bool(0.7) => dims[rng.random_range(0..=last)] = dimension,
        _ => dims.extend(vec![dimension; rng.random_range(0..1000)]),
    }
}

fn tensor(rng: &mut ChaCha8Rng, graph: &mut GraphProto) {
    let Some(last) = graph.initializer.len().checked_sub(1) else { return };
    let tensor = &mut graph.initializer[rng.random_range(0..=last)];
    match rng.random_range(0..4) {
        0 => tensor.data_type = Some(rng.random_range(0..25)),
        1 => tensor.dims = vec![NUMBERS.choose(rng).copied().unwrap_or(0); rng.random_range(0..6)],
        2 => {
            if let Some(raw) = &mut tensor.raw_data {
                let length = rng.random_range(0..=2 * raw.len());
                raw.resize(length, 0xff);
            }
        }
        _ => {
            if let Some(byte) = tensor.raw_data.as_mut().and_then(|raw| raw.first_mut()) {
                *byte = rng.random();
            }
        }
    }
}

/// Connects an input of a node to any tensor of the graph.
fn rewire(rng: &mut ChaCha8Rng, graph: &mut GraphProto, at: usize) {
    let outputs = graph.node.iter().flat_map(|node| node.output.clone());
    let constants = graph.initializer.iter().filter_map(|tensor| tensor.name.clone());
    let all: Vec<String> = outputs.chain(constants).collect();
    let name = all.choose(rng).cloned().unwrap_or_default();
    let Some(node) = graph.node.get_mut(at) else { return };
    match node.input.len().checked_sub(1) {
        Some(last) => node.input[rng.random_range(0..=last)] = name,
        None => node.input.push(name),
    }
}

/// A chain of copies of a node, each after the one before.
fn repeat(rng: &mut ChaCha8Rng, graph: &mut GraphProto, at: usize) {
    let Some(node) = graph.node.get(at).cloned() else { return };
    let (Some(input), Some(output)) = (node.input.first(), node.output.first()) else { return };
    let count = rng.random_range(1..MOST_NODES);
    if graph.node.len() > MOST_NODES {
        return;
    }
    let inner = |index: usize| format!("{output}/{index}");
    let copies = (0..count).map(|index| {
        let mut copy = NodeProto { name: None, ..node.clone() };
        copy.input[0] = if index == 0 { input.clone() } else { inner(index) };
        copy.output[0] = if index + 1 == count { output.clone() } else { inner(index + 1) };
        copy
    });
    let copies: Vec<NodeProto> = copies.collect();
    graph.node.splice(at..=at, copies);
}
