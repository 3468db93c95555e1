//! Lowers the syntax tree of `hdl_gen` to [`ir`](super::ir): loops are unrolled, names resolved, constant conditions
//! decided.

use rust_hdl_core::ast::{
    VerilogBlock, VerilogBlockOrConditional, VerilogConditional, VerilogExpression, VerilogMatch,
    VerilogOp, VerilogOpUnary, VerilogStatement,
};
use std::collections::BTreeMap;

use super::collect::literal;
use super::index;
use super::ir::{Block, ConstId, Expr, NetId, Op, Role, Scope, Sort, Stmt};
use super::range::range;
use super::simplify::simplify;
use crate::SIGNED_CAST;

/// Meaning of a path in the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    Net(NetId),
    Const(ConstId),
}

pub(super) struct Lower<'a> {
    pub(super) scope: &'a Scope,
    pub(super) symbols: &'a BTreeMap<String, Symbol>,
    /// Loop variables, innermost last.
    pub(super) loops: Vec<(String, i128)>,
    pub(super) problems: Vec<(String, String)>,
}

impl Lower<'_> {
    pub(super) fn block(&mut self, block: &VerilogBlock) -> Block {
        let mut out = Vec::new();
        for statement in block {
            self.statement(statement, &mut out);
        }
        out
    }

    fn statement(&mut self, statement: &VerilogStatement, out: &mut Block) {
        match statement {
            VerilogStatement::Assignment(target, value) => {
                if let (Some(net), Some(value)) = (self.target(target), self.expr(value)) {
                    out.push(Stmt::Assign(net, value));
                }
            }
            VerilogStatement::If(c) => self.conditional(c, out),
            VerilogStatement::Match(m) => self.case(m, out),
            VerilogStatement::Loop(l) => {
                for i in l.from.as_usize()..l.to.as_usize() {
                    self.loops.push((l.index.clone(), i as i128));
                    out.extend(self.block(&l.block));
                    self.loops.pop();
                }
            }
            VerilogStatement::Comment(_) => {}
            VerilogStatement::Macro(block) => out.extend(self.block(block)),
            VerilogStatement::SliceAssignment { .. } => {
                self.complain("assignment to part of a signal", "assign the whole signal");
            }
            VerilogStatement::Link(links) => self.links(links, out),
        }
    }

    pub(super) fn complain(&mut self, what: &str, message: impl Into<String>) {
        self.problems.push((what.to_owned(), message.into()));
    }

    fn target(&mut self, target: &VerilogExpression) -> Option<NetId> {
        let VerilogExpression::Signal(text) = target else {
            self.complain("assignment", "the target is not a signal");
            return None;
        };
        match self.symbol(text)? {
            Symbol::Net(net) if self.scope.nets[net].role.driven_inside() => Some(net),
            Symbol::Net(net) => {
                let net = &self.scope.nets[net];
                let whose =
                    if matches!(net.role, Role::ChildOut(_)) { "a sub-block" } else { "outside" };
                self.complain(&net.path, format!("assigned here but driven by {whose}"));
                None
            }
            Symbol::Const(_) => {
                self.complain(text, "a constant cannot be assigned");
                None
            }
        }
    }

    fn conditional(&mut self, c: &VerilogConditional, out: &mut Block) {
        let Some(test) = self.expr(&c.test) else { return };
        match range(&test, self.scope).and_then(super::range::Range::known) {
            Some(0) => out.extend(self.otherwise(&c.otherwise)),
            Some(_) => out.extend(self.block(&c.then)),
            None => {
                let then = self.block(&c.then);
                let other = self.otherwise(&c.otherwise);
                out.push(Stmt::If { test, then, other });
            }
        }
    }

    fn otherwise(&mut self, other: &VerilogBlockOrConditional) -> Block {
        match other {
            VerilogBlockOrConditional::Block(block) => self.block(block),
            VerilogBlockOrConditional::Conditional(statement) => {
                let mut out = Vec::new();
                self.statement(statement, &mut out);
                out
            }
            VerilogBlockOrConditional::None => Vec::new(),
        }
    }

    fn case(&mut self, m: &VerilogMatch, out: &mut Block) {
        let Some(on) = self.expr(&m.test) else { return };
        let Some(range) = range(&on, self.scope) else {
            return self.complain("match", "the value matched leaves 127 bits");
        };
        let mut arms = Vec::new();
        let mut other = None;
        for case in &m.cases {
            if case.condition == "default" {
                other = Some(&case.block);
                break;
            }
            let Some(label) = self.label(&case.condition) else { continue };
            let value = match label {
                Expr::Const(c) => self.scope.consts[c].value,
                Expr::Lit(v) => v,
                _ => continue,
            };
            // An arm that cannot match leaves no hardware; the first of equal arms wins.
            if (range.lo..=range.hi).contains(&value) {
                if range.known().is_some() {
                    return out.extend(self.block(&case.block));
                }
                arms.push((label, &case.block));
            }
        }
        // Rust has checked that the arms are exhaustive: without a wildcard the last of them also covers codes that are
        // not a state.
        let last = if other.is_none() { arms.pop().map(|(_, block)| block) } else { None };
        let other = other.or(last).map(|b| self.block(b)).unwrap_or_default();
        let arms: Vec<_> = arms.into_iter().map(|(l, b)| (l, self.block(b))).collect();
        match arms.is_empty() {
            true => out.extend(other),
            false => out.push(Stmt::Case { on, arms, other }),
        }
    }

    fn label(&mut self, text: &str) -> Option<Expr> {
        let number = text.trim_end_matches("usize").replace('_', "");
        match (number.parse(), self.symbols.get(text)) {
            (Ok(v), _) => Some(Expr::Lit(v)),
            (_, Some(Symbol::Const(c))) => Some(Expr::Const(*c)),
            _ => {
                self.complain(
                    text,
                    "a pattern must be an integer, `_`, or a state of a signal here",
                );
                None
            }
        }
    }

    /// Meaning of `text` (a path as the macro writes it).
    fn symbol(&mut self, text: &str) -> Option<Symbol> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        match self.path(text.trim_end_matches("$next")) {
            Ok(path) => {
                let found = self.symbols.get(&path).copied();
                if found.is_none() && path.starts_with('_') {
                    self.complain(&path, "a field with `_` has no hardware value; use a Const");
                } else if found.is_none() {
                    self.complain(&path, "no such signal or constant in this block");
                }
                found
            }
            Err(message) => {
                self.complain(&text, message);
                None
            }
        }
    }

    pub(super) fn path(&self, text: &str) -> Result<String, String> {
        let constant = |name: &str| {
            let looped = self.loops.iter().rev().find(|(n, _)| n == name).map(|(_, v)| *v);
            looped.or_else(|| match self.symbols.get(name) {
                Some(Symbol::Const(c)) => Some(self.scope.consts[*c].value),
                _ => None,
            })
        };
        let mut path = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('[') {
            let close = rest.find(']').ok_or("`]` is missing")?;
            let i = index::evaluate(rest.get(open + 1..close).unwrap_or_default(), &constant)?;
            path += &format!("{}${i}", &rest[..open]);
            rest = &rest[close + 1..];
        }
        Ok(path + rest)
    }

    fn expr(&mut self, e: &VerilogExpression) -> Option<Expr> {
        self.raw(e).map(|e| simplify(e, self.scope))
    }

    fn raw(&mut self, e: &VerilogExpression) -> Option<Expr> {
        Some(match e {
            VerilogExpression::Signal(text) => {
                if let Some((_, v)) = self.loops.iter().rev().find(|(n, _)| n == text) {
                    return Some(Expr::Lit(*v));
                }
                match self.symbol(text)? {
                    Symbol::Net(net) => Expr::Net(net),
                    Symbol::Const(c) => Expr::Const(c),
                }
            }
            VerilogExpression::Literal(v) => match literal(v) {
                Some(v) => Expr::Lit(v),
                None => {
                    self.complain("literal", "beyond 127 bits");
                    return None;
                }
            },
            VerilogExpression::Cast(e, width) => Expr::Cast {
                of: Box::new(self.expr(e)?),
                width: width & !SIGNED_CAST,
                signed: width & SIGNED_CAST != 0,
            },
            VerilogExpression::Signed(e) => self.signed_cast(e)?,
            VerilogExpression::Unsigned(e) => Expr::Fit(Box::new(self.expr(e)?)),
            VerilogExpression::Paren(e) => self.expr(e)?,
            VerilogExpression::Binary(a, op, b) => {
                let (a, b) = (self.expr(a), self.expr(b));
                Expr::bin(operator(op), a?, b?)
            }
            VerilogExpression::Unary(op, e) => self.unary(op, e)?,
            VerilogExpression::Index(e, i) => {
                let (e, i) = (self.expr(e), self.expr(i));
                Expr::Bit(Box::new(e?), Box::new(i?))
            }
            VerilogExpression::Slice(..) => {
                self.complain("get_bits", "write `bits(x >> low, width)`");
                return None;
            }
            VerilogExpression::IndexReplace(..) => {
                self.complain("replace_bit", "not supported; assign single flags");
                return None;
            }
        })
    }

    fn unary(&mut self, op: &VerilogOpUnary, e: &VerilogExpression) -> Option<Expr> {
        let e = Box::new(self.expr(e)?);
        Some(match (op, *e) {
            (VerilogOpUnary::Neg, e) => Expr::Neg(Box::new(e)),
            (VerilogOpUnary::Any, e) => Expr::Any(Box::new(e)),
            (VerilogOpUnary::All, e) => Expr::All(Box::new(e)),
            (VerilogOpUnary::Not, e) if self.is_flag(&e) => Expr::Not(Box::new(e)),
            (VerilogOpUnary::Not, _) => {
                self.complain("!", "only for flags; write `x ^ mask` to invert bits");
                return None;
            }
            (VerilogOpUnary::Xor, _) => {
                self.complain("xor()", "parity is not supported");
                return None;
            }
        })
    }

    fn signed_cast(&mut self, e: &VerilogExpression) -> Option<Expr> {
        match self.expr(e)? {
            Expr::Net(n) => {
                let width = self.scope.nets[n].ty.width;
                Some(Expr::Cast { of: Box::new(Expr::Net(n)), width, signed: true })
            }
            Expr::Cast { of, width, .. } => Some(Expr::Cast { of, width, signed: true }),
            _ => {
                self.complain("signed_cast", "only of a signal or of `bits(..)`");
                None
            }
        }
    }

    fn is_flag(&self, e: &Expr) -> bool {
        match e {
            Expr::Net(n) => self.scope.nets[*n].ty.sort == Sort::Flag,
            // `true` and `false`: the macro's literals are the numbers 1 and 0.
            Expr::Lit(v) => (0..=1).contains(v),
            Expr::Not(_) | Expr::Any(_) | Expr::All(_) | Expr::Bit(..) => true,
            Expr::Bin(Op::And | Op::Or | Op::Xor, a, b) => self.is_flag(a) && self.is_flag(b),
            Expr::Bin(op, ..) => op.is_comparison() || matches!(op, Op::LogicalAnd | Op::LogicalOr),
            Expr::Const(c) => self.scope.consts[*c].ty.sort == Sort::Flag,
            Expr::Neg(_) | Expr::Cast { .. } | Expr::Fit(_) => false,
        }
    }
}

fn operator(op: &VerilogOp) -> Op {
    match op {
        VerilogOp::Add => Op::Add,
        VerilogOp::Sub => Op::Sub,
        VerilogOp::Mul => Op::Mul,
        VerilogOp::LogicalAnd => Op::LogicalAnd,
        VerilogOp::LogicalOr => Op::LogicalOr,
        VerilogOp::BitXor => Op::Xor,
        VerilogOp::BitAnd => Op::And,
        VerilogOp::BitOr => Op::Or,
        VerilogOp::Shl => Op::Shl,
        VerilogOp::Shr => Op::Shr,
        VerilogOp::Eq => Op::Eq,
        VerilogOp::Lt => Op::Lt,
        VerilogOp::Le => Op::Le,
        VerilogOp::Ne => Op::Ne,
        VerilogOp::Ge => Op::Ge,
        VerilogOp::Gt => Op::Gt,
    }
}
