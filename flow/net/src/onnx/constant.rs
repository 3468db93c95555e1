//! Values of constant tensors, whatever their encoding.

use thiserror::Error;

use super::{TensorProto, data_type};

/// Reason why a constant tensor cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("tensor `{tensor}`: {problem}")]
pub struct ConstantError {
    /// Tensor name.
    pub tensor: String,
    /// The problem.
    pub problem: String,
}

/// Values of a constant, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Of any float type.
    Float(Vec<f32>),
    /// Of any integer type or boolean.
    Int(Vec<i64>),
}

/// A constant tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// Name.
    pub name: String,
    /// Extent of each axis; none for a scalar.
    pub dims: Vec<usize>,
    /// As many values as the product of `dims`.
    pub values: Values,
    /// For floats that the file holds as integers around 0: the axis along which the real value of one unit
    /// changes, and these values (a single one for the whole tensor).
    pub grid: Option<(usize, Vec<f32>)>,
    /// Smallest and largest number of the element type for integers of 4, 8 and 16 bits, else those of 8
    /// unsigned bits.
    pub integer_range: [i64; 2],
}

impl Constant {
    /// A constant that is not on an integer grid.
    pub fn new(name: String, dims: Vec<usize>, values: Values) -> Self {
        Self { name, dims, values, grid: None, integer_range: [0, 255] }
    }

