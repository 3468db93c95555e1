//! Constants of another shape, or made of a shape.

use super::{Node, axis, count};
use crate::onnx::{Constant, Values};

/// The values of `from` under another shape. Integer weights keep their unit where one serves all.
fn viewed(
    node: &Node<'_>,
    from: &Constant,
    dims: Vec<usize>,
    axis: Option<usize>,
) -> Result<Vec<Constant>, String> {
    if dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d)) != Some(from.len()) {
        let shape = crate::op::list(&dims);
        return Err(format!("constant of {} values; the new shape is [{shape}]", from.len()));
    }
    let mut result = node.output(0, dims, from.values.clone());
    result.integer_range = from.integer_range;
    result.grid = from.grid.as_ref().and_then(|(_, units)| match (axis, units.len()) {
        (_, 1) => Some((0, units.clone())),
        (Some(axis), _) => Some((axis, units.clone())),
        _ => None,
    });
    Ok(vec![result])
}

pub(super) fn identity(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let from = node.input(0)?;
    viewed(node, from, from.dims.clone(), from.grid.as_ref().map(|(axis, _)| *axis))
}

pub(super) fn flatten(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let from = node.input(0)?;
    let at = node.attributes.int("axis", 1);
    let at = if at < 0 { at + from.dims.len() as i64 } else { at };
    let (rows, columns) = usize::try_from(at)
        .ok()
        .and_then(|at| from.dims.split_at_checked(at))
        .ok_or_else(|| format!("axis {at} of a constant of {} axes", from.dims.len()))?;
    viewed(node, from, vec![rows.iter().product(), columns.iter().product()], None)
}

pub(super) fn reshape(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let from = node.input(0)?;
    let zero = node.attributes.int("allowzero", 0) == 1;
    let wanted = node.ints(1)?;
    let known = |(axis, &v): (usize, &i64)| match v {
        -1 => Some(1),
        0 if !zero => from.dims.get(axis).copied(),
        v => usize::try_from(v).ok(),
    };
    let dims: Option<Vec<usize>> = wanted.iter().enumerate().map(known).collect();
    let mut dims = dims.ok_or("the new shape has a negative extent")?;
    if let Some(open) = wanted.iter().position(|v| *v == -1) {
        let given = count(&dims)?;
        dims[open] = from.len().checked_div(given).ok_or("the new shape has an extent of 0")?;
    }
    viewed(node, from, dims, None)
}

pub(super) fn squeeze(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let from = node.input(0)?;
    let rank = from.dims.len();
    let axes = node.list("axes", 1)?;
    let gone: Vec<usize> = match axes {
        Some(axes) => axes.iter().map(|&a| axis(a, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).filter(|&a| from.dims[a] == 1).collect(),
    };
    let kept: Vec<usize> = (0..rank).filter(|a| !gone.contains(a)).collect();
    let along = from.grid.as_ref().and_then(|(axis, _)| kept.iter().position(|a| a == axis));
    viewed(node, from, kept.iter().map(|&a| from.dims[a]).collect(), along)
}

pub(super) fn unsqueeze(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let from = node.input(0)?;
    let axes = node.list("axes", 1)?.ok_or("`axes` are absent")?;
    let rank = from.dims.len() + axes.len();
    count(&[rank])?;
    let new: Vec<usize> = axes.iter().map(|&a| axis(a, rank)).collect::<Result<_, _>>()?;
    let mut old = from.dims.iter().enumerate();
    let (mut dims, mut along) = (Vec::new(), None);
    for at in 0..rank.min(crate::limits::MOST_AXES) {
        if new.contains(&at) {
            dims.push(1);
        } else if let Some((axis, extent)) = old.next() {
            let scaled = from.grid.as_ref().is_some_and(|(along, _)| *along == axis);
            along = along.or(scaled.then_some(at));
            dims.push(*extent);
        }
    }
    viewed(node, from, dims, along)
}

/// Sizes of a shape that is the first input.
pub(super) fn sizes(values: &[i64]) -> Result<Vec<usize>, String> {
    let dims: Option<Vec<usize>> = values.iter().map(|&v| usize::try_from(v).ok()).collect();
    dims.ok_or_else(|| format!("negative extent in [{}]", crate::op::list(values)))
}

pub(super) fn constant_of_shape(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let dims = sizes(node.ints(0)?)?;
    let length = count(&dims)?;
    let given = node.attributes.tensor("value");
    let value = given.map(Constant::decode).transpose().map_err(|e| e.to_string())?;
    let values = match value.as_ref().map(|c| &c.values) {
        None => Values::Float(vec![0.0; length]),
        Some(Values::Float(v)) => {
            Values::Float(vec![*v.first().ok_or("`value` is empty")?; length])
        }
        Some(Values::Int(v)) => Values::Int(vec![*v.first().ok_or("`value` is empty")?; length]),
    };
    node.one(dims, values)
}

pub(super) fn range(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let one = |port: usize| match node.ints(port)? {
        [value] => Ok(*value),
        _ => Err(format!("input {port} is no single number")),
    };
    let (start, limit, step) = (one(0)?, one(1)?, one(2)?);
    if step == 0 {
        return Err("a step of 0".into());
    }
    let distance = i128::from(limit) - i128::from(start);
    let steps = distance.div_euclid(i128::from(step))
        + i128::from(distance.rem_euclid(i128::from(step)) != 0);
    let length = count(&[usize::try_from(steps.max(0)).unwrap_or(usize::MAX)])?;
    // The steps together may exceed 64 bits although every value fits.
    let values = (0..length as i64).map(|i| start.wrapping_add(i.wrapping_mul(step))).collect();
    node.one(vec![length], Values::Int(values))
}
