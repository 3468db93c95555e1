//! `Sum`, `Mean`, `Sub` and `Neg` as sums of two tensors and products with a number.

use super::{Problems, Rewrite};
use crate::op::Input;

/// The sum of all inputs, one after the other; `None` of a single one.
fn chain(rewrite: &mut Rewrite<'_>, whole: bool) -> Option<String> {
    let inputs = &rewrite.view.proto.input;
    let mut sum = inputs.first()?.clone();
    for (at, input) in inputs.iter().enumerate().skip(1) {
        if whole && at + 1 == inputs.len() {
            rewrite.last("Add", &[&sum, input], Vec::new());
        } else {
            sum = rewrite.node(&format!("sum{at}"), "Add", &[&sum, input], Vec::new());
        }
    }
    Some(sum)
}

pub(super) fn expand_sum(rewrite: &mut Rewrite<'_>) -> Result<(), Problems> {
    match rewrite.view.proto.input.as_slice() {
        [] => Err(vec!["no inputs".into()]),
        [only] => {
            rewrite.last("Identity", &[only], Vec::new());
            Ok(())
        }
        _ => {
            chain(rewrite, true);
            Ok(())
        }
    }
}

pub(super) fn expand_mean(rewrite: &mut Rewrite<'_>) -> Result<(), Problems> {
    let count = rewrite.view.proto.input.len();
    let sum = chain(rewrite, false).ok_or_else(|| vec!["no inputs".to_owned()])?;
    let share = rewrite.floats("share", Vec::new(), vec![1.0 / count as f32]);
    rewrite.last("Mul", &[&sum, &share], Vec::new());
    Ok(())
}

/// The tensor `input` times -1.
pub(super) fn negative(rewrite: &mut Rewrite<'_>, input: &str, part: &str) -> String {
    let minus = rewrite.floats(&format!("{part}_factor"), Vec::new(), vec![-1.0]);
    rewrite.node(part, "Mul", &[input, &minus], Vec::new())
}

/// Of two computed tensors; one with a constant stands for itself.
pub(super) fn expand_sub(rewrite: &mut Rewrite<'_>) -> Result<(), Problems> {
    if let [Input::Data(_), Input::Data(_)] = rewrite.view.inputs.as_slice() {
        let [a, b] = [0, 1].map(|port| rewrite.view.name(port));
        let b = negative(rewrite, b, "negative");
        rewrite.last("Add", &[a, &b], Vec::new());
    }
    Ok(())
}

pub(super) fn expand_neg(rewrite: &mut Rewrite<'_>) -> Result<(), Problems> {
    rewrite.view.arity(1, 1);
    let minus = rewrite.floats("factor", Vec::new(), vec![-1.0]);
    rewrite.last("Mul", &[rewrite.view.name(0), &minus], Vec::new());
    Ok(())
}
