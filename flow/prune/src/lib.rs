//! Energy-aware pruning: a network that costs a fraction of the energy on this hardware at the same accuracy.
//!
//! A [`Rule`] chooses what goes, the energy model on the hardware's own counts says what that saves ([`Ledger`]), the
//! weights that remain are refit by least squares ([`refit`](mod@refit)) and tuned on data
//! ([`train`](pecan_train)), and the integer network, which is what the hardware computes bit for bit, says whether
//! the accuracy holds. [`prune`] repeats this until it does not. See `docs/pruning.md`.

mod channel_order;
mod channels;
mod checkpoint;
mod cost;
mod driver;
mod error;
mod layer;
mod matrix;
pub mod moments;
mod obs;
mod outcome;
mod parameters;
pub mod refit;
mod round;
pub mod rule;
mod score;
mod setting;
mod widths;

pub use channels::{ChannelClass, classes, close};
pub use checkpoint::{Checkpoint, Key};
pub use cost::{Ledger, Price, Prices};
pub use driver::{Dense, prune};
pub use error::PruneError;
pub use layer::PruneLayer;
pub use outcome::{Ending, Event, Outcome, Phases, Point};
pub use parameters::Parameters;
pub use rule::{DEFAULT, REGISTRY, Rule, find};
pub use score::{Answers, Integers, Part, answers, cost, integers};
pub use setting::{Bounds, Schedule, Setting, Split};
pub use widths::prune_widths;

#[cfg(test)]
mod large_tests;
