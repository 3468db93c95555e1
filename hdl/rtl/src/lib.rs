//! The hardware-description layer: run-time-sized signals on top of rust-hdl.
//!
//! [`block!`](crate::block) declares a block: its signals and sub-blocks, each with its width in the same line, as
//! the ports of a Verilog module are. Its behaviour is one `#[hdl_gen] fn update`, which is both the Rust simulation
//! and, through [`emit`], the Verilog. `use pecan_rtl::prelude::*;` is all a block file needs.
//!
//! # Example
//! ```
//! use pecan_rtl::prelude::*;
//!
//! block! {
//!     /// Adds its inputs to one accumulator per lane, and says when lane 0 is negative.
//!     struct Accumulators = "accumulators" {
//!         pub clock: Signal<In, Clock>,
//!         pub reset: Signal<In, Bit>,
//!         pub x: Vec<Wire<In>> = Wire::signed_vec(lanes, 4),
//!         pub y: Vec<Wire<Out>> = Wire::signed_vec(lanes, width),
//!         pub negative: Signal<Out, Bit>,
//!         acc: Vec<Reg> = Reg::signed_vec(lanes, width),
//!         step: Const = Const::signed(-1, 2),
//!         _lanes: usize = lanes,
//!     }
//!
//!     fn new(lanes: usize, width: usize) {}
//! }
//!
//! impl Logic for Accumulators {
//!     #[hdl_gen]
//!     fn update(&mut self) {
//!         for l in 0..self._lanes {
//!             dff_setup!(self, clock, acc[l]);
//!             if self.x[l].val().any() {
//!                 self.acc[l].d.next = self.acc[l].q.val() + self.x[l].val() + self.step.val();
//!             }
//!             if self.reset.val() {
//!                 self.acc[l].d.next = 0.into();
//!             }
//!             self.y[l].next = self.acc[l].q.val();
//!         }
//!         self.negative.next = self.acc[0].q.val() < 0.into();
//!     }
//! }
//!
//! let mut uut = Accumulators::new(2, 12);
//! uut.x[0].next = (-3).into();
//! simulate(&mut uut, 100);
//! uut.clock.next = true.into();
//! simulate(&mut uut, 100);
//! assert!(uut.negative.val());
//! let design = pecan_rtl::emit::emit(&uut, "accumulators")?;
//! assert_eq!(design.modules.len(), 1);
//! # Ok::<(), pecan_rtl::emit::EmitError>(())
//! ```
//!
//! One-bit signals need no value behind `=`. The braces of `new` hold the `let`s that the values need.
//!
//! # Bundles
//! Signals that belong together are declared once with [`bundle!`](macro@crate::bundle). They are one field of the
//! blocks at both ends, connected by one [`wires::link`]:
//! ```
//! use pecan_rtl::prelude::*;
//!
//! bundle! {
//!     /// Words that are taken where `valid` and `ready` meet.
//!     struct Stream<D> {
//!         valid: Signal<D, Bit>,
//!         ready: Signal<D::Back, Bit>,
//!         data: Wire<D> = Wire::new(width),
//!     }
//!
//!     fn new(width: usize) {}
//! }
//!
//! block! {
//!     /// Passes the words on that are not 0.
//!     struct Filter = "filter" {
//!         from: Stream<In> = Stream::new(8).named(&["in_valid", "in_ready", "in_data"]),
//!         to: Stream<Out> = Stream::new(8).named(&["out_valid", "out_ready", "out_data"]),
//!     }
//!
//!     fn new() {}
//! }
//!
//! impl Logic for Filter {
//!     #[hdl_gen]
//!     fn update(&mut self) {
//!         self.to.data.next = self.from.data.val();
//!         self.to.valid.next = self.from.valid.val() & self.from.data.val().any();
//!         self.from.ready.next = self.to.ready.val();
//!     }
//! }
//!
//! block! {
//!     /// Two filters, one behind the other.
//!     struct Path = "path" {
//!         from: Stream<In> = Stream::new(8).named(&["in_valid", "in_ready", "in_data"]),
//!         to: Stream<Out> = Stream::new(8).named(&["out_valid", "out_ready", "out_data"]),
//!         first: Filter = Filter::new(),
//!         second: Filter = Filter::new(),
//!     }
//!
//!     fn new() {}
//! }
//!
//! impl Logic for Path {
//!     #[hdl_gen]
//!     fn update(&mut self) {
//!         wires::link(&mut self.from, &mut self.first.from);
//!         wires::link(&mut self.first.to, &mut self.second.from);
//!         wires::link(&mut self.to, &mut self.second.to);
//!     }
//! }
//!
//! let text = pecan_rtl::emit::emit(&Path::new(), "path")?.text();
//! assert!(text.contains("filter u_first (\n        .in_valid(in_valid),"));
//! # Ok::<(), pecan_rtl::emit::EmitError>(())
//! ```
//! - `D` is the direction at the present block, `D::Back` the other one. A block that sends has the bundle as `Out`,
//!   one that receives it as `In`; a block that passes it on has the same direction as its sub-block.
//! - [`wires::link`] also connects single signals and `Vec`s. A block's own side comes first.
//! - In the Verilog a field bears its own name, not that of the bundle; `named` gives other names, in the order of the
//!   fields.
//! - [`Bundles`] is one bundle per row or column: `self.tap[r].base_y` is `base_y_3` for `r = 3`.
//!
//! # Parts and choices
//! - A behaviour that is too long for one function is several [`parts`](mod@parts), each with its own `update`.
//! - [`When`] is a property of the instance: `if self.skip.val() { .. } else { .. }` leaves no hardware of the branch
//!   that is not taken. A sub-block that may be missing is a `Vec`; a block that has one is written in parts, even if it
//!   is one part.
//! - [`Indices`] lets a path have the variants of an enumeration: `self.event[Counter::BeatsIn.index()]`.
//!
//! # What `hdl_gen` accepts
//! The macro reads the tokens of `update` and makes no use of types.
//! - Statements: assignments to `self.<path>.next`; `if` / `else if` / `else`; `match`;
//!   `for i in a..b`; `clock!`, `dff_setup!` (also with indexed registers); [`wires::link`]; `comment!`-like
//!   `println!("...")`. No `let`, no early `return`, no helper calls.
//! - Paths: `self.a`, `self.sub.port`, `self.v[i].port`, `self.m[i][j].port`; an index is built of
//!   integers, loop variables, `self.k.index()` with `k: Const`, `+ - * / %` and parentheses. Fields
//!   that start with `_` are no hardware; they may bound a loop (`0..self._n`, parenthesised if
//!   compound: `0..(self._n + 1)`), but must not appear in an index or a value: use a [`Const`].
//!   A bound must not mention another loop's variable.
//! - Values: `.val()`; `5.into()`, `(-5).into()`, `i.into()` with a loop variable, `self.k.val()`
//!   with a [`Const`]; `+ - * & | ^`, unary `-`, comparisons; `<<` and `>>` with a bare integer, a
//!   loop variable or a value on the right; `.get_bit(i)`, `.any()`, `.all()`; `flag.val().into()`
//!   for a flag as a number.
//! - Flags (`Signal<_, Bit>`, comparisons, `any`, `all`, `get_bit`): `!`, `&&`, `||`, `&`, `|`, `^`,
//!   `==`, `!=`.
//! - Casts: [`bits`], [`bits_signed`] (not with a loop variable in an argument: the macro evaluates
//!   the call when the Verilog is made), [`unsigned_cast`] and [`signed_cast`] (anywhere).
//! - `match self.state.q.val() { State::Idle => { .. } _ => { .. } }` on a `LogicState` enum (held in
//!   a [`RegOf`]`<State>`), and `match self.op.val().index() { 0 => { .. } _ => { .. } }`; one plain
//!   pattern per arm.
//! - A condition that is constant for an instance (`if i == 0`, `if self.k.val() == 3.into()`) is
//!   decided by the emitter: the branch not taken leaves no hardware and may hold indices that
//!   would be out of range.
//! - Field names `config wire reg module edge disable input output next val` are refused, as are Verilog
//!   keywords and names that clash once `$` is replaced by `_`.
//!
//! # Rules for correct hardware
//! - Drive every input of every sub-block, every output and every local, on all paths.
//! - Do not read a local or output between two writes to it (the emitter refuses it): in hardware
//!   a signal has one settled value.
//! - A value wraps to the target's width only if operators formed it; a bare signal that is wider
//!   than its target needs a cast. Results of `>>` may be cut without one.
//! - Settle with `simulate(&mut uut, 100)` after each change of the clock.

