//! Lowered form of a block: nets, constants and statements without loops.

use std::rc::Rc;

pub(super) type NetId = usize;
pub(super) type ConstId = usize;

/// Meaning of a signal's bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Int,
    Flag,
    Clock,
    /// A state; the names of the states as the macro writes them (`State$Idle`).
    Enum(Rc<Vec<String>>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ty {
    pub(super) width: usize,
    pub(super) signed: bool,
    pub(super) sort: Sort,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dir {
    In,
    Out,
    Local,
}

/// A port or local signal of a block, in both names with `$` between the parts.
#[derive(Clone, Debug)]
pub(super) struct Signal {
    /// Path in the design.
    pub(super) path: String,
    /// Basis of the Verilog name: the path without the names of bundles.
    pub(super) name: String,
    pub(super) dir: Dir,
    pub(super) ty: Ty,
}

/// Role of a net: its possible drivers and readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A port or local of the block itself.
    Own(Dir),
    /// Input of the child with this index.
    ChildIn(usize),
    /// Output of the child with this index.
    ChildOut(usize),
}

impl Role {
    /// Whether the block itself must drive the net.
    pub(super) fn driven_inside(self) -> bool {
        matches!(self, Self::Own(Dir::Out | Dir::Local) | Self::ChildIn(_))
    }
}

#[derive(Clone, Debug)]
pub(super) struct Net {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) ty: Ty,
    pub(super) role: Role,
}

#[derive(Clone, Debug)]
pub(super) struct Constant {
    pub(super) name: String,
    pub(super) value: i128,
    pub(super) ty: Ty,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Sub,
    Mul,
    And,
    Or,
    Xor,
    LogicalAnd,
    LogicalOr,
    Shl,
    Shr,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Op {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::And => "&",
            Self::Or => "|",
            Self::Xor => "^",
            Self::LogicalAnd => "&&",
            Self::LogicalOr => "||",
            Self::Shl => "<<",
            Self::Shr => ">>",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }

    pub(super) fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge)
    }

    /// `a op b op c` needs no parentheses.
    pub(super) fn associative(self) -> bool {
        matches!(
            self,
            Self::Add | Self::And | Self::Or | Self::Xor | Self::LogicalAnd | Self::LogicalOr
        )
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expr {
    Lit(i128),
    Const(ConstId),
    Net(NetId),
    Bin(Op, Box<Expr>, Box<Expr>),
    /// Negation of a flag.
    Not(Box<Expr>),
    Neg(Box<Expr>),
    Any(Box<Expr>),
    All(Box<Expr>),
    Bit(Box<Expr>, Box<Expr>),
    /// The low bits as an unsigned or two's complement number.
    Cast {
        of: Box<Expr>,
        width: usize,
        signed: bool,
    },
    /// Keep the low bits that fit the target.
    Fit(Box<Expr>),
}

impl Expr {
    pub(super) fn bin(op: Op, a: Self, b: Self) -> Self {
        Self::Bin(op, Box::new(a), Box::new(b))
    }

    /// Calls `f` on every net read.
    pub(super) fn nets(&self, f: &mut impl FnMut(NetId)) {
        match self {
            Self::Lit(_) | Self::Const(_) => {}
            Self::Net(n) => f(*n),
            Self::Bin(_, a, b) | Self::Bit(a, b) => {
                a.nets(f);
                b.nets(f);
            }
            Self::Not(e) | Self::Neg(e) | Self::Any(e) | Self::All(e) | Self::Fit(e) => e.nets(f),
            Self::Cast { of, .. } => of.nets(f),
        }
    }
}

pub(super) type Block = Vec<Stmt>;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stmt {
    Assign(NetId, Expr),
    If { test: Expr, then: Block, other: Block },
    Case { on: Expr, arms: Vec<(Expr, Block)>, other: Block },
}

/// The names of a block while it is lowered and printed.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub(super) nets: Vec<Net>,
    pub(super) consts: Vec<Constant>,
}
