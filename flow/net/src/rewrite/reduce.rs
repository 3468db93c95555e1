//! Reductions over rows and columns, as pooling of the whole feature map.

use super::{Problems, Rewrite, int, ints};
use crate::op::{feature_map, list};

/// Whether a reduction goes over rows and columns, and keeps them as axes of extent 1.
///
/// # Errors
/// Other axes.
fn keeps(rewrite: &Rewrite<'_>) -> Result<bool, Problems> {
    let view = rewrite.view;
    view.arity(2, 1);
    view.data(0);
    let a = &view.attributes;
    let keep = a.int_of("keepdims", 1, &[0, 1]) == 1;
    a.int_of("noop_with_empty_axes", 0, &[0, 1]);
    let mut axes = view.list("axes", 1).unwrap_or_default();
    axes.iter_mut().filter(|axis| **axis < 0).for_each(|axis| *axis += 4);
    axes.sort_unstable();
    a.require(axes == [2, 3], || {
        format!("axes [{}]; supported: 2, 3 (rows and columns of [N, C, H, W])", list(&axes))
    });
    a.finish()?;
    Ok(keep)
}

/// Rows and columns of the input.
///
/// # Errors
/// It is no feature map; without a message where its shape is unknown.
fn size(rewrite: &Rewrite<'_>) -> Result<[usize; 2], Problems> {
    let shape = rewrite.view.data(0).ok_or_else(Vec::new)?;
    feature_map(shape).map(|[_, rows, columns]| [rows, columns]).map_err(|e| vec![e])
}

/// Ends with the pooled tensor, which has or loses its axes of extent 1.
fn end(rewrite: &mut Rewrite<'_>, keep: bool, pooled: &str) {
    if keep {
        rewrite.last("Identity", &[pooled], Vec::new());
    } else {
        rewrite.last("Flatten", &[pooled], Vec::new());
    }
}

pub(super) fn reduce_mean(rewrite: &mut Rewrite<'_>) -> Result<(), Problems> {
    let keep = keeps(rewrite)?;
    let input = rewrite.view.name(0);
    if keep {
        rewrite.last("GlobalAveragePool", &[input], Vec::new());
    } else {
        let pooled = rewrite.node("average", "GlobalAveragePool", &[input], Vec::new());
        rewrite.last("Flatten", &[&pooled], Vec::new());
    }
    Ok(())
}

pub(super) fn reduce_sum(rewrite: &mut Rewrite<'_>) -> Result<(), Problems> {
    let keep = keeps(rewrite)?;
    let [rows, columns] = size(rewrite)?;
    let mean = rewrite.node("average", "GlobalAveragePool", &[rewrite.view.name(0)], Vec::new());
    let count = rewrite.floats("count", Vec::new(), vec![(rows * columns) as f32]);
    let sum = rewrite.node("product", "Mul", &[&mean, &count], Vec::new());
    end(rewrite, keep, &sum);
    Ok(())
}

pub(super) fn reduce_max(rewrite: &mut Rewrite<'_>) -> Result<(), Problems> {
    let keep = keeps(rewrite)?;
    whole_max(rewrite, keep)
}

pub(super) fn global_max(rewrite: &mut Rewrite<'_>) -> Result<(), Problems> {
    rewrite.view.arity(1, 1);
    whole_max(rewrite, true)
}

fn whole_max(rewrite: &mut Rewrite<'_>, keep: bool) -> Result<(), Problems> {
    let kernel = size(rewrite)?.map(|v| v as i64).to_vec();
    let attributes = vec![ints("kernel_shape", kernel), int("ceil_mode", 0)];
    if keep {
        rewrite.last("MaxPool", &[rewrite.view.name(0)], attributes);
    } else {
        let pooled = rewrite.node("maximum", "MaxPool", &[rewrite.view.name(0)], attributes);
        rewrite.last("Flatten", &[&pooled], Vec::new());
    }
    Ok(())
}
