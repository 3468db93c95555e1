//! Folds constants and neutral elements that loop variables and Consts introduce.

use super::ir::{Expr, Op, Scope};
use super::range::{Range, range};

/// An equal expression of which the outermost operator is not superfluous.
pub(super) fn simplify(e: Expr, scope: &Scope) -> Expr {
    if matches!(e, Expr::Const(_) | Expr::Fit(_)) {
        return e;
    }
    let known = |e: &Expr| range(e, scope).and_then(Range::known);
    if let Some(v) = known(&e) {
        return Expr::Lit(v);
    }
    let Expr::Bin(op, a, b) = e else { return e };
    // The neutral element on the right, and whether it is neutral on the left, too.
    let (neutral, both) = match op {
        Op::Add | Op::Or | Op::Xor | Op::LogicalOr => (0, true),
        Op::Sub | Op::Shl => (0, false),
        Op::LogicalAnd | Op::Mul => (1, true),
        _ => return Expr::Bin(op, a, b),
    };
    match (known(&a), known(&b)) {
        (_, Some(v)) if v == neutral => *a,
        (Some(v), _) if v == neutral && both => *b,
        _ => Expr::Bin(op, a, b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::ir::{Dir, Net, Role, Sort, Ty};

    #[test]
    fn neutral_elements_go() {
        let ty = Ty { width: 4, signed: true, sort: Sort::Int };
        let net = Net { path: "x".into(), name: "x".into(), ty, role: Role::Own(Dir::In) };
        let scope = Scope { nets: vec![net], consts: Vec::new() };
        let x = || Expr::Net(0);
        let fold = |op, a, b| simplify(Expr::bin(op, a, b), &scope);
        assert_eq!(fold(Op::Add, Expr::Lit(0), x()), x());
        assert_eq!(fold(Op::Sub, x(), Expr::Lit(0)), x());
        assert_eq!(fold(Op::Sub, Expr::Lit(0), x()), Expr::bin(Op::Sub, Expr::Lit(0), x()));
        assert_eq!(fold(Op::Mul, Expr::Lit(0), x()), Expr::Lit(0));
        assert_eq!(fold(Op::Lt, x(), Expr::Lit(8)), Expr::Lit(1));
        // A shift by 0 still means that the value may be cut.
        assert_eq!(fold(Op::Shr, x(), Expr::Lit(0)), Expr::bin(Op::Shr, x(), Expr::Lit(0)));
    }
}
