//! Prints expressions at a given width.
//!
//! Every operand is printed exactly as wide as its context, by explicit extension, so that the
//! text means the same under any reading of Verilog's width and sign rules. `>>>` and signed
//! products depend on the signedness of their context and are shielded by `$unsigned(..)`, whose
//! argument is a context of its own.

use super::ir::{Expr, NetId, Op, Scope};
use super::names::Taken;
use super::range::{Range, range};
use crate::rtl::wrap;

/// A printed expression.
#[derive(Clone, Debug)]
pub(super) struct Text {
    s: String,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    /// A name, literal, select, or something in brackets.
    Atom,
    Op(Op),
    /// Must not be an operand without parentheses.
    Loose,
    /// Signed; must be shielded from an unsigned context.
    Signed,
}

impl Text {
    fn atom(s: String) -> Self {
        Self { s, shape: Shape::Atom }
    }

    /// As the whole of an assignment or a condition.
    pub(super) fn root(self) -> String {
        self.s
    }

    fn operand(self) -> String {
        match self.shape {
            Shape::Atom => self.s,
            Shape::Signed => format!("$unsigned({})", self.s),
            _ => format!("({})", self.s),
        }
    }

    /// As a context of its own, for instance in a concatenation.
    fn alone(self) -> String {
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
    pub(super) target: String,
}

/// What a select reads from.
struct Source {
    name: String,
    width: usize,
    signed: bool,
    of: Result<NetId, usize>,
}

impl Printer<'_> {
    fn complain(&mut self, message: impl Into<String>) {
        self.problems.push((self.target.clone(), message.into()));
    }

