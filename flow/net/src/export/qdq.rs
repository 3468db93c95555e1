//! Integers as `QuantizeLinear`/`DequantizeLinear` pairs.

use std::collections::{BTreeMap, HashMap, HashSet};

use pecan_ir::layer::Op;

use super::edit::Edit;
use super::integer::IntegerLayer;
use super::{ExportError, opset, pairs, refuse_integers};
use crate::graph::{Graph, Node};
use crate::onnx::{Model, NodeProto, data_type};
use crate::op::Linear;
use crate::quantize::Quantized;

/// A tensor of integers, or one that is rounded to them, and the base of its names.
pub(super) struct Integers<'a> {
    pub(super) base: &'a str,
    /// Element type.
    pub(super) kind: i32,
    /// Shape; none where the values are computed.
    pub(super) dims: &'a [usize],
    /// Axis along which the scale changes.
    pub(super) axis: Option<i64>,
}

/// `model` as a quantized network in the standard form, with the integers of `quantized`: the quantization
/// of `graph`, which was imported from `model` (parameters may have changed since).
///
/// Weights of `Conv`, `Gemm` and `MatMul` are integers behind a `DequantizeLinear` per output channel, biases 32-bit
/// integers in units of input times weight (floats where these would overflow). Every tensor with a scale passes a
/// `QuantizeLinear` and a `DequantizeLinear`. All zero points are 0. Nodes that were folded into a layer disappear, as
/// do nodes and constants without readers; factors and sums per channel that are layers of their own stay in float. The
/// operator set is raised where the integers need it: to 13 for 8 bits, to 21 for 4 and 16.
///
/// A runtime computes nearly the integer network: it may round ties differently, accumulates in floats or integers, and
/// limits to -128 instead of -127 (likewise for other widths). ONNX Runtime (1.30) needs its optimizations off for
/// maxima over activations of 4 bits: it turns them into operations on integers, which the standard does not have at
/// this width.
///
/// # Errors
/// As for [`super::pruned`]; integers that belong to another graph; a model whose operator set has to be
/// raised but cannot, as a node would change its meaning.
pub fn quantized_qdq(
    model: &Model,
    graph: &Graph,
    quantized: &Quantized,
) -> Result<Model, ExportError> {
    refuse_integers(model)?;
    let original = Graph::import(model)?;
    let linears = pairs(&original, graph)?;
    let network = &quantized.network;
    let mut model = model.clone();
    let eight = network.activation_bits == 8 && network.weight_bits == 8;
    opset::raise(&mut model, if eight { opset::PER_CHANNEL } else { opset::ALL_WIDTHS })?;
    let mut edit = Edit::of(&model)?;
    let mut before: BTreeMap<usize, Vec<NodeProto>> = BTreeMap::new();
    for (node, _, linear) in linears {
        let layer = integer_layer(&edit, quantized, node, linear)?;
        let (at, nodes) = layer.write(&mut edit, graph)?;
        before.insert(at, nodes);
    }
    let tensors = scales(graph, quantized);
    let kind = element(network.activation_bits);
    let mut behind = HashMap::new();
    for (&tensor, &scale) in &tensors {
        let (producer, nodes) = quantize_tensor(&mut edit, tensor, scale, kind)?;
        behind.insert(producer, nodes);
    }
    arrange(&mut edit, before, behind);
    remove_unread(&mut edit);
    Ok(edit.finish())
}

/// Element type of symmetric integers of `bits` (4, 8 or 16, the widths of the quantizer).
fn element(bits: usize) -> i32 {
    match bits {
        ..=4 => data_type::INT4,
        5..=8 => data_type::INT8,
        _ => data_type::INT16,
    }
}

fn integer_layer<'a>(
    edit: &Edit,
    quantized: &'a Quantized,
    node: &'a Node,
    linear: &'a Linear,
) -> Result<IntegerLayer<'a>, ExportError> {
    let mismatch = |problem: String| ExportError::Mismatch {
        origin: edit.model.origin.clone(),
        layer: node.name.clone(),
        nearest: None,
        problem,
    };
    let layers = quantized.network.layers.iter().zip(&quantized.weight_scales);
    let found = layers.into_iter().find(|(layer, _)| layer.name == node.name);
    let (layer, weight_scales) =
        found.ok_or_else(|| mismatch("the integer network has no such layer".into()))?;
    let weights = match &layer.op {
        Op::Conv(conv) => conv.weights.len(),
        _ => 0,
    };
    let got = [weights, weight_scales.len(), layer.requant.len()];
    let expected = [linear.weights.len(), linear.outputs, linear.outputs];
    if got != expected {
        return Err(mismatch(format!(
            "{got:?} integer weights, scales and biases; expected {expected:?}"
        )));
    }
    let input_scale = quantized.scales.get(layer.input).copied();
    let input_scale = input_scale.ok_or_else(|| mismatch("its input has no scale".into()))?;
    let kind = element(quantized.network.weight_bits);
    Ok(IntegerLayer { node, linear, layer, weight_scales, input_scale, kind })
}

