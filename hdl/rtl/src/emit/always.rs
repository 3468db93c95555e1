//! Prints the statements that drive one net.

use super::expr::Printer;
use super::ir::{NetId, Stmt};
use super::range::range;

/// Prints `block` with assignments `<name> <assign> ..;` of `width` bits.
pub(super) struct Always<'a, 'b> {
    pub(super) printer: &'a mut Printer<'b>,
    pub(super) name: &'a str,
    pub(super) width: usize,
    /// `=` or `<=`.
    pub(super) assign: &'a str,
    /// The register's own output: assigning it to itself needs no statement.
    pub(super) hold: Option<NetId>,
}

impl Always<'_, '_> {
    /// The statements, each line indented by `depth` steps.
    pub(super) fn block(&mut self, block: &[Stmt], depth: usize) -> String {
        block.iter().map(|s| self.statement(s, depth)).collect()
    }

    fn statement(&mut self, statement: &Stmt, depth: usize) -> String {
        let pad = "    ".repeat(depth);
        match statement {
            Stmt::Assign(_, value) => {
                let text = self.printer.assigned(value, self.width).root();
                format!("{pad}{} {} {text};\n", self.name, self.assign)
            }
            Stmt::If { test, then, other } => {
                let test = self.printer.print(test, 1, false).root();
                match then.is_empty() {
                    true => format!("{pad}if (!({test})){}", self.body(other, depth)),
                    false => {
                        let then = self.body(then, depth);
                        format!("{pad}if ({test}){then}{}", self.otherwise(other, depth))
                    }
                }
            }
            Stmt::Case { on, arms, other } => {
                let width = range(on, self.printer.scope).map_or(1, |r| r.width());
                let selector = self.printer.print(on, width, false).root();
                let mut text = format!("{pad}case ({selector})\n");
                for (label, arm) in arms {
                    let label = self.printer.print(label, width, true).root();
                    text += &format!("{pad}    {label}:{}", self.body(arm, depth + 1));
                }
                text += &format!("{pad}    default:{}", self.body(other, depth + 1));
                text + &format!("{pad}endcase\n")
            }
        }
    }

    fn otherwise(&mut self, other: &[Stmt], depth: usize) -> String {
        let pad = "    ".repeat(depth);
        match other {
            [] => String::new(),
            [chain @ Stmt::If { .. }] => {
                format!("{pad}else {}", self.statement(chain, depth).trim_start())
            }
            _ => format!("{pad}else{}", self.body(other, depth)),
        }
    }

    /// The text after a condition or a label, on a line of its own if it needs one.
    fn body(&mut self, block: &[Stmt], depth: usize) -> String {
        let pad = "    ".repeat(depth);
        match block {
            [] => " ;\n".into(),
            [Stmt::Assign(_, value)] if self.holds(value) => " ;\n".into(),
            [one @ Stmt::Assign(..)] => {
                format!(" {}", self.statement(one, 0))
            }
            _ => format!(" begin\n{}{pad}end\n", self.block(block, depth + 1)),
        }
    }

    /// Whether the register holds `value` anyway.
    fn holds(&self, value: &super::ir::Expr) -> bool {
        self.hold.is_some_and(|q| *value == super::ir::Expr::Net(q))
    }
}
