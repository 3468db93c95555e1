//! A node with resolved inputs, for its parser.

use super::Attributes;
use crate::onnx::{Constant, ConstantError, NodeProto};

/// One input of a node.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// An optional input left out.
    Absent,
    /// A constant, or the reason why it cannot be decoded.
    Constant(&'a Result<Constant, ConstantError>),
    /// Data, with its shape without batch where known.
    Data(Option<&'a [usize]>),
    /// No node of the file produces it.
    Missing(&'a str),
}

/// A node with its inputs resolved.
#[derive(Debug)]
pub struct NodeView<'a> {
    /// Attributes.
    pub attributes: Attributes<'a>,
    /// Inputs, in the operator's order.
    pub inputs: Vec<Input<'a>>,
    /// The node as in the file.
    pub proto: &'a NodeProto,
    /// Version of the standard operators.
    pub opset: i64,
    /// Of each input that holds integers of data, the names of its scale and zero point.
    pub grids: Vec<Option<&'a [String]>>,
}

impl<'a> NodeView<'a> {
    /// Shape of the data at input `port`, where known; anything else than data is a problem.
    pub fn data(&self, port: usize) -> Option<&'a [usize]> {
        match self.inputs.get(port) {
            Some(Input::Data(shape)) => return *shape,
            Some(Input::Missing(name)) => self.missing(name),
            Some(Input::Constant(_)) => {
                self.attributes.problem(format!("input {port} is a constant; expected data"));
            }
            Some(Input::Absent) | None => {
                self.attributes.problem(format!("input {port} is absent"));
            }
        }
        None
    }

    fn missing(&self, name: &str) {
        self.attributes.problem(format!(
            "input tensor `{name}` is missing: no node, initializer or graph input gives it"
        ));
    }

    /// The constant at input `port`, if present.
    pub fn optional(&self, port: usize) -> Option<&'a Constant> {
        match self.inputs.get(port) {
            Some(Input::Constant(Ok(constant))) => Some(constant),
            Some(Input::Constant(Err(error))) => {
                self.attributes.problem(error.to_string());
                None
            }
            Some(Input::Missing(name)) => {
                self.missing(name);
                None
            }
            Some(Input::Data(_)) => {
                let name = self.proto.input.get(port).map_or("", String::as_str);
                self.attributes.problem(format!(
                    "input {port} (`{name}`) is computed; supported: an initializer or Constant"
                ));
                None
            }
            Some(Input::Absent) | None => None,
        }
    }

    /// The constant at input `port`; its absence is a problem. `what` is its role.
    pub fn constant(&self, port: usize, what: &str) -> Option<&'a Constant> {
        if matches!(self.inputs.get(port), Some(Input::Absent) | None) {
            self.attributes.problem(format!("{what} (input {port}) is absent"));
        }
        self.optional(port)
    }

    /// Finite float values of the constant; anything else is a problem.
    pub fn floats(&self, constant: &'a Constant) -> Option<&'a [f32]> {
        let name = &constant.name;
        let Some(values) = constant.floats() else {
            self.attributes.problem(format!("tensor `{name}` holds integers; expected floats"));
            return None;
        };
        if let Some(bad) = values.iter().find(|v| !v.is_finite()) {
            self.attributes.problem(format!("tensor `{name}` holds {bad}"));
            return None;
        }
        Some(values)
    }

    /// Limits the numbers of inputs and outputs that the node may have.
    pub fn arity(&self, inputs: usize, outputs: usize) {
        for (what, got, most) in [
            ("inputs", self.proto.input.len(), inputs),
            ("outputs", self.proto.output.iter().filter(|o| !o.is_empty()).count(), outputs),
        ] {
            self.attributes
                .require(got <= most, || format!("{got} {what}; supported: at most {most}"));
        }
    }

    /// Name of input `port`; empty where it is absent.
    pub(crate) fn name(&self, port: usize) -> &'a str {
        self.proto.input.get(port).map_or("", String::as_str)
    }

    /// Whether input `port` is given.
    pub(crate) fn given(&self, port: usize) -> bool {
        !matches!(self.inputs.get(port), None | Some(Input::Absent))
    }

    /// Integers that are the attribute `name` in old operator sets and input `port` in new ones.
    pub(crate) fn list(&self, name: &str, port: usize) -> Option<Vec<i64>> {
        let attribute = self.attributes.ints(name).map(<[i64]>::to_vec);
        match self.given(port) {
            true => self.optional(port).and_then(Constant::ints).map(<[i64]>::to_vec),
            false => attribute,
        }
    }

    /// `operator` unless a problem was recorded.
    ///
    /// # Errors
    /// Every problem with the node; none, if all that is missing is the shape of an input.
    pub fn done(
        &self,
        operator: Option<impl super::Operator + 'static>,
    ) -> Result<Box<dyn super::Operator>, Vec<String>> {
        self.attributes.finish()?;
        match operator {
            Some(operator) => Ok(Box::new(operator)),
            None => Err(Vec::new()),
        }
    }
}