/// The scale of every tensor of the graph that is in the integer network. Intermediate tensors of a layer, which have
/// other names there, are left out.
fn scales<'a>(graph: &Graph, quantized: &'a Quantized) -> BTreeMap<&'a str, f64> {
    let nodes: HashSet<&str> = graph.iter().map(|node| node.name.as_str()).collect();
    let layers = quantized.network.layers.iter().filter(|l| nodes.contains(l.name.as_str()));
    let places = std::iter::once(0).chain(layers.map(|l| l.output));
    let named = quantized.tensor_names.iter().zip(&quantized.scales);
    let named: Vec<_> = named.map(|(name, scale)| (name.as_str(), *scale)).collect();
    places.filter_map(|place| named.get(place).copied()).collect()
}

/// Makes the pair of nodes behind `tensor` and connects its readers to them. Returns the node that precedes them; none
/// for the network's input.
fn quantize_tensor(
    edit: &mut Edit,
    tensor: &str,
    scale: f64,
    kind: i32,
) -> Result<(Option<usize>, Vec<NodeProto>), ExportError> {
    let writes = |n: &NodeProto| n.output.iter().any(|o| o == tensor);
    let producer = edit.graph.node.iter().position(writes);
    let is_output = edit.graph.output.iter().any(|o| o.name.as_deref() == Some(tensor));
    let parts = Integers { base: tensor, kind, dims: &[], axis: None };
    let grid = parts.grid(edit, &[], &[scale as f32])?;
    let (source, result) = match producer {
        // The network's output keeps its name, so its producer gets another output.
        Some(at) if is_output => {
            let source = edit.free_name(&format!("{tensor}_float"));
            let outputs = edit.graph.node[at].output.iter_mut();
            outputs.filter(|o| *o == tensor).for_each(|o| o.clone_from(&source));
            (source, tensor.to_string())
        }
        _ => (tensor.to_string(), edit.free_name(&format!("{tensor}_dequantized"))),
    };
    for (at, port) in edit.readers(tensor) {
        edit.graph.node[at].input[port].clone_from(&result);
    }
    let integers = edit.free_name(&format!("{tensor}_quantized"));
    let inputs = |data: String| [data].into_iter().chain(grid.clone()).collect::<Vec<_>>();
    let quantize = parts.node(edit, "QuantizeLinear", inputs(source), integers.clone());
    let dequantize = parts.node(edit, "DequantizeLinear", inputs(integers), result);
    Ok((producer, vec![quantize, dequantize]))
}

/// Inserts the new nodes, and drops nodes that the output does not need.
fn arrange(
    edit: &mut Edit,
    mut before: BTreeMap<usize, Vec<NodeProto>>,
    mut behind: HashMap<Option<usize>, Vec<NodeProto>>,
) {
    let mut nodes = behind.remove(&None).unwrap_or_default();
    for (at, node) in std::mem::take(&mut edit.graph.node).into_iter().enumerate() {
        nodes.extend(before.remove(&at).unwrap_or_default());
        nodes.push(node);
        nodes.extend(behind.remove(&Some(at)).unwrap_or_default());
    }
    let outputs = |(at, n): (usize, &NodeProto)| -> Vec<(String, usize)> {
        n.output.iter().map(|o| (o.clone(), at)).collect()
    };
    let producers: HashMap<String, usize> = nodes.iter().enumerate().flat_map(outputs).collect();
    let mut open: Vec<String> = edit.graph.output.iter().filter_map(|o| o.name.clone()).collect();
    let mut needed = vec![false; nodes.len()];
    while let Some(tensor) = open.pop() {
        if let Some(&at) = producers.get(&tensor)
            && !std::mem::replace(&mut needed[at], true)
        {
            open.extend(nodes[at].input.iter().cloned());
        }
    }
    let kept = nodes.into_iter().zip(needed).filter_map(|(node, needed)| needed.then_some(node));
    edit.graph.node = kept.collect();
}

/// Removes constants without readers, and information of the file about removed tensors.
fn remove_unread(edit: &mut Edit) {
    let graph = &mut edit.graph;
    let read: HashSet<&String> = graph.node.iter().flat_map(|n| &n.input).collect();
    let written: HashSet<&String> = graph.node.iter().flat_map(|n| &n.output).collect();
    let constants = &edit.constants;
    graph.initializer.retain(|t| t.name.as_ref().is_some_and(|n| read.contains(n)));
    let is_read = |n: &String| read.contains(n);
    graph
        .input
        .retain(|v| v.name.as_ref().is_some_and(|n| is_read(n) || !constants.contains_key(n)));
    graph.value_info.retain(|v| v.name.as_ref().is_some_and(|n| is_read(n) || written.contains(n)));
    // Ranges that a tool recorded for tensors of the float model; the nodes now contain them.
    graph.quantization_annotation.clear();
}
