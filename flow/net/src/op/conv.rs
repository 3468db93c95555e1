//! `Conv`: two-dimensional convolution.

use pecan_ir::layer::{Shape, Window};

use super::product::{self, Geometry};
use super::{Linear, Lowering, NodeView, Operator, Value, feature_map, list, one, window};

#[derive(Debug)]
struct Conv {
    window: Window,
    groups: usize,
    inputs: usize,
    linear: Linear,
}

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(3, 1);
    let a = &node.attributes;
    let input = node.data(0).and_then(|s| feature_map(s).ok());
    let weight = node.constant(1, "the weights");
    let bias = node.optional(2);
    let groups = usize::try_from(a.int("group", 1)).unwrap_or(0);
    let dims = weight.and_then(|w| <[usize; 4]>::try_from(w.dims.as_slice()).ok());
    if let (Some(w), None) = (weight, dims) {
        a.problem(format!(
            "weights `{}` of shape [{}]; supported: 4 axes (2-D convolution)",
            w.name,
            list(&w.dims)
        ));
    }
    let window = window::parse(a, dims.map(|d| [d[2], d[3]]), input.map(|i| [i[1], i[2]]));
    let conv = weight.zip(dims).and_then(|(weight, [outputs, inputs, ..])| {
        a.require(outputs > 0 && inputs > 0, || format!("weights `{}` are empty", weight.name));
        a.require(groups > 0 && outputs.is_multiple_of(groups.max(1)), || {
            format!("attribute `group` = {groups} does not divide {outputs} output channels")
        });
        let weights = node.floats(weight)?.to_vec();
        let values = bias.map_or(Some(vec![0.0; outputs]), |b| {
            a.require(b.dims == [outputs], || {
                format!("bias `{}` of shape [{}]; expected [{outputs}]", b.name, list(&b.dims))
            });
            node.floats(b).map(<[f32]>::to_vec)
        })?;
        let linear = Linear {
            outputs,
            weights,
            bias: values,
            weight_name: weight.name.clone(),
            bias_name: bias.map(|b| b.name.clone()),
            transposed: false,
            units: weight.units(0, outputs),
        };
        Some(Conv { window, groups, inputs: inputs.checked_mul(groups)?, linear })
    });
    node.done(conv)
}

impl Operator for Conv {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        let [channels, height, width] = feature_map(one(inputs)?)?;
        if channels != self.inputs {
            return Err(format!("{channels} input channels; the weights expect {}", self.inputs));
        }
        let [rows, cols] = window::output_size(&self.window, [height, width])?;
        Ok(vec![self.linear.outputs, rows, cols])
    }

    fn forward(&self, inputs: &[Value<'_>], output: &[usize]) -> Vec<f32> {
        let [_, height, width] = [inputs[0].shape[0], inputs[0].shape[1], inputs[0].shape[2]];
        let geometry = Geometry {
            window: &self.window,
            groups: self.groups,
            inputs: self.inputs,
            size: [height, width],
            outputs: [output[0], output[1], output[2]],
        };
        product::convolution(&geometry, &self.linear, inputs[0].data)
    }

    fn lower(&self, inputs: &[Shape]) -> Lowering<'_> {
        match inputs {
            [_] => {
                Lowering::Linear { linear: &self.linear, window: self.window, groups: self.groups }
            }
            _ => Lowering::Unsupported(format!("{} data inputs; expected 1", inputs.len())),
        }
    }

    fn linear(&self) -> Option<&Linear> {
        Some(&self.linear)
    }

    fn linear_mut(&mut self) -> Option<&mut Linear> {
        Some(&mut self.linear)
    }

    fn absorb_padding(&mut self, pads: [usize; 4]) -> bool {
        window::widen(&mut self.window, pads);
        true
    }
}
