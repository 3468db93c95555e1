//! Assembles the text of one module.

use rust_hdl_core::ast::{Verilog, VerilogBlock};
use std::collections::BTreeMap;

use super::collect::{Child, Frame};
use super::drive::{Driver, complete, drivers, expressions};
use super::expr::{Printer, Temp};
use super::ir::{Constant, Dir, Expr, Net, NetId, Role, Scope, Signal, Sort, Ty};
use super::lower::{Lower, Symbol};
use super::names::{self, Taken};
use super::order::read_between_writes;
use super::parts::Parts;

/// Affected signal, message.
type Problems = Vec<(String, String)>;

/// The text of the module of `frame` after `module <name> `, with the behaviour `hdl`.
pub(super) fn text(frame: &Frame, hdl: &Verilog) -> Result<String, Problems> {
    match hdl {
        Verilog::Combinatorial(body) => Writer::new(frame)?.write(frame, body),
        Verilog::Empty => Writer::new(frame)?.write(frame, &Vec::new()),
        Verilog::Custom(body) => leaf(frame, body),
        Verilog::Blackbox(_) | Verilog::Wrapper(_) => Err(vec![(
            "behaviour".into(),
            "black boxes and wrappers are not supported: give the Verilog of a leaf".into(),
        )]),
    }
}

/// A leaf with hand-written Verilog, which may drive its outputs by `assign`.
fn leaf(frame: &Frame, body: &str) -> Result<String, Problems> {
    let mut taken = Taken::default();
    let mut problems = Vec::new();
    let mut ports = Vec::new();
    for s in frame.signals.iter().filter(|s| s.dir != Dir::Local) {
        let name = names::flat(&s.name);
        if let Err(message) = taken.take(&name, &s.path) {
            problems.push((s.path.clone(), message));
        }
        ports.push(port(s.dir, "wire", &s.ty, &name));
    }
    let body: String =
        body.lines().map(|l| format!("    {l}").trim_end().to_owned() + "\n").collect();
    match problems.is_empty() {
        true => Ok(format!("{}{body}endmodule\n", header(&ports))),
        false => Err(problems),
    }
}

/// Text after the last port of a module.
pub(super) const PORTS_END: &str = "\n);\n";

fn header(ports: &[String]) -> String {
    format!("(\n{}{PORTS_END}", ports.join(",\n"))
}

fn port(dir: Dir, net: &str, ty: &Ty, name: &str) -> String {
    let dir = if dir == Dir::In { "input " } else { "output" };
    format!("    {dir} {}", declared(net, ty, name))
}

fn declared(net: &str, ty: &Ty, name: &str) -> String {
    let signed = if ty.signed { "signed " } else { "" };
    let range = if ty.width > 1 { format!("[{}:0] ", ty.width - 1) } else { String::new() };
    format!("{net} {signed}{range}{name}")
}

/// Declaration and driver of a net.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Form {
    /// An input of this module, or a wire driven by a sub-block.
    Given,
    /// Driven by `assign`.
    Assigned,
    /// Driven by `always @*`.
    Always,
    /// Output of an inline register.
    Register,
    /// Input of a sub-block or register that needs no net: its driver is written there.
    Bound,
}

struct Writer {
    scope: Scope,
    symbols: BTreeMap<String, Symbol>,
    taken: Taken,
    problems: Problems,
}

impl Writer {
    fn new(frame: &Frame) -> Result<Self, Problems> {
        let mut w = Self {
            scope: Scope::default(),
            symbols: BTreeMap::new(),
            taken: Taken::default(),
            problems: Vec::new(),
        };
        for s in &frame.signals {
            w.net(s, "", Role::Own(s.dir));
        }
        for (i, child) in frame.children.iter().enumerate() {
            for p in &child.ports {
                let role = if p.dir == Dir::In { Role::ChildIn(i) } else { Role::ChildOut(i) };
                w.net(p, &format!("{}$", child.path), role);
            }
            if child.module.is_some() {
                w.take(&names::instance(&child.path), &child.path);
            }
        }
        for (path, value, ty) in &frame.consts {
            let name = names::flat(path).to_ascii_uppercase();
            w.constant(path, name, *value, ty.clone());
        }
        let sorts: Vec<_> = w.scope.nets.iter().map(|n| n.ty.clone()).collect();
        for ty in sorts {
            w.states(&ty);
        }
        match w.problems.is_empty() {
            true => Ok(w),
            false => Err(w.problems),
        }
    }

