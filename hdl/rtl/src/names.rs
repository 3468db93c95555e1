//! [`ModuleName`] and the macros that connect registers to their clock.

use rust_hdl_core::ast::{BlackBox, Verilog};
use rust_hdl_core::block::Block;
use rust_hdl_core::logic::Logic;
use rust_hdl_core::probe::Probe;

/// A field that names the Verilog module emitted for the block that holds it.
///
/// Blocks of different content may share a name: the emitter then adds `_2`, `_3`, ...
#[derive(Clone, Debug)]
pub struct ModuleName(String);

impl ModuleName {
    /// A field that names its module `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }
}

impl Logic for ModuleName {
    fn update(&mut self) {}

    /// Tells the emitter's probe that this namespace is a name and not a bundle of signals.
    fn hdl(&self) -> Verilog {
        Verilog::Blackbox(BlackBox { code: String::new(), name: self.0.clone() })
    }
}

impl Block for ModuleName {
    fn connect_all(&mut self) {}
    fn update_all(&mut self) {}
    fn has_changed(&self) -> bool {
        false
    }
    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_start_namespace(name, self);
        probe.visit_end_namespace(name, self);
    }
}

/// `dff_setup!(self, clock, a, b[i])`: clocks the registers and makes them hold by default.
///
/// For each register `x`: `x.clock.next = clock.val(); x.d.next = x.q.val();`.
#[macro_export]
macro_rules! dff_setup {
    ($self:ident, $clock:ident, $($reg:ident $([$i:expr])*),+ $(,)?) => {
        $(
            $self.$reg$([$i])*.clock.next = $self.$clock.val();
            $self.$reg$([$i])*.d.next = $self.$reg$([$i])*.q.val();
        )+
    };
}

/// `clock!(self, clock, a, b[i])`: connects the clock of sub-blocks.
#[macro_export]
macro_rules! clock {
    ($self:ident, $clock:ident, $($sub:ident $([$i:expr])*),+ $(,)?) => {
        $($self.$sub$([$i])*.clock.next = $self.$clock.val();)+
    };
}
