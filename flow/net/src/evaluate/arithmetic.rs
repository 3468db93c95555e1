//! Arithmetic on constants.

use super::broadcast::{common, repeated};
use super::{Node, axis};
use crate::onnx::{Constant, Values, data_type};

/// Operators of two inputs (some of any number), from the left to the right.
pub(super) fn binary(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let all: Option<Vec<&Constant>> = node.inputs.iter().copied().collect();
    let all = all.ok_or("an input is absent")?;
    let shapes: Vec<&[usize]> = all.iter().map(|c| c.dims.as_slice()).collect();
    let dims = common(&shapes)?;
    let mut values = all.iter().map(|c| repeated(c, &dims));
    let first = values.next().ok_or("no inputs")?;
    let result = values.try_fold(first, |a, b| match (a, b) {
        (Values::Float(a), Values::Float(b)) => floats(node.op, &a, &b),
        (Values::Int(a), Values::Int(b)) => {
            let pairs = a.iter().zip(&b).map(|(a, b)| integer(node.op, *a, *b));
            pairs.collect::<Result<_, _>>().map(Values::Int)
        }
        // The exponent of a power may be of another type.
        (Values::Float(a), Values::Int(b)) if node.op == "Pow" => {
            let b: Vec<f32> = b.iter().map(|v| *v as f32).collect();
            floats(node.op, &a, &b)
        }
        _ => Err("floats and integers are mixed".into()),
    })?;
    node.one(dims, result)
}

fn floats(op: &str, a: &[f32], b: &[f32]) -> Result<Values, String> {
    fn each<T>(a: &[f32], b: &[f32], f: fn(f32, f32) -> T) -> Vec<T> {
        a.iter().zip(b).map(|(a, b)| f(*a, *b)).collect()
    }
    Ok(match op {
        "Add" | "Sum" => Values::Float(each(a, b, |a, b| a + b)),
        "Sub" => Values::Float(each(a, b, |a, b| a - b)),
        "Mul" => Values::Float(each(a, b, |a, b| a * b)),
        "Div" => Values::Float(each(a, b, |a, b| a / b)),
        "Max" => Values::Float(each(a, b, f32::max)),
        "Min" => Values::Float(each(a, b, f32::min)),
        "Pow" => Values::Float(each(a, b, f32::powf)),
        "Equal" => Values::Int(each(a, b, |a, b| i64::from(a == b))),
        "Greater" => Values::Int(each(a, b, |a, b| i64::from(a > b))),
        "Less" => Values::Int(each(a, b, |a, b| i64::from(a < b))),
        other => return Err(format!("{other} of floats")),
    })
}

fn integer(op: &str, a: i64, b: i64) -> Result<i64, String> {
    let result = match op {
        "Add" | "Sum" => a.checked_add(b),
        "Sub" => a.checked_sub(b),
        "Mul" => a.checked_mul(b),
        "Div" => a.checked_div(b),
        "Mod" => a.checked_rem_euclid(b).map(|r| if b < 0 && r != 0 { r + b } else { r }),
        "Max" => Some(a.max(b)),
        "Min" => Some(a.min(b)),
        "Pow" => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        "Equal" => Some(i64::from(a == b)),
        "Greater" => Some(i64::from(a > b)),
        "Less" => Some(i64::from(a < b)),
        "And" => Some(i64::from(a != 0 && b != 0)),
        "Or" => Some(i64::from(a != 0 || b != 0)),
        other => return Err(format!("{other} of integers")),
    };
    result.ok_or_else(|| format!("{op} of {a} and {b} has no result"))
}

/// Operators of one input.
pub(super) fn unary(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let from = node.input(0)?;
    let values = match &from.values {
        Values::Float(v) => {
            let f: fn(f32) -> f32 = match node.op {
                "Abs" => f32::abs,
                "Ceil" => f32::ceil,
                "Exp" => f32::exp,
                "Floor" => f32::floor,
                "Log" => f32::ln,
                "Neg" => |v| -v,
                "Reciprocal" => f32::recip,
                "Round" => f32::round_ties_even,
                "Sqrt" => f32::sqrt,
                other => return Err(format!("{other} of floats")),
            };
            Values::Float(v.iter().map(|v| f(*v)).collect())
        }
        Values::Int(v) => {
            let f: fn(i64) -> Option<i64> = match node.op {
                "Abs" => i64::checked_abs,
                "Neg" => i64::checked_neg,
                "Not" => |v| Some(i64::from(v == 0)),
                other => return Err(format!("{other} of integers")),
            };
            let all: Option<Vec<i64>> = v.iter().map(|v| f(*v)).collect();
            Values::Int(all.ok_or("integers overflow")?)
        }
    };
    node.one(from.dims.clone(), values)
}

