//! [`link`]: one statement for the wires between two bundles.
//!
//! Fields of the same name are connected, whatever their number. The directions decide which side drives: the block's
//! own inputs drive inputs of its sub-blocks, outputs of these drive the block's outputs or other sub-blocks. The
//! block's own side, if there is one, comes first.

use rust_hdl_core::ast::{VerilogLink, VerilogLinkDetails};
use rust_hdl_core::bits::Bit;
use rust_hdl_core::direction::{Direction, In, Local, Out};
use rust_hdl_core::signal::Signal;

use super::wire::Wire;

/// The direction of a bundle, and that of its signals in the opposite direction (`ready` beside `valid`).
pub trait Side: Direction {
    /// The opposite direction.
    type Back: Side;
}

impl Side for In {
    type Back = Out;
}

impl Side for Out {
    type Back = In;
}

impl Side for Local {
    type Back = Local;
}

/// Signals that can be connected with those of `Inner`.
pub trait Link<Inner> {
    /// Assigns the value of the driving side of each pair to the other.
    ///
    /// # Panics
    /// If one side has more signals than the other.
    fn link(&mut self, inner: &mut Inner);
}

/// Connects `outer` with `inner`, field by field; a statement of `update`.
///
/// # Panics
/// If one side has more signals than the other.
pub fn link<A: Link<B>, B>(outer: &mut A, inner: &mut B) {
    outer.link(inner);
}

/// Emitted by the `hdl_gen` macro for [`link`]: the paths of both sides. The emitter knows their fields.
#[must_use]
pub fn link_hdl(_: &str, outer: &str, inner: &str) -> Vec<VerilogLink> {
    vec![VerilogLink::Forward(VerilogLinkDetails {
        my_name: String::new(),
        owner_name: outer.into(),
        other_name: inner.into(),
    })]
}

/// A one-bit signal.
type Flag<D> = Signal<D, Bit>;

/// Implements the links of each pair of directions, of the outer and the inner signal.
macro_rules! link {
    ($signal:ident: $($outer:ident => $inner:ident),+; $($to:ident <= $from:ident),+) => {
        $(impl Link<$signal<$inner>> for $signal<$outer> {
            fn link(&mut self, inner: &mut $signal<$inner>) {
                inner.next = self.val();
            }
        })+
        $(impl Link<$signal<$from>> for $signal<$to> {
            fn link(&mut self, inner: &mut $signal<$from>) {
                self.next = inner.val();
            }
        })+
    };
}

link! { Wire: In => In, Local => In, Out => In; Out <= Out, Local <= Out, In <= Out }
link! { Flag: In => In, Local => In, Out => In; Out <= Out, Local <= Out, In <= Out }

impl<A: Link<B>, B> Link<Vec<B>> for Vec<A> {
    fn link(&mut self, inner: &mut Vec<B>) {
        assert_eq!(self.len(), inner.len(), "linked signals differ in number");
        self.iter_mut().zip(inner).for_each(|(a, b)| a.link(b));
    }
}

/// The module that the `hdl_gen` macro finds under the name `logic`: the library's own, but without its rules of
/// which types can be linked.
pub mod logic {
    pub use rust_hdl_core::logic::*;

    /// The library marks linked signals as driven; the emitter looks for undriven ones itself.
    pub fn logic_connect_link_fn<A: super::Link<B>, B>(_: &mut A, _: &mut B) {}
}
