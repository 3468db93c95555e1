//! The probe that traverses a design and makes its modules, children first.

use rust_hdl_core::ast::{Verilog, VerilogLiteral};
use rust_hdl_core::atom::{Atom, AtomKind};
use rust_hdl_core::block::Block;
use rust_hdl_core::probe::Probe;
use rust_hdl_core::type_descriptor::TypeKind;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::ir::{Dir, Signal, Sort, Ty};
use super::names::Taken;
use super::{Design, EmitError, Kind, Module, Problem, module};
use crate::leaf::INLINE_REGISTER;
use crate::{ModuleName, path_and_name, wrap};

/// A sub-block with its properties for the parent.
pub(super) struct Child {
    /// Name of the field, `$` between the indices.
    pub(super) path: String,
    /// Name of its module; `None` for a register that the parent writes inline.
    pub(super) module: Option<String>,
    pub(super) ports: Vec<Signal>,
}

/// A block whose content has been visited.
#[derive(Default)]
pub(super) struct Frame {
    pub(super) path: String,
    /// Name of the module, without prefix and number, and its kind.
    pub(super) kind: Option<(String, Kind)>,
    namespaces: Vec<String>,
    pub(super) signals: Vec<Signal>,
    /// Constants: path, value, type.
    pub(super) consts: Vec<(String, i128, Ty)>,
    pub(super) children: Vec<Child>,
    /// Problems found while visiting: signal, message.
    pub(super) problems: Vec<(String, String)>,
}

pub(super) struct Collector {
    top: String,
    /// Prefix of the names of all other modules.
    prefix: String,
    stack: Vec<Frame>,
    modules: Vec<Module>,
    /// Map from base of the name and text (without its name) to the module's name.
    known: HashMap<(String, String), String>,
    names: Taken,
    problems: Vec<Problem>,
}

impl Collector {
    pub(super) fn new(top: &str, prefix: &str) -> Self {
        let mut collector = Self {
            top: top.to_owned(),
            prefix: prefix.to_owned(),
            stack: Vec::new(),
            modules: Vec::new(),
            known: HashMap::new(),
            names: Taken::default(),
            problems: Vec::new(),
        };
        if let Err(message) = collector.names.take(top, top) {
            let frame = Frame { path: top.to_owned(), ..Frame::default() };
            collector.complain(&frame, top, "module name".into(), message);
        }
        collector
    }

    pub(super) fn finish(self) -> Result<Design, EmitError> {
        match self.problems.is_empty() {
            true => Ok(Design { modules: self.modules, top: self.top }),
            false => Err(EmitError { problems: self.problems }),
        }
    }

    fn complain(&mut self, frame: &Frame, kind: &str, signal: String, message: String) {
        let known = |p: &Problem| p.module == kind && p.signal == signal && p.message == message;
        if !self.problems.iter().any(known) {
            let path = self.stack.iter().map(|f| f.path.as_str()).chain([frame.path.as_str()]);
            let instance = path.collect::<Vec<_>>().join(".").replace('$', "_");
            self.problems.push(Problem { module: kind.to_owned(), instance, signal, message });
        }
    }

    /// Name of the module with this content, which is made if it is new.
    fn intern(
        &mut self,
        base: &str,
        kind: Kind,
        text: String,
        instantiates: Vec<String>,
    ) -> String {
        let key = (base.to_owned(), text);
        if let Some(name) = self.known.get(&key) {
            return name.clone();
        }
        let is_top = self.stack.is_empty();
        let name = match is_top {
            true => self.top.clone(),
            false => self.names.fresh(&format!("{}{base}", self.prefix)),
        };
        let text = format!("module {name} {}", key.1);
        self.modules.push(Module { name: name.clone(), kind, text, instantiates });
        self.known.insert(key, name.clone());
        name
    }

