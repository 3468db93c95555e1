//! `QuantizeLinear` and `DequantizeLinear`. A pair around a tensor defines the integers for its values; the latter on a
//! constant yields the constant.

use pecan_ir::layer::Shape;

use super::{Attributes, Lowering, NodeView, Operator, Value, one};
use crate::onnx::{Constant, ConstantError, NodeProto, Values};

/// Map from integers to values: `(integer - zero_point) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Real value of one unit.
    pub scale: f32,
    /// Integer of the real value 0.
    pub zero_point: i64,
    /// Smallest and largest integer; unknown without a zero point, then those of 8 unsigned bits.
    pub range: [i64; 2],
}

impl Grid {
    /// The largest magnitude to represent with signed symmetric integers.
    ///
    /// A grid that is symmetric already keeps its unit: -128 is left out, as it has no positive counterpart. Otherwise
    /// the range is the larger side of the grid, at a coarser unit (twice as coarse where all integers represent
    /// positive values).
    ///
    /// What the grid cannot represent on its smaller side is cut off by [`Grid::limits`].
    pub fn largest(&self) -> f64 {
        let [low, high] = self.range.map(|v| v - self.zero_point);
        let most = if low == -high - 1 { high } else { high.abs().max(low.abs()) };
        most as f64 * f64::from(self.scale)
    }
}

impl Grid {
    /// Smallest and largest value of the grid: values beyond are saturated.
    pub fn limits(&self) -> [f32; 2] {
        self.range.map(|v| (v - self.zero_point) as f32 * self.scale)
    }
}

#[derive(Debug)]
struct Qdq {
    grid: Grid,
    dequantize: bool,
}

pub(super) fn parse(node: &NodeView<'_>) -> Result<Box<dyn Operator>, Vec<String>> {
    node.arity(3, 1);
    node.data(0);
    let a = &node.attributes;
    for name in ["axis", "saturate"] {
        a.ignore(name);
    }
    for name in ["block_size", "output_dtype", "precision"] {
        a.int_of(name, 0, &[0]);
    }
    let scale = node.constant(1, "the scale").and_then(|c| node.floats(c));
    let zero = node.optional(2);
    let scale = match scale {
        Some([scale]) if *scale > 0.0 => Some(*scale),
        Some(values) => {
            let scales = super::list(values);
            a.problem(format!("scales [{scales}]; supported: one positive scale per tensor"));
            None
        }
        None => None,
    };
    let range = zero.map_or([0, 255], |c| c.integer_range);
    let zero_point = zero.and_then(|c| c.ints()?.first().copied()).unwrap_or(0);
    let dequantize = node.proto.op_type.as_deref() == Some("DequantizeLinear");
    node.done(scale.map(|scale| Qdq { grid: Grid { scale, zero_point, range }, dequantize }))
}

impl Operator for Qdq {
    fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        Ok(one(inputs)?.to_vec())
    }

    fn forward(&self, inputs: &[Value<'_>], _: &[usize]) -> Vec<f32> {
        let Grid { scale, zero_point, range: [low, high] } = self.grid;
        let zero = zero_point as f32;
        let quantize =
            |v: &f32| ((v / scale).round_ties_even() + zero).clamp(low as f32, high as f32);
        let dequantize = |v: &f32| (v - zero) * scale;
        if self.dequantize {
            inputs[0].data.iter().map(dequantize).collect()
        } else {
            inputs[0].data.iter().map(quantize).collect()
        }
    }

    fn lower(&self, _: &[Shape]) -> Lowering<'_> {
        Lowering::Unsupported(
            "supported: QuantizeLinear that only DequantizeLinear of the same scale and zero point read"
                .into(),
        )
    }

    fn grid(&self) -> Option<&Grid> {
        Some(&self.grid)
    }
}

/// Value of a `DequantizeLinear` whose inputs are all constants.
pub(crate) fn dequantized(
    node: &NodeProto,
    inputs: &[&Constant],
) -> Result<Constant, ConstantError> {
    let name = node.output.first().cloned().unwrap_or_default();
    let fail = |problem: String| ConstantError { tensor: name.clone(), problem };
    let attributes = Attributes::new(&node.attribute);
    let axis = attributes.int("axis", 1);
    attributes.int_of("block_size", 0, &[0]);
    attributes.int_of("output_dtype", 0, &[0]);
    attributes.finish().map_err(|problems| fail(problems.join("; ")))?;
    let [data, scale, rest @ ..] = inputs else { return Err(fail("no scale".into())) };
    let (Some(integers), Some(scales)) = (data.ints(), scale.floats()) else {
        return Err(fail("expected integers and float scales".into()));
    };
    let zeros = match rest.first() {
        Some(zero) => zero.ints().ok_or_else(|| fail("zero points are floats".into()))?.to_vec(),
        None => vec![0; scales.len()],
    };
    let axis = if axis < 0 { axis + data.dims.len() as i64 } else { axis };
    let axis = if scales.len() == 1 { 0 } else { usize::try_from(axis).unwrap_or(usize::MAX) };
    let extent = data.dims.get(axis).copied().unwrap_or(1);
    if zeros.len() != scales.len() || (scales.len() != 1 && scales.len() != extent) {
        let (s, z) = (scales.len(), zeros.len());
        return Err(fail(format!("{s} scales and {z} zero points for {extent} slices")));
    }
    let inner: usize = data.dims.iter().skip(axis + 1).product::<usize>().max(1);
    let slice = |at: usize| if scales.len() == 1 { 0 } else { at / inner % extent };
    let value = |(at, &q): (usize, &i64)| (q - zeros[slice(at)]) as f32 * scales[slice(at)];
    let values = integers.iter().enumerate().map(value).collect();
    let mut constant = Constant::new(name.clone(), data.dims.clone(), Values::Float(values));
    // With a zero point the grid is not symmetric; the weights are then quantized again.
    if zeros.iter().all(|z| *z == 0) {
        constant.grid = Some((axis, scales.to_vec()));
    }
    Ok(constant)
}
