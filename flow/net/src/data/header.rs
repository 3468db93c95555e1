//! The header of an array in numpy's format: element type, order and shape.

use std::io::Read;

/// Longest header in bytes; that of an array of 32 axes is below 1,000.
const MOST_HEADER: usize = 1 << 16;
/// Most axes of an array, as in numpy 1.
const MOST_AXES: usize = 32;

/// Types of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ElementType {
    Float,
    Signed,
    Unsigned,
    Bool,
}

/// Encoding of an element in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    kind: ElementType,
    /// Bytes: 1, 2, 4 or 8.
    pub(super) width: usize,
    big_endian: bool,
}

/// Header of an array, in front of its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) element: Element,
    /// Whether the first axis runs fastest, instead of the last.
    pub(super) fortran: bool,
    /// Extent of each axis.
    pub(super) shape: Vec<usize>,
    /// Bytes of the header itself.
    pub(super) bytes: u64,
}

impl Element {
    /// Parses numpy's name of the type, such as `<f4`.
    fn parse(descr: &str) -> Option<Self> {
        let (order, name) = descr.split_at_checked(1)?;
        let big_endian = match order {
            "<" | "|" | "=" => false,
            ">" => true,
            _ => return None,
        };
        let (kind, width) = match name {
            "f4" => (ElementType::Float, 4),
            "f8" => (ElementType::Float, 8),
            "i1" => (ElementType::Signed, 1),
            "i2" => (ElementType::Signed, 2),
            "i4" => (ElementType::Signed, 4),
            "i8" => (ElementType::Signed, 8),
            "u1" => (ElementType::Unsigned, 1),
            "u2" => (ElementType::Unsigned, 2),
            "u4" => (ElementType::Unsigned, 4),
            "u8" => (ElementType::Unsigned, 8),
            "b1" => (ElementType::Bool, 1),
            _ => return None,
        };
        Some(Self { kind, width, big_endian })
    }

    /// The bytes of an element, the lowest first, padded to eight.
    fn low_first(self, bytes: &[u8]) -> [u8; 8] {
        let fill = match (self.kind, if self.big_endian { bytes.first() } else { bytes.last() }) {
            (ElementType::Signed, Some(high)) if high & 0x80 != 0 => 0xff,
            _ => 0,
        };
        let mut all = [fill; 8];
        for (at, byte) in bytes.iter().take(8).enumerate() {
            all[if self.big_endian { bytes.len() - 1 - at } else { at }] = *byte;
        }
        all
    }

    /// The element in `bytes` as a float.
    pub(super) fn float(self, bytes: &[u8]) -> f32 {
        // The two types of large data sets come first.
        match (self.kind, bytes) {
            (ElementType::Float, &[a, b, c, d]) if !self.big_endian => {
                return f32::from_le_bytes([a, b, c, d]);
            }
            (ElementType::Unsigned, &[value]) => return value.into(),
            _ => {}
        }
        let all = self.low_first(bytes);
        let [a, b, c, d, ..] = all;
        match (self.kind, self.width) {
            (ElementType::Float, 4) => f32::from_le_bytes([a, b, c, d]),
            (ElementType::Float, _) => f64::from_le_bytes(all) as f32,
            (ElementType::Signed, _) => i64::from_le_bytes(all) as f32,
            (ElementType::Unsigned, _) => u64::from_le_bytes(all) as f32,
            (ElementType::Bool, _) => f32::from(u8::from(a != 0)),
        }
    }

    /// Whether the elements can be indices or labels.
    pub(super) fn is_integer(self) -> bool {
        self.kind != ElementType::Float
    }

    /// The element in `bytes` as an index or label.
    ///
    /// # Errors
    /// The element as text, if it is negative or beyond this machine.
    pub(super) fn index(self, bytes: &[u8]) -> Result<usize, String> {
        let all = self.low_first(bytes);
        match self.kind {
            ElementType::Float => Err("a float".into()),
            ElementType::Signed => {
                let value = i64::from_le_bytes(all);
                usize::try_from(value).map_err(|_| value.to_string())
            }
            ElementType::Unsigned => {
                let value = u64::from_le_bytes(all);
                usize::try_from(value).map_err(|_| value.to_string())
            }
            ElementType::Bool => Ok(usize::from(all[0] != 0)),
        }
    }
}

impl Header {
    /// Reads the header and leaves `reader` at the first value.
    ///
    /// # Errors
    /// The problem of the header.
    pub(super) fn read(reader: &mut impl Read) -> Result<Self, String> {
        let mut take = |count: usize| -> Result<Vec<u8>, String> {
            let mut bytes = vec![0; count];
            reader.read_exact(&mut bytes).map_err(|e| format!("truncated or damaged: {e}"))?;
            Ok(bytes)
        };
        let magic = take(8)?;
        let (start, version) = magic.split_at(6);
        if start != b"\x93NUMPY" {
            return Err("no array in numpy's format".into());
        }
        let digits = match version {
            [1, _] => 2,
            [2 | 3, _] => 4,
            other => return Err(format!("format version {other:?}; supported: 1 to 3")),
        };
        let length = take(digits)?.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        if length > MOST_HEADER {
            return Err(format!("a header of {length} bytes; allowed: at most {MOST_HEADER}"));
        }
        let text = String::from_utf8(take(length)?).map_err(|_| "a header that is no text")?;
        let (element, fortran, shape) = dictionary(&text)?;
        Ok(Self { element, fortran, shape, bytes: (magic.len() + digits + length) as u64 })
    }

