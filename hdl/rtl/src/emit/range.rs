//! Exact value ranges of expressions.

use super::ir::{Expr, Op, Scope, Ty};

/// Inclusive bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) lo: i128,
    pub(super) hi: i128,
}

const FLAG: Range = Range { lo: 0, hi: 1 };

impl Range {
    const fn point(v: i128) -> Self {
        Self { lo: v, hi: v }
    }

    pub(super) fn of(ty: &Ty) -> Self {
        Self::bits(ty.width, ty.signed)
    }

    fn bits(width: usize, signed: bool) -> Self {
        match signed {
            true => Self { lo: -(1 << (width - 1)), hi: (1 << (width - 1)) - 1 },
            false => Self { lo: 0, hi: (1 << width) - 1 },
        }
    }

    /// The only value, if there is one.
    pub(super) fn known(self) -> Option<i128> {
        (self.lo == self.hi).then_some(self.lo)
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }

    fn within(self, other: Self) -> bool {
        other.lo <= self.lo && self.hi <= other.hi
    }

    /// Fewest bits that hold all values: unsigned if none is negative, else two's complement.
    pub(super) fn width(self) -> usize {
        match self.lo >= 0 {
            true => unsigned_width(self.hi).max(1),
            false => self.signed_width(),
        }
    }

    pub(super) fn signed_width(self) -> usize {
        let magnitude = |v: i128| unsigned_width(if v < 0 { !v } else { v });
        magnitude(self.lo).max(magnitude(self.hi)) + 1
    }

    /// Bounds of a monotone function of two variables from its corners.
    fn corners(corners: [Option<i128>; 4]) -> Option<Self> {
        let mut range: Option<Self> = None;
        for corner in corners {
            let point = Self::point(corner?);
            range = Some(range.map_or(point, |r| r.union(point)));
        }
        range
    }
}

fn unsigned_width(v: i128) -> usize {
    (128 - v.leading_zeros()) as usize
}

/// The exact range of `e`; `None` if it leaves 127 bits or shifts by a negative amount.
pub(super) fn range(e: &Expr, scope: &Scope) -> Option<Range> {
    Some(match e {
        Expr::Lit(v) => Range::point(*v),
        Expr::Const(c) => Range::point(scope.consts[*c].value),
        Expr::Net(n) => Range::of(&scope.nets[*n].ty),
        Expr::Bin(op, a, b) => binary(*op, range(a, scope)?, range(b, scope)?)?,
        Expr::Not(e) => {
            let r = range(e, scope)?;
            Range { lo: 1 - r.hi, hi: 1 - r.lo }
        }
        Expr::Neg(e) => {
            let r = range(e, scope)?;
            Range { lo: r.hi.checked_neg()?, hi: r.lo.checked_neg()? }
        }
        Expr::Any(e) => {
            let r = range(e, scope)?;
            match (r.known(), r.lo > 0 || r.hi < 0) {
                (Some(0), _) => Range::point(0),
                (_, true) => Range::point(1),
                _ => FLAG,
            }
        }
        Expr::All(_) | Expr::Bit(..) => FLAG,
        Expr::Cast { of, width, signed } => {
            let full = Range::bits(*width, *signed);
            range(of, scope).filter(|r| r.within(full)).unwrap_or(full)
        }
        Expr::Fit(e) => range(e, scope)?,
    })
}

fn binary(op: Op, a: Range, b: Range) -> Option<Range> {
    let corners = |f: &dyn Fn(i128, i128) -> Option<i128>| {
        Range::corners([f(a.lo, b.lo), f(a.lo, b.hi), f(a.hi, b.lo), f(a.hi, b.hi)])
    };
    match op {
        Op::Add => Some(Range { lo: a.lo.checked_add(b.lo)?, hi: a.hi.checked_add(b.hi)? }),
        Op::Sub => Some(Range { lo: a.lo.checked_sub(b.hi)?, hi: a.hi.checked_sub(b.lo)? }),
        Op::Mul => corners(&|x, y| x.checked_mul(y)),
        Op::Shl => corners(&|x, y| {
            let by = u32::try_from(y).ok().filter(|&y| y < 127)?;
            x.checked_mul(1i128.checked_shl(by)?)
        }),
        Op::Shr => corners(&|x, y| u32::try_from(y).ok().map(|y| x >> y.min(127))),
        Op::And | Op::Or | Op::Xor => Some(bitwise(op, a, b)),
        Op::LogicalAnd => Some(Range { lo: a.lo & b.lo, hi: a.hi & b.hi }),
        Op::LogicalOr => Some(Range { lo: a.lo | b.lo, hi: a.hi | b.hi }),
        _ => Some(compare(op, a, b)),
    }
}