    /// Real value of one unit for each of `count` slices along `axis`, if the file holds integers with
    /// such units; otherwise empty.
    pub fn units(&self, axis: usize, count: usize) -> Vec<f64> {
        match &self.grid {
            Some((_, units)) if units.len() == 1 => vec![f64::from(units[0]); count],
            Some((along, units)) if *along == axis && units.len() == count => {
                units.iter().map(|u| f64::from(*u)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Float(v) => v.len(),
            Values::Int(v) => v.len(),
        }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values if they are floats.
    pub fn floats(&self) -> Option<&[f32]> {
        match &self.values {
            Values::Float(v) => Some(v),
            Values::Int(_) => None,
        }
    }

    /// The values if they are integers.
    pub fn ints(&self) -> Option<&[i64]> {
        match &self.values {
            Values::Int(v) => Some(v),
            Values::Float(_) => None,
        }
    }

    /// Decodes a tensor. Memory is allocated for present values only, whatever `dims` says.
    ///
    /// # Errors
    /// Negative or overflowing dimensions, a number of values that differs from their product, an
    /// element type that is not numeric, and values in an external file.
    pub fn decode(tensor: &TensorProto) -> Result<Self, ConstantError> {
        let name = tensor.name.clone().unwrap_or_default();
        let fail = |problem: String| ConstantError { tensor: name.clone(), problem };
        if tensor.data_location == Some(1) {
            return Err(fail(
                "values in an external file, of a model that was not read from one".into(),
            ));
        }
        if tensor.segment.is_some() {
            return Err(fail("segmented tensor".into()));
        }
        let dims: Option<Vec<usize>> =
            tensor.dims.iter().map(|&d| usize::try_from(d).ok()).collect();
        let dims = dims.ok_or_else(|| fail(format!("negative extent in {:?}", tensor.dims)))?;
        let expected = dims
            .iter()
            .try_fold(1usize, |n, &d| n.checked_mul(d))
            .ok_or_else(|| fail(format!("shape {dims:?} is too large")))?;
        let values = match tensor.raw_data.as_deref() {
            Some(raw) if !raw.is_empty() => from_raw(tensor.data_type.unwrap_or(0), raw),
            _ => from_fields(tensor),
        }
        .map_err(&fail)?;
        let mut constant = Self::new(name.clone(), dims, values);
        if let (Some(data_type::INT4 | data_type::UINT4), Values::Int(values)) =
            (tensor.data_type, &mut constant.values)
            && values.len() == expected + 1
        {
            // An odd number of values leaves half of the last byte over.
            values.pop();
        }
        constant.integer_range = match tensor.data_type {
            Some(data_type::INT4) => [-8, 7],
            Some(data_type::UINT4) => [0, 15],
            Some(data_type::INT8) => [-128, 127],
            Some(data_type::INT16) => [-32768, 32767],
            Some(data_type::UINT16) => [0, 65535],
            _ => constant.integer_range,
        };
        if constant.len() != expected {
            return Err(fail(format!(
                "{} values for shape {:?}, which has {expected}",
                constant.len(),
                constant.dims
            )));
        }
        Ok(constant)
    }
}

fn unsupported(kind: i32) -> String {
    format!("element type {kind}; supported: floats of 16, 32 and 64 bits, integers, booleans")
}

fn from_raw(kind: i32, raw: &[u8]) -> Result<Values, String> {
    fn split<const N: usize, T>(raw: &[u8], f: fn([u8; N]) -> T) -> Result<Vec<T>, String> {
        let (elements, rest) = raw.as_chunks::<N>();
        if !rest.is_empty() {
            return Err(format!("{} raw bytes are no multiple of {N}", raw.len()));
        }
        Ok(elements.iter().map(|&e| f(e)).collect())
    }
    use data_type::*;
    Ok(match kind {
        FLOAT => Values::Float(split(raw, f32::from_le_bytes)?),
        DOUBLE => Values::Float(split(raw, |b| f64::from_le_bytes(b) as f32)?),
        FLOAT16 => Values::Float(split(raw, |b| half_to_f32(u16::from_le_bytes(b)))?),
        BFLOAT16 => Values::Float(split(raw, |b| bfloat_to_f32(u16::from_le_bytes(b)))?),
        UINT8 | BOOL => Values::Int(split(raw, |b: [u8; 1]| i64::from(b[0]))?),
        INT8 => Values::Int(split(raw, |b| i64::from(i8::from_le_bytes(b)))?),
        INT4 | UINT4 => Values::Int(raw.iter().flat_map(|&b| nibbles(b, kind == INT4)).collect()),
        UINT16 => Values::Int(split(raw, |b| i64::from(u16::from_le_bytes(b)))?),
        INT16 => Values::Int(split(raw, |b| i64::from(i16::from_le_bytes(b)))?),
        INT32 => Values::Int(split(raw, |b| i64::from(i32::from_le_bytes(b)))?),
        UINT32 => Values::Int(split(raw, |b| i64::from(u32::from_le_bytes(b)))?),
        INT64 => Values::Int(split(raw, i64::from_le_bytes)?),
        UINT64 => Values::Int(unsigned(&split(raw, u64::from_le_bytes)?)?),
        other => return Err(unsupported(other)),
    })
}

fn from_fields(tensor: &TensorProto) -> Result<Values, String> {
    use data_type::*;
    let small = &tensor.int32_data;
    Ok(match tensor.data_type.unwrap_or(0) {
        FLOAT => Values::Float(tensor.float_data.clone()),
        DOUBLE => Values::Float(tensor.double_data.iter().map(|&v| v as f32).collect()),
        FLOAT16 => Values::Float(small.iter().map(|&v| half_to_f32(v as u16)).collect()),
        BFLOAT16 => Values::Float(small.iter().map(|&v| bfloat_to_f32(v as u16)).collect()),
        UINT8 | INT8 | UINT16 | INT16 | INT32 | BOOL => {
            Values::Int(small.iter().map(|&v| i64::from(v)).collect())
        }
        kind @ (INT4 | UINT4) => {
            Values::Int(small.iter().flat_map(|&v| nibbles(v as u8, kind == INT4)).collect())
        }
        INT64 => Values::Int(tensor.int64_data.clone()),
        UINT32 | UINT64 => Values::Int(unsigned(&tensor.uint64_data)?),
        other => return Err(unsupported(other)),
    })
}

fn unsigned(values: &[u64]) -> Result<Vec<i64>, String> {
    values
        .iter()
        .map(|&v| i64::try_from(v).map_err(|_| format!("value {v} exceeds {}", i64::MAX)))
        .collect()
}

/// The two integers in a byte, that of the lower half first.
fn nibbles(byte: u8, signed: bool) -> [i64; 2] {
    let extend = |v: u8| i64::from(v) - if signed && v >= 8 { 16 } else { 0 };
    [extend(byte & 0xf), extend(byte >> 4)]
}

/// Converts IEEE 754 binary16.
fn half_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let exponent = u32::from(bits >> 10) & 0x1f;
    let fraction = u32::from(bits) & 0x3ff;
    match exponent {
        0 => {
            let magnitude = fraction as f32 * 2f32.powi(-24);
            if sign == 0 { magnitude } else { -magnitude }
        }
        0x1f => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

fn bfloat_to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(kind: i32, dims: &[i64]) -> TensorProto {
        TensorProto {
            data_type: Some(kind),
            dims: dims.to_vec(),
            name: Some("t".into()),
            ..TensorProto::default()
        }
    }

    #[test]
    fn every_encoding_gives_the_same_values() {
        let raw =
            |kind, bytes: Vec<u8>| TensorProto { raw_data: Some(bytes), ..tensor(kind, &[2]) };
        let floats = [
            raw(data_type::FLOAT, [1.5f32, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect()),
            raw(data_type::DOUBLE, [1.5f64, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect()),
            raw(data_type::FLOAT16, vec![0x00, 0x3e, 0x00, 0xc0]),
            raw(data_type::BFLOAT16, vec![0xc0, 0x3f, 0x00, 0xc0]),
            TensorProto { float_data: vec![1.5, -2.0], ..tensor(data_type::FLOAT, &[2]) },
            TensorProto { int32_data: vec![0x3e00, 0xc000], ..tensor(data_type::FLOAT16, &[2]) },
        ];
        for t in floats {
            assert_eq!(Constant::decode(&t).unwrap().floats().unwrap(), [1.5, -2.0]);
        }
        let ints = [
            raw(data_type::INT8, vec![3, 0xfe]),
            raw(data_type::INT64, [3i64, -2].iter().flat_map(|v| v.to_le_bytes()).collect()),
            TensorProto { int64_data: vec![3, -2], ..tensor(data_type::INT64, &[2]) },
            TensorProto { int32_data: vec![3, -2], ..tensor(data_type::INT16, &[2]) },
        ];
        for t in ints {
            assert_eq!(Constant::decode(&t).unwrap().ints().unwrap(), [3, -2]);
        }
    }

    #[test]
    fn half_precision_extremes() {
        assert_eq!(half_to_f32(0x0001), 2f32.powi(-24));
        assert_eq!(half_to_f32(0x7bff), 65504.0);
        assert_eq!(half_to_f32(0xfc00), f32::NEG_INFINITY);
        assert!(half_to_f32(0x7e00).is_nan());
    }

    #[test]
    fn absurd_shapes_are_refused_without_memory() {
        for dims in [vec![i64::MAX, i64::MAX], vec![-1], vec![1 << 40], vec![1 << 62]] {
            let t = tensor(data_type::FLOAT, &dims);
            assert!(Constant::decode(&t).unwrap_err().to_string().contains("`t`"));
        }
        assert!(Constant::decode(&tensor(8, &[0])).unwrap_err().to_string().contains("type 8"));
    }
}
