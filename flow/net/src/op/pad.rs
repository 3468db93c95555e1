//! `Pad`: explicit zero padding of rows and columns. Convolution and average pooling behind it absorb it.

use pecan_ir::layer::{Shape, Window};

use super::{Input, Lowering, NodeView, Operator, Value, feature_map, list, one};

#[derive(Debug)]
struct Pad {
    /// Top, left, bottom, right.
    pads: [usize; 4],
}

/// The amounts and the value are attributes up to operator set 10, inputs from 11 on.
pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(4, 1);
    let rank = node.data(0);
    let a = &node.attributes;
    let mode = a.text("mode", "constant");
    a.require(mode == "constant", || format!("attribute `mode` = {mode}; supported: constant"));
    let attribute = a.ints("pads").map(<[i64]>::to_vec);
    let value = a.float("value", 0.0);
    let given = |port: usize| !matches!(node.inputs.get(port), None | Some(Input::Absent));
    let amounts = match given(1) {
        true => node.optional(1).and_then(|c| c.ints()).map(<[i64]>::to_vec),
        false => attribute,
    };
    let value = match given(2) {
        true => node.optional(2).and_then(|c| c.floats()?.first().copied()).unwrap_or(value),
        false => value,
    };
    a.require(value == 0.0, || format!("padding with {value}; supported: 0"));
    let amounts = amounts.unwrap_or_default();
    let rank = rank.map_or(4, |shape| shape.len() + 1);
    let axes = match given(3) {
        true => node.optional(3).and_then(|c| c.ints()).map(<[i64]>::to_vec),
        false => Some((0..rank as i64).collect()),
    };
    let pad = axes.and_then(|axes| by_axis(&amounts, &axes, rank)).map(|pads| Pad { pads });
    a.require(pad.is_some(), || {
        format!(
            "pads [{}]; supported: 0 to 4096 at rows and columns of [N, C, H, W]",
            list(&amounts)
        )
    });
    node.done(pad)
}

/// Top, left, bottom and right of amounts that are given for `axes`: first before each, then behind each.
fn by_axis(amounts: &[i64], axes: &[i64], rank: usize) -> Option<[usize; 4]> {
    let (before, behind) = amounts.split_at_checked(axes.len())?;
    if behind.len() != axes.len() {
        return None;
    }
    let mut pads = [0; 4];
    for (axis, ends) in axes.iter().zip(before.iter().zip(behind)) {
        let axis = if *axis < 0 { axis + rank as i64 } else { *axis };
        let ends = [*ends.0, *ends.1].map(|p| usize::try_from(p).ok().filter(|p| *p <= 4096));
        // Without rows (a sequence) the last axis is that of the columns.
        match (rank, axis, ends) {
            (4, 2, [Some(begin), Some(end)]) => [pads[0], pads[2]] = [begin, end],
            (4, 3, [Some(begin), Some(end)]) | (3, 2, [Some(begin), Some(end)]) => {
                [pads[1], pads[3]] = [begin, end];
            }
            (_, _, [Some(0), Some(0)]) => {}
            _ => return None,
        }
    }
    Some(pads)
}

impl Operator for Pad {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        let [channels, height, width] = feature_map(one(inputs)?)?;
        let [top, left, bottom, right] = self.pads;
        Ok(vec![channels, height + top + bottom, width + left + right])
    }

    fn forward(&self, inputs: &[Value<'_>], output: &[usize]) -> Vec<f32> {
        let (height, width) = (inputs[0].shape[1], inputs[0].shape[2]);
        let mut result = vec![0f32; output.iter().product()];
        for (line, values) in inputs[0].data.chunks(width.max(1)).enumerate() {
            let (channel, y) = (line / height, line % height);
            let at = (channel * output[1] + y + self.pads[0]) * output[2] + self.pads[1];
            result[at..at + width].copy_from_slice(values);
        }
        result
    }

    /// An average over single values, which has the required padding.
    fn lower(&self, _: &[Shape]) -> Lowering<'_> {
        let window = Window { kernel: [1; 2], stride: [1; 2], dilation: [1; 2], pads: self.pads };
        Lowering::Average { window, divisor: 1 }
    }

    fn zero_padding(&self) -> Option<[usize; 4]> {
        Some(self.pads)
    }
}
