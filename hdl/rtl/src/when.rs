//! [`When`]: whether a part of the hardware exists.

use rust_hdl_core::ast::VerilogLiteral;
use rust_hdl_core::atom::{Atom, AtomKind};
use rust_hdl_core::bits::Bit;
use rust_hdl_core::block::Block;
use rust_hdl_core::constraint::PinConstraint;
use rust_hdl_core::logic::Logic;
use rust_hdl_core::probe::Probe;
use rust_hdl_core::signal::get_signal_id;
use rust_hdl_core::synth::{Synth, VCDValue};
use rust_hdl_core::type_descriptor::TypeDescriptor;

/// A property of an instance, known when the design is built. The emitter decides conditions on it, and the branch not
/// taken leaves no hardware. `if self.skip.val() { .. } else { .. }` thus is a generate-if.
#[derive(Clone, Debug)]
pub struct When {
    holds: bool,
    id: usize,
}

impl When {
    /// Whether it holds.
    #[must_use]
    pub fn new(holds: bool) -> Self {
        Self { holds, id: get_signal_id() }
    }

    /// Whether it holds.
    #[must_use]
    pub fn val(&self) -> bool {
        self.holds
    }
}

impl Atom for When {
    fn bits(&self) -> usize {
        1
    }
    fn connected(&self) -> bool {
        true
    }
    fn changed(&self) -> bool {
        false
    }
    fn kind(&self) -> AtomKind {
        AtomKind::Constant
    }
    fn descriptor(&self) -> TypeDescriptor {
        Bit::descriptor()
    }
    fn vcd(&self) -> VCDValue {
        self.holds.vcd()
    }
    fn id(&self) -> usize {
        self.id
    }
    fn verilog(&self) -> VerilogLiteral {
        self.holds.verilog()
    }
    fn constraints(&self) -> Vec<PinConstraint> {
        Vec::new()
    }
}

impl Logic for When {
    fn update(&mut self) {}
}

impl Block for When {
    fn connect_all(&mut self) {}
    fn update_all(&mut self) {}
    fn has_changed(&self) -> bool {
        false
    }
    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_atom(name, self);
    }
}
