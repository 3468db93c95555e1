//! The accelerator's configuration.
//!
//! Every key is defined once, in `schema.rs`, with its type, default, legal values, unit and documentation on one line.
//! Everything else is derived from it: the TOML reader and its error messages, `--set` overrides, the JSON schema, the
//! documented TOML file, the table in the manual and the dimension of the random tests. Rules between keys are in
//! [`RULES`].
//!
//! ```
//! use pecan_config::{Config, preset};
//!
//! let config = Config::from_toml("accelerator.toml", "[array]\nrows = 4\n")?;
//! assert_eq!(config.multipliers(), 4 * 4 * 4);
//! assert_eq!(preset("eyeriss").map(|c| c.multipliers()), Some(168));
//! # Ok::<(), pecan_config::ConfigError>(())
//! ```

mod convert;
mod derived;
mod domain;
mod error;
mod export;
pub mod geometry;
mod hash;
pub mod isa;
mod key;
mod keyed;
mod load;
mod presets;
mod random;
mod rate;
mod rules;
mod schema;

pub use derived::address_bits;
pub use domain::{Domain, Value};
pub use error::{ConfigError, ProblemKind};
pub use export::{json_schema, markdown};
pub use key::{Key, Scope, Section};
pub use keyed::{Keyed, ResultKey};
pub use load::Loader;
pub use presets::{PRESETS, Preset, preset};
pub use random::Limits;
pub use rate::{ParseRateError, Rate};
pub use rules::{RULES, Rule};
pub use schema::{
    Array, Buffers, Config, Counters, Drain, Memory, Numerics, Pe, SECTIONS, Sparsity, Stream,
    Weights,
};

impl Config {
    /// Every key in the order of the schema.
    pub fn keys() -> impl Iterator<Item = &'static Key> {
        SECTIONS.iter().flat_map(|section| section.keys)
    }

    /// The key with that full name (`section.key`).
    #[must_use]
    pub fn key(path: &str) -> Option<&'static Key> {
        let (section, name) = path.split_once('.')?;
        Self::keys().find(|key| key.section == section && key.name == name)
    }
}
