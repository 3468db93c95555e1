//! A factor and a summand per channel: `Add`, `Sub`, `Mul` and `Div` with a constant, and the inference form of
//! [`super::batch_normalization`]. Folded into the layer before where possible, otherwise a depthwise convolution with
//! a kernel of one value.

use std::sync::OnceLock;

use pecan_ir::layer::{Shape, Window};

use super::{Input, Linear, Lowering, NodeView, Operator, Value, add, list, one};
use crate::limits::MOST_FACTORS;

/// `y[c] = scale[c] * x[c] + shift[c]`.
#[derive(Debug)]
pub(super) struct Affine {
    channels: usize,
    /// One for each channel, or one for all.
    scale: Vec<f32>,
    shift: Vec<f32>,
    /// Initializer that the values come from.
    name: String,
    /// The same as a layer, made on demand.
    linear: OnceLock<Linear>,
}

impl Affine {
    /// `scale` and `shift` have one value per channel, or a single one.
    pub(super) fn new(channels: usize, scale: Vec<f32>, shift: Vec<f32>, name: &str) -> Self {
        Self { channels, scale, shift, name: name.into(), linear: OnceLock::new() }
    }

    /// Factors and summands of all channels.
    fn layer(&self) -> &Linear {
        let each = |values: &[f32]| values.iter().copied().cycle().take(self.channels).collect();
        self.linear.get_or_init(|| Linear {
            outputs: self.channels,
            weights: each(&self.scale),
            bias: each(&self.shift),
            weight_name: self.name.clone(),
            bias_name: None,
            transposed: false,
            units: Vec::new(),
        })
    }
}

/// Number of the input that is data (0 or 1), or `None` if both are.
fn data_port(node: &NodeView<'_>) -> Option<usize> {
    match node.inputs.as_slice() {
        [Input::Data(_), Input::Constant(_)] => Some(0),
        [Input::Constant(_), Input::Data(_)] => Some(1),
        _ => None,
    }
}

/// The channels of the data, and the constant's value for each of them or for all; anything but one value or one
/// per channel (aligned by the rules of broadcasting) is a problem.
fn per_channel<'a>(node: &NodeView<'a>, port: usize) -> Option<(usize, &'a [f32])> {
    let shape = node.data(port)?;
    let constant = node.constant(1 - port, "the constant")?;
    let values = node.floats(constant)?;
    let channels = *shape.first()?;
    if values.len() == 1 {
        return Some((channels, values));
    }
    // Axes are aligned at the end; the channel is the second of the data's axes, batch included.
    let rank = shape.len() + 1;
    let lead = rank.checked_sub(constant.dims.len());
    let fits = lead.is_some_and(|lead| {
        constant.dims.iter().enumerate().all(|(axis, &d)| {
            let expected = if axis + lead == 1 { channels } else { 1 };
            d == expected
        })
    });
    if fits && values.len() == channels {
        return Some((channels, values));
    }
    let (name, dims) = (&constant.name, list(&constant.dims));
    node.attributes.problem(format!(
        "constant `{name}` of shape [{dims}] with data of shape [N, {}]; supported: one value, or one \
         per channel ({channels})",
        list(shape)
    ));
    None
}

fn parse_with(
    node: &NodeView<'_>,
    what: &str,
    terms: fn(port: usize, value: f32) -> (f32, f32),
) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(2, 1);
    let Some(port) = data_port(node) else {
        node.attributes.problem(format!("{what} of two computed tensors; supported: one constant"));
        return node.done(None::<Affine>);
    };
    let affine = per_channel(node, port).map(|(channels, values)| {
        let (scale, shift): (Vec<f32>, Vec<f32>) = values.iter().map(|v| terms(port, *v)).unzip();
        let legal = scale.iter().chain(&shift).all(|v| v.is_finite());
        node.attributes.require(legal, || "the constant divides by zero".into());
        let name = node.proto.input.get(1 - port).map_or("", String::as_str);
        Affine::new(channels, scale, shift, name)
    });
    node.done(affine)
}

/// `Add`: with a constant here, of two tensors in [`add`].
pub(super) fn parse_add(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    match data_port(node) {
        None => add::parse(node),
        Some(_) => parse_with(node, "sum", |_, v| (1.0, v)),
    }
}

pub(super) fn parse_sub(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    parse_with(node, "difference", |port, v| if port == 0 { (1.0, -v) } else { (-1.0, v) })
}

pub(super) fn parse_mul(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    parse_with(node, "product", |_, v| (v, 0.0))
}

pub(super) fn parse_div(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    if data_port(node) == Some(1) {
        node.attributes.problem("division by data; supported: by a constant");
    }
    parse_with(node, "quotient", |_, v| (1.0 / v, 0.0))
}

impl Operator for Affine {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        let shape = one(inputs)?;
        if shape.first() != Some(&self.channels) {
            return Err(format!(
                "input shape [N, {}]; expected {} channels",
                list(shape),
                self.channels
            ));
        }
        Ok(shape.to_vec())
    }

    fn forward(&self, inputs: &[Value<'_>], _: &[usize]) -> Vec<f32> {
        let plane = (inputs[0].data.len() / self.channels.max(1)).max(1);
        let planes = inputs[0].data.chunks(plane);
        planes
            .zip(self.scale.iter().zip(&self.shift).cycle())
            .flat_map(|(plane, (s, t))| plane.iter().map(move |v| v * s + t))
            .collect()
    }

    fn lower(&self, inputs: &[Shape]) -> Lowering<'_> {
        let groups = self.channels;
        match inputs {
            [_] if groups > MOST_FACTORS => Lowering::Unsupported(format!(
                "{groups} channels; supported: at most {MOST_FACTORS}, or directly after a Conv, Gemm or MatMul \
                 that nothing else reads"
            )),
            [input] if input.channels == groups => {
                let window =
                    Window { kernel: [1; 2], stride: [1; 2], dilation: [1; 2], pads: [0; 4] };
                Lowering::Linear { linear: self.layer(), window, groups }
            }
            _ => Lowering::Unsupported(format!(
                "{groups} factors for {inputs:?}; supported: one per channel, or directly after a \
                 Conv, Gemm or MatMul that nothing else reads"
            )),
        }
    }

    fn parameters(&self) -> usize {
        self.scale.len() + self.shift.len()
    }

    fn affine(&self) -> Option<(&[f32], &[f32])> {
        Some((&self.scale, &self.shift))
    }
}