    fn take(&mut self, name: &str, owner: &str) {
        if let Err(message) = self.taken.take(name, owner) {
            self.problems.push((owner.to_owned(), message));
        }
    }

    /// A signal at the path `of`: of a sub-block, or of the block itself if the path is empty.
    fn net(&mut self, signal: &Signal, of: &str, role: Role) {
        let path = format!("{of}{}", signal.path);
        let name = names::flat(&format!("{of}{}", signal.name));
        self.take(&name, &path);
        self.symbols.insert(path.clone(), Symbol::Net(self.scope.nets.len()));
        self.scope.nets.push(Net { path, name, ty: signal.ty.clone(), role });
    }

    fn constant(&mut self, path: &str, name: String, value: i128, ty: Ty) {
        self.take(&name, path);
        self.symbols.insert(path.to_owned(), Symbol::Const(self.scope.consts.len()));
        self.scope.consts.push(Constant { name, value, ty });
    }

    /// The states of a signal's type as constants.
    fn states(&mut self, ty: &Ty) {
        let Sort::Enum(variants) = &ty.sort else { return };
        for (value, path) in variants.iter().enumerate() {
            if !self.symbols.contains_key(path) {
                self.constant(path, names::constant(path), value as i128, ty.clone());
            }
        }
    }

    fn write(mut self, frame: &Frame, body: &VerilogBlock) -> Result<String, Problems> {
        let mut lower = Lower {
            scope: &self.scope,
            symbols: &self.symbols,
            loops: Vec::new(),
            problems: Vec::new(),
        };
        let block = lower.block(body);
        self.problems.append(&mut lower.problems);
        for net in read_between_writes(&block, &self.scope) {
            self.complain(net, "read between two writes to it; use a second signal");
        }
        let drivers = drivers(&block);
        self.check_driven(&drivers);
        let forms = self.forms(&frame.children, &drivers);
        let scope = std::mem::take(&mut self.scope);
        let mut printer = Printer {
            used: vec![0; scope.nets.len()],
            consts: vec![false; scope.consts.len()],
            scope: &scope,
            taken: &mut self.taken,
            temps: Vec::new(),
            problems: Vec::new(),
            target: 0,
        };
        let mut parts = Parts::default();
        parts.drive(&mut printer, &drivers, &forms);
        parts.children(&mut printer, &frame.children, &drivers, &forms);
        let text = assemble(&mut printer, parts, &forms);
        self.problems.append(&mut printer.problems);
        match self.problems.is_empty() {
            true => Ok(text),
            false => Err(self.problems),
        }
    }

    fn complain(&mut self, net: NetId, message: &str) {
        self.problems.push((self.scope.nets[net].path.clone(), message.to_owned()));
    }

    fn check_driven(&mut self, drivers: &BTreeMap<NetId, Driver>) {
        for net in 0..self.scope.nets.len() {
            match drivers.get(&net) {
                None if self.scope.nets[net].role.driven_inside() => {
                    self.complain(net, "not driven");
                }
                Some(Driver::Block(block)) if !complete(block) => {
                    self.complain(net, "not assigned on all paths (a latch); give it a default");
                }
                _ => {}
            }
        }
    }

