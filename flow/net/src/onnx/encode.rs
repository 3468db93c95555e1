//! Encoding of values of constant tensors.

use super::{Constant, ConstantError, TensorProto, data_type};

impl TensorProto {
    /// A tensor of 32-bit floats; `values` are row-major, none of `dims` for a scalar.
    #[must_use]
    pub fn of_floats(name: &str, dims: &[usize], values: &[f32]) -> Self {
        Self::raw(name, dims, data_type::FLOAT, values.iter().flat_map(|v| v.to_le_bytes()))
    }

    /// A tensor of integers of element type `kind`: `INT4` (two to a byte, the first in the lower half),
    /// `INT8`, `INT16` or `INT32`.
    ///
    /// # Errors
    /// A value is out of the range of `kind`, or `kind` is none of these.
    pub fn of_integers(
        name: &str,
        dims: &[usize],
        kind: i32,
        values: &[i64],
    ) -> Result<Self, ConstantError> {
        let fail = |problem: String| ConstantError { tensor: name.to_string(), problem };
        let bits = match kind {
            data_type::INT4 => 4,
            data_type::INT8 => 8,
            data_type::INT16 => 16,
            data_type::INT32 => 32,
            other => return Err(fail(format!("element type {other}; expected signed integers"))),
        };
        let range = -(1i64 << (bits - 1))..1i64 << (bits - 1);
        if let Some(value) = values.iter().find(|v| !range.contains(v)) {
            return Err(fail(format!("value {value} does not fit into {bits} bits")));
        }
        let bytes: Vec<u8> = if bits == 4 {
            let nibble = |v: Option<&i64>| v.map_or(0, |v| v.to_le_bytes()[0] & 0xf);
            values.chunks(2).map(|pair| nibble(pair.first()) | nibble(pair.get(1)) << 4).collect()
        } else {
            values.iter().flat_map(|v| v.to_le_bytes().into_iter().take(bits / 8)).collect()
        };
        Ok(Self::raw(name, dims, kind, bytes))
    }

    fn raw(name: &str, dims: &[usize], kind: i32, bytes: impl IntoIterator<Item = u8>) -> Self {
        Self {
            name: Some(name.to_string()),
            dims: dims.iter().map(|&d| d as i64).collect(),
            data_type: Some(kind),
            raw_data: Some(bytes.into_iter().collect()),
            ..Self::default()
        }
    }

    /// Replaces shape and values of a tensor of floats; its element type (of 16, 32 or 64 bits) stays. Values are
    /// rounded to the nearest value of that type. 0 stays 0.
    ///
    /// # Errors
    /// The tensor is not one of floats, the number of `values` does not match `dims`, or a value is out of range of the
    /// element type.
    pub fn set_floats(&mut self, dims: &[usize], values: &[f32]) -> Result<(), ConstantError> {
        let name = self.name.clone().unwrap_or_default();
        let fail = |problem: String| ConstantError { tensor: name.clone(), problem };
        if dims.iter().product::<usize>() != values.len() {
            return Err(fail(format!("{} values for shape {dims:?}", values.len())));
        }
        let range =
            |v: &f32| fail(format!("value {v} is out of range of the tensor's element type"));
        let short = |convert: fn(f32) -> Option<u16>| -> Result<Vec<u8>, ConstantError> {
            let bits = values.iter().map(|v| convert(*v).ok_or_else(|| range(v)));
            let bits: Result<Vec<u16>, _> = bits.collect();
            Ok(bits?.iter().flat_map(|b| b.to_le_bytes()).collect())
        };
        let bytes: Vec<u8> = match self.data_type.unwrap_or(0) {
            data_type::FLOAT => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            data_type::DOUBLE => values.iter().flat_map(|v| f64::from(*v).to_le_bytes()).collect(),
            data_type::FLOAT16 => short(f32_to_half)?,
            data_type::BFLOAT16 => short(f32_to_bfloat)?,
            other => {
                let text = "only floats of 16, 32 and 64 bits can be replaced";
                return Err(fail(format!("element type {other}; {text}")));
            }
        };
        self.dims = dims.iter().map(|&d| d as i64).collect();
        self.float_data.clear();
        self.double_data.clear();
        self.int32_data.clear();
        self.raw_data = Some(bytes);
        Ok(())
    }

    /// Replaces the values of a tensor of floats; shape and element type stay.
    ///
    /// # Errors
    /// As for [`TensorProto::set_floats`], and if the tensor itself cannot be decoded.
    pub fn replace_floats(&mut self, values: &[f32]) -> Result<(), ConstantError> {
        let old = Constant::decode(self)?;
        if old.len() != values.len() {
            let problem = format!("{} new values for {} old ones", values.len(), old.len());
            return Err(ConstantError { tensor: old.name, problem });
        }
        self.set_floats(&old.dims, values)
    }
}

