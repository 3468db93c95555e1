//! `Max` and `Min`: limits where an input is a number, else sums with a ReLU, as `max(a, b) = a + relu(b - a)`.

use super::sums::negative;
use super::{Problems, Rewrite};
use crate::op::Input;

pub(super) fn expand(rewrite: &mut Rewrite<'_>) -> Result<(), Problems> {
    let view = rewrite.view;
    let max = view.proto.op_type.as_deref() == Some("Max");
    let (mut data, mut numbers) = (Vec::new(), Vec::new());
    for (port, input) in view.inputs.iter().enumerate() {
        match input {
            Input::Constant(Ok(c)) => match c.floats() {
                Some(&[value]) => numbers.push(value),
                _ => data.push(view.name(port).to_owned()),
            },
            Input::Data(_) => data.push(view.name(port).to_owned()),
            _ => drop(view.data(port)),
        }
    }
    let computed = view.inputs.iter().position(|input| matches!(input, Input::Data(_)));
    let Some(first) = computed.map(|port| view.name(port).to_owned()) else {
        view.attributes.finish()?;
        return Err(vec!["no data input".into()]);
    };
    data.retain(|name| *name != first);
    let mut result = first;
    for (at, other) in data.iter().enumerate() {
        result = pair(rewrite, max, &result, other, at);
    }
    let limit = if max {
        numbers.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    } else {
        numbers.iter().copied().fold(f32::INFINITY, f32::min)
    };
    let [low, high] = if max { [limit, f32::INFINITY] } else { [f32::NEG_INFINITY, limit] };
    if numbers.is_empty() {
        rewrite.last("Identity", &[&result], Vec::new());
        return Ok(());
    }
    let low = rewrite.floats("low", Vec::new(), vec![low]);
    let high = rewrite.floats("high", Vec::new(), vec![high]);
    rewrite.last("Clip", &[&result, &low, &high], Vec::new());
    Ok(())
}

/// The larger (or smaller) values of `a`, which is data, and `b`.
fn pair(rewrite: &mut Rewrite<'_>, max: bool, a: &str, b: &str, at: usize) -> String {
    let part = |what: &str| format!("{what}{at}");
    // The part by which `b` is larger, or by which `a` is.
    let (from, to) = if max { (b, a) } else { (a, b) };
    let difference = rewrite.node(&part("difference"), "Sub", &[from, to], Vec::new());
    let excess = rewrite.node(&part("excess"), "Relu", &[&difference], Vec::new());
    let excess = if max { excess } else { negative(rewrite, &excess, &part("negative")) };
    rewrite.node(&part("pair"), "Add", &[a, &excess], Vec::new())
}
