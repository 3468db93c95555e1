//! The structure of a model: constants, the one input, names, producers and order.

use std::collections::{BTreeSet, HashMap, HashSet};

use petgraph::Direction;
use petgraph::algo::toposort;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::limits::{MOST_AXES, MOST_NODES, MOST_PARAMETERS, MOST_VALUES};
use crate::onnx::{
    Constant, ConstantError, Dimension, DimensionValue, GraphProto, Model, NodeProto, TypeValue,
    ValueInfoProto, data_type,
};
use crate::op;

/// Names resolved, nothing interpreted yet.
#[derive(Debug)]
pub(super) struct Structure<'m> {
    pub(super) proto: &'m GraphProto,
    pub(super) constants: HashMap<&'m str, Result<Constant, ConstantError>>,
    /// The inputs that nodes need, with shapes without batch where these are known; one, if there is no problem.
    pub(super) inputs: Vec<(&'m str, Option<Vec<usize>>)>,
    pub(super) outputs: Vec<&'m str>,
    /// Version of the standard operators.
    pub(super) opset: i64,
    /// Reasons why the graph cannot be executed, whatever its nodes are.
    pub(super) problems: Vec<String>,
    /// Types and shapes that the file itself states.
    stated: HashMap<&'m str, &'m ValueInfoProto>,
    /// Unique name of every node.
    pub(super) names: Vec<String>,
    /// Nodes that the outputs depend on, in order of execution.
    pub(super) order: Vec<usize>,
}

impl<'m> Structure<'m> {
    /// # Errors
    /// The graph has too many nodes, a cycle, or a name with several meanings: its nodes cannot be looked at.
    pub(super) fn of(model: &'m Model) -> Result<Self, String> {
        let proto = model.proto.graph.as_ref().ok_or("no graph in the model")?;
        if proto.node.len() > MOST_NODES {
            let nodes = proto.node.len();
            return Err(format!("{nodes} nodes; allowed: at most {MOST_NODES}"));
        }
        let names = node_names(proto);
        let constants = constants(proto)?;
        let producers = producers(proto, &names, &constants)?;
        let mut problems = Vec::new();
        let outputs = outputs(proto, &producers, &mut problems);
        let order = order(proto, &names, &producers, &outputs)?;
        let inputs = inputs(proto, &order, &constants, &mut problems);
        let values = proto.value_info.iter().chain(&proto.output).rev();
        let stated = values.filter_map(|v| Some((v.name.as_deref()?, v))).collect();
        let opset = model.opset().unwrap_or(NEWEST);
        Ok(Self { proto, constants, inputs, outputs, opset, problems, stated, names, order })
    }

    /// Shape without batch that the file itself states for `tensor`.
    pub(super) fn declared(&self, tensor: &str) -> Option<Vec<usize>> {
        sample_shape(dimensions(self.stated.get(tensor)?)?, tensor).ok()
    }
}

/// The version of a file that states none.
const NEWEST: i64 = 23;

pub(super) fn is_constant(node: &NodeProto) -> bool {
    node.op_type.as_deref() == Some("Constant") && standard_domain(node)
}

/// Whether `node` computes one of `constants` from others.
pub(super) fn is_folded<T>(node: &NodeProto, constants: &HashMap<&str, T>) -> bool {
    is_dequantization(node) && node.input.iter().all(|i| constants.contains_key(i.as_str()))
}

pub(crate) fn standard_domain(node: &NodeProto) -> bool {
    matches!(node.domain.as_deref(), None | Some("" | "ai.onnx"))
}

