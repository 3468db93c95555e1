//! Values of nodes whose inputs are all constants: exporters compute shapes, axes and even weights in the graph.

mod arithmetic;
mod broadcast;
mod select;
mod views;

use crate::limits::{FREE_PARAMETERS, MOST_AXES, MOST_PARAMETERS, MOST_SHARING, MOST_VALUES};
use crate::onnx::{Constant, NodeProto, Values};
use crate::op::{Attributes, dequantized, list};

/// Inputs of a node that is computed: absent where an optional one is left out.
type Inputs<'a> = [Option<&'a Constant>];

/// Computes the outputs of a node, named after them.
type Evaluate = fn(&Node<'_>) -> Result<Vec<Constant>, String>;

/// The operators that can be computed on constants.
const REGISTRY: &[(&str, Evaluate)] = &[
    ("Abs", arithmetic::unary),
    ("Add", arithmetic::binary),
    ("And", arithmetic::binary),
    ("Cast", arithmetic::cast),
    ("Ceil", arithmetic::unary),
    ("Concat", select::concat),
    ("ConstantOfShape", views::constant_of_shape),
    ("DequantizeLinear", dequantize),
    ("Div", arithmetic::binary),
    ("Equal", arithmetic::binary),
    ("Exp", arithmetic::unary),
    ("Expand", broadcast::expand),
    ("Flatten", views::flatten),
    ("Floor", arithmetic::unary),
    ("Gather", select::gather),
    ("Greater", arithmetic::binary),
    ("Identity", views::identity),
    ("Less", arithmetic::binary),
    ("Log", arithmetic::unary),
    ("Max", arithmetic::binary),
    ("Min", arithmetic::binary),
    ("Mod", arithmetic::binary),
    ("Mul", arithmetic::binary),
    ("Neg", arithmetic::unary),
    ("Not", arithmetic::unary),
    ("Or", arithmetic::binary),
    ("Pow", arithmetic::binary),
    ("QuantizeLinear", arithmetic::quantize),
    ("Range", views::range),
    ("Reciprocal", arithmetic::unary),
    ("ReduceProd", select::reduce),
    ("ReduceSum", select::reduce),
    ("Reshape", views::reshape),
    ("Round", arithmetic::unary),
    ("Slice", select::slice),
    ("Split", select::split),
    ("Sqrt", arithmetic::unary),
    ("Squeeze", views::squeeze),
    ("Sub", arithmetic::binary),
    ("Sum", arithmetic::binary),
    ("Tile", broadcast::tile),
    ("Transpose", select::transpose),
    ("Unsqueeze", views::unsqueeze),
    ("Where", broadcast::choose),
];

/// A node on constants.
struct Node<'a> {
    proto: &'a NodeProto,
    attributes: Attributes<'a>,
    inputs: &'a Inputs<'a>,
    op: &'a str,
}

impl<'a> Node<'a> {
    fn input(&self, port: usize) -> Result<&'a Constant, String> {
        self.optional(port).ok_or_else(|| format!("input {port} is absent"))
    }

    fn optional(&self, port: usize) -> Option<&'a Constant> {
        self.inputs.get(port).copied().flatten()
    }

    /// The integers of an input.
    fn ints(&self, port: usize) -> Result<&'a [i64], String> {
        self.input(port)?.ints().ok_or_else(|| format!("input {port} holds floats"))
    }

    /// Integers that are an attribute in old operator sets and input `port` in new ones.
    fn list(&self, name: &str, port: usize) -> Result<Option<Vec<i64>>, String> {
        let attribute = self.attributes.ints(name).map(<[i64]>::to_vec);
        match self.optional(port) {
            Some(_) => self.ints(port).map(|v| Some(v.to_vec())),
            None => Ok(attribute),
        }
    }

    /// The only output.
    fn one(&self, dims: Vec<usize>, values: Values) -> Result<Vec<Constant>, String> {
        Ok(vec![self.output(0, dims, values)])
    }

    fn output(&self, port: usize, dims: Vec<usize>, values: Values) -> Constant {
        let name = self.proto.output.get(port).cloned().unwrap_or_default();
        Constant::new(name, dims, values)
    }
}

/// Computes constants within a bound that the file's own constants set.
#[derive(Debug)]
pub(crate) struct Evaluator {
    /// Values of results that may still be made.
    left: usize,
    /// Values of inputs that may still be read: they bound the time of nodes whose results are small.
    readable: usize,
}

/// Values that may be read for each one that may be made.
const READS: usize = 16;

impl Evaluator {
    /// For a file that holds so many values of constants.
    pub(crate) fn new(constants: usize) -> Self {
        let shared = constants.saturating_mul(MOST_SHARING).saturating_add(FREE_PARAMETERS);
        let left = shared.min(MOST_PARAMETERS);
        Self { left, readable: left.saturating_mul(READS) }
    }

    /// The outputs of `node`.
    ///
    /// # Errors
    /// The operator is none that can be computed, its inputs are illegal, or the results of the network's constants
    /// take more memory than allowed.
    pub(crate) fn evaluate(
        &mut self,
        node: &NodeProto,
        inputs: &Inputs<'_>,
    ) -> Result<Vec<Constant>, String> {
        let op = node.op_type.as_deref().unwrap_or("");
        let Some((_, evaluate)) = REGISTRY.iter().find(|(name, _)| *name == op) else {
            return Err(format!("{op} of constants only; known on constants: {}", names()));
        };
        let read: usize = inputs.iter().flatten().map(|constant| constant.len()).sum();
        self.readable = self.readable.checked_sub(read).ok_or_else(|| {
            format!("{read} more values of constants to read; allowed: at most {}", self.readable)
        })?;
        let attributes = Attributes::new(&node.attribute);
        let results = evaluate(&Node { proto: node, attributes, inputs, op })?;
        let count: usize = results.iter().map(Constant::len).sum();
        self.left = self.left.checked_sub(count).ok_or_else(|| {
            format!("{count} more values of computed constants; allowed: at most {}", self.left)
        })?;
        Ok(results)
    }
}

fn names() -> String {
    REGISTRY.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Number of values of a shape, within the limits of a tensor.
fn count(dims: &[usize]) -> Result<usize, String> {
    let product = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    product
        .filter(|n| *n <= MOST_VALUES && dims.len() <= MOST_AXES)
        .ok_or_else(|| format!("a constant of shape [{}] is too large", list(dims)))
}

/// `axis` of `rank`, counted from the end if negative.
fn axis(axis: i64, rank: usize) -> Result<usize, String> {
    let at = if axis < 0 { axis + rank as i64 } else { axis };
    let at = usize::try_from(at).ok().filter(|at| *at < rank);
    at.ok_or_else(|| format!("axis {axis} of a constant of {rank} axes"))
}

/// The values at `positions`.
fn pick(values: &Values, positions: impl Iterator<Item = usize>) -> Values {
    match values {
        Values::Float(v) => Values::Float(positions.filter_map(|at| v.get(at).copied()).collect()),
        Values::Int(v) => Values::Int(positions.filter_map(|at| v.get(at).copied()).collect()),
    }
}

fn dequantize(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let inputs: Vec<&Constant> = node.inputs.iter().flatten().copied().collect();
    dequantized(node.proto, &inputs).map(|c| vec![c]).map_err(|e| e.problem)
}

#[cfg(test)]
mod tests;
