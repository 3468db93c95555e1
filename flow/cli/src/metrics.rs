//! The machine-readable result of a run.

use pecan_config::Config;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Number of the schema of every JSON document of the commands. Keys may be added without a new number; a key never
/// changes its meaning without one.
pub(super) const SCHEMA: u32 = 2;

/// The members of a `metrics.json` in the order in which they were added, after the number of the schema, the command
/// and the program's version.
#[derive(Debug, Clone)]
pub struct Metrics(Map<String, Value>);

impl Metrics {
    /// The metrics of a run of that command.
    #[must_use]
    pub fn new(command: &str) -> Self {
        let metrics = Self(Map::new());
        metrics
            .with("schema", SCHEMA)
            .with("command", command)
            .with("version", env!("CARGO_PKG_VERSION"))
    }

    /// Adds the accelerator: its name, hash and values.
    #[must_use]
    pub fn config(self, config: &Config) -> Self {
        let accelerator = json!({
            "name": config.name(),
            "hash": config.hash_hex(),
            "configuration": config.to_json(),
        });
        self.with("accelerator", accelerator)
    }

    /// Adds a member. A number that JSON does not have (NaN, infinity) becomes `null`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// Adds a member of any type that can be serialized.
    ///
    /// # Errors
    /// If the value has no JSON form, such as a map whose keys are not strings.
    pub fn with_serialized(
        self,
        key: &str,
        value: &impl Serialize,
    ) -> Result<Self, serde_json::Error> {
        Ok(self.with(key, serde_json::to_value(value)?))
    }

    /// The document.
    #[must_use]
    pub fn into_json(self) -> Value {
        Value::Object(self.0)
    }
}
