//! `Reshape` that keeps the batch.

use pecan_ir::layer::Shape;

use super::{Lowering, NodeView, Operator, Value, list, one};

#[derive(Debug)]
struct Reshape {
    /// Extents behind the batch: 0 copies that of the input, -1 is the remaining one.
    axes: Vec<i64>,
}

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(2, 1);
    let a = &node.attributes;
    node.data(0);
    let shape = node.constant(1, "the new shape");
    let zero_is_zero = a.int_of("allowzero", 0, &[0, 1]) == 1;
    let reshape = shape.and_then(|shape| {
        let values = shape.ints().unwrap_or_default();
        let open = values.iter().filter(|v| **v == -1).count();
        // A batch of one is exported as the number 1, but means any batch.
        let legal = matches!(values, [-1..=1, _, ..])
            && values.iter().all(|v| *v >= -1)
            && open <= 1
            && !(zero_is_zero && values.contains(&0));
        if !legal {
            a.problem(format!(
                "new shape `{}` = [{}]; supported: [batch, ...] with the batch as 0, -1 or 1",
                shape.name,
                list(values)
            ));
            return None;
        }
        Some(Reshape { axes: values[1..].to_vec() })
    });
    node.done(reshape)
}

impl Operator for Reshape {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        let shape = one(inputs)?;
        let size: usize = shape.iter().product();
        let fail = || {
            format!(
                "input shape [N, {}] has {size} values per sample; the new shape is [N, {}]",
                list(shape),
                list(&self.axes)
            )
        };
        let known = |(axis, &v): (usize, &i64)| match v {
            -1 => Some(1),
            0 => shape.get(axis).copied(),
            v => usize::try_from(v).ok(),
        };
        let mut extents: Vec<usize> =
            self.axes.iter().enumerate().map(known).collect::<Option<_>>().ok_or_else(fail)?;
        let given = extents.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).ok_or_else(fail)?;
        if let Some(open) = self.axes.iter().position(|v| *v == -1) {
            extents[open] = size.checked_div(given).ok_or_else(fail)?;
        }
        if extents.iter().product::<usize>() == size { Ok(extents) } else { Err(fail()) }
    }

    fn forward(&self, inputs: &[Value<'_>], _: &[usize]) -> Vec<f32> {
        inputs[0].data.to_vec()
    }

    fn lower(&self, _: &[Shape]) -> Lowering<'_> {
        Lowering::Alias
    }
}
