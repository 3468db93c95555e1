//! Prints expressions at a given width.
//!
//! Every operand is printed exactly as wide as its context, by explicit extension, so that the text means the same
//! under any reading of Verilog's width and sign rules. `>>>` and signed products depend on the signedness of their
//! context and are shielded by `$unsigned(..)`, whose argument is a context of its own.

use super::ir::{Expr, NetId, Op, Scope};
use super::names::Taken;
use super::range::{Range, range};
use crate::wrap;

/// A printed expression.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) s: String,
    pub(super) shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape {
    /// A name, literal, select, or something in brackets.
    Atom,
    Op(Op),
    /// Must not be an operand without parentheses.
    Loose,
    /// Signed; must be shielded from an unsigned context.
    Signed,
}

impl Text {
    pub(super) fn atom(s: String) -> Self {
        Self { s, shape: Shape::Atom }
    }

    /// The text as the whole of an assignment or a condition.
    pub(super) fn root(self) -> String {
        self.s
    }

    pub(super) fn operand(self) -> String {
        match self.shape {
            Shape::Atom => self.s,
            Shape::Signed => format!("$unsigned({})", self.s),
            _ => format!("({})", self.s),
        }
    }

    /// The text as a context of its own, for instance in a concatenation.
    pub(super) fn alone(self) -> String {
        if self.shape == Shape::Signed { self.operand() } else { self.s }
    }
}

/// A wire that holds an intermediate value, because Verilog selects only from names.
#[derive(Debug)]
pub(super) struct Temp {
    pub(super) name: String,
    pub(super) width: usize,
    pub(super) text: String,
    pub(super) used: u128,
}

pub(super) struct Printer<'a> {
    pub(super) scope: &'a Scope,
    pub(super) taken: &'a mut Taken,
    /// Bits read of each net.
    pub(super) used: Vec<u64>,
    /// Which constants are printed by name.
    pub(super) consts: Vec<bool>,
    pub(super) temps: Vec<Temp>,
    pub(super) problems: Vec<(String, String)>,
    /// Name of the net that is being driven.
    pub(super) target: NetId,
}

