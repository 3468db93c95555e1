//! A graph under construction: nodes are resolved, computed where they are constants, rewritten where they consist of
//! others, and parsed.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use pecan_ir::layer::Shape;

use super::rewrites::Rewrites;
use super::structure::{self, Structure};
use super::{Finding, Node, TensorInfo};
use crate::evaluate::Evaluator;
use crate::limits::{Budget, MOST_NODES, Need};
use crate::onnx::{Constant, ConstantError, NodeProto, Values};
use crate::op;
use crate::op::{Attributes, Input, Lowering, NodeView, Operator};
use crate::rewrite::{Rewrite, expansion};

/// A graph under construction: nodes in order of execution, `None` once removed.
pub(super) struct Draft {
    pub(super) nodes: Vec<Option<Node>>,
    pub(super) tensors: Vec<TensorInfo>,
    pub(super) output: usize,
    pub(super) findings: Vec<Finding>,
    /// Position in `findings` of the node of the file that each node is of.
    pub(super) places: HashMap<String, usize>,
    pub(super) rewrites: Rewrites,
    /// Constants by name: those of the file, and computed ones.
    pub(super) constants: HashMap<String, Result<Constant, ConstantError>>,
    /// Data tensors by name.
    indices: HashMap<String, usize>,
    /// Scale and zero point of tensors that hold integers, by name.
    grids: HashMap<String, Vec<String>>,
    /// Names of all tensors.
    taken: HashSet<String>,
    evaluator: Evaluator,
    opset: i64,
    budget: Budget,
    /// The limit that the network exceeds, if so; import then stops.
    pub(super) full: Option<String>,
}

/// What a node is.
enum Meaning {
    /// Constants.
    Computed(Vec<Constant>),
    /// Other nodes.
    Rewritten(Vec<NodeProto>, Vec<Constant>),
    /// A node with its operator, or with its problems.
    Itself(Result<Box<dyn Operator>, Vec<String>>),
}

impl Draft {
    pub(super) fn of(structure: &mut Structure<'_>) -> Self {
        let input = |(name, shape): &(&str, Option<Vec<usize>>)| TensorInfo {
            name: (*name).to_owned(),
            shape: shape.clone(),
            layout: shape.as_deref().and_then(layout),
            given: None,
        };
        let findings = findings(structure);
        let size = structure.constants.values().flatten().map(Constant::len).sum();
        let names = structure.proto.node.iter().flat_map(|n| n.input.iter().chain(&n.output));
        let taken = names.cloned().collect();
        let constants = std::mem::take(&mut structure.constants).into_iter();
        let mut tensors: Vec<TensorInfo> = structure.inputs.iter().map(input).collect();
        let indices = tensors.iter().map(|t| t.name.clone()).zip(0..).collect();
        if tensors.is_empty() {
            let name = String::new();
            tensors.push(TensorInfo { name, shape: None, layout: None, given: None });
        }
        let mut draft = Self {
            nodes: Vec::new(),
            tensors,
            output: 0,
            findings,
            places: structure.names.iter().cloned().zip(0..).collect(),
            rewrites: Rewrites::default(),
            constants: constants.map(|(name, value)| (name.to_owned(), value)).collect(),
            indices,
            grids: HashMap::new(),
            taken,
            evaluator: Evaluator::new(size),
            opset: structure.opset,
            budget: Budget::new(size),
            full: None,
        };
        draft.add_all(structure);
        let output = structure.outputs.first().and_then(|o| draft.indices.get(*o));
        draft.output = output.copied().unwrap_or(0);
        draft
    }

    fn add_all(&mut self, structure: &Structure<'_>) {
        let order = || structure.order.iter().map(|&index| &structure.proto.node[index]);
        let inputs = order().flat_map(|node| &node.input).map(String::as_str);
        let read: HashSet<&str> = inputs.chain(structure.outputs.iter().copied()).collect();
        for &index in &structure.order {
            let mut proto = Cow::Borrowed(&structure.proto.node[index]);
            // An output that nobody reads, like the mask of a Dropout, is none.
            let unread = |o: &String| !o.is_empty() && !read.contains(o.as_str());
            if proto.output.iter().skip(1).any(unread) {
                proto
                    .to_mut()
                    .output
                    .iter_mut()
                    .skip(1)
                    .filter(|o| unread(o))
                    .for_each(String::clear);
            }
            self.add_file_node(structure, index, proto);
        }
    }

