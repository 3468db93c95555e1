//! [`Indices`]: lets `update` index by the variants of an enumeration.

use rust_hdl_core::block::Block;
use rust_hdl_core::logic::Logic;
use rust_hdl_core::probe::Probe;

use super::wire::Const;

/// A field that gives the emitter the positions of an enumeration's variants, as constants, so that a path may contain
/// `self.event[Counter::BeatsIn.index()]`.
#[derive(Clone, Debug, Default)]
pub struct Indices {
    name: &'static str,
    variants: &'static [&'static str],
}

impl Indices {
    /// The positions of the enumeration `name`, whose `variants` are in order.
    #[must_use]
    pub fn new(name: &'static str, variants: &'static [&'static str]) -> Self {
        Self { name, variants }
    }
}

impl Logic for Indices {
    fn update(&mut self) {}
}

impl Block for Indices {
    fn connect_all(&mut self) {}
    fn update_all(&mut self) {}
    fn has_changed(&self) -> bool {
        false
    }
    fn accept(&self, _: &str, probe: &mut dyn Probe) {
        for (position, variant) in self.variants.iter().enumerate() {
            Const::new(position, 16).accept(&format!("{}${variant}", self.name), probe);
        }
    }
}
