//! [`Value`]: the exact integer on a [`Wire`](super::Wire).

use std::cmp::Ordering;
use std::ops::{Add, BitAnd, BitOr, BitXor, Mul, Neg, Shl, Shr, Sub};

/// Largest width of a wire in bits.
pub const MAX_WIDTH: usize = 64;

/// Flag in the result of [`Value::bits`] that marks a sign-extending cast.
///
/// The cast of the `hdl_gen` macro has only one `usize` as argument, so the signedness of [`bits_signed`] is encoded
/// above the largest legal width.
pub(crate) const SIGNED_CAST: usize = 1 << 16;

/// An exact integer: the mathematical value of a signal or of an expression over signals.
///
/// Operators never lose bits: `a.val() + b.val()` is the true sum, whatever the widths. A value is
/// wrapped to a width only when it is assigned to a [`Wire`](super::Wire), or by [`bits`] and
/// [`bits_signed`]. The emitter gives the Verilog the same meaning and refuses expressions whose
/// exact range leaves 127 bits.
///
/// `+ - * & | ^` and comparisons take a `Value` on both sides (`5.into()` makes one); `<<` and
/// `>>` also take plain integers. `&`, `|`, `^` and `>>` act on the infinite two's complement
/// form, so `>>` is arithmetic (rounds towards minus infinity).
#[derive(Clone, Copy, Debug, Default)]
pub struct Value {
    v: i128,
    /// Width of the wire or cast this came from, with [`SIGNED_CAST`]; 0 for a computed value.
    width: usize,
}

impl Value {
    pub(crate) const fn with_width(v: i128, width: usize) -> Self {
        Self { v, width }
    }

    /// The integer itself.
    pub const fn as_i128(self) -> i128 {
        self.v
    }

    /// The low 64 bits, two's complement.
    pub const fn as_i64(self) -> i64 {
        self.v as i64
    }

    /// The low 64 bits, unsigned.
    pub const fn as_u64(self) -> u64 {
        self.v as u64
    }

    /// The value as an index, for `match self.op.val().index() { 0 => .., _ => .. }`.
    ///
    /// # Panics
    /// If the value is negative or beyond `usize`.
    #[allow(clippy::expect_used)] // documented panic: a negative index is a design error
    pub fn index(self) -> usize {
        usize::try_from(self.v).expect("a value used as an index must not be negative")
    }

    /// Bit `i` of the infinite two's complement form.
    pub fn get_bit(self, i: impl Into<Value>) -> bool {
        let i = i.into().v;
        assert!(i >= 0, "bit index {i} is negative");
        (self.v >> i.min(127)) & 1 == 1
    }

    /// Whether any bit is set, i.e. the value is not zero.
    pub const fn any(self) -> bool {
        self.v != 0
    }

    /// Whether all bits of the wire or cast are set; of a computed value: whether it is -1.
    pub const fn all(self) -> bool {
        match self.width & !SIGNED_CAST {
            0 => self.v == -1,
            w => wrap(self.v, w, true) == -1,
        }
    }

    /// Width in bits of the cast or wire this value came from (0 if computed), with a flag above
    /// bit 16 for a signed cast. The `hdl_gen` macro calls this on casts; blocks have no use for it.
    pub const fn bits(self) -> usize {
        self.width
    }

    fn computed(v: i128) -> Self {
        Self { v, width: 0 }
    }
}

/// Wraps `v` to `width` bits: two's complement if `signed`, else modulo `2^width`.
pub const fn wrap(v: i128, width: usize, signed: bool) -> i128 {
    let up = 128 - width as u32;
    if signed { (v << up) >> up } else { ((v as u128) << up >> up) as i128 }
}

/// The low `width` bits of `v` as an unsigned number.
///
/// The `hdl_gen` macro evaluates the whole call when the Verilog is made, so neither argument may
/// mention a loop variable; see [`unsigned_cast`] for loops.
///
/// # Panics
/// If `width` is not within 1..=64.
pub fn bits(v: Value, width: usize) -> Value {
    check_width(width);
    Value { v: wrap(v.v, width, false), width }
}