/// A unique name of every node, in the file's order: its own, or one made of operator and position; of nodes with the
/// same name, the later ones get a number.
pub(crate) fn node_names(proto: &GraphProto) -> Vec<String> {
    let given = |node: &NodeProto| node.name.clone().filter(|name| !name.is_empty());
    // A made name must not be one that a later node has.
    let mut taken: HashSet<String> = proto.node.iter().filter_map(given).collect();
    let mut seen: HashSet<String> = HashSet::new();
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut unique = |base: String, own: bool| {
        if own && seen.insert(base.clone()) {
            return base;
        }
        if !own && taken.insert(base.clone()) {
            return base;
        }
        let number = numbers.entry(base.clone()).or_insert(0);
        loop {
            *number += 1;
            let name = format!("{base}_{number}");
            if taken.insert(name.clone()) {
                return name;
            }
        }
    };
    let nodes = proto.node.iter().enumerate();
    nodes
        .map(|(index, node)| match given(node) {
            Some(name) => unique(name, true),
            None => unique(format!("{}_{index}", node.op_type.as_deref().unwrap_or("node")), false),
        })
        .collect()
}

/// Every constant tensor by name: initializers, `Constant` nodes, and dequantized constants.
pub(crate) fn constants(
    proto: &GraphProto,
) -> Result<HashMap<&str, Result<Constant, ConstantError>>, String> {
    let mut constants = HashMap::new();
    let mut add = |name, value| match constants.insert(name, value) {
        Some(_) => Err(format!("constant tensor `{name}` occurs more than once")),
        None => Ok(()),
    };
    for tensor in &proto.initializer {
        add(tensor.name.as_deref().unwrap_or(""), Constant::decode(tensor))?;
    }
    for sparse in &proto.sparse_initializer {
        let name = sparse.values.as_ref().and_then(|v| v.name.as_deref()).unwrap_or("");
        let problem = "sparse initializer; store it densely".to_string();
        add(name, Err(ConstantError { tensor: name.to_string(), problem }))?;
    }
    for node in proto.node.iter().filter(|n| is_constant(n)) {
        let name = node.output.first().map_or("", String::as_str);
        add(name, op::constant_value(node))?;
    }
    dequantize(proto, &mut constants)?;
    Ok(constants)
}

/// Adds the results of `DequantizeLinear` on constants.
fn dequantize<'m>(
    proto: &'m GraphProto,
    constants: &mut HashMap<&'m str, Result<Constant, ConstantError>>,
) -> Result<(), String> {
    // Nodes may use the same integers repeatedly, so the size of the file is no bound.
    let mut left = MOST_PARAMETERS;
    for node in proto.node.iter().filter(|n| is_dequantization(n)) {
        let inputs: Option<Result<Vec<&Constant>, &ConstantError>> =
            node.input.iter().map(|i| constants.get(i.as_str()).map(Result::as_ref)).collect();
        // A computed input makes it an ordinary node.
        let Some(inputs) = inputs else { continue };
        let value = match inputs {
            Ok(inputs) => {
                let count = inputs.first().map_or(0, |data| data.len());
                left = left.checked_sub(count).ok_or_else(|| {
                    format!("dequantized constants of more than {MOST_PARAMETERS} values")
                })?;
                op::dequantized(node, &inputs)
            }
            Err(error) => Err(error.clone()),
        };
        let name = node.output.first().map_or("", String::as_str);
        if constants.insert(name, value).is_some() {
            return Err(format!("constant tensor `{name}` occurs more than once"));
        }
    }
    Ok(())
}

fn is_dequantization(node: &NodeProto) -> bool {
    node.op_type.as_deref() == Some("DequantizeLinear") && standard_domain(node)
}

fn dimensions(info: &ValueInfoProto) -> Option<&[Dimension]> {
    match info.r#type.as_ref()?.value.as_ref()? {
        TypeValue::Tensor(tensor) => Some(&tensor.shape.as_ref()?.dim),
        _ => None,
    }
}