    fn forms(&self, children: &[Child], drivers: &BTreeMap<NetId, Driver>) -> Vec<Form> {
        let mut read = vec![false; self.scope.nets.len()];
        let mut see = |e: &Expr| e.nets(&mut |n| read[n] = true);
        for driver in drivers.values() {
            match driver {
                Driver::Expr(e) => see(e),
                Driver::Block(block) => expressions(block, &mut see),
            }
        }
        let form = |(id, net): (usize, &Net)| {
            let bound = |child: usize| match drivers.get(&id) {
                _ if read[id] => false,
                Some(_) if children[child].module.is_none() => true,
                Some(Driver::Expr(Expr::Net(n))) => self.scope.nets[*n].ty.width == net.ty.width,
                Some(Driver::Expr(Expr::Lit(_) | Expr::Const(_))) => true,
                _ => false,
            };
            match (net.role, drivers.get(&id)) {
                (Role::ChildIn(child), _) if bound(child) => Form::Bound,
                (Role::ChildOut(child), _) if children[child].module.is_none() => Form::Register,
                (_, Some(Driver::Expr(_))) => Form::Assigned,
                (_, Some(Driver::Block(_))) => Form::Always,
                (_, None) => Form::Given,
            }
        };
        self.scope.nets.iter().enumerate().map(form).collect()
    }
}

fn assemble(p: &mut Printer, parts: Parts, forms: &[Form]) -> String {
    let mut ports = Vec::new();
    let mut body = String::new();
    for (constant, used) in p.scope.consts.iter().zip(&p.consts) {
        if *used {
            let Constant { name, value, ty } = constant;
            let (sign, s) = (if *value < 0 { "-" } else { "" }, if ty.signed { "s" } else { "" });
            let literal = format!("{sign}{}'{s}d{}", ty.width, value.unsigned_abs());
            body += &format!("{} = {literal};\n", declared("localparam", ty, name));
        }
    }
    for (net, form) in p.scope.nets.iter().zip(forms) {
        let kind = if matches!(form, Form::Always | Form::Register) { "reg" } else { "wire" };
        match net.role {
            Role::Own(dir @ (Dir::In | Dir::Out)) => {
                ports.push(port(dir, kind, &net.ty, &net.name))
            }
            _ if *form == Form::Bound => {}
            _ => body += &format!("{};\n", declared(kind, &net.ty, &net.name)),
        }
    }
    for Temp { name, width, text, .. } in &p.temps {
        let range = if *width > 1 { format!("[{}:0] ", width - 1) } else { String::new() };
        body += &format!("wire {range}{name} = {text};\n");
    }
    for part in [parts.assigns, parts.blocks, parts.registers, parts.instances, unused(p, forms)] {
        if !part.is_empty() && !body.is_empty() {
            body.push('\n');
        }
        body += &part;
    }
    let indent = |l: &str| if l.is_empty() { "\n".to_owned() } else { format!("    {l}\n") };
    let body: String = body.lines().map(indent).collect();
    format!("{}{body}endmodule\n", header(&ports))
}

/// One wire that reads all unread bits, so that lint does not warn about them.
fn unused(p: &mut Printer, forms: &[Form]) -> String {
    let mut bits = Vec::new();
    for (id, net) in p.scope.nets.iter().enumerate() {
        let outside = matches!(net.role, Role::Own(Dir::Out)) || forms[id] == Form::Bound;
        if !outside {
            unread(&net.name, net.ty.width, u128::from(p.used[id]), &mut bits);
        }
    }
    for temp in &p.temps {
        unread(&temp.name, temp.width, temp.used, &mut bits);
    }
    if bits.is_empty() {
        return String::new();
    }
    let name = p.taken.fresh("unused");
    format!("wire {name} = &{{1'b0, {}}};\n", bits.join(", "))
}

fn unread(name: &str, width: usize, used: u128, out: &mut Vec<String>) {
    let free = |i: usize| i < width && used >> i & 1 == 0;
    if (0..width).all(free) {
        return out.push(name.to_owned());
    }
    let mut low = 0;
    while low < width {
        let len = (low..width).take_while(|&i| free(i)).count();
        match len {
            0 => {}
            1 => out.push(format!("{name}[{low}]")),
            _ => out.push(format!("{name}[{}:{low}]", low + len - 1)),
        }
        low += len + 1;
    }
}
