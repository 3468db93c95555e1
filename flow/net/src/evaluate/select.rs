//! Parts, joints and permutations of constants.

use super::{Node, axis, count, pick};
use crate::onnx::{Constant, Values};

/// Values before, in and behind `axis`.
fn around(dims: &[usize], axis: usize) -> (usize, usize, usize) {
    let (outer, inner) = (dims[..axis].iter().product(), dims[axis + 1..].iter().product());
    (outer, dims[axis], inner)
}

/// The slices `chosen` along `axis`.
fn slices(from: &Constant, axis: usize, chosen: &[usize]) -> Values {
    let (outer, extent, inner) = around(&from.dims, axis);
    let positions = (0..outer).flat_map(|o| {
        chosen.iter().flat_map(move |&c| (0..inner).map(move |i| (o * extent + c) * inner + i))
    });
    pick(&from.values, positions)
}

pub(super) fn gather(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let (from, indices) = (node.input(0)?, node.input(1)?);
    let at = axis(node.attributes.int("axis", 0), from.dims.len())?;
    let extent = from.dims[at];
    let chosen: Result<Vec<usize>, String> =
        node.ints(1)?.iter().map(|&i| axis(i, extent)).collect();
    let dims = [&from.dims[..at], &indices.dims, &from.dims[at + 1..]].concat();
    count(&dims)?;
    node.one(dims, slices(from, at, &chosen?))
}

pub(super) fn concat(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let first = node.input(0)?;
    let at = axis(node.attributes.int("axis", 0), first.dims.len())?;
    let all: Option<Vec<&Constant>> = node.inputs.iter().copied().collect();
    let all = all.ok_or("an input is absent")?;
    let others = |dims: &[usize]| [&dims[..at], &dims[at + 1..]].concat();
    let fits =
        |c: &&Constant| c.dims.len() == first.dims.len() && others(&c.dims) == others(&first.dims);
    if !all.iter().all(fits) {
        return Err("constants whose shapes differ in other axes".into());
    }
    let mut dims = first.dims.clone();
    dims[at] = all.iter().map(|c| c.dims[at]).sum();
    count(&dims)?;
    let outer = first.dims[..at].iter().product::<usize>();
    let part = |c: &Constant, o: usize| {
        let length = c.len() / outer.max(1);
        pick(&c.values, o * length..(o + 1) * length)
    };
    let mut result: Option<Values> = None;
    for piece in (0..outer).flat_map(|o| all.iter().map(move |c| part(c, o))) {
        match (&mut result, piece) {
            (None, piece) => result = Some(piece),
            (Some(Values::Float(all)), Values::Float(piece)) => all.extend(piece),
            (Some(Values::Int(all)), Values::Int(piece)) => all.extend(piece),
            _ => return Err("floats and integers are mixed".into()),
        }
    }
    node.one(dims, result.unwrap_or_else(|| pick(&first.values, 0..0)))
}

/// The positions that a slice of an axis takes; bounds beyond the axis are cut.
pub(crate) fn positions(
    start: i64,
    end: i64,
    step: i64,
    extent: usize,
) -> Result<Vec<usize>, String> {
    let size = i64::try_from(extent).map_err(|e| e.to_string())?;
    let bound = |v: i64| if v < 0 { v.saturating_add(size) } else { v };
    let mut chosen = Vec::new();
    match step {
        0 => return Err("a step of 0".into()),
        1.. => {
            let (mut at, end) = (bound(start).clamp(0, size), bound(end).clamp(0, size));
            while at < end {
                chosen.push(at as usize);
                at = at.saturating_add(step);
            }
        }
        _ => {
            let (mut at, end) = (bound(start).clamp(-1, size - 1), bound(end).clamp(-1, size - 1));
            while at > end {
                chosen.push(at as usize);
                at = at.saturating_add(step);
            }
        }
    }
    Ok(chosen)
}

