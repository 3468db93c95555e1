//! Splits a block into one function per target.

use std::collections::BTreeMap;

use super::ir::{Block, Expr, NetId, Stmt};

/// Driver of one net.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Driver {
    /// One expression, unconditionally.
    Expr(Expr),
    /// Statements that assign this net only; the last assignment counts.
    Block(Block),
}

/// The driver of every net that `block` assigns.
pub(super) fn drivers(block: &[Stmt]) -> BTreeMap<NetId, Driver> {
    split(block).into_iter().map(|(net, block)| (net, driver(prune(block)))).collect()
}

fn driver(mut block: Block) -> Driver {
    match block.pop() {
        Some(Stmt::Assign(_, value)) if block.is_empty() => Driver::Expr(value),
        Some(last) => {
            block.push(last);
            Driver::Block(block)
        }
        None => Driver::Block(block),
    }
}

/// The statements for each net.
fn split(block: &[Stmt]) -> BTreeMap<NetId, Block> {
    let mut out: BTreeMap<NetId, Block> = BTreeMap::new();
    for statement in block {
        match statement {
            Stmt::Assign(net, _) => out.entry(*net).or_default().push(statement.clone()),
            Stmt::If { test, then, other } => {
                let (mut then, mut other) = (split(then), split(other));
                let nets: Vec<_> = then.keys().chain(other.keys()).copied().collect();
                for net in nets {
                    let (a, b) = (then.remove(&net), other.remove(&net));
                    if a.is_some() || b.is_some() {
                        let (then, other) = (a.unwrap_or_default(), b.unwrap_or_default());
                        let part = Stmt::If { test: test.clone(), then, other };
                        out.entry(net).or_default().push(part);
                    }
                }
            }
            Stmt::Case { on, arms, other } => {
                let mut split_arms: Vec<_> = arms.iter().map(|(_, b)| split(b)).collect();
                let mut other = split(other);
                let mut nets: Vec<_> =
                    split_arms.iter().chain([&other]).flat_map(|s| s.keys().copied()).collect();
                nets.sort_unstable();
                nets.dedup();
                for net in nets {
                    let parts = arms.iter().zip(&mut split_arms);
                    let arms = parts
                        .map(|((l, _), s)| (l.clone(), s.remove(&net).unwrap_or_default()))
                        .collect();
                    let other = other.remove(&net).unwrap_or_default();
                    let part = Stmt::Case { on: on.clone(), arms, other };
                    out.entry(net).or_default().push(part);
                }
            }
        }
    }
    out
}

/// Drops assignments that a later statement overwrites on all paths.
fn prune(block: Block) -> Block {
    let keep_from = block.iter().rposition(assigns_always).unwrap_or(0);
    block.into_iter().skip(keep_from).map(prune_inside).collect()
}

fn prune_inside(statement: Stmt) -> Stmt {
    match statement {
        Stmt::Assign(..) => statement,
        Stmt::If { test, then, other } => Stmt::If { test, then: prune(then), other: prune(other) },
        Stmt::Case { on, arms, other } => Stmt::Case {
            on,
            arms: arms.into_iter().map(|(l, b)| (l, prune(b))).collect(),
            other: prune(other),
        },
    }
}

/// Whether a block of statements for one net assigns it on all paths.
pub(super) fn complete(block: &[Stmt]) -> bool {
    block.iter().any(assigns_always)
}

fn assigns_always(statement: &Stmt) -> bool {
    match statement {
        Stmt::Assign(..) => true,
        Stmt::If { then, other, .. } => complete(then) && complete(other),
        Stmt::Case { arms, other, .. } => arms.iter().all(|(_, b)| complete(b)) && complete(other),
    }
}

/// Calls `f` on every expression of the statements.
pub(super) fn expressions(block: &[Stmt], f: &mut impl FnMut(&Expr)) {
    for statement in block {
        match statement {
            Stmt::Assign(_, value) => f(value),
            Stmt::If { test, then, other } => {
                f(test);
                expressions(then, f);
                expressions(other, f);
            }
            Stmt::Case { on, arms, other } => {
                f(on);
                arms.iter().for_each(|(_, b)| expressions(b, f));
                expressions(other, f);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(net: NetId, v: i128) -> Stmt {
        Stmt::Assign(net, Expr::Lit(v))
    }

    fn when(then: Block, other: Block) -> Stmt {
        Stmt::If { test: Expr::Net(9), then, other }
    }

    #[test]
    fn one_driver_per_net() {
        let block = [set(0, 1), set(1, 2), when(vec![set(0, 3)], vec![set(1, 4)])];
        let drivers = drivers(&block);
        assert_eq!(drivers[&0], Driver::Block(vec![set(0, 1), when(vec![set(0, 3)], vec![])]));
        assert_eq!(drivers[&1], Driver::Block(vec![set(1, 2), when(vec![], vec![set(1, 4)])]));
    }

    #[test]
    fn overwritten_assignments_vanish() {
        let block = [set(0, 1), when(vec![set(0, 2)], vec![]), set(0, 3)];
        assert_eq!(drivers(&block)[&0], Driver::Expr(Expr::Lit(3)));
        let both = when(vec![set(0, 2)], vec![set(0, 4)]);
        assert_eq!(drivers(&[set(0, 1), both.clone()])[&0], Driver::Block(vec![both]));
    }

    #[test]
    fn incomplete_is_seen() {
        assert!(!complete(&[when(vec![set(0, 2)], vec![])]));
        assert!(complete(&[set(0, 1), when(vec![set(0, 2)], vec![])]));
    }
}
