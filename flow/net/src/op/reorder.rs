//! `Squeeze`, `Unsqueeze` and `Transpose` that do not move values.

use pecan_ir::layer::Shape;

use super::{Input, Lowering, NodeView, Operator, Value, list, one};
use crate::limits::MOST_AXES;

#[derive(Debug)]
enum Reorder {
    /// Axes (batch included) to remove; `None` removes all of extent 1 but the batch.
    Squeeze(Option<Vec<i64>>),
    /// Axes (batch included) of the result that are new.
    Unsqueeze(Vec<i64>),
    /// Axis of the input for each axis of the result, without the batch.
    Transpose { order: Vec<usize>, moves: bool },
}

/// Axes are an attribute up to operator set 12, an input from 13 on.
fn axes(node: &NodeView<'_>) -> Option<Vec<i64>> {
    node.arity(2, 1);
    node.data(0);
    let attribute = node.attributes.ints("axes");
    let axes = match node.inputs.get(1) {
        None | Some(Input::Absent) => attribute,
        Some(_) => node.optional(1).and_then(|c| c.ints()),
    };
    few(node, "axes", axes.unwrap_or_default());
    axes.filter(|axes| axes.len() <= MOST_AXES).map(<[i64]>::to_vec)
}

/// Reports more axes than a tensor can have.
fn few(node: &NodeView<'_>, what: &str, axes: &[i64]) {
    node.attributes.require(axes.len() <= MOST_AXES, || {
        format!("{} values in `{what}`; supported: at most {MOST_AXES}", axes.len())
    });
}

pub(super) fn parse_squeeze(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    let axes = axes(node);
    node.done(Some(Reorder::Squeeze(axes)))
}

pub(super) fn parse_unsqueeze(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    let axes = axes(node);
    node.attributes.require(axes.is_some(), || "`axes` are absent".into());
    node.done(axes.map(Reorder::Unsqueeze))
}

pub(super) fn parse_transpose(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(1, 1);
    let shape = node.data(0);
    let a = &node.attributes;
    let perm = a.ints("perm").unwrap_or_default();
    few(node, "perm", perm);
    let order: Option<Vec<usize>> = match perm {
        [0, rest @ ..] if rest.len() < MOST_AXES => {
            rest.iter().map(|&p| usize::try_from(p - 1).ok()).collect()
        }
        _ => None,
    };
    let legal = order.as_ref().is_some_and(|o| (0..o.len()).all(|axis| o.contains(&axis)));
    a.require(legal, || {
        format!("attribute `perm` = [{}]; supported: permutations that keep the batch", list(perm))
    });
    let transpose = order.map(|order| {
        let extent = |axis: &&usize| shape.and_then(|s| s.get(**axis)).is_none_or(|&d| d > 1);
        let moves = !order.iter().filter(extent).is_sorted();
        Reorder::Transpose { order, moves }
    });
    node.done(transpose)
}

/// `axes` of a tensor of `rank` axes as positions behind the batch.
fn positions(axes: &[i64], rank: usize) -> Result<Vec<usize>, String> {
    let position = |&axis: &i64| {
        let at = if axis < 0 { axis + rank as i64 } else { axis };
        usize::try_from(at - 1).ok().filter(|at| at + 1 < rank)
    };
    axes.iter().map(position).collect::<Option<Vec<usize>>>().ok_or_else(|| {
        format!("axes [{}]; supported: axes behind the batch, of {rank}", list(axes))
    })
}

impl Operator for Reorder {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        let shape = one(inputs)?;
        match self {
            Self::Squeeze(None) => Ok(shape.iter().copied().filter(|&d| d != 1).collect()),
            Self::Squeeze(Some(axes)) => {
                let gone = positions(axes, shape.len() + 1)?;
                if gone.iter().any(|&axis| shape[axis] != 1) {
                    return Err(format!("axes [{}] of [N, {}] are not 1", list(axes), list(shape)));
                }
                let kept = shape.iter().enumerate().filter(|(axis, _)| !gone.contains(axis));
                Ok(kept.map(|(_, &d)| d).collect())
            }
            Self::Unsqueeze(axes) => {
                let rank = shape.len() + axes.len();
                let new = positions(axes, rank + 1)?;
                let mut old = shape.iter();
                let extent = |axis| if new.contains(&axis) { Some(1) } else { old.next().copied() };
                let all: Option<Vec<usize>> = (0..rank).map(extent).collect();
                all.filter(|_| old.next().is_none())
                    .ok_or_else(|| format!("axes [{}] repeat", list(axes)))
            }
            Self::Transpose { order, .. } if order.len() == shape.len() => {
                Ok(order.iter().map(|&axis| shape[axis]).collect())
            }
            Self::Transpose { order, .. } => Err(format!(
                "input shape [N, {}]; the permutation has {} axes",
                list(shape),
                order.len() + 1
            )),
        }
    }

    fn forward(&self, inputs: &[Value<'_>], output: &[usize]) -> Vec<f32> {
        let Value { shape, data } = inputs[0];
        let Self::Transpose { order, .. } = self else { return data.to_vec() };
        let distance = |axis: usize| shape[axis + 1..].iter().product::<usize>();
        let steps: Vec<usize> = order.iter().map(|&axis| distance(axis)).collect();
        let source = |mut at: usize| {
            let mut from = 0;
            for (&extent, step) in output.iter().zip(&steps).rev() {
                from += at % extent * step;
                at /= extent;
            }
            data[from]
        };
        (0..data.len()).map(source).collect()
    }

    fn lower(&self, _: &[Shape]) -> Lowering<'_> {
        match self {
            Self::Transpose { order, moves: true } => Lowering::Unsupported(format!(
                "the permutation [{}] behind the batch moves values; supported: one that moves axes of \
                 extent 1 only",
                list(order)
            )),
            _ => Lowering::Alias,
        }
    }
}
