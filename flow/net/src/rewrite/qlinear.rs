//! Operators on integers (the "QOperator" format of ONNX Runtime): the operator on floats between dequantizations of
//! its inputs and a quantization of its output, which mean the same.

use super::{Problems, Rewrite};
use crate::onnx::AttributeProto;

/// The dequantization of input `port`, whose scale and zero point are the next two inputs.
fn real(rewrite: &mut Rewrite<'_>, port: usize, attributes: Vec<AttributeProto>) -> String {
    let inputs = [0, 1, 2].map(|at| rewrite.view.name(port + at));
    rewrite.node(&format!("real{port}"), "DequantizeLinear", &inputs, attributes)
}

/// Quantizes `result` by the scale and the zero point at `port` and behind it.
fn integers(rewrite: &mut Rewrite<'_>, result: &str, port: usize) {
    let [scale, zero] = [0, 1].map(|at| rewrite.view.name(port + at));
    let output = rewrite.view.proto.output.first().map_or("", String::as_str);
    rewrite.writes("integers", "QuantizeLinear", &[result, scale, zero], Vec::new(), output);
}

/// Scale of the input times that of the weights: the unit of a bias of 32 bits.
fn bias_unit(rewrite: &mut Rewrite<'_>, input: usize, weights: usize) -> Result<String, Problems> {
    let scale = |port: usize| {
        let values = rewrite.view.constant(port, "a scale").and_then(|c| rewrite.view.floats(c));
        values.map(<[f32]>::to_vec)
    };
    let (Some(a), Some(b)) = (scale(input), scale(weights)) else {
        rewrite.view.attributes.finish()?;
        return Err(vec!["a scale is no constant".into()]);
    };
    let [a] = a[..] else { return Err(vec!["the input has several scales".into()]) };
    let units: Vec<f32> = b.iter().map(|b| a * b).collect();
    let dims = if units.len() == 1 { Vec::new() } else { vec![units.len()] };
    Ok(rewrite.floats("unit", dims, units))
}

/// Passes the attributes of the node on.
fn passed(rewrite: &Rewrite<'_>) -> Vec<AttributeProto> {
    let attributes = rewrite.attributes();
    attributes
        .iter()
        .filter_map(|a| a.name.as_deref())
        .for_each(|n| rewrite.view.attributes.ignore(n));
    attributes
}

/// `x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias`.
pub(super) fn conv(rewrite: &mut Rewrite<'_>) -> Result<(), Problems> {
    rewrite.view.arity(9, 1);
    let data = real(rewrite, 0, Vec::new());
    let weights = real(rewrite, 3, vec![super::int("axis", 0)]);
    let bias = match rewrite.view.given(8) {
        true => {
            let unit = bias_unit(rewrite, 1, 4)?;
            let inputs = [rewrite.view.name(8), unit.as_str()];
            let axis = vec![super::int("axis", 0)];
            Some(rewrite.node("bias", "DequantizeLinear", &inputs, axis))
        }
        false => None,
    };
    let inputs: Vec<&str> = [data.as_str(), &weights].into_iter().chain(bias.as_deref()).collect();
    let attributes = passed(rewrite);
    let result = rewrite.layer("Conv", &inputs, attributes);
    integers(rewrite, &result, 6);
    Ok(())
}

/// `a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero`.
pub(super) fn matmul(rewrite: &mut Rewrite<'_>) -> Result<(), Problems> {
    rewrite.view.arity(8, 1);
    let data = real(rewrite, 0, Vec::new());
    let weights = real(rewrite, 3, vec![super::int("axis", 1)]);
    let result = rewrite.layer("MatMul", &[&data, &weights], Vec::new());
    integers(rewrite, &result, 6);
    Ok(())
}