    /// Adds a node of the file, or the nodes that it consists of.
    fn add_file_node(
        &mut self,
        structure: &Structure<'_>,
        index: usize,
        proto: Cow<'_, NodeProto>,
    ) {
        let mut open = vec![(structure.names[index].clone(), proto)];
        let mut made = Vec::new();
        let (mut rewritten, mut computed) = (false, 0);
        while let Some((name, proto)) = open.pop() {
            let taken = self.nodes.len() + open.len();
            if taken >= MOST_NODES && self.full.is_none() {
                self.full = Some(format!("{taken} nodes; allowed: at most {MOST_NODES}"));
            }
            self.places.insert(name.clone(), index);
            match self.meaning(&name, &proto) {
                Meaning::Computed(constants) => {
                    computed += 1;
                    constants.into_iter().for_each(|constant| self.define(constant));
                }
                Meaning::Rewritten(nodes, constants) => {
                    rewritten = true;
                    constants.into_iter().for_each(|constant| self.define(constant));
                    let own = |n: NodeProto| (n.name.clone().unwrap_or_default(), Cow::Owned(n));
                    open.extend(nodes.into_iter().rev().map(own));
                }
                Meaning::Itself(parsed) => {
                    self.add(structure, name, &proto, parsed);
                    made.push(proto);
                }
            }
        }
        if made.is_empty() && computed > 0 {
            self.findings[index].reason = "a constant".into();
        }
        if rewritten || computed > 0 {
            self.rewrites.nodes.insert(index, made.into_iter().map(Cow::into_owned).collect());
        }
    }

    /// Adds a computed constant.
    fn define(&mut self, constant: Constant) {
        self.taken.insert(constant.name.clone());
        self.rewrites.constants.push(constant.name.clone());
        self.constants.insert(constant.name.clone(), Ok(constant));
    }

    fn meaning(&mut self, name: &str, proto: &NodeProto) -> Meaning {
        if let Some(limit) = &self.full {
            return Meaning::Itself(Err(vec![limit.clone()]));
        }
        let op_type = proto.op_type.as_deref().unwrap_or("");
        let standard = structure::standard_domain(proto);
        if standard && let Some(meaning) = self.computed(proto, op_type) {
            return meaning;
        }
        let view = NodeView {
            attributes: Attributes::new(&proto.attribute),
            inputs: proto.input.iter().map(|name| self.resolve(name)).collect(),
            proto,
            opset: self.opset,
            grids: proto.input.iter().map(|i| self.grids.get(i).map(Vec::as_slice)).collect(),
        };
        let domain = proto.domain.as_deref().unwrap_or("");
        if let Some(expand) = expansion(domain, op_type) {
            let mut rewrite = Rewrite::new(&view, name, &self.taken);
            match expand(&mut rewrite).and_then(|()| rewrite.finish()) {
                Ok(Some((nodes, constants))) => return Meaning::Rewritten(nodes, constants),
                // The node stands for itself.
                Ok(None) => {}
                Err(problems) => return Meaning::Itself(Err(problems)),
            }
        }
        let attributes = Attributes::new(&proto.attribute);
        Meaning::Itself(if standard {
            let parse = op::find(op_type).map_err(|e| vec![e]);
            parse.and_then(|parse| parse(&NodeView { attributes, ..view }))
        } else {
            Err(vec![op::foreign(domain, op_type)])
        })
    }

