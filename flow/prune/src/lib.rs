//! Energy-aware pruning: finds a network of the same accuracy that needs a fraction of the energy on this hardware.
//!
//! A [`Criterion`] chooses the weights to remove. The energy model on the hardware's own counts predicts the saving
//! ([`CostModel`]). The remaining weights are reconstructed by least squares ([`reconstruction`]) and
//! tuned on data ([`train`](pecan_train)). The accuracy is that of the integer network, which the hardware computes bit
//! for bit. [`prune`] repeats this until the accuracy falls below the bound. See `docs/pruning.md`.

mod channel_order;
mod channels;
mod checkpoint;
mod cost;
pub mod covariance;
pub mod criterion;
mod dense;
mod driver;
mod error;
mod layer;
mod matrix;
mod obs;
mod outcome;
mod parameters;
pub mod reconstruction;
mod round;
mod score;
mod setting;
mod state;
mod widths;

pub use channels::{ChannelClass, classes, close};
pub use checkpoint::{Checkpoint, Key};
pub use cost::{CostModel, Price, Prices};
pub use criterion::{Criterion, DEFAULT, REGISTRY, find};
pub use dense::Dense;
pub use driver::{Search, prune};
pub use error::PruneError;
pub use layer::PruneLayer;
pub use outcome::{Ending, Event, Outcome, Phases, Point};
pub use parameters::Parameters;
pub use score::{Answers, Integers, Subset, answers, cost, integers};
pub use setting::{Bounds, Schedule, Setting, Split};
pub use widths::prune_widths;

#[cfg(test)]
mod large_tests;