/// `a, a_scale, a_zero, b, b_scale, b_zero, c, y_scale, y_zero`; without `y_scale` the output is float.
pub(super) fn gemm(rewrite: &mut Rewrite<'_>) -> Result<(), Problems> {
    let view = rewrite.view;
    view.arity(9, 1);
    let alpha = view.attributes.float("alpha", 1.0);
    view.attributes.require(alpha == 1.0, || format!("attribute `alpha` = {alpha}; supported: 1"));
    let axis = i64::from(view.attributes.int_of("transB", 0, &[0, 1]) != 1);
    let data = real(rewrite, 0, Vec::new());
    let weights = real(rewrite, 3, vec![super::int("axis", axis)]);
    let mut inputs = vec![data, weights];
    if view.given(6) {
        let unit = bias_unit(rewrite, 1, 4)?;
        let axis = vec![super::int("axis", 0)];
        inputs.push(rewrite.node("bias", "DequantizeLinear", &[view.name(6), &unit], axis));
    }
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let attributes = passed(rewrite);
    if view.given(7) {
        let result = rewrite.layer("Gemm", &inputs, attributes);
        integers(rewrite, &result, 7);
    } else {
        rewrite.last("Gemm", &inputs, attributes);
    }
    Ok(())
}

/// `a, a_scale, a_zero, b, b_scale, b_zero, c_scale, c_zero`.
fn pair(rewrite: &mut Rewrite<'_>, op: &str) -> Result<(), Problems> {
    rewrite.view.arity(8, 1);
    let a = real(rewrite, 0, Vec::new());
    let b = real(rewrite, 3, Vec::new());
    let result = rewrite.layer(op, &[&a, &b], Vec::new());
    integers(rewrite, &result, 6);
    Ok(())
}

pub(super) fn add(rewrite: &mut Rewrite<'_>) -> Result<(), Problems> {
    pair(rewrite, "Add")
}

pub(super) fn mul(rewrite: &mut Rewrite<'_>) -> Result<(), Problems> {
    pair(rewrite, "Mul")
}

/// `y_scale, y_zero`, then `x, x_scale, x_zero` of each input.
pub(super) fn concat(rewrite: &mut Rewrite<'_>) -> Result<(), Problems> {
    let count = rewrite.view.proto.input.len();
    let all: Vec<String> = (2..count).step_by(3).map(|at| real(rewrite, at, Vec::new())).collect();
    let inputs: Vec<&str> = all.iter().map(String::as_str).collect();
    let attributes = passed(rewrite);
    let result = rewrite.layer("Concat", &inputs, attributes);
    integers(rewrite, &result, 0);
    Ok(())
}

/// `x, x_scale, x_zero, y_scale, y_zero`.
fn pooled(rewrite: &mut Rewrite<'_>, op: &str, pass: bool) -> Result<(), Problems> {
    let view = rewrite.view;
    view.arity(5, 1);
    let last = view.attributes.int("channels_last", 0);
    view.attributes.require(last == 0, || "attribute `channels_last` = 1; supported: 0".into());
    let data = real(rewrite, 0, Vec::new());
    let mut attributes = if pass { passed(rewrite) } else { Vec::new() };
    attributes.retain(|a| a.name.as_deref() != Some("channels_last"));
    let result = rewrite.layer(op, &[&data], attributes);
    integers(rewrite, &result, 3);
    Ok(())
}

pub(super) fn pool(rewrite: &mut Rewrite<'_>) -> Result<(), Problems> {
    pooled(rewrite, "AveragePool", true)
}

pub(super) fn global_pool(rewrite: &mut Rewrite<'_>) -> Result<(), Problems> {
    pooled(rewrite, "GlobalAveragePool", false)
}

/// The operators of this domain that mean the same as the standard ones.
pub(super) fn standard(rewrite: &mut Rewrite<'_>) -> Result<(), Problems> {
    let op = rewrite.view.proto.op_type.clone().unwrap_or_default();
    let inputs: Vec<&str> = rewrite.view.proto.input.iter().map(String::as_str).collect();
    let attributes = passed(rewrite);
    rewrite.last(&op, &inputs, attributes);
    Ok(())
}
