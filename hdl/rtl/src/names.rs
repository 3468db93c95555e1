//! [`ModuleName`] and the macros that connect registers to their clock.

use rust_hdl_core::ast::{BlackBox, Verilog};
use rust_hdl_core::block::Block;
use rust_hdl_core::logic::Logic;
use rust_hdl_core::probe::Probe;
use std::fmt::Display;

use crate::emit::{Kind, MemorySize};

/// A field that holds the name and the kind of the Verilog module emitted for its block.
///
/// Blocks of different content may share a name: the emitter then adds `_2`, `_3`, ...
#[derive(Clone, Debug)]
pub struct ModuleName {
    name: String,
    kind: Kind,
}

impl ModuleName {
    /// A field that names its module `name`.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        Self { kind: Kind::block(name.clone()), name }
    }

    /// A module `<block>_<size>`.
    pub fn sized(block: &str, size: impl Display) -> Self {
        Self { name: format!("{block}_{size}"), kind: Kind::block(block) }
    }

    /// A synchronous memory `<block>_<words>x<bits>`.
    #[must_use]
    pub fn memory(block: &str, words: usize, bits: usize) -> Self {
        let mut name = Self::sized(block, format_args!("{words}x{bits}"));
        name.kind.memory = Some(MemorySize { words, bits });
        name
    }

    /// Parses the text that [`Logic::hdl`] returned: the library passes on nothing but text.
    pub(crate) fn read(said: &BlackBox) -> (String, Kind) {
        let mut words = said.code.split(' ');
        let block = words.next().unwrap_or_default().to_owned();
        let mut number = || words.next().and_then(|word| word.parse().ok());
        let memory = number().zip(number()).map(|(words, bits)| MemorySize { words, bits });
        (said.name.clone(), Kind { block, memory })
    }
}

impl From<&str> for ModuleName {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl Logic for ModuleName {
    fn update(&mut self) {}

    /// Tells the emitter's probe that this namespace is a name and not a bundle of signals.
    fn hdl(&self) -> Verilog {
        let Kind { block, memory } = &self.kind;
        let size = memory.map(|MemorySize { words, bits }| format!(" {words} {bits}"));
        let code = block.clone() + &size.unwrap_or_default();
        Verilog::Blackbox(BlackBox { code, name: self.name.clone() })
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

/// `dff_setup!(self, clock, a, b[i])`: clocks the registers and lets them hold by default.
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