/// Extents after the batch axis; all must be known.
fn sample_shape(dims: &[Dimension], tensor: &str) -> Result<Vec<usize>, String> {
    let describe = |d: &Dimension| match &d.value {
        Some(DimensionValue::Value(v)) => v.to_string(),
        Some(DimensionValue::Param(p)) => p.clone(),
        None => "?".into(),
    };
    if !(2..=MOST_AXES).contains(&dims.len()) {
        let all: Vec<String> = dims.iter().take(MOST_AXES).map(describe).collect();
        let more = if dims.len() > MOST_AXES { ", ..." } else { "" };
        return Err(format!(
            "tensor `{tensor}` has shape [{}{more}]; expected [N, ...], at most {MOST_AXES} axes",
            all.join(", ")
        ));
    }
    let all: Vec<String> = dims.iter().map(describe).collect();
    let extents = dims[1..].iter().map(|d| match d.value {
        Some(DimensionValue::Value(v)) => usize::try_from(v).ok().filter(|&v| v > 0),
        _ => None,
    });
    let shape: Option<Vec<usize>> = extents.collect();
    let shape = shape.ok_or_else(|| {
        format!(
            "tensor `{tensor}` has shape [{}]; supported: positive numbers after the batch axis",
            all.join(", ")
        )
    })?;
    values(&shape).map_err(|e| format!("tensor `{tensor}`: {e}"))?;
    Ok(shape)
}

/// Number of values of `shape`, within the limit.
pub(super) fn values(shape: &[usize]) -> Result<usize, String> {
    shape
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d))
        .filter(|n| (1..=MOST_VALUES).contains(n) && shape.len() < MOST_AXES)
        .ok_or_else(|| {
            format!(
                "shape [N, {}] is out of range: 1 to {MOST_VALUES} values per sample, at most {MOST_AXES} axes",
                op::list(shape)
            )
        })
}

/// The graph's outputs that nodes write.
fn outputs<'m>(
    proto: &'m GraphProto,
    producers: &HashMap<&'m str, usize>,
    problems: &mut Vec<String>,
) -> Vec<&'m str> {
    let all: Vec<&str> = proto.output.iter().map(|o| o.name.as_deref().unwrap_or("")).collect();
    for output in all.iter().filter(|o| !producers.contains_key(*o)) {
        problems.push(format!("graph output `{output}` is written by no node"));
    }
    if all.len() != 1 {
        let names = op::list(&all);
        problems.push(format!("{} graph outputs ({names}); supported: 1", all.len()));
    }
    all.into_iter().filter(|output| producers.contains_key(output)).collect()
}

/// The inputs that the nodes in `order` read: those that nobody reads do not matter.
fn inputs<'m>(
    proto: &'m GraphProto,
    order: &[usize],
    constants: &HashMap<&'m str, Result<Constant, ConstantError>>,
    problems: &mut Vec<String>,
) -> Vec<(&'m str, Option<Vec<usize>>)> {
    let read: HashSet<&str> =
        order.iter().flat_map(|&at| &proto.node[at].input).map(String::as_str).collect();
    let named = proto.input.iter().map(|v| (v.name.as_deref().unwrap_or(""), v));
    let free: Vec<_> = named.filter(|(name, _)| !constants.contains_key(name)).collect();
    let needed: Vec<_> = free.iter().filter(|(name, _)| read.contains(name)).copied().collect();
    if needed.len() != 1 {
        let all = if needed.is_empty() { &free } else { &needed };
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        let (count, names) = (names.len(), op::list(&names));
        let read = if needed.is_empty() { ", none of them read" } else { "" };
        problems.push(format!("{count} graph inputs ({names}){read}; supported: 1"));
    }
    let shape = |(name, info): (&'m str, &'m ValueInfoProto)| {
        let shape = input_shape(name, info).map_err(|problem| problems.push(problem)).ok();
        (name, shape)
    };
    needed.into_iter().map(shape).collect()
}

