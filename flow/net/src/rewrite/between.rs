//! Operators between `QuantizeLinear` and `DequantizeLinear`: they select or move integers, so that they may as well
//! come behind the dequantization.

use super::{Problems, Rewrite};

/// Dequantizes the first input, and quantizes the output by the same grid. Nothing for data that are no integers.
pub(super) fn expand(rewrite: &mut Rewrite<'_>) -> Result<(), Problems> {
    let view = rewrite.view;
    let Some(grid) = view.grids.first().copied().flatten() else { return Ok(()) };
    let grid: Vec<&str> = grid.iter().map(String::as_str).collect();
    let input = [&[view.name(0)], grid.as_slice()].concat();
    let real = rewrite.node("real", "DequantizeLinear", &input, Vec::new());
    let others: Vec<&str> = view.proto.input.iter().skip(1).map(String::as_str).collect();
    let inputs = [&[real.as_str()], others.as_slice()].concat();
    let op = view.proto.op_type.as_deref().unwrap_or("");
    let attributes = rewrite.attributes();
    let result = rewrite.layer(op, &inputs, attributes);
    let output = view.proto.output.first().map_or("", String::as_str);
    let inputs = [&[result.as_str()], grid.as_slice()].concat();
    rewrite.writes("integers", "QuantizeLinear", &inputs, Vec::new(), output);
    // The attributes are those of the new node.
    view.proto
        .attribute
        .iter()
        .filter_map(|a| a.name.as_deref())
        .for_each(|n| view.attributes.ignore(n));
    Ok(())
}
