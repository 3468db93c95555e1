//! Constants repeated along axes.

use super::{Node, count, pick, views};
use crate::onnx::{Constant, Values};

/// The shape that constants of the shapes `all` have together.
pub(super) fn common(all: &[&[usize]]) -> Result<Vec<usize>, String> {
    let rank = all.iter().map(|dims| dims.len()).max().unwrap_or(0);
    let mut dims = vec![1; rank];
    for (own, at) in all.iter().flat_map(|own| own.iter().rev().zip(0..)) {
        let extent = &mut dims[rank - 1 - at];
        match (*extent, *own) {
            (1, own) => *extent = own,
            (_, 1) => {}
            (other, own) if own == other => {}
            (other, own) => return Err(format!("extents {other} and {own} of one axis")),
        }
    }
    count(&dims)?;
    Ok(dims)
}

/// The values of `from`, repeated to the shape `dims`.
pub(super) fn repeated(from: &Constant, dims: &[usize]) -> Values {
    let lead = dims.len().saturating_sub(from.dims.len());
    let total: usize = dims.iter().product();
    let source = |mut at: usize| {
        let (mut position, mut step) = (0, 1);
        for (axis, extent) in dims.iter().enumerate().rev() {
            let index = at % extent;
            at /= extent;
            if let Some(&own) = axis.checked_sub(lead).and_then(|axis| from.dims.get(axis)) {
                position += if own == 1 { 0 } else { index * step };
                step *= own;
            }
        }
        position
    };
    pick(&from.values, (0..total).map(source))
}

pub(super) fn expand(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let from = node.input(0)?;
    let wanted = views::sizes(node.ints(1)?)?;
    let dims = common(&[&from.dims, &wanted])?;
    let values = repeated(from, &dims);
    node.one(dims, values)
}

pub(super) fn tile(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let from = node.input(0)?;
    let times = views::sizes(node.ints(1)?)?;
    if times.len() != from.dims.len() {
        return Err(format!("{} repeats of {} axes", times.len(), from.dims.len()));
    }
    let dims: Option<Vec<usize>> =
        from.dims.iter().zip(&times).map(|(d, t)| d.checked_mul(*t)).collect();
    let dims = dims.ok_or("the result is too large")?;
    let total = count(&dims)?;
    let source = |mut at: usize| {
        let (mut position, mut step) = (0, 1);
        for (extent, own) in dims.iter().zip(&from.dims).rev() {
            position += at % extent % own * step;
            at /= extent;
            step *= own;
        }
        position
    };
    let values = pick(&from.values, (0..total).map(source));
    node.one(dims, values)
}

/// `Where`: the second input where the first is true, else the third.
pub(super) fn choose(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let (which, yes, no) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let dims = common(&[&which.dims, &yes.dims, &no.dims])?;
    let Values::Int(which) = repeated(which, &dims) else {
        return Err("a condition of floats".into());
    };
    let values = match (repeated(yes, &dims), repeated(no, &dims)) {
        (Values::Int(a), Values::Int(b)) => Values::Int(chosen(&which, &a, &b)),
        (Values::Float(a), Values::Float(b)) => Values::Float(chosen(&which, &a, &b)),
        _ => return Err("floats and integers are mixed".into()),
    };
    node.one(dims, values)
}

fn chosen<T: Copy>(which: &[i64], yes: &[T], no: &[T]) -> Vec<T> {
    which.iter().zip(yes.iter().zip(no)).map(|(w, (a, b))| if *w != 0 { *a } else { *b }).collect()
}
