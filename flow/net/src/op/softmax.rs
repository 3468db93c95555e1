//! `Softmax`, `LogSoftmax` and `Sigmoid` of the results, on the host. The label (the largest value) does not depend on
//! them.

use pecan_ir::layer::Shape;

use super::{HostOp, Lowering, NodeView, Operator, Value, list, one};

/// First version whose axis is the only one that is normalized; before, the later ones are, too.
const ONE_AXIS: i64 = 13;

#[derive(Debug)]
struct Final {
    op: HostOp,
    /// Axis, batch included, and whether later axes belong to it; none for a function of each value.
    axis: Option<(i64, bool)>,
}

fn parse_as(node: &NodeView<'_>, op: HostOp) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(1, 1);
    node.data(0);
    let old = node.opset < ONE_AXIS;
    let axis = node.attributes.int("axis", if old { 1 } else { -1 });
    node.done(Some(Final { op, axis: Some((axis, old)) }))
}

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    parse_as(node, HostOp::Softmax)
}

pub(super) fn parse_log(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    parse_as(node, HostOp::LogSoftmax)
}

pub(super) fn parse_sigmoid(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(1, 1);
    node.data(0);
    node.done(Some(Final { op: HostOp::Sigmoid, axis: None }))
}

/// Normalized exponentials, shifted by the maximum so that none overflows.
pub(super) fn softmax(data: &[f32]) -> Vec<f32> {
    let largest = data.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = data.iter().map(|v| (v - largest).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.iter().map(|p| p / sum).collect()
}

/// Logarithms of [`softmax`].
pub(super) fn log_softmax(data: &[f32]) -> Vec<f32> {
    let largest = data.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = data.iter().map(|v| (v - largest).exp()).sum();
    data.iter().map(|v| v - largest - sum.ln()).collect()
}

/// The logistic function of each value.
pub(super) fn sigmoid(data: &[f32]) -> Vec<f32> {
    data.iter().map(|v| 1.0 / (1.0 + (-v).exp())).collect()
}

/// Whether all values of a sample of `shape` lie along `axis` (batch included), of which later axes are part if
/// `later`.
pub(super) fn along(shape: &[usize], axis: i64, later: bool) -> bool {
    let rank = shape.len() as i64 + 1;
    let axis = if axis < 0 { axis + rank } else { axis };
    let Some(at) = usize::try_from(axis - 1).ok().filter(|at| *at < shape.len()) else {
        return false;
    };
    let (before, behind) = (&shape[..at], &shape[at + 1..]);
    before.iter().all(|d| *d == 1) && (later || behind.iter().all(|d| *d == 1))
}

impl Operator for Final {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        let shape = one(inputs)?;
        match self.axis {
            Some((axis, later)) if !along(shape, axis, later) => Err(format!(
                "input shape [N, {}] along axis {axis}; supported: all values of a sample, as [N, classes]",
                list(shape)
            )),
            _ => Ok(shape.to_vec()),
        }
    }

    fn forward(&self, inputs: &[Value<'_>], _: &[usize]) -> Vec<f32> {
        self.op.apply(inputs[0].data)
    }

    fn lower(&self, _: &[Shape]) -> Lowering<'_> {
        Lowering::Host(self.op)
    }
}
