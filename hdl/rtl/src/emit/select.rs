//! Prints expressions that read a part of a value: selects, casts and shifts.

use super::expr::{Printer, Shape, Temp, Text};
use super::ir::{Expr, NetId};
use super::range::Range;

/// Operand of a select.
pub(super) struct Source {
    name: String,
    width: usize,
    signed: bool,
    of: Result<NetId, usize>,
}

impl Printer<'_> {
    pub(super) fn source(&self, n: NetId) -> Source {
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
    pub(super) fn select(&mut self, source: &Source, low: usize, w: usize) -> Text {
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

    pub(super) fn bit(&mut self, e: &Expr, i: &Expr, w: usize) -> Text {
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
        // Beyond the width the exact value continues with its sign, as in a shift.
        let text = self.shr(e, i, 1);
        self.widen(text, w)
    }

    pub(super) fn cast(
        &mut self,
        of: &Expr,
        width: usize,
        signed: bool,
        w: usize,
        cut: bool,
    ) -> Text {
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
        let name = self.taken.fresh(&format!("{}_part", self.scope.nets[self.target].name));
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

    pub(super) fn shl(&mut self, a: &Expr, by: &Expr, w: usize, cut: bool) -> Text {
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
    pub(super) fn shr(&mut self, a: &Expr, by: &Expr, w: usize) -> Text {
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
