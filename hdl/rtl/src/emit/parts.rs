//! Prints the assignments, registers and instances of a module.

use std::collections::BTreeMap;

use super::always::Always;
use super::collect::Child;
use super::drive::Driver;
use super::expr::Printer;
use super::ir::{Expr, Net, NetId, Role, Sort, Stmt};
use super::module::Form;
use super::names;

/// The parts of a module's text.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) assigns: String,
    pub(super) blocks: String,
    pub(super) registers: String,
    pub(super) instances: String,
}

impl Parts {
    /// All nets that are driven here and have a declaration of their own.
    pub(super) fn drive(
        &mut self,
        p: &mut Printer,
        drivers: &BTreeMap<NetId, Driver>,
        forms: &[Form],
    ) {
        for (&net, driver) in drivers {
            let Net { name, ty, .. } = &p.scope.nets[net];
            p.target = net;
            match (forms[net], driver) {
                (Form::Assigned, Driver::Expr(e)) => {
                    let text = p.assigned(e, ty.width).root();
                    self.assigns += &format!("assign {name} = {text};\n");
                }
                (Form::Always, Driver::Block(block)) => {
                    let mut always =
                        Always { printer: p, name, width: ty.width, assign: "=", hold: None };
                    let body = always.block(block, 1);
                    self.blocks += &format!("always @* begin\n{body}end\n");
                }
                _ => {}
            }
        }
    }

    pub(super) fn children(
        &mut self,
        p: &mut Printer,
        children: &[Child],
        drivers: &BTreeMap<NetId, Driver>,
        forms: &[Form],
    ) {
        let mut nets: Vec<Vec<NetId>> = vec![Vec::new(); children.len()];
        for (id, net) in p.scope.nets.iter().enumerate() {
            if let Role::ChildIn(child) | Role::ChildOut(child) = net.role {
                nets[child].push(id);
            }
        }
        for (child, nets) in children.iter().zip(&nets) {
            match &child.module {
                Some(module) => self.instance(p, child, module, nets, drivers, forms),
                None => self.register(p, child, nets, drivers, forms),
            }
        }
    }

    fn instance(
        &mut self,
        p: &mut Printer,
        child: &Child,
        module: &str,
        nets: &[NetId],
        drivers: &BTreeMap<NetId, Driver>,
        forms: &[Form],
    ) {
        let mut connections = Vec::new();
        for (&id, port) in nets.iter().zip(&child.ports) {
            let net = &p.scope.nets[id];
            p.target = id;
            let text = match (forms[id], drivers.get(&id)) {
                (Form::Bound, Some(Driver::Expr(e))) => p.assigned(e, net.ty.width).root(),
                _ => {
                    if net.role.driven_inside() {
                        p.used[id] = u64::MAX;
                    }
                    net.name.clone()
                }
            };
            connections.push(format!("    .{}({text})", names::flat(&port.name)));
        }
        let name = names::instance(&child.path);
        self.instances += &format!("{module} {name} (\n{}\n);\n", connections.join(",\n"));
    }

    /// `q` is loaded from `d` at the clock; statements that drive only `d` are written in place.
    fn register(
        &mut self,
        p: &mut Printer,
        child: &Child,
        nets: &[NetId],
        drivers: &BTreeMap<NetId, Driver>,
        forms: &[Form],
    ) {
        let [clock, d, q] = *nets else {
            let message = "an inline register has the ports clock, d, q";
            return p.problems.push((child.path.clone(), message.into()));
        };
        let clock_of = match drivers.get(&clock) {
            Some(Driver::Expr(Expr::Net(n))) if p.scope.nets[*n].ty.sort == Sort::Clock => *n,
            Some(_) => {
                let message = "must be assigned a clock, once";
                return p.problems.push((p.scope.nets[clock].path.clone(), message.into()));
            }
            None => return,
        };
        p.used[clock_of] = 1;
        let (clock, Net { name, ty, .. }) = (&p.scope.nets[clock_of].name, &p.scope.nets[q]);
        p.target = d;
        let block = match drivers.get(&d) {
            // `d` has other readers: it has a net of its own.
            Some(_) if forms[d] != Form::Bound => vec![Stmt::Assign(d, Expr::Net(d))],
            Some(Driver::Expr(e)) => vec![Stmt::Assign(d, e.clone())],
            Some(Driver::Block(block)) => block.clone(),
            None => return,
        };
        // A register holds by itself: the default `d = q` needs no statement.
        let hold = |s: &&Stmt| matches!(s, Stmt::Assign(_, Expr::Net(n)) if *n == q);
        let skip = usize::from(block.len() > 1 && block.first().as_ref().is_some_and(hold));
        let mut always = Always { printer: p, name, width: ty.width, assign: "<=", hold: Some(q) };
        let body = always.block(&block[skip..], 1);
        self.registers += &match body.lines().count() {
            1 => format!("always @(posedge {clock}) {}", body.trim_start()),
            _ => format!("always @(posedge {clock}) begin\n{body}end\n"),
        };
    }
}