/// The low `width` bits of `v` as a two's complement number; restrictions as for [`bits`].
///
/// # Panics
/// If `width` is not within 1..=64.
pub fn bits_signed(v: Value, width: usize) -> Value {
    check_width(width);
    Value { v: wrap(v.v, width, true), width: width | SIGNED_CAST }
}

/// Marks that the assignment `target.next = unsigned_cast(v)` keeps only the low bits of `v` that
/// fit the target. Legal as the outermost call of a right-hand side, loops included.
pub fn unsigned_cast(v: Value) -> Value {
    v
}

/// The bits of a wire read as a two's complement number of the wire's width.
///
/// # Panics
/// If `v` is a computed value, which has no width.
pub fn signed_cast(v: Value) -> Value {
    let width = v.width & !SIGNED_CAST;
    check_width(width);
    Value { v: wrap(v.v, width, true), width: width | SIGNED_CAST }
}

pub(crate) fn check_width(width: usize) {
    assert!((1..=MAX_WIDTH).contains(&width), "width {width} is not within 1..={MAX_WIDTH}");
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.v == other.v
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        self.v.cmp(&other.v)
    }
}

macro_rules! from_integer {
    ($($t:ty),+) => {$(
        impl From<$t> for Value {
            fn from(x: $t) -> Self {
                Self::computed(x as i128)
            }
        }
    )+};
}

from_integer!(u64, u32, u16, u8, usize, i128, i64, i32);

impl From<bool> for Value {
    fn from(x: bool) -> Self {
        Self { v: i128::from(x), width: 1 }
    }
}

macro_rules! binary {
    ($($trait:ident $fn:ident $f:expr;)+) => {$(
        impl $trait for Value {
            type Output = Value;
            fn $fn(self, rhs: Value) -> Value {
                let f: fn(i128, i128) -> i128 = $f;
                Value::computed(f(self.v, rhs.v))
            }
        }
    )+};
}

binary! {
    Add add i128::wrapping_add;
    Sub sub i128::wrapping_sub;
    Mul mul i128::wrapping_mul;
    BitAnd bitand |a, b| a & b;
    BitOr bitor |a, b| a | b;
    BitXor bitxor |a, b| a ^ b;
}

impl Neg for Value {
    type Output = Value;
    fn neg(self) -> Value {
        Value::computed(self.v.wrapping_neg())
    }
}

impl<T: Into<Value>> Shl<T> for Value {
    type Output = Value;
    fn shl(self, by: T) -> Value {
        let by = by.into().v;
        assert!(by >= 0, "shift by {by} is negative");
        Value::computed(if by > 127 { 0 } else { self.v << by })
    }
}

impl<T: Into<Value>> Shr<T> for Value {
    type Output = Value;
    fn shr(self, by: T) -> Value {
        let by = by.into().v;
        assert!(by >= 0, "shift by {by} is negative");
        Value::computed(self.v >> by.min(127))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_both_ways() {
        assert_eq!(wrap(-1, 8, false), 255);
        assert_eq!(wrap(200, 8, true), -56);
        assert_eq!(wrap(-1, 64, false), i128::from(u64::MAX));
        assert_eq!(wrap(1 << 63, 64, true), i128::from(i64::MIN));
    }

    #[test]
    fn operators_are_exact() {
        let a: Value = u64::MAX.into();
        assert_eq!((a + 1.into()).as_i128(), 1 << 64);
        assert_eq!(Value::from(-5) >> 1, (-3).into());
        assert_eq!(Value::from(-5) >> 500usize, (-1).into());
        assert!(Value::from(-5) < 0.into());
        assert!(Value::from(5).get_bit(2) && !Value::from(5).get_bit(1));
    }

    #[test]
    fn casts_carry_their_width() {
        assert_eq!(bits((-1).into(), 4), 15.into());
        assert_eq!(bits_signed(15.into(), 4), (-1).into());
        assert_eq!(bits(0.into(), 7).bits(), 7);
        assert_eq!(bits_signed(0.into(), 7).bits(), 7 | SIGNED_CAST);
        assert!(bits((-1).into(), 9).all());
        assert_eq!(signed_cast(bits(200.into(), 8)), (-56).into());
    }
}