impl Printer<'_> {
    pub(super) fn complain(&mut self, message: impl Into<String>) {
        self.problems.push((self.scope.nets[self.target].path.clone(), message.into()));
    }

    pub(super) fn range(&self, e: &Expr) -> Option<Range> {
        range(e, self.scope)
    }

    /// `e` as the right-hand side of a net of `w` bits.
    pub(super) fn assigned(&mut self, e: &Expr, w: usize) -> Text {
        match e {
            Expr::Fit(e) => self.print(e, w, true),
            _ => self.print(e, w, false),
        }
    }

    /// `e` modulo `2^w`, exactly `w` bits wide. Unless `cut`, an operand that is wider is refused.
    pub(super) fn print(&mut self, e: &Expr, w: usize, cut: bool) -> Text {
        match e {
            Expr::Net(n) => {
                let ty = &self.scope.nets[*n].ty;
                if ty.width > w && !cut {
                    let name = self.scope.nets[*n].path.clone();
                    let width = ty.width;
                    self.complain(format!(
                        "`{name}` has {width} bits, here fit {w}: cast it with bits(.., {w}) or \
                         unsigned_cast(..)"
                    ));
                }
                self.select(&self.source(*n), 0, w)
            }
            Expr::Lit(v) => self.literal(*v, w, cut),
            Expr::Const(c) => {
                let constant = &self.scope.consts[*c];
                match constant.ty.width == w {
                    true => {
                        self.consts[*c] = true;
                        Text::atom(constant.name.clone())
                    }
                    false => self.literal(constant.value, w, cut),
                }
            }
            Expr::Bin(op, a, b) => self.binary(*op, a, b, w, cut),
            Expr::Neg(e) => {
                let e = self.print(e, w, cut).operand();
                Text { s: format!("-{e}"), shape: Shape::Loose }
            }
            Expr::Not(_) | Expr::Any(_) | Expr::All(_) => {
                let flag = self.flag(e);
                self.widen(flag, w)
            }
            Expr::Bit(e, i) => self.bit(e, i, w),
            Expr::Cast { of, width, signed } => self.cast(of, *width, *signed, w, cut),
            Expr::Fit(e) => {
                self.complain("unsigned_cast(..) must be the outermost call of an assignment");
                self.print(e, w, true)
            }
        }
    }

    /// `e` as a signed operand of exactly `w` bits, which must hold its range.
    pub(super) fn signed(&mut self, e: &Expr, w: usize) -> Text {
        match e {
            Expr::Net(n) if self.is_signed_net(*n, w) => self.print(e, w, false),
            Expr::Const(c) if self.scope.consts[*c].ty.signed => {
                match self.scope.consts[*c].ty.width == w {
                    true => self.print(e, w, false),
                    false => signed_literal(self.scope.consts[*c].value, w),
                }
            }
            Expr::Const(c) => signed_literal(self.scope.consts[*c].value, w),
            Expr::Lit(v) => signed_literal(*v, w),
            _ => {
                let e = self.print(e, w, false).alone();
                Text::atom(format!("$signed({e})"))
            }
        }
    }

    fn is_signed_net(&self, n: NetId, w: usize) -> bool {
        self.scope.nets[n].ty.signed && self.scope.nets[n].ty.width == w
    }

    fn literal(&mut self, v: i128, w: usize, cut: bool) -> Text {
        let fits = w > 126 || (-(1i128 << (w - 1)) <= v && v < 1i128 << w);
        if !fits && !cut {
            self.complain(format!("constant {v} does not fit {w} bits"));
        }
        let v = if fits { v } else { wrap(v, w, false) };
        match v < 0 {
            true => Text { s: format!("-{w}'d{}", v.unsigned_abs()), shape: Shape::Loose },
            false => Text::atom(format!("{w}'d{v}")),
        }
    }

    pub(super) fn widen(&mut self, text: Text, w: usize) -> Text {
        match w {
            1 => text,
            _ => Text::atom(format!("{{{}'d0, {}}}", w - 1, text.alone())),
        }
    }

    fn binary(&mut self, op: Op, a: &Expr, b: &Expr, w: usize, cut: bool) -> Text {
        match op {
            Op::Shl => self.shl(a, b, w, cut),
            Op::Shr => self.shr(a, b, w),
            Op::Mul => self.product(a, b, w, cut),
            Op::LogicalAnd | Op::LogicalOr => {
                let (a, b) = (self.print(a, 1, false), self.print(b, 1, false));
                let text = infix(op, a, b);
                self.widen(text, w)
            }
            _ if op.is_comparison() => {
                let text = self.compare(op, a, b);
                self.widen(text, w)
            }
            _ => {
                let mask = |r: Option<Range>| r.is_some_and(|r| r.lo >= 0 && r.width() <= w);
                // A mask makes the result fit, whatever the width of the other operand.
                let cut = cut || op == Op::And && (mask(self.range(a)) || mask(self.range(b)));
                let (a, b) = (self.print(a, w, cut), self.print(b, w, cut));
                infix(op, a, b)
            }
        }
    }

    fn product(&mut self, a: &Expr, b: &Expr, w: usize, cut: bool) -> Text {
        let negative = |r: Option<Range>| r.is_none_or(|r| r.lo < 0);
        if !negative(self.range(a)) && !negative(self.range(b)) {
            let (a, b) = (self.print(a, w, cut), self.print(b, w, cut));
            return infix(Op::Mul, a, b);
        }
        // Signed operands let synthesis see the sign extension and build the small multiplier.
        let mut factor = |e: &Expr| match e {
            Expr::Net(n) if self.is_signed_net(*n, w) => self.print(e, w, cut).s,
            _ => format!("$signed({})", self.print(e, w, cut).alone()),
        };
        let s = format!("{} * {}", factor(a), factor(b));
        Text { s, shape: Shape::Signed }
    }

    /// Fewest bits for the exact value of `e`; reports a problem if there is no such width.
    pub(super) fn exact_width(&mut self, e: &Expr) -> Option<Range> {
        let range = self.range(e);
        if range.is_none() {
            self.complain("an intermediate value leaves 127 bits, or a shift may be negative");
        }
        range
    }

    fn compare(&mut self, op: Op, a: &Expr, b: &Expr) -> Text {
        let (Some(ra), Some(rb)) = (self.exact_width(a), self.exact_width(b)) else {
            return Text::atom("1'd0".into());
        };
        if let Some(v) = self.range(&Expr::bin(op, a.clone(), b.clone())).and_then(Range::known) {
            return Text::atom(format!("1'd{v}"));
        }
        let both = ra.union(rb);
        let w = both.width();
        let (a, b) = match both.lo < 0 {
            true => (self.signed(a, w).operand(), self.signed(b, w).operand()),
            false => (self.print(a, w, false).operand(), self.print(b, w, false).operand()),
        };
        Text { s: format!("{a} {} {b}", op.text()), shape: Shape::Op(op) }
    }

    /// A flag of one bit.
    fn flag(&mut self, e: &Expr) -> Text {
        match e {
            Expr::Not(e) => {
                let e = self.print(e, 1, false).operand();
                Text::atom(format!("!{e}"))
            }
            Expr::Any(e) => {
                let Some(range) = self.exact_width(e) else { return Text::atom("1'd0".into()) };
                let e = self.print(e, range.width(), false);
                match range.width() {
                    1 => e,
                    _ => Text { s: format!("|{}", e.operand()), shape: Shape::Loose },
                }
            }
            Expr::All(e) => {
                let width = match &**e {
                    Expr::Net(n) => self.scope.nets[*n].ty.width,
                    Expr::Const(c) => self.scope.consts[*c].ty.width,
                    Expr::Cast { width, .. } => *width,
                    _ => {
                        self.complain("all() needs a signal or a cast, whose width is known");
                        return Text::atom("1'd0".into());
                    }
                };
                let e = self.print(e, width, false).operand();
                Text { s: format!("&{e}"), shape: Shape::Loose }
            }
            _ => self.print(e, 1, false),
        }
    }
}

fn signed_literal(v: i128, w: usize) -> Text {
    match v < 0 {
        true => Text { s: format!("-{w}'sd{}", v.unsigned_abs()), shape: Shape::Loose },
        false => Text::atom(format!("{w}'sd{v}")),
    }
}

fn infix(op: Op, a: Text, b: Text) -> Text {
    let left = match a.shape == Shape::Op(op) && op.associative() {
        true => a.s,
        false => a.operand(),
    };
    Text { s: format!("{left} {} {}", op.text(), b.operand()), shape: Shape::Op(op) }
}
