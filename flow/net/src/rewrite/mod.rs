//! Operators that consist of others: the import replaces their nodes.

mod between;
mod extremes;
mod qlinear;
mod reduce;
mod sums;

use std::collections::HashSet;

use crate::onnx::{AttributeProto, Constant, NodeProto, Values, attribute_type};
use crate::op::{NodeView, REGISTRY};

/// Every problem of a node.
type Problems = Vec<String>;

/// Makes the nodes that take the place of one; none if it stands for itself.
pub(crate) type Expand = fn(&mut Rewrite<'_>) -> Result<(), Problems>;

/// Standard operators that consist of others, always or in some forms.
const STANDARD: &[(&str, Expand)] = &[
    ("Flatten", between::expand),
    ("GlobalMaxPool", reduce::global_max),
    ("Max", extremes::expand),
    ("MaxPool", between::expand),
    ("Mean", sums::expand_mean),
    ("Min", extremes::expand),
    ("Neg", sums::expand_neg),
    ("QLinearConv", qlinear::conv),
    ("QLinearMatMul", qlinear::matmul),
    ("ReduceMax", reduce::reduce_max),
    ("ReduceMean", reduce::reduce_mean),
    ("ReduceSum", reduce::reduce_sum),
    ("Reshape", between::expand),
    ("Squeeze", between::expand),
    ("Sub", sums::expand_sub),
    ("Sum", sums::expand_sum),
    ("Transpose", between::expand),
    ("Unsqueeze", between::expand),
];

/// Operators of the domain `com.microsoft`.
const MICROSOFT: &[(&str, Expand)] = &[
    ("DequantizeLinear", qlinear::standard),
    ("QGemm", qlinear::gemm),
    ("QLinearAdd", qlinear::add),
    ("QLinearAveragePool", qlinear::pool),
    ("QLinearConcat", qlinear::concat),
    ("QLinearGlobalAveragePool", qlinear::global_pool),
    ("QLinearMul", qlinear::mul),
    ("QuantizeLinear", qlinear::standard),
];

/// The domain of operators of ONNX Runtime.
const MICROSOFT_DOMAIN: &str = "com.microsoft";

/// How `op` of `domain` is expanded, if it is.
pub(crate) fn expansion(domain: &str, op: &str) -> Option<Expand> {
    let list = match domain {
        "" | "ai.onnx" => STANDARD,
        MICROSOFT_DOMAIN => MICROSOFT,
        _ => return None,
    };
    list.iter().find(|(name, _)| *name == op).map(|(_, expand)| *expand)
}

/// Every operator that can be imported, in alphabetical order.
#[must_use]
pub fn known() -> String {
    let own = REGISTRY.iter().map(|(name, _)| *name);
    let rewritten = STANDARD.iter().chain(MICROSOFT).map(|(name, _)| *name);
    let mut names: Vec<&str> = own.chain(rewritten).chain(["Constant"]).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

/// The nodes that take the place of one.
pub(crate) struct Rewrite<'a> {
    /// The node.
    pub(crate) view: &'a NodeView<'a>,
    name: &'a str,
    taken: &'a HashSet<String>,
    nodes: Vec<NodeProto>,
    constants: Vec<Constant>,
}

/// Nodes that take the place of another one, and the constants that they read.
pub(crate) type Expansion = (Vec<NodeProto>, Vec<Constant>);

impl<'a> Rewrite<'a> {
    /// For the node `view` of the unique name `name`, in a graph that has tensors of the names `taken`.
    pub(crate) fn new(view: &'a NodeView<'a>, name: &'a str, taken: &'a HashSet<String>) -> Self {
        Self { view, name, taken, nodes: Vec::new(), constants: Vec::new() }
    }

    /// The new nodes and constants; `None` without new nodes.
    ///
    /// # Errors
    /// Every problem of the node.
    pub(crate) fn finish(self) -> Result<Option<Expansion>, Problems> {
        if self.nodes.is_empty() {
            return Ok(None);
        }
        self.view.attributes.finish()?;
        Ok(Some((self.nodes, self.constants)))
    }

    /// A new name for a tensor `part`.
    fn tensor(&self, part: &str) -> String {
        let base = self.view.proto.output.iter().find(|o| !o.is_empty());
        let base = format!("{}/{part}", base.map_or(self.name, String::as_str));
        let own = |name: &String| self.constants.iter().any(|c| c.name == *name);
        let free = |name: &String| !self.taken.contains(name) && !own(name);
        let numbered = (1..).map(|n| format!("{base}_{n}"));
        std::iter::once(base.clone()).chain(numbered).find(free).unwrap_or(base)
    }

    /// Adds a node and returns the name of its output.
    pub(crate) fn node(
        &mut self,
        part: &str,
        op: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        let output = self.tensor(part);
        self.push(format!("{}/{part}", self.name), op, inputs, attributes, output.clone());
        output
    }

    /// Adds the node that writes the first output, under the name of the node that is replaced.
    pub(crate) fn last(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) {
        let output = self.view.proto.output.first().cloned().unwrap_or_default();
        self.push(self.name.to_owned(), op, inputs, attributes, output);
    }

    /// Adds the layer of the node under its name, in front of nodes that write the output.
    pub(crate) fn layer(
        &mut self,
        op: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        let output = self.tensor("layer");
        self.push(self.name.to_owned(), op, inputs, attributes, output.clone());
        output
    }

    /// Adds a node `name/part` that writes `output`.
    pub(crate) fn writes(
        &mut self,
        part: &str,
        op: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
        output: &str,
    ) {
        self.push(format!("{}/{part}", self.name), op, inputs, attributes, output.to_owned());
    }

    fn push(
        &mut self,
        name: String,
        op: &str,
        inputs: &[&str],
        attribute: Vec<AttributeProto>,
        output: String,
    ) {
        self.nodes.push(NodeProto {
            name: Some(name),
            op_type: Some(op.to_owned()),
            input: inputs.iter().map(|i| (*i).to_owned()).collect(),
            output: vec![output],
            attribute,
            ..NodeProto::default()
        });
    }

    /// Adds a constant of floats and returns its name.
    pub(crate) fn floats(&mut self, part: &str, dims: Vec<usize>, values: Vec<f32>) -> String {
        let name = self.tensor(part);
        self.constants.push(Constant::new(name.clone(), dims, Values::Float(values)));
        name
    }

    /// The node as it is in the file, with other attributes.
    pub(crate) fn attributes(&self) -> Vec<AttributeProto> {
        self.view.proto.attribute.clone()
    }
}

/// An integer as an attribute.
pub(crate) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(attribute_type::INT),
        i: Some(value),
        ..AttributeProto::default()
    }
}

/// Integers as an attribute.
pub(crate) fn ints(name: &str, values: Vec<i64>) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(attribute_type::INTS),
        ints: values,
        ..AttributeProto::default()
    }
}