    fn range(&self, e: &Expr) -> Option<Range> {
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
    fn signed(&mut self, e: &Expr, w: usize) -> Text {
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

    fn widen(&mut self, text: Text, w: usize) -> Text {
        match w {
            1 => text,
            _ => Text::atom(format!("{{{}'d0, {}}}", w - 1, text.alone())),
        }
    }

    fn source(&self, n: NetId) -> Source {
        let net = &self.scope.nets[n];
        Source { name: net.name.clone(), width: net.ty.width, signed: net.ty.signed, of: Ok(n) }
    }

    fn mark(&mut self, source: &Source, low: usize, high: usize) {
        let bits = (u128::MAX >> (127 - high)) & (u128::MAX << low);
        match source.of {
            Ok(net) => self.used[net] |= bits as u64,
            Err(temp) => self.temps[temp].used |= bits,
        }
    }

    /// Bits `low..low + w` of a name, extended by its sign beyond its end.
    fn select(&mut self, source: &Source, low: usize, w: usize) -> Text {
        let Source { name, width, signed, .. } = source;
        let (width, top) = (*width, *width - 1);
        if low == 0 && w == width {
            self.mark(source, 0, top);
            return Text::atom(name.clone());
        }
        let part = |low: usize, high: usize| match (width, low == high) {
            (1, _) => name.clone(),
            (_, true) => format!("{name}[{low}]"),
            _ => format!("{name}[{high}:{low}]"),
        };
        if low + w <= width {
            self.mark(source, low, low + w - 1);
            return Text::atom(part(low, low + w - 1));
        }
        let here = width.saturating_sub(low);
        let fill = match signed {
            true if w - here == 1 => part(top, top),
            true => format!("{{{}{{{}}}}}", w - here, part(top, top)),
            false => format!("{}'d0", w - here),
        };
        if here > 0 || *signed {
            self.mark(source, low.min(top), top);
        }
        Text::atom(match here {
            0 => fill,
            _ if low == 0 => format!("{{{fill}, {name}}}"),
            _ => format!("{{{fill}, {}}}", part(low, top)),
        })
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

    /// Fewest bits for the exact value of `e`, with a complaint if there is no such width.
    fn exact_width(&mut self, e: &Expr) -> Option<Range> {
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

    fn bit(&mut self, e: &Expr, i: &Expr, w: usize) -> Text {
        let index = self.range(i);
        if let (Expr::Net(n), Some(r)) = (e, index) {
            let source = self.source(*n);
            if r.known().is_none() && r.lo >= 0 && r.hi < source.width as i128 {
                self.mark(&source, 0, source.width - 1);
                let bits = Range { lo: 0, hi: source.width as i128 - 1 }.width();
                let i = self.print(i, bits, false).alone();
                return self.widen(Text::atom(format!("{}[{i}]", source.name)), w);
            }
        }
        // Beyond the width the exact value goes on with its sign: the same as a shift.
        let text = self.shr(e, i, 1);
        self.widen(text, w)
    }

    fn cast(&mut self, of: &Expr, width: usize, signed: bool, w: usize, cut: bool) -> Text {
        let cast = Expr::Cast { of: Box::new(of.clone()), width, signed };
        let range = self.range(&cast);
        let fits = range.is_some_and(|r| r.width() <= w || (r.lo < 0 && r.signed_width() <= w));
        if w < width && !cut && !fits {
            self.complain(format!("a cast to {width} bits does not fit {w} bits"));
        }
        if w <= width {
            return self.print(of, w, true);
        }
        // Wider than the cast: the bits above are its sign, or 0.
        if !signed {
            let inner = self.print(of, width, true).alone();
            return Text::atom(format!("{{{}'d0, {inner}}}", w - width));
        }
        let source = match of {
            Expr::Net(n) if self.scope.nets[*n].ty.width >= width => {
                Source { width, signed: true, ..self.source(*n) }
            }
            _ => {
                let text = self.print(of, width, true);
                self.temp(text, width, true)
            }
        };
        if source.of.is_ok_and(|n| self.scope.nets[n].ty.width > width) {
            let top = width - 1;
            self.mark(&source, 0, top);
            let name = &source.name;
            let low = if top == 0 { format!("{name}[0]") } else { format!("{name}[{top}:0]") };
            let fill = match w - width {
                1 => format!("{name}[{top}]"),
                n => format!("{{{n}{{{name}[{top}]}}}}"),
            };
            return Text::atom(format!("{{{fill}, {low}}}"));
        }
        self.select(&source, 0, w)
    }

    fn temp(&mut self, text: Text, width: usize, signed: bool) -> Source {
        let name = self.taken.fresh(&format!("{}_part", self.target.replace('$', "_")));
        let of = Err(self.temps.len());
        self.temps.push(Temp { name: name.clone(), width, text: text.root(), used: 0 });
        Source { name, width, signed, of }
    }

    /// A shift amount, as wide as it needs to be.
    fn amount(&mut self, by: &Expr) -> Option<(Range, String)> {
        let range = self.exact_width(by)?;
        if range.lo < 0 {
            self.complain("the amount of a shift may be negative");
            return None;
        }
        Some((range, self.print(by, range.width(), false).operand()))
    }

    fn shl(&mut self, a: &Expr, by: &Expr, w: usize, cut: bool) -> Text {
        let Some(range) = self.exact_width(by) else { return Text::atom(format!("{w}'d0")) };
        match range.known() {
            Some(0) => return self.print(a, w, cut),
            Some(k) if k >= w as i128 => return Text::atom(format!("{w}'d0")),
            Some(k) => {
                let a = self.print(a, w, cut).operand();
                return Text { s: format!("{a} << {k}"), shape: Shape::Loose };
            }
            None => {}
        }
        let a = self.print(a, w, cut).operand();
        let by = self.amount(by).map(|(_, by)| by).unwrap_or_default();
        Text { s: format!("{a} << {by}"), shape: Shape::Loose }
    }

    /// The low `w` bits of the exact value of `a >> by`.
    fn shr(&mut self, a: &Expr, by: &Expr, w: usize) -> Text {
        let none = Text::atom(format!("{w}'d0"));
        let (Some(range), Some(amount)) = (self.exact_width(a), self.exact_width(by)) else {
            return none;
        };
        let exact = range.width();
        if let Some(k) = amount.known() {
            let Ok(k) = usize::try_from(k) else {
                self.complain("the amount of a shift is negative");
                return none;
            };
            if k == 0 {
                return self.print(a, w, true);
            }
            let source = match a {
                Expr::Net(n) => self.source(*n),
                _ => {
                    let text = self.print(a, exact, false);
                    self.temp(text, exact, range.lo < 0)
                }
            };
            return self.select(&source, k.min(source.width), w);
        }
        let at = exact.max(w);
        let Some((_, by)) = self.amount(by) else { return none };
        let text = match range.lo < 0 {
            true => {
                let a = self.signed(a, at).operand();
                Text { s: format!("{a} >>> {by}"), shape: Shape::Signed }
            }
            false => {
                let a = self.print(a, at, false).operand();
                Text { s: format!("{a} >> {by}"), shape: Shape::Loose }
            }
        };
        match at == w {
            true => text,
            false => {
                let source = self.temp(text, at, range.lo < 0);
                self.select(&source, 0, w)
            }
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