    /// The constants that a node computes, if it reads only constants or asks for a shape.
    fn computed(&mut self, proto: &NodeProto, op_type: &str) -> Option<Meaning> {
        let problem = |p: String| Meaning::Itself(Err(vec![p]));
        if let ("Shape" | "Size", [data]) = (op_type, proto.input.as_slice())
            && let Some(&tensor) = self.indices.get(data)
        {
            // The shape of one sample, which every command computes at a time.
            let shape = self.tensors[tensor].shape.as_deref()?;
            let whole: Vec<i64> =
                std::iter::once(1).chain(shape.iter().map(|d| *d as i64)).collect();
            return Some(shape_of(proto, op_type, &whole).map_or_else(problem, Meaning::Computed));
        }
        let mut inputs = Vec::new();
        for name in &proto.input {
            match self.constants.get(name) {
                Some(Ok(constant)) => inputs.push(Some(constant)),
                Some(Err(error)) if proto.input.iter().all(|i| self.is_constant(i)) => {
                    return Some(problem(error.to_string()));
                }
                None if name.is_empty() => inputs.push(None),
                _ => return None,
            }
        }
        inputs.iter().flatten().next()?;
        if let ("Shape" | "Size", [Some(constant)]) = (op_type, inputs.as_slice()) {
            let whole: Vec<i64> = constant.dims.iter().map(|d| *d as i64).collect();
            return Some(shape_of(proto, op_type, &whole).map_or_else(problem, Meaning::Computed));
        }
        Some(self.evaluator.evaluate(proto, &inputs).map_or_else(problem, Meaning::Computed))
    }

    fn is_constant(&self, name: &str) -> bool {
        name.is_empty() || self.constants.contains_key(name)
    }

    fn resolve<'a>(&'a self, name: &'a str) -> Input<'a> {
        match name {
            "" => Input::Absent,
            name => match (self.constants.get(name), self.indices.get(name)) {
                (Some(constant), _) => Input::Constant(constant),
                (_, Some(&t)) => Input::Data(self.tensors[t].shape.as_deref()),
                _ => Input::Missing(name),
            },
        }
    }

    /// Adds a node with its operator, or with its problems.
    fn add(
        &mut self,
        structure: &Structure<'_>,
        name: String,
        proto: &NodeProto,
        parsed: Result<Box<dyn Operator>, Vec<String>>,
    ) {
        let data: Vec<usize> =
            proto.input.iter().filter_map(|name| self.indices.get(name).copied()).collect();
        let shapes: Option<Vec<&[usize]>> =
            data.iter().map(|&t| self.tensors[t].shape.as_deref()).collect();
        // What a node lacks only because its input has no shape is no problem of its own.
        let waits = shapes.is_none() && matches!(&parsed, Err(problems) if problems.is_empty());
        let incomplete = |problems: Vec<String>| match problems.as_slice() {
            [] => "incomplete node".to_owned(),
            all => all.join("; "),
        };
        let parsed = parsed.map_err(incomplete);
        let inferred = match (&parsed, shapes) {
            _ if waits => Ok(None),
            (Ok(op), Some(shapes)) => {
                inferred(op.as_ref(), &shapes, &mut self.budget, &mut self.full).map(Some)
            }
            (Ok(_), None) => Ok(None),
            (Err(problem), _) => Err(problem.clone()),
        };
        let names: Vec<&String> = proto.output.iter().filter(|o| !o.is_empty()).collect();
        let first = self.tensors.len();
        for (port, name) in names.iter().enumerate() {
            let shape = match &inferred {
                Ok(Some(shape)) if port == 0 => Some(shape.clone()),
                _ => structure.declared(name),
            };
            let layout = shape.as_deref().and_then(layout);
            self.indices.insert((*name).clone(), self.tensors.len());
            self.tensors.push(TensorInfo { name: (*name).clone(), shape, layout, given: None });
        }
        let problem = inferred.err().or_else(|| names.is_empty().then(|| "no output".into()));
        // Refused nodes take no memory.
        let op = parsed.ok().filter(|_| problem.is_none());
        if let (Some(op), None) = (&op, &problem) {
            let from: Option<Vec<Shape>> = data.iter().map(|&t| self.tensors[t].layout).collect();
            if let (Some(from), Some(shape)) = (from, &self.tensors[first].shape) {
                let at_input = data.as_slice() == [0];
                self.tensors[first].layout = placed(&op.lower(&from), &from, shape, at_input);
            }
            if proto.op_type.as_deref() == Some("QuantizeLinear") {
                let grid = proto.input.iter().skip(1).cloned().collect();
                self.grids.insert(self.tensors[first].name.clone(), grid);
            }
        }
        let (inputs, output) = (data, first);
        let op_type = proto.op_type.clone().unwrap_or_default();
        let folded = Vec::new();
        self.nodes.push(Some(Node { name, op_type, op, inputs, output, problem, folded }));
    }
}