    /// Bytes of the header and all values, if the number does not overflow.
    pub(super) fn total_bytes(&self) -> Option<u64> {
        let values = match self.shape.contains(&0) {
            true => 0,
            false => self.shape.iter().try_fold(1u64, |n, &d| n.checked_mul(d as u64))?,
        };
        values.checked_mul(self.element.width as u64)?.checked_add(self.bytes)
    }
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, which has no nested values.
fn dictionary(text: &str) -> Result<(Element, bool, Vec<usize>), String> {
    let damaged = || "a damaged header".to_string();
    let inner = text.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let mut rest = inner.ok_or_else(damaged)?.trim_start();
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    while !rest.is_empty() {
        let (key, behind) = quoted(rest).ok_or_else(damaged)?;
        let value = behind.trim_start().strip_prefix(':').ok_or_else(damaged)?.trim_start();
        let end = match key {
            "descr" => {
                let (name, behind) =
                    quoted(value).ok_or("elements of several fields; supported: numbers")?;
                descr = Some(name);
                behind
            }
            "fortran_order" => {
                let known = [("True", true), ("False", false)];
                let (word, order) =
                    known.into_iter().find(|k| value.starts_with(k.0)).ok_or_else(damaged)?;
                fortran = Some(order);
                &value[word.len()..]
            }
            "shape" => {
                let (list, behind) =
                    value.strip_prefix('(').and_then(|v| v.split_once(')')).ok_or_else(damaged)?;
                shape = Some(extents(list)?);
                behind
            }
            _ => return Err(damaged()),
        };
        let end = end.trim_start();
        rest = end.strip_prefix(',').unwrap_or(end).trim_start();
    }
    let (Some(descr), Some(fortran), Some(shape)) = (descr, fortran, shape) else {
        return Err(damaged());
    };
    let element = Element::parse(descr).ok_or_else(|| {
        let shown: String = descr.chars().take(16).collect();
        format!(
            "element type `{shown}` is not supported; supported: floats of 32 and 64 bits, integers, booleans"
        )
    })?;
    Ok((element, fortran, shape))
}

fn extents(list: &str) -> Result<Vec<usize>, String> {
    let numbers = list.split(',').map(str::trim).filter(|text| !text.is_empty());
    // Python 2 wrote `3L`.
    let number = |text: &str| text.trim_end_matches('L').parse::<usize>();
    let shape: Result<Vec<usize>, _> = numbers.take(MOST_AXES + 1).map(number).collect();
    let shape = shape.map_err(|_| "a shape with other than whole numbers".to_string())?;
    if shape.len() > MOST_AXES {
        return Err(format!("more than {MOST_AXES} axes"));
    }
    Ok(shape)
}

/// A text in quotes, and the rest.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(descr: &str) -> Element {
        Element::parse(descr).unwrap()
    }

    #[test]
    fn elements_of_every_width_and_order() {
        assert_eq!(element("<f4").float(&1.5f32.to_le_bytes()), 1.5);
        assert_eq!(element(">f8").float(&(-2.5f64).to_be_bytes()), -2.5);
        assert_eq!(element("<i2").float(&(-3i16).to_le_bytes()), -3.0);
        assert_eq!(element(">i4").float(&(-70_000i32).to_be_bytes()), -70_000.0);
        assert_eq!(element("|u1").index(&[255]), Ok(255));
        assert_eq!(element("|i1").index(&[255]), Err("-1".into()));
        assert_eq!(element(">u2").index(&[1, 0]), Ok(256));
        assert_eq!(element("|b1").float(&[1]), 1.0);
        for bad in ["", "<c8", "|O", "<f2", "f4", "é4"] {
            assert_eq!(Element::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn dictionaries_in_any_spelling() {
        let (_, fortran, shape) =
            dictionary("{\"shape\": (3L,), 'fortran_order': True, 'descr': '<i8'}").unwrap();
        assert_eq!((fortran, shape), (true, vec![3]));
        let many =
            format!("{{'descr': '<i8', 'fortran_order': True, 'shape': ({})}}", "1,".repeat(33));
        for bad in [
            "",
            "{}",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': ((((",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': '<f4', 'fortran_order': maybe, 'shape': ()}",
            &many,
        ] {
            assert!(dictionary(bad).is_err(), "{bad}");
        }
    }
}