/// The nearest IEEE 754 binary16, ties to even; `None` where that is not finite.
fn f32_to_half(value: f32) -> Option<u16> {
    let sign = ((value.to_bits() >> 16) & 0x8000) as u16;
    let magnitude = value.abs();
    let bits = if magnitude < 2f32.powi(-14) {
        // Without a leading one: a whole multiple of 2^-24. The product is exact.
        (magnitude * 2f32.powi(24)).round_ties_even() as u32
    } else {
        // NaN compares as not smaller and ends above the largest exponent, like infinity.
        (halfway_up(magnitude.to_bits(), 13) >> 13) - (112 << 10)
    };
    (bits < 0x7c00).then_some(sign | bits as u16)
}

/// The nearest 16-bit float with the exponent of a 32-bit one, ties to even; `None` if not finite.
fn f32_to_bfloat(value: f32) -> Option<u16> {
    let bits = halfway_up(value.abs().to_bits(), 16) >> 16;
    (bits < 0x7f80).then_some(((value.to_bits() >> 16) & 0x8000) as u16 | bits as u16)
}

/// `bits` so that cutting off the lowest `cut` rounds to nearest, ties to even.
fn halfway_up(bits: u32, cut: u32) -> u32 {
    bits + ((1 << (cut - 1)) - 1) + (bits >> cut & 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(kind: i32) -> TensorProto {
        TensorProto { data_type: Some(kind), name: Some("t".into()), ..TensorProto::default() }
    }

    #[test]
    fn every_float_type_comes_back() {
        let values = [0.0, -0.0, 1.5, -2.0, 0.1];
        for (kind, tolerance) in [
            (data_type::FLOAT, 0.0),
            (data_type::DOUBLE, 0.0),
            (data_type::FLOAT16, 1e-4),
            (data_type::BFLOAT16, 1e-3),
        ] {
            let mut t = tensor(kind);
            t.float_data = vec![7.0];
            t.set_floats(&[5], &values).unwrap();
            let back = Constant::decode(&t).unwrap();
            assert_eq!((back.dims.as_slice(), back.floats().unwrap()[0]), (&[5][..], 0.0));
            for (a, b) in back.floats().unwrap().iter().zip(&values) {
                assert!((a - b).abs() <= tolerance, "{kind}: {a} {b}");
            }
        }
        let error = tensor(data_type::FLOAT16).set_floats(&[1], &[1e5]).unwrap_err().to_string();
        assert!(error.contains("`t`") && error.contains("100000"), "{error}");
        assert!(tensor(data_type::BFLOAT16).set_floats(&[1], &[f32::MAX]).is_err());
        assert!(tensor(data_type::INT8).set_floats(&[1], &[1.0]).is_err());
        assert!(tensor(data_type::FLOAT).set_floats(&[2], &[1.0]).is_err());
    }

    /// Every 16-bit float is its own nearest one, and a value between two is rounded to the nearer.
    #[test]
    fn halves_round_to_nearest() {
        let decode = |bits: u16| {
            let t = TensorProto { raw_data: Some(bits.to_le_bytes().to_vec()), ..tensor(10) };
            Constant::decode(&TensorProto { dims: vec![1], ..t }).unwrap().floats().unwrap()[0]
        };
        for bits in 0..0x7bffu16 {
            let (a, b) = (decode(bits), decode(bits + 1));
            assert_eq!((f32_to_half(a), f32_to_half(-a)), (Some(bits), Some(bits | 0x8000)));
            let even = if bits % 2 == 0 { bits } else { bits + 1 };
            let middle = a + (b - a) / 2.0;
            assert_eq!(f32_to_half(middle), Some(even));
            assert_eq!(f32_to_half(middle.next_up()), Some(bits + 1));
            assert_eq!(f32_to_half(middle.next_down()), Some(bits));
        }
        assert_eq!(f32_to_half(65519.0), Some(0x7bff));
        for bad in [65520.0, f32::INFINITY, f32::NAN] {
            assert_eq!((f32_to_half(bad), f32_to_half(-bad)), (None, None));
        }
        assert_eq!(f32_to_bfloat(f32::NAN), None);
    }

    #[test]
    fn integers_of_every_width_come_back() {
        for (kind, most) in [
            (data_type::INT4, 7),
            (data_type::INT8, 127),
            (data_type::INT16, 32767),
            (data_type::INT32, 2_147_483_647),
        ] {
            let values = [most, -most - 1, -1, 0, 3];
            let t = TensorProto::of_integers("t", &[5], kind, &values).unwrap();
            assert_eq!(Constant::decode(&t).unwrap().ints().unwrap(), values);
            assert!(TensorProto::of_integers("t", &[1], kind, &[most + 1]).is_err());
        }
        assert!(TensorProto::of_integers("t", &[1], data_type::FLOAT, &[1]).is_err());
    }
}