/// `Shape` (from axis `start` to `end`) or `Size` of a tensor.
fn shape_of(proto: &NodeProto, op: &str, whole: &[i64]) -> Result<Vec<Constant>, String> {
    let name = proto.output.first().cloned().unwrap_or_default();
    let attributes = Attributes::new(&proto.attribute);
    let rank = whole.len() as i64;
    let bound = |v: i64| (if v < 0 { v + rank } else { v }).clamp(0, rank) as usize;
    let (start, end) = (bound(attributes.int("start", 0)), bound(attributes.int("end", rank)));
    if op == "Size" {
        let size = whole.iter().copied().try_fold(1i64, i64::checked_mul);
        let size = size.ok_or("the size overflows")?;
        return Ok(vec![Constant::new(name, Vec::new(), Values::Int(vec![size]))]);
    }
    let part = whole.get(start..end).unwrap_or_default().to_vec();
    Ok(vec![Constant::new(name, vec![part.len()], Values::Int(part))])
}

/// Shape of an operator's output, charged to the network's budget; `full` is set when the budget is exhausted.
fn inferred(
    op: &dyn Operator,
    shapes: &[&[usize]],
    budget: &mut Budget,
    full: &mut Option<String>,
) -> Result<Vec<usize>, String> {
    let shape = op.infer(shapes)?;
    let values = structure::values(&shape)?;
    let need = Need { values, parameters: op.parameters(), taps: op.taps(shapes) };
    budget.add(need).inspect_err(|limit| *full = Some(limit.clone()))?;
    Ok(shape)
}

/// Layout of an operator's output, given those of its inputs and its `shape`.
///
/// Flattening leaves the values in place, so that a fully connected layer can become a convolution. A
/// view as another feature map would move them, except at the network's input, which the host writes.
fn placed(
    lowering: &Lowering<'_>,
    from: &[Shape],
    shape: &[usize],
    at_input: bool,
) -> Option<Shape> {
    let [first, others @ ..] = from else { return layout(shape) };
    match lowering {
        Lowering::Alias if shape.len() > 1 => layout(shape).filter(|own| at_input || own == first),
        Lowering::Alias | Lowering::Clamp(_) | Lowering::Add => Some(*first),
        Lowering::Concat => {
            let more: usize = others.iter().map(|o| o.channels).sum();
            Some(Shape { channels: first.channels + more, ..*first })
        }
        _ => layout(shape),
    }
}

/// Channels, height and width of a shape of one to three axes.
fn layout(shape: &[usize]) -> Option<Shape> {
    match *shape {
        [channels] => Some(Shape::new(channels, 1, 1)),
        [channels, width] => Some(Shape::new(channels, 1, width)),
        [channels, height, width] => Some(Shape::new(channels, height, width)),
        _ => None,
    }
}

fn findings(structure: &Structure<'_>) -> Vec<Finding> {
    let needed: HashSet<usize> = structure.order.iter().copied().collect();
    let nodes = structure.proto.node.iter().zip(&structure.names).enumerate();
    nodes
        .map(|(index, (node, name))| {
            let reason = match () {
                () if structure::is_constant(node) => "a constant",
                () if structure::is_folded(node, &structure.constants) => "a constant",
                () if !needed.contains(&index) => "not needed for the graph output",
                () => "",
            };
            Finding {
                node: name.clone(),
                op: node.op_type.clone().unwrap_or_default(),
                supported: true,
                reason: reason.into(),
            }
        })
        .collect()
}
