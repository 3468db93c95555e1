//! Nodes behind a layer whose factor and summand were folded into it: their constants when the layer holds the folded
//! values.

use super::ExportError;
use super::edit::{Edit, connect};
use crate::op::Attributes;

/// A folded node. Its constants can be set so that it computes `sign * x + shift`.
pub(super) struct Step {
    at: usize,
    kind: StepOperator,
}

enum StepOperator {
    /// The constants are inputs 1 to 4: scale, bias, mean, variance.
    BatchNormalization { epsilon: f32 },
    /// A sum, difference, product or quotient with the constant at this input.
    Binary { op: Binary, port: usize },
}

#[derive(Clone, Copy, PartialEq)]
enum Binary {
    Add,
    Sub,
    Mul,
    Div,
}

impl Step {
    /// The node called `name`.
    pub(super) fn of(edit: &Edit, name: &str) -> Result<Self, ExportError> {
        let at = edit.position(name)?;
        let node = &edit.graph.node[at];
        let port = usize::from(edit.constant(at, 1).is_some());
        let binary = |op| StepOperator::Binary { op, port };
        let kind = match node.op_type.as_deref().unwrap_or("") {
            "BatchNormalization" => {
                let epsilon = Attributes::new(&node.attribute).float("epsilon", 1e-5);
                StepOperator::BatchNormalization { epsilon }
            }
            "Add" => binary(Binary::Add),
            "Sub" => binary(Binary::Sub),
            "Mul" => binary(Binary::Mul),
            "Div" => binary(Binary::Div),
            op => return Err(edit.fail(name, format!("no constants of {op} can be rewritten"))),
        };
        Ok(Self { at, kind })
    }

    /// Sign of the step's factor: -1 for a constant minus the data, which no constant can undo.
    pub(super) fn sign(&self) -> f32 {
        match self.kind {
            StepOperator::Binary { op: Binary::Sub, port: 0 } => -1.0,
            _ => 1.0,
        }
    }

    /// Whether there is a summand.
    pub(super) fn shifts(&self) -> bool {
        !matches!(self.kind, StepOperator::Binary { op: Binary::Mul | Binary::Div, .. })
    }

    /// Sets the constants to `sign * x + shift`. `shift` has one value per channel, all 0 where
    /// [`Step::shifts`] is false; the data has `axes` axes behind the batch.
    pub(super) fn write(
        &self,
        edit: &mut Edit,
        shift: &[f32],
        axes: usize,
    ) -> Result<(), ExportError> {
        let same = |value: f32| vec![value; shift.len()];
        let constants: Vec<(usize, Vec<f32>)> = match self.kind {
            // Runtimes divide the scale by exactly this root: the quotient is exactly 1.
            StepOperator::BatchNormalization { epsilon } => vec![
                (1, same((1.0 + epsilon).sqrt())),
                (2, shift.to_vec()),
                (3, same(0.0)),
                (4, same(1.0)),
            ],
            StepOperator::Binary { op, port } => {
                let values = match op {
                    Binary::Add => shift.to_vec(),
                    // Not `-s`: it would make -0 of 0.
                    Binary::Sub if port == 1 => shift.iter().map(|s| 0.0 - s).collect(),
                    Binary::Sub => shift.to_vec(),
                    Binary::Mul | Binary::Div => same(1.0),
                };
                vec![(port, values)]
            }
        };
        constants.into_iter().try_for_each(|(port, values)| self.set(edit, port, &values, axes))
    }

    /// Sets the constant at `port` to `values`. It is extended to one value per channel if needed, and copied if other
    /// nodes read it too (exporters share equal constants).
    fn set(
        &self,
        edit: &mut Edit,
        port: usize,
        values: &[f32],
        axes: usize,
    ) -> Result<(), ExportError> {
        let name = edit.graph.node[self.at].input.get(port).cloned().unwrap_or_default();
        let Some(old) = edit.constants.get(&name) else {
            let problem = format!("input {port} (`{name}`) is no constant");
            return Err(edit.fail(&edit.names[self.at], problem));
        };
        let (dims, values) = fit(&old.dims, values, axes);
        if edit.readers(&name).len() == 1 {
            return edit.set(&name, &dims, values);
        }
        let (base, kind) = (format!("{}.{name}", edit.names[self.at]), edit.element_type(&name));
        let copy = edit.append(&base, kind, &dims, values)?;
        connect(&mut edit.graph.node[self.at], port, copy);
        Ok(())
    }
}

/// Shape for `values`, one per channel of data with `axes` axes, in place of a constant of shape `dims`: the same if it
/// can represent them, possibly as a single value.
pub(super) fn fit<'v>(dims: &[usize], values: &'v [f32], axes: usize) -> (Vec<usize>, &'v [f32]) {
    let count: usize = dims.iter().product();
    if count == values.len() {
        (dims.to_vec(), values)
    } else if values.iter().all(|v| *v == values[0]) {
        (dims.to_vec(), &values[..1])
    } else {
        let ones = std::iter::repeat_n(1, axes.saturating_sub(1));
        (std::iter::once(values.len()).chain(ones).collect(), values)
    }
}
