//! Registers.

use crate::prelude::*;
use rust_hdl_core::ast::Wrapper;

/// Marks a block whose Verilog the emitter writes into the parent: `q` is loaded from `d` at `clock`.
pub(crate) const INLINE_REGISTER: &str = "inline register";

fn inline_register() -> Verilog {
    Verilog::Wrapper(Wrapper { code: INLINE_REGISTER.into(), cores: String::new() })
}

/// A register: `q` is loaded from `d` at the rising edge of `clock`. No reset; starts at 0 in the model.
#[derive(LogicBlock)]
pub struct Reg {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Next value.
    pub d: Wire<In>,
    /// Present value.
    pub q: Wire<Out>,
}

impl Reg {
    /// An unsigned register of `width` bits.
    ///
    /// # Panics
    /// If `width` is not within 1..=64.
    pub fn new(width: usize) -> Self {
        Self { clock: Signal::default(), d: Wire::new(width), q: Wire::new(width) }
    }

    /// A two's complement register of `width` bits.
    ///
    /// # Panics
    /// If `width` is not within 1..=64.
    pub fn signed(width: usize) -> Self {
        Self { clock: Signal::default(), d: Wire::signed(width), q: Wire::signed(width) }
    }

    /// `n` unsigned registers of `width` bits.
    ///
    /// # Panics
    /// If `width` is not within 1..=64.
    pub fn vec(n: usize, width: usize) -> Vec<Self> {
        (0..n).map(|_| Self::new(width)).collect()
    }

    /// `n` two's complement registers of `width` bits.
    ///
    /// # Panics
    /// If `width` is not within 1..=64.
    pub fn signed_vec(n: usize, width: usize) -> Vec<Self> {
        (0..n).map(|_| Self::signed(width)).collect()
    }
}

impl Logic for Reg {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.q.next = self.d.val();
        }
    }

    fn connect(&mut self) {
        self.q.connect();
    }

    fn hdl(&self) -> Verilog {
        inline_register()
    }
}

/// A register of a rust-hdl type: a flag, or the state of a `LogicState` machine.
pub struct RegOf<T: Synth> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Next value.
    pub d: Signal<In, T>,
    /// Present value.
    pub q: Signal<Out, T>,
}

/// A one-bit register (flag).
pub type RegBit = RegOf<Bit>;

impl<T: Synth> RegOf<T> {
    /// A register that starts at the type's default (0, the first state) in the model.
    pub fn new() -> Self {
        Self { clock: Signal::default(), d: Signal::default(), q: Signal::default() }
    }

    /// `n` registers.
    pub fn vec(n: usize) -> Vec<Self> {
        (0..n).map(|_| Self::new()).collect()
    }
}

impl<T: Synth> Default for RegOf<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Synth> Logic for RegOf<T> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.q.next = self.d.val();
        }
    }

    fn connect(&mut self) {
        self.q.connect();
    }

    fn hdl(&self) -> Verilog {
        inline_register()
    }
}

// Written by hand, because the derive macro drops a bound on the type parameter.
impl<T: Synth> Block for RegOf<T> {
    fn connect_all(&mut self) {
        self.connect();
    }

    fn update_all(&mut self) {
        self.update();
        self.clock.update_all();
        self.d.update_all();
        self.q.update_all();
    }

    fn has_changed(&self) -> bool {
        self.clock.has_changed() || self.d.has_changed() || self.q.has_changed()
    }

    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_start_scope(name, self);
        self.clock.accept("clock", probe);
        self.d.accept("d", probe);
        self.q.accept("q", probe);
        probe.visit_end_scope(name, self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_d_at_the_rising_edge_only() {
        let mut uut = Reg::signed(4);
        for (clock, d, q) in [(false, -3, 0), (true, -3, -3), (true, 5, -3), (false, 5, -3)] {
            uut.d.next = d.into();
            simulate(&mut uut, 10);
            uut.clock.next = clock.into();
            assert!(simulate(&mut uut, 10));
            assert_eq!(uut.q.val(), q.into(), "clock {clock}, d {d}");
        }
    }
}
