//! The ports of a block as in its Verilog.

use rust_hdl_core::atom::{Atom, AtomKind};
use rust_hdl_core::block::Block;
use rust_hdl_core::probe::Probe;

use super::collect::literal;
use super::names::flat;
use crate::path_and_name;

/// A port of a block and its present value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Verilog name.
    pub name: String,
    /// Whether it is an input.
    pub input: bool,
    /// Width.
    pub bits: usize,
    /// Value in the Rust model, as unsigned bits.
    pub value: u64,
}

/// The ports of `top` in the order of its Verilog module.
pub fn ports(top: &dyn Block) -> Vec<Port> {
    let mut collector = Collector::default();
    top.accept("top", &mut collector);
    collector.ports
}

#[derive(Default)]
struct Collector {
    depth: usize,
    namespaces: Vec<String>,
    ports: Vec<Port>,
}

impl Probe for Collector {
    fn visit_start_scope(&mut self, _: &str, _: &dyn Block) {
        self.depth += 1;
    }

    fn visit_end_scope(&mut self, _: &str, _: &dyn Block) {
        self.depth -= 1;
    }

    fn visit_start_namespace(&mut self, name: &str, _: &dyn Block) {
        self.namespaces.push(name.to_owned());
    }

    fn visit_end_namespace(&mut self, _: &str, _: &dyn Block) {
        self.namespaces.pop();
    }

    fn visit_atom(&mut self, shown: &str, atom: &dyn Atom) {
        let input = atom.kind() == AtomKind::InputParameter;
        if self.depth == 1 && (input || atom.kind() == AtomKind::OutputParameter) {
            let bits = atom.bits();
            let mask = if bits >= 64 { u64::MAX } else { (1 << bits) - 1 };
            // Signals have literals; an item without one is no port.
            if let Some(value) = literal(&atom.verilog()) {
                let value = value as u64 & mask;
                let (_, name) = path_and_name(&self.namespaces, shown);
                self.ports.push(Port { name: flat(&name), input, bits, value });
            }
        }
    }
}