fn bitwise(op: Op, a: Range, b: Range) -> Range {
    if let (Some(x), Some(y)) = (a.known(), b.known()) {
        return Range::point(match op {
            Op::And => x & y,
            Op::Or => x | y,
            _ => x ^ y,
        });
    }
    match (op, a.lo >= 0, b.lo >= 0) {
        (Op::And, true, true) => Range { lo: 0, hi: a.hi.min(b.hi) },
        (Op::And, true, false) => Range { lo: 0, hi: a.hi },
        (Op::And, false, true) => Range { lo: 0, hi: b.hi },
        (Op::Or, true, true) => {
            Range { lo: a.lo.max(b.lo), hi: Range::bits(unsigned_width(a.hi | b.hi), false).hi }
        }
        (_, true, true) => Range::bits(unsigned_width(a.hi | b.hi), false),
        _ => Range::bits(a.signed_width().max(b.signed_width()), true),
    }
}

fn compare(op: Op, a: Range, b: Range) -> Range {
    let (always, never) = match op {
        Op::Lt => (a.hi < b.lo, a.lo >= b.hi),
        Op::Le => (a.hi <= b.lo, a.lo > b.hi),
        Op::Gt => (a.lo > b.hi, a.hi <= b.lo),
        Op::Ge => (a.lo >= b.hi, a.hi < b.lo),
        _ => {
            let apart = a.hi < b.lo || b.hi < a.lo;
            let same = a.known().is_some() && a == b;
            if op == Op::Eq { (same, apart) } else { (apart, same) }
        }
    };
    match (always, never) {
        (true, _) => Range::point(1),
        (_, true) => Range::point(0),
        _ => FLAG,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact(op: Op, x: i128, y: i128) -> i128 {
        match op {
            Op::Add => x + y,
            Op::Sub => x - y,
            Op::Mul => x * y,
            Op::And => x & y,
            Op::Or => x | y,
            Op::Xor => x ^ y,
            Op::Shl => x << y,
            Op::Shr => x >> y,
            Op::Eq => i128::from(x == y),
            Op::Ne => i128::from(x != y),
            Op::Lt => i128::from(x < y),
            Op::Le => i128::from(x <= y),
            Op::Gt => i128::from(x > y),
            Op::Ge => i128::from(x >= y),
            Op::LogicalAnd => x & y & 1,
            Op::LogicalOr => (x | y) & 1,
        }
    }

    const OPS: [Op; 14] = [
        Op::Add,
        Op::Sub,
        Op::Mul,
        Op::And,
        Op::Or,
        Op::Xor,
        Op::Shl,
        Op::Shr,
        Op::Eq,
        Op::Ne,
        Op::Lt,
        Op::Le,
        Op::Gt,
        Op::Ge,
    ];

    proptest! {
        #[test]
        fn ranges_contain_their_values(
            op in 0..OPS.len(),
            (a, b) in (-300i128..300, -300i128..300),
            (c, d) in (-300i128..300, -300i128..300),
            (s, t) in (0.0..1.0f64, 0.0..1.0f64),
        ) {
            let op = OPS[op];
            let x = Range { lo: a.min(b), hi: a.max(b) };
            let mut y = Range { lo: c.min(d), hi: c.max(d) };
            if matches!(op, Op::Shl | Op::Shr) {
                y = Range { lo: y.lo.abs().min(y.hi.abs()) / 8, hi: y.lo.abs().max(y.hi.abs()) / 8 };
            }
            let pick = |r: Range, f: f64| r.lo + ((r.hi - r.lo) as f64 * f) as i128;
            let r = binary(op, x, y).unwrap();
            let v = exact(op, pick(x, s), pick(y, t));
            prop_assert!(r.lo <= v && v <= r.hi, "{op:?} {x:?} {y:?}: {v} not in {r:?}");
        }

        #[test]
        fn widths_hold_their_values(lo in -70_000i128..70_000, more in 0i128..70_000) {
            let r = Range { lo, hi: lo + more };
            prop_assert!(r.within(Range::bits(r.width(), lo < 0)));
            prop_assert!(r.within(Range::bits(r.signed_width(), true)));
            if r.width() > 1 {
                prop_assert!(!r.within(Range::bits(r.width() - 1, lo < 0)));
            }
        }
    }
}
