//! `Reshape` to two axes of which the first is the batch.

use pecan_sim::layer::Shape;

use super::{Lowering, NodeView, Operator, Value, list, one};

#[derive(Debug)]
struct Reshape {
    /// The second axis, if it is given as a number.
    size: Option<usize>,
}

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(2, 1);
    let a = &node.attributes;
    node.data(0);
    let shape = node.constant(1, "the new shape");
    let zero_is_zero = a.int_of("allowzero", 0, &[0, 1]) == 1;
    let reshape = shape.and_then(|shape| {
        let values = shape.ints().unwrap_or_default();
        // A batch of one is exported as the number 1; any batch is meant.
        let size = match values {
            [0, -1] if !zero_is_zero => None,
            [1, -1] => None,
            [0, size] if *size > 0 && !zero_is_zero => Some(*size),
            [-1 | 1, size] if *size > 0 => Some(*size),
            _ => {
                a.problem(format!(
                    "new shape `{}` = [{}]; supported: [batch, K] with the batch as 0, -1 or 1",
                    shape.name,
                    list(values)
                ));
                return None;
            }
        };
        Some(Reshape { size: size.and_then(|s| usize::try_from(s).ok()) })
    });
    node.done(reshape)
}

impl Operator for Reshape {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        let shape = one(inputs)?;
        let size = shape.iter().product();
        match self.size {
            Some(expected) if expected != size => Err(format!(
                "input shape [N, {}] has {size} values per sample; the new shape {expected}",
                list(shape)
            )),
            _ => Ok(vec![size]),
        }
    }

    fn forward(&self, inputs: &[Value<'_>], _: &[usize]) -> Vec<f32> {
        inputs[0].data.to_vec()
    }

    fn lower(&self, _: &[Shape]) -> Lowering<'_> {
        Lowering::Alias
    }
}