mod bundle;
mod declare;
pub mod emit;
mod indices;
pub mod leaf;
mod names;
pub mod parts;
mod value;
mod when;
mod wire;
pub mod wires;

pub use bundle::{Bundle, Bundles, shown};
pub use indices::Indices;
pub use leaf::{PsumFile, Reg, RegBit, RegOf, Scratchpad, Sram, ZeroFlags, addr_width};
pub use names::ModuleName;
pub use value::{MAX_WIDTH, Value, bits, bits_signed, signed_cast, unsigned_cast};
pub use when::When;
pub use wire::{Const, Wire};

pub(crate) use bundle::path_and_name;
pub(crate) use value::SIGNED_CAST;
pub use value::wrap;

/// Everything a block file needs, including the names that the output of rust-hdl's macros uses.
pub mod prelude {
    pub use super::wires::{self, logic};
    pub use super::{
        Bundles, Const, Indices, ModuleName, PsumFile, Reg, RegBit, RegOf, Scratchpad, Sram, Value,
        When, Wire, ZeroFlags, addr_width, bits, bits_signed, signed_cast, unsigned_cast,
    };
    pub use crate::{block, bundle, clock, dff_setup, parts};
    pub use rust_hdl_core::ast::{Verilog, VerilogLiteral};
    pub use rust_hdl_core::bits::{Bit, Bits, ToBits, clog2};
    pub use rust_hdl_core::block::Block;
    pub use rust_hdl_core::clock::Clock;
    pub use rust_hdl_core::direction::{Direction, In, Local, Out};
    pub use rust_hdl_core::logic::Logic;
    pub use rust_hdl_core::prelude::{LogicBlock, LogicState, hdl_gen};
    pub use rust_hdl_core::probe::Probe;
    pub use rust_hdl_core::signal::Signal;
    pub use rust_hdl_core::simulate::simulate;
    pub use rust_hdl_core::synth::{Synth, VCDValue};
    pub use rust_hdl_core::type_descriptor::{TypeDescriptor, TypeKind};
    pub use rust_hdl_core::{ast, block, probe, synth, type_descriptor};
}
