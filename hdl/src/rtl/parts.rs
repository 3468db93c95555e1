//! [`parts!`](crate::parts): a behaviour in several functions.

use rust_hdl_core::ast::Verilog;

/// Part of the behaviour of a block that is too long for one function. `P` names the part.
///
/// The trait is written with its module (`impl parts::Part<Payload> for Decoder`): were it imported, its
/// functions would hide those of `Logic`.
pub trait Part<P> {
    /// As `Logic::update`; carries `#[hdl_gen]`.
    fn update(&mut self);
    /// As `Logic::connect`; written by `hdl_gen`.
    fn connect(&mut self);
    /// As `Logic::hdl`; written by `hdl_gen`.
    fn hdl(&self) -> Verilog;
}

/// The statements of all parts in one block.
///
/// # Panics
/// If a part is no result of `hdl_gen`.
#[must_use]
#[allow(clippy::panic)] // documented: a part with hand-written Verilog is a design error
pub fn join(parts: impl IntoIterator<Item = Verilog>) -> Verilog {
    let statements = parts.into_iter().flat_map(|part| match part {
        Verilog::Combinatorial(statements) => statements,
        other => panic!("a part of a block must be made by hdl_gen: {other:?}"),
    });
    Verilog::Combinatorial(statements.collect())
}

/// `parts!(Block: First, Second)`: the behaviour of a block is that of its parts, in this order. Each part is an
/// [`impl parts::Part<First> for Block`](crate::rtl::parts::Part).
#[macro_export]
macro_rules! parts {
    ($block:ident: $($(#[$doc:meta])* $part:ident),+ $(,)?) => {
        $($(#[$doc])* enum $part {})+

        impl Logic for $block {
            fn update(&mut self) {
                $(<Self as parts::Part<$part>>::update(self);)+
            }

            fn connect(&mut self) {
                $(<Self as parts::Part<$part>>::connect(self);)+
            }

            fn hdl(&self) -> Verilog {
                parts::join([$(<Self as parts::Part<$part>>::hdl(self)),+])
            }
        }
    };
}
