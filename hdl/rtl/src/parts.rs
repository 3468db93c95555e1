//! [`parts!`](macro@crate::parts): a behaviour split into several functions.

use rust_hdl_core::ast::{BlackBox, Verilog};

/// Part of the behaviour of a block that is too long for one function. `P` names the part.
///
/// The trait is written with its module (`impl parts::Part<Payload> for Decoder`): if it were imported, its functions
/// would hide those of `Logic`.
pub trait Part<P> {
    /// As `Logic::update`; carries `#[hdl_gen]`.
    fn update(&mut self);
    /// As `Logic::connect`; written by `hdl_gen`.
    fn connect(&mut self);
    /// As `Logic::hdl`; written by `hdl_gen`.
    fn hdl(&self) -> Verilog;
}

/// The statements of all parts in one block. A part that was not made by `hdl_gen` makes the whole a black box, which
/// the emitter refuses.
#[must_use]
pub fn join(parts: impl IntoIterator<Item = Verilog>) -> Verilog {
    let mut all = Vec::new();
    for part in parts {
        let Verilog::Combinatorial(statements) = part else {
            return Verilog::Blackbox(BlackBox { code: String::new(), name: String::new() });
        };
        all.extend(statements);
    }
    Verilog::Combinatorial(all)
}

/// `parts!(Block: First, Second)`: the behaviour of a block is that of its parts, in this order. Each part is an
/// [`impl parts::Part<First> for Block`](crate::parts::Part).
///
/// The library's `connect` (which marks driven signals) is left out: it would reach into branches that have no
/// hardware, and the emitter looks for undriven signals itself.
#[macro_export]
macro_rules! parts {
    ($block:ident: $($(#[$doc:meta])* $part:ident),+ $(,)?) => {
        $($(#[$doc])* enum $part {})+

        impl Logic for $block {
            fn update(&mut self) {
                $(<Self as parts::Part<$part>>::update(self);)+
            }

            fn hdl(&self) -> Verilog {
                parts::join([$(<Self as parts::Part<$part>>::hdl(self)),+])
            }
        }
    };
}
