//! Refuses reads of a signal between two writes to it.
//!
//! A simulation in rust-hdl would read the earlier write, hardware the settled value.

use std::collections::BTreeMap;

use super::ir::{Dir, Expr, NetId, Role, Scope, Stmt};

/// The branches taken to reach a statement: number of the branching statement, branch.
type Path = Vec<(usize, usize)>;

#[derive(Default)]
struct Access {
    /// In program order: whether it is a write, and its path.
    events: Vec<(bool, Path)>,
}

struct Walk<'a> {
    scope: &'a Scope,
    accesses: BTreeMap<NetId, Access>,
    branching: usize,
    path: Path,
}

/// The nets that are read between two writes on one path.
pub(super) fn read_between_writes(block: &[Stmt], scope: &Scope) -> Vec<NetId> {
    let mut walk = Walk { scope, accesses: BTreeMap::new(), branching: 0, path: Vec::new() };
    walk.block(block);
    let bad = |a: &Access| {
        a.events.iter().enumerate().filter(|(_, (write, _))| !write).any(|(at, (_, read))| {
            let writes = |events: &[(bool, Path)]| {
                events.iter().any(|(write, path)| *write && !exclusive(path, read))
            };
            writes(&a.events[..at]) && writes(&a.events[at + 1..])
        })
    };
    walk.accesses.iter().filter(|(_, a)| bad(a)).map(|(net, _)| *net).collect()
}

/// Whether two statements lie in different branches of the same statement.
fn exclusive(a: &Path, b: &Path) -> bool {
    a.iter().any(|(at, branch)| b.iter().any(|(other, taken)| at == other && branch != taken))
}

impl Walk<'_> {
    fn access(&mut self, net: NetId, write: bool) {
        // Inputs of sub-blocks read back settled in the simulation, too.
        if matches!(self.scope.nets[net].role, Role::Own(Dir::Local | Dir::Out)) {
            self.accesses.entry(net).or_default().events.push((write, self.path.clone()));
        }
    }

    fn reads(&mut self, e: &Expr) {
        e.nets(&mut |net| self.access(net, false));
    }

    fn branch(&mut self, id: usize, branch: usize, block: &[Stmt]) {
        self.path.push((id, branch));
        self.block(block);
        self.path.pop();
    }

    fn block(&mut self, block: &[Stmt]) {
        for statement in block {
            self.branching += 1;
            let id = self.branching;
            match statement {
                Stmt::Assign(net, value) => {
                    self.reads(value);
                    self.access(*net, true);
                }
                Stmt::If { test, then, other } => {
                    self.reads(test);
                    self.branch(id, 0, then);
                    self.branch(id, 1, other);
                }
                Stmt::Case { on, arms, other } => {
                    self.reads(on);
                    for (i, (_, arm)) in arms.iter().enumerate() {
                        self.branch(id, i, arm);
                    }
                    self.branch(id, arms.len(), other);
                }
            }
        }
    }
}