pub(super) fn slice(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let mut from = node.input(0)?.clone();
    let starts = node.list("starts", 1)?.ok_or("`starts` are absent")?;
    let ends = node.list("ends", 2)?.ok_or("`ends` are absent")?;
    let axes = node.list("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = node.optional(4).map(|_| node.ints(4)).transpose()?;
    let steps = steps.map_or_else(|| vec![1; starts.len()], <[i64]>::to_vec);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err("`starts`, `ends`, `axes` and `steps` differ in length".into());
    }
    if axes.len() > from.dims.len() {
        return Err(format!("{} axes to slice of {}", axes.len(), from.dims.len()));
    }
    for (((start, end), along), step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let at = axis(*along, from.dims.len())?;
        let chosen = positions(*start, *end, *step, from.dims[at])?;
        from.values = slices(&from, at, &chosen);
        from.dims[at] = chosen.len();
    }
    let (dims, values) = (from.dims, from.values);
    node.one(dims, values)
}

pub(super) fn split(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let from = node.input(0)?;
    let at = axis(node.attributes.int("axis", 0), from.dims.len())?;
    let outputs = node.proto.output.len();
    let given = node.list("split", 1)?;
    let sizes = parts(given.as_deref(), outputs, from.dims[at])?;
    let mut first = 0;
    let piece = |(port, size): (usize, &usize)| {
        let chosen: Vec<usize> = (first..first + size).collect();
        first += size;
        let mut dims = from.dims.clone();
        dims[at] = *size;
        node.output(port, dims, slices(from, at, &chosen))
    };
    Ok(sizes.iter().enumerate().map(piece).collect())
}

/// Extents of the parts of a split of `extent`.
pub(crate) fn parts(
    given: Option<&[i64]>,
    outputs: usize,
    extent: usize,
) -> Result<Vec<usize>, String> {
    let sizes = match given {
        Some(given) => super::views::sizes(given)?,
        None if outputs > 0 && outputs <= extent => {
            let part = extent.div_ceil(outputs);
            (0..outputs).map(|o| part.min(extent.saturating_sub(o * part))).collect()
        }
        None => return Err(format!("{outputs} parts of {extent}")),
    };
    let sum = sizes.iter().try_fold(0usize, |n, &d| n.checked_add(d));
    if sum != Some(extent) || sizes.len() != outputs || sizes.contains(&0) {
        let sizes = crate::op::list(&sizes);
        return Err(format!("{outputs} parts of [{sizes}] of an axis of {extent}"));
    }
    Ok(sizes)
}

pub(super) fn transpose(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let from = node.input(0)?;
    let rank = from.dims.len();
    let order: Vec<usize> = match node.attributes.ints("perm") {
        Some(perm) => perm.iter().map(|&p| axis(p, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).rev().collect(),
    };
    if order.len() != rank || !(0..rank).all(|axis| order.contains(&axis)) {
        return Err(format!("a permutation of {} axes on {rank}", order.len()));
    }
    let step = |axis: usize| from.dims[axis + 1..].iter().product::<usize>();
    let dims: Vec<usize> = order.iter().map(|&axis| from.dims[axis]).collect();
    let steps: Vec<usize> = order.iter().map(|&axis| step(axis)).collect();
    let source = |mut at: usize| {
        let mut position = 0;
        for (extent, step) in dims.iter().zip(&steps).rev() {
            position += at % extent * step;
            at /= extent;
        }
        position
    };
    let values = pick(&from.values, (0..from.len()).map(source));
    let mut result = node.output(0, dims.clone(), values);
    result.integer_range = from.integer_range;
    result.grid = from.grid.as_ref().map(|(along, units)| {
        let along = order.iter().position(|axis| axis == along).unwrap_or(0);
        (along, units.clone())
    });
    Ok(vec![result])
}

/// `ReduceProd` and `ReduceSum` of integers over all axes: the number of values of a shape.
pub(super) fn reduce(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let from = node.input(0)?;
    let axes = node.list("axes", 1)?.unwrap_or_default();
    if from.dims.len() != 1 || axes.iter().any(|a| ![0, -1].contains(a)) {
        return Err(format!("{} of a constant of {} axes", node.op, from.dims.len()));
    }
    let values = node.ints(0)?.iter();
    let sum = match node.op {
        "ReduceProd" => values.copied().try_fold(1i64, i64::checked_mul),
        _ => values.copied().try_fold(0i64, i64::checked_add),
    };
    let keep = node.attributes.int("keepdims", 1) == 1;
    let sum = sum.ok_or("integers overflow")?;
    node.one(if keep { vec![1] } else { Vec::new() }, Values::Int(vec![sum]))
}