/// Smallest and largest integer of an element type, and those that a zero point of it means.
fn range(kind: i32) -> Option<[i64; 2]> {
    Some(match kind {
        data_type::BOOL => [0, 1],
        data_type::INT4 => [-8, 7],
        data_type::UINT4 => [0, 15],
        data_type::INT8 => [-128, 127],
        data_type::UINT8 => [0, 255],
        data_type::INT16 => [-32768, 32767],
        data_type::UINT16 => [0, 65535],
        data_type::INT32 => [i64::from(i32::MIN), i64::from(i32::MAX)],
        data_type::UINT32 => [0, i64::from(u32::MAX)],
        data_type::INT64 => [i64::MIN, i64::MAX],
        data_type::UINT64 => [0, i64::MAX],
        _ => return None,
    })
}

pub(super) fn cast(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let from = node.input(0)?;
    let to = node.attributes.int("to", 0) as i32;
    let float = matches!(
        to,
        data_type::FLOAT | data_type::FLOAT16 | data_type::BFLOAT16 | data_type::DOUBLE
    );
    let limits = range(to);
    let inside =
        |v: i128, [low, high]: [i64; 2]| i64::try_from(v).ok().filter(|v| (low..=high).contains(v));
    let values = match (&from.values, limits) {
        (Values::Float(v), None) if float => Values::Float(v.clone()),
        (Values::Int(v), None) if float => Values::Float(v.iter().map(|v| *v as f32).collect()),
        (Values::Float(v), Some(_)) if to == data_type::BOOL => {
            Values::Int(v.iter().map(|v| i64::from(*v != 0.0)).collect())
        }
        (Values::Int(v), Some(_)) if to == data_type::BOOL => {
            Values::Int(v.iter().map(|v| i64::from(*v != 0)).collect())
        }
        (Values::Float(v), Some(limits)) => {
            let all: Option<Vec<i64>> = v
                .iter()
                .map(|v| v.is_finite().then(|| inside(*v as i128, limits)).flatten())
                .collect();
            Values::Int(all.ok_or("a value does not fit the new type")?)
        }
        (Values::Int(v), Some(limits)) => {
            let all: Option<Vec<i64>> = v.iter().map(|v| inside(i128::from(*v), limits)).collect();
            Values::Int(all.ok_or("a value does not fit the new type")?)
        }
        _ => return Err(format!("a cast to type {to}")),
    };
    let mut result = node.output(0, from.dims.clone(), values);
    result.grid = from.grid.clone().filter(|_| float);
    if let Some(limits) = limits.filter(|[low, high]| high - low <= 65535) {
        result.integer_range = limits;
    }
    Ok(vec![result])
}

/// Weights that are floats in the file, in front of their own quantization.
pub(super) fn quantize(node: &Node<'_>) -> Result<Vec<Constant>, String> {
    let (from, scale) = (node.input(0)?, node.input(1)?);
    let (Some(values), Some(scales)) = (from.floats(), scale.floats()) else {
        return Err("expected floats".into());
    };
    if node.attributes.int("block_size", 0) != 0 {
        return Err("scales of blocks".into());
    }
    let zero = node.optional(2);
    let range = zero.map_or([0, 255], |z| z.integer_range);
    let zeros = zero.and_then(Constant::ints);
    let along = node.attributes.int("axis", 1);
    let (extent, inner) = if scales.len() == 1 {
        (1, 1)
    } else {
        let at = axis(along, from.dims.len())?;
        (from.dims[at], from.dims[at + 1..].iter().product::<usize>().max(1))
    };
    if scales.len() != extent || zeros.is_some_and(|z| z.len() != extent) {
        return Err(format!("{} scales for {extent} slices", scales.len()));
    }
    let integer = |(at, v): (usize, &f32)| {
        let slice = at / inner % extent;
        let zero = zeros.map_or(0, |z| z[slice]);
        let steps = (v / scales[slice]).round_ties_even() as i64;
        steps.saturating_add(zero).clamp(range[0], range[1])
    };
    let values = values.iter().enumerate().map(integer).collect();
    let mut result = node.output(0, from.dims.clone(), Values::Int(values));
    result.integer_range = range;
    Ok(vec![result])
}
