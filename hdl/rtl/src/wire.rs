//! [`Wire`] and [`Const`]: signals and constants whose width is run-time data.

use rust_hdl_core::ast::VerilogLiteral;
use rust_hdl_core::atom::{Atom, AtomKind};
use rust_hdl_core::block::Block;
use rust_hdl_core::constraint::PinConstraint;
use rust_hdl_core::direction::{Direction, In, Local, Out};
use rust_hdl_core::logic::Logic;
use rust_hdl_core::probe::Probe;
use rust_hdl_core::signal::get_signal_id;
use rust_hdl_core::synth::VCDValue;
use rust_hdl_core::type_descriptor::{TypeDescriptor, TypeKind};
use std::marker::PhantomData;

use super::value::{SIGNED_CAST, Value, check_width, wrap};

/// A signal of 1 to 64 bits whose width is set when the design is built.
///
/// It is used in rust-hdl designs like the library's own `Signal`: assign `next`, read [`val`](Wire::val). Assigned
/// values wrap to the width, two's complement if signed.
#[derive(Clone, Debug)]
pub struct Wire<D: Direction> {
    /// The value after the next update; wraps to the width.
    pub next: Value,
    val: i128,
    width: usize,
    signed: bool,
    changed: bool,
    claimed: bool,
    id: usize,
    dir: PhantomData<D>,
}

impl<D: Direction> Wire<D> {
    /// An unsigned wire of `width` bits, initially 0.
    ///
    /// # Panics
    /// If `width` is not within 1..=64.
    pub fn new(width: usize) -> Self {
        Self::build(width, false)
    }

    /// A two's complement wire of `width` bits, initially 0.
    ///
    /// # Panics
    /// If `width` is not within 1..=64.
    pub fn signed(width: usize) -> Self {
        Self::build(width, true)
    }

    /// `n` unsigned wires of `width` bits.
    ///
    /// # Panics
    /// If `width` is not within 1..=64.
    pub fn vec(n: usize, width: usize) -> Vec<Self> {
        (0..n).map(|_| Self::new(width)).collect()
    }

    /// `n` two's complement wires of `width` bits.
    ///
    /// # Panics
    /// If `width` is not within 1..=64.
    pub fn signed_vec(n: usize, width: usize) -> Vec<Self> {
        (0..n).map(|_| Self::signed(width)).collect()
    }

    fn build(width: usize, signed: bool) -> Self {
        check_width(width);
        Self {
            next: Value::default(),
            val: 0,
            width,
            signed,
            changed: false,
            claimed: false,
            id: get_signal_id(),
            dir: PhantomData,
        }
    }

    /// Width in bits.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Whether the wire is two's complement.
    pub fn is_signed(&self) -> bool {
        self.signed
    }

    fn value(&self, v: i128) -> Value {
        Value::with_width(v, self.width | if self.signed { SIGNED_CAST } else { 0 })
    }

    /// As in rust-hdl, a value that the block itself drives is visible at once.
    fn assigned(&self) -> Value {
        self.value(wrap(self.next.as_i128(), self.width, self.signed))
    }
}

impl Wire<In> {
    /// The value driven from outside.
    pub fn val(&self) -> Value {
        self.value(self.val)
    }
}

impl Wire<Out> {
    /// The value driven by the block.
    pub fn val(&self) -> Value {
        self.assigned()
    }
}

impl Wire<Local> {
    /// The value last assigned.
    pub fn val(&self) -> Value {
        self.assigned()
    }
}

fn descriptor(width: usize, signed: bool) -> TypeDescriptor {
    TypeDescriptor {
        name: format!("{}{width}", if signed { "signed" } else { "unsigned" }),
        kind: if signed { TypeKind::Signed(width) } else { TypeKind::Bits(width) },
    }
}

fn vcd_bits(v: i128, width: usize) -> VCDValue {
    let bit = |i: usize| if (v >> i) & 1 == 1 { vcd::Value::V1 } else { vcd::Value::V0 };
    VCDValue::Vector((0..width).rev().map(bit).collect())
}

/// The bits of `v`; the library offers no literal of run-time width, so its width is 64.
fn literal(v: i128, width: usize) -> VerilogLiteral {
    (wrap(v, width, false) as u64).into()
}