    fn make(&mut self, mut frame: Frame, node: &dyn Block) {
        let field = frame.path.split('$').next().unwrap_or_default();
        let (base, kind) =
            frame.kind.take().unwrap_or_else(|| (field.to_owned(), Kind::block(field)));
        let base = if self.stack.is_empty() { self.top.clone() } else { base };
        for (signal, message) in std::mem::take(&mut frame.problems) {
            self.complain(&frame, &base, signal, message);
        }
        let hdl = node.hdl();
        let inline = matches!(&hdl, Verilog::Wrapper(w) if w.code == INLINE_REGISTER);
        let made = match inline && !self.stack.is_empty() {
            true => Ok(None),
            false => module::text(&frame, &hdl).map(Some),
        };
        let module = match made {
            Ok(text) => text.map(|text| {
                if !self.stack.is_empty()
                    && let Err(message) = Taken::default().take(&base, &base)
                {
                    self.complain(&frame, &base, "module name".into(), message);
                }
                let children = frame.children.iter().filter_map(|child| child.module.clone());
                let children = children.collect::<BTreeSet<_>>();
                self.intern(&base, kind, text, children.into_iter().collect())
            }),
            Err(problems) => {
                for (signal, message) in problems {
                    self.complain(&frame, &base, signal, message);
                }
                // No text, but a name, so that the parent's own problems are found as well.
                Some(base)
            }
        };
        let ports = frame.signals.into_iter().filter(|s| s.dir != Dir::Local).collect();
        if let Some(parent) = self.stack.last_mut() {
            parent.children.push(Child { path: frame.path, module, ports });
        }
    }
}

impl Frame {
    fn atom(&mut self, shown: &str, atom: &dyn Atom) {
        let (path, name) = path_and_name(&self.namespaces, shown);
        let ty = match describe(atom) {
            Ok(ty) => ty,
            Err(message) => return self.problems.push((path, message)),
        };
        let dir = match atom.kind() {
            AtomKind::InputParameter => Dir::In,
            AtomKind::OutputParameter => Dir::Out,
            AtomKind::LocalSignal => Dir::Local,
            AtomKind::Constant => {
                let value = literal(&atom.verilog()).map(|v| wrap(v, ty.width, ty.signed));
                match value {
                    Some(value) => self.consts.push((path, value, ty)),
                    None => self.problems.push((path, "constant beyond 127 bits".into())),
                }
                return;
            }
            kind => {
                let message =
                    format!("signals of kind {kind:?} are not supported; use In, Out, Local");
                return self.problems.push((path, message));
            }
        };
        self.signals.push(Signal { path, name, dir, ty });
    }
}

fn describe(atom: &dyn Atom) -> Result<Ty, String> {
    let width = atom.bits();
    let descriptor = atom.descriptor();
    let (signed, sort) = match descriptor.kind {
        TypeKind::Bits(_) if descriptor.name == "Bit" => (false, Sort::Flag),
        TypeKind::Bits(_) if descriptor.name == "clock" => (false, Sort::Clock),
        TypeKind::Bits(_) => (false, Sort::Int),
        TypeKind::Signed(_) => (true, Sort::Int),
        TypeKind::Enum(variants) => {
            let variants = variants.iter().map(|v| v.replace("::", "$")).collect();
            (false, Sort::Enum(Rc::new(variants)))
        }
        TypeKind::Composite(_) => return Err("struct signals are not supported".into()),
    };
    match width {
        1..=64 => Ok(Ty { width, signed, sort }),
        _ => Err(format!("width {width} is not within 1..=64")),
    }
}

/// The number that a literal of the library holds.
pub(super) fn literal(v: &VerilogLiteral) -> Option<i128> {
    // The value is private; its hexadecimal form is `<bits>'h<digits>`.
    let text = format!("{v:x}");
    let digits = text.split_once("'h")?.1;
    match digits.strip_prefix('-') {
        Some(digits) => i128::from_str_radix(digits, 16).ok().map(|v| -v),
        None => i128::from_str_radix(digits, 16).ok(),
    }
}

impl Probe for Collector {
    fn visit_start_scope(&mut self, name: &str, _node: &dyn Block) {
        self.stack.push(Frame { path: name.to_owned(), ..Frame::default() });
    }

    fn visit_start_namespace(&mut self, name: &str, node: &dyn Block) {
        if let Some(frame) = self.stack.last_mut() {
            if let Verilog::Blackbox(b) = node.hdl() {
                frame.kind = Some(ModuleName::read(&b));
            }
            frame.namespaces.push(name.to_owned());
        }
    }

    fn visit_atom(&mut self, name: &str, signal: &dyn Atom) {
        if let Some(frame) = self.stack.last_mut() {
            frame.atom(name, signal);
        }
    }

    fn visit_end_namespace(&mut self, _name: &str, _node: &dyn Block) {
        if let Some(frame) = self.stack.last_mut() {
            frame.namespaces.pop();
        }
    }

    fn visit_end_scope(&mut self, _name: &str, node: &dyn Block) {
        if let Some(frame) = self.stack.pop() {
            self.make(frame, node);
        }
    }
}
