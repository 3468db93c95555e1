//! Energy of the accelerator: model, technology files, calibration, estimates.
//!
//! A [`Technology`] holds coefficients that were fitted to the gate-level power of the emitted hardware. A [`Model`]
//! applies them to the [`Events`] of a layer on one configuration and returns a [`Breakdown`] by block and kind of
//! data.

mod actions;
mod axis;
mod block;
mod data;
mod error;
mod estimate;
mod events;
pub mod feature;
mod model;
mod sram;
mod technology;

pub use block::{BLOCKS, Block, Breakdown, Class, component};
pub use data::Data;
pub use error::EnergyError;
pub use estimate::{
    Estimate, Floor, LayerEstimate, MeasureError, Planned, Rates, Target, action_costs, measure,
};
pub use events::Events;
pub use model::Model;
pub use sram::{AccessModel, SramModel, SramRange};
pub use technology::{ComponentError, Dram, FORMAT, Fit, HeldOutSummary, Technology};