impl<D: Direction> Atom for Wire<D> {
    fn bits(&self) -> usize {
        self.width
    }
    fn connected(&self) -> bool {
        self.claimed
    }
    fn changed(&self) -> bool {
        self.changed
    }
    fn kind(&self) -> AtomKind {
        D::KIND
    }
    fn descriptor(&self) -> TypeDescriptor {
        descriptor(self.width, self.signed)
    }
    fn vcd(&self) -> VCDValue {
        vcd_bits(self.val, self.width)
    }
    fn id(&self) -> usize {
        self.id
    }
    fn verilog(&self) -> VerilogLiteral {
        literal(self.val, self.width)
    }
    fn constraints(&self) -> Vec<PinConstraint> {
        Vec::new()
    }
}

impl<D: Direction> Logic for Wire<D> {
    fn update(&mut self) {}
    fn connect(&mut self) {
        self.claimed = true;
    }
}

impl<D: Direction> Block for Wire<D> {
    fn connect_all(&mut self) {}
    fn update_all(&mut self) {
        let new = wrap(self.next.as_i128(), self.width, self.signed);
        self.changed = new != self.val;
        self.val = new;
    }
    fn has_changed(&self) -> bool {
        self.changed
    }
    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_atom(name, self);
    }
}

/// A constant whose value and width are set when the design is built; a `localparam` in Verilog.
#[derive(Clone, Debug)]
pub struct Const {
    val: i128,
    width: usize,
    signed: bool,
    id: usize,
}

impl Const {
    /// An unsigned constant of `width` bits.
    ///
    /// # Panics
    /// If `width` is not within 1..=64 or `value` does not fit it.
    pub fn new(value: impl Into<Value>, width: usize) -> Self {
        Self::build(value.into(), width, false)
    }

    /// A two's complement constant of `width` bits.
    ///
    /// # Panics
    /// If `width` is not within 1..=64 or `value` does not fit it.
    pub fn signed(value: impl Into<Value>, width: usize) -> Self {
        Self::build(value.into(), width, true)
    }

    fn build(value: Value, width: usize, signed: bool) -> Self {
        check_width(width);
        let val = value.as_i128();
        assert!(wrap(val, width, signed) == val, "constant {val} does not fit {width} bits");
        Self { val, width, signed, id: get_signal_id() }
    }

    /// The constant.
    pub fn val(&self) -> Value {
        Value::with_width(self.val, self.width | if self.signed { SIGNED_CAST } else { 0 })
    }

    /// The constant as an index or loop bound: `self.q[self.k.index()]`, `0..self.n.index()`.
    ///
    /// # Panics
    /// If the constant is negative.
    pub fn index(&self) -> usize {
        self.val().index()
    }
}

impl Atom for Const {
    fn bits(&self) -> usize {
        self.width
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
        descriptor(self.width, self.signed)
    }
    fn vcd(&self) -> VCDValue {
        vcd_bits(self.val, self.width)
    }
    fn id(&self) -> usize {
        self.id
    }
    fn verilog(&self) -> VerilogLiteral {
        literal(self.val, self.width)
    }
    fn constraints(&self) -> Vec<PinConstraint> {
        Vec::new()
    }
}

impl Logic for Const {
    fn update(&mut self) {}
}

impl Block for Const {
    fn connect_all(&mut self) {}
    fn update_all(&mut self) {}
    fn has_changed(&self) -> bool {
        false
    }
    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_atom(name, self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignment_wraps() {
        let mut w = Wire::<Out>::signed(4);
        w.next = 9.into();
        assert_eq!(w.val(), (-7).into());
        w.update_all();
        assert!(w.has_changed());
        w.next = 25.into();
        w.update_all();
        assert!(!w.has_changed());
    }

    #[test]
    fn inputs_wait_for_the_update() {
        let mut w = Wire::<In>::new(4);
        w.next = 3.into();
        assert_eq!(w.val(), 0.into());
        w.update_all();
        assert_eq!(w.val(), 3.into());
    }

    #[test]
    #[should_panic(expected = "does not fit")]
    fn constants_must_fit() {
        let _ = Const::new(16, 4);
    }
}
