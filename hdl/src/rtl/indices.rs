//! [`Indices`]: lets `update` index by the variants of an enumeration.

use rust_hdl_core::block::Block;
use rust_hdl_core::logic::Logic;
use rust_hdl_core::probe::Probe;
use std::marker::PhantomData;

use super::wire::Const;

/// An enumeration whose variants are positions: `self.event[Counter::BeatsIn.index()]`.
pub trait Enumeration {
    /// Name of the type and names of its variants, in the order of their positions.
    const NAMES: (&'static str, &'static [&'static str]);
}

/// A field that tells the emitter the positions of an enumeration's variants, as constants.
#[derive(Clone, Debug)]
pub struct Indices<E>(PhantomData<E>);

impl<E> Default for Indices<E> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<E: Enumeration> Logic for Indices<E> {
    fn update(&mut self) {}
}

impl<E: Enumeration> Block for Indices<E> {
    fn connect_all(&mut self) {}
    fn update_all(&mut self) {}
    fn has_changed(&self) -> bool {
        false
    }
    fn accept(&self, _: &str, probe: &mut dyn Probe) {
        let (name, variants) = E::NAMES;
        for (position, variant) in variants.iter().enumerate() {
            Const::new(position, 16).accept(&format!("{name}${variant}"), probe);
        }
    }
}