/// Shape without batch of a graph input of floats.
fn input_shape(name: &str, input: &ValueInfoProto) -> Result<Vec<usize>, String> {
    use data_type::{BFLOAT16, DOUBLE, FLOAT, FLOAT16};
    let element = input.r#type.as_ref().and_then(|t| match t.value.as_ref()? {
        TypeValue::Tensor(tensor) => tensor.elem_type,
        _ => None,
    });
    if !matches!(element, Some(FLOAT | FLOAT16 | BFLOAT16 | DOUBLE)) {
        return Err(format!("graph input `{name}` is not a tensor of floats"));
    }
    let hint = "export the file with a fixed shape";
    let dims =
        dimensions(input).ok_or_else(|| format!("graph input `{name}` has no shape; {hint}"))?;
    sample_shape(dims, name).map_err(|problem| {
        let known = |d: &Dimension| matches!(d.value, Some(DimensionValue::Value(_)));
        let open = dims.iter().skip(1).any(|d| !known(d));
        if open { format!("{problem}; {hint}") } else { problem }
    })
}

fn producers<'m>(
    proto: &'m GraphProto,
    names: &[String],
    constants: &HashMap<&'m str, Result<Constant, ConstantError>>,
) -> Result<HashMap<&'m str, usize>, String> {
    let inputs: HashSet<&str> = proto.input.iter().filter_map(|v| v.name.as_deref()).collect();
    let mut producers: HashMap<&str, usize> = HashMap::new();
    for (index, node) in proto.node.iter().enumerate() {
        if is_constant(node) || is_folded(node, constants) {
            continue;
        }
        for output in node.output.iter().filter(|o| !o.is_empty()) {
            let other = match producers.insert(output, index) {
                Some(other) => format!("node `{}`", names[other]),
                None if constants.contains_key(output.as_str()) => "a constant".into(),
                None if inputs.contains(output.as_str()) => "the graph input".into(),
                None => continue,
            };
            let name = &names[index];
            return Err(format!("node `{name}` writes tensor `{output}`, as does {other}"));
        }
    }
    Ok(producers)
}

fn order(
    proto: &GraphProto,
    names: &[String],
    producers: &HashMap<&str, usize>,
    outputs: &[&str],
) -> Result<Vec<usize>, String> {
    let mut needed = vec![false; proto.node.len()];
    let mut open: Vec<usize> = outputs.iter().filter_map(|o| producers.get(o).copied()).collect();
    let mut graph = DiGraph::<(), ()>::new();
    let indices: Vec<_> = proto.node.iter().map(|_| graph.add_node(())).collect();
    while let Some(node) = open.pop() {
        if std::mem::replace(&mut needed[node], true) {
            continue;
        }
        for input in &proto.node[node].input {
            if let Some(&producer) = producers.get(input.as_str()) {
                graph.add_edge(indices[producer], indices[node], ());
                open.push(producer);
            }
        }
    }
    toposort(&graph, None).map_err(|cycle| {
        let name = &names[cycle.node_id().index()];
        format!("node `{name}` depends on its own output: the graph has a cycle")
    })?;
    Ok(file_order(&graph, &needed))
}

/// The needed nodes, each after those that it depends on, and otherwise in the file's order, which users know. The
/// graph has no cycle.
fn file_order(graph: &DiGraph<(), ()>, needed: &[bool]) -> Vec<usize> {
    let degree = |n| graph.neighbors_directed(n, Direction::Incoming).count();
    let mut waiting: Vec<usize> = graph.node_indices().map(degree).collect();
    let ready = (0..needed.len()).filter(|&n| needed[n] && waiting[n] == 0);
    let mut ready: BTreeSet<usize> = ready.collect();
    let mut order = Vec::new();
    while let Some(node) = ready.pop_first() {
        order.push(node);
        // A node that reads two outputs of another has two edges from it and is visited twice.
        for reader in graph.neighbors_directed(NodeIndex::new(node), Direction::Outgoing) {
            waiting[reader.index()] -= 1;
            if waiting[reader.index()] == 0 {
                ready.insert(reader.index());
            }
        }
    }
    order
}
