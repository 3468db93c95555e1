//! `Gemm`: fully connected layer, `alpha * A * B + beta * C` with constant `B` and `C`; and `MatMul`.

use pecan_ir::layer::{Shape, Window};

use super::{Linear, Lowering, NodeView, Operator, Value, list, one};

#[derive(Debug)]
struct Gemm {
    inputs: usize,
    linear: Linear,
}

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(3, 1);
    let a = &node.attributes;
    node.data(0);
    let weight = node.constant(1, "the weights");
    let bias = node.optional(2);
    let (alpha, beta) = (a.float("alpha", 1.0), a.float("beta", 1.0));
    a.require(alpha.is_finite() && beta.is_finite(), || {
        format!("attributes `alpha` = {alpha}, `beta` = {beta}; supported: finite values")
    });
    a.int_of("transA", 0, &[0]);
    let transposed = a.int_of("transB", 0, &[0, 1]) == 1;
    let gemm = weight.and_then(|weight| {
        let [d0, d1] = <[usize; 2]>::try_from(weight.dims.as_slice())
            .inspect_err(|_| {
                let (name, dims) = (&weight.name, list(&weight.dims));
                a.problem(format!("weights `{name}` of shape [{dims}]; expected 2 axes"));
            })
            .ok()?;
        let (outputs, inputs) = if transposed { (d0, d1) } else { (d1, d0) };
        a.require(outputs > 0 && inputs > 0, || format!("weights `{}` are empty", weight.name));
        let values = node.floats(weight)?;
        let at = |o: usize, i: usize| values[if transposed { o * d1 + i } else { i * d1 + o }];
        let weights = (0..outputs)
            .flat_map(|o| (0..inputs).map(move |i| (o, i)))
            .map(|(o, i)| alpha * at(o, i))
            .collect();
        let summand = match bias {
            Some(bias) => {
                let values = node.floats(bias)?;
                let fits = matches!(bias.dims.as_slice(), [] | [1] | [1, 1])
                    || bias.dims == [outputs]
                    || bias.dims == [1, outputs];
                a.require(fits, || {
                    let (name, dims) = (&bias.name, list(&bias.dims));
                    format!("bias `{name}` of shape [{dims}]; supported: [{outputs}] or [1]")
                });
                (0..outputs)
                    .map(|o| beta * values.get(o % values.len().max(1)).unwrap_or(&0.0))
                    .collect()
            }
            None => vec![0.0; outputs],
        };
        let linear = Linear {
            outputs,
            weights,
            bias: summand,
            weight_name: weight.name.clone(),
            bias_name: bias.map(|b| b.name.clone()),
            transposed: !transposed,
            units: scaled(weight.units(usize::from(!transposed), outputs), alpha),
        };
        Some(Gemm { inputs, linear })
    });
    node.done(gemm)
}

fn scaled(mut units: Vec<f64>, alpha: f32) -> Vec<f64> {
    units.iter_mut().for_each(|u| *u *= f64::from(alpha.abs()));
    units
}

/// `MatMul` with a constant right operand: a fully connected layer without bias (a following `Add` of a
/// constant becomes its bias).
pub(super) fn parse_matmul(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(2, 1);
    node.data(0);
    let gemm = node.constant(1, "the weights").and_then(|weight| {
        let Ok([inputs, outputs]) = <[usize; 2]>::try_from(weight.dims.as_slice()) else {
            let (name, dims) = (&weight.name, list(&weight.dims));
            node.attributes.problem(format!("weights `{name}` of shape [{dims}]; expected 2 axes"));
            return None;
        };
        node.attributes
            .require(outputs * inputs > 0, || format!("weights `{}` are empty", weight.name));
        let values = node.floats(weight)?;
        let weights = (0..outputs)
            .flat_map(|o| (0..inputs).map(move |i| i * outputs + o))
            .map(|at| values[at])
            .collect();
        let linear = Linear {
            outputs,
            weights,
            bias: vec![0.0; outputs],
            weight_name: weight.name.clone(),
            bias_name: None,
            transposed: true,
            units: weight.units(1, outputs),
        };
        Some(Gemm { inputs, linear })
    });
    node.done(gemm)
}

impl Operator for Gemm {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        match one(inputs)? {
            [size] if *size == self.inputs => Ok(vec![self.linear.outputs]),
            shape => Err(format!(
                "input shape [N, {}]; the weights expect [N, {}]",
                list(shape),
                self.inputs
            )),
        }
    }

    fn forward(&self, inputs: &[Value<'_>], _: &[usize]) -> Vec<f32> {
        let rows = self.linear.weights.chunks(self.inputs.max(1));
        rows.zip(&self.linear.bias).map(|(row, bias)| bias + dot(row, inputs[0].data)).collect()
    }

    /// The kernel covers the flattened feature map: flattening has the order channel, row, column of the kernel, so the
    /// weights stay in place.
    fn lower(&self, inputs: &[Shape]) -> Lowering<'_> {
        match inputs {
            [input] if input.len() == self.inputs => Lowering::Linear {
                linear: &self.linear,
                window: Window {
                    kernel: [input.height, input.width],
                    stride: [1, 1],
                    dilation: [1, 1],
                    pads: [0; 4],
                },
                groups: 1,
            },
            _ => {
                Lowering::Unsupported(format!("inputs {inputs:?}; expected {} values", self.inputs))
            }
        }
    }

    fn linear(&self) -> Option<&Linear> {
        Some(&self.linear)
    }

    fn linear_mut(&mut self) -> Option<&mut Linear> {
        Some(&mut self.linear)
    }
}

/// Dot product with eight partial sums, which the compiler vectorizes (a single sum would have to keep
/// the order of additions).
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a8, a_rest) = a.as_chunks::<8>();
    let (b8, b_rest) = b.as_chunks::<8>();
    let mut sums = [0f32; 8];
    for (x, y) in a8.iter().zip(b8) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + rest
}
