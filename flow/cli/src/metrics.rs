//! The machine-readable result of a run: `metrics.json`, which `--json` prints.
//!
//! Every command has a struct `Metrics` of its own members; its schema is what `pecan schema` prints.

use pecan_config::Config;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::Value;

use super::units;

/// Number of the schema of every JSON document of the commands. Keys may be added without a new number; a key never
/// changes its meaning without one.
pub(super) const SCHEMA: u32 = 2;

/// A result: the number of the schema, the command and the program's version, then the command's own members.
#[derive(Serialize, JsonSchema)]
struct Document<'a, M> {
    /// Number of the schema. Keys may be added without a new number; a key never changes its meaning without one.
    #[schemars(extend("unit" = "version"))]
    schema: u32,
    /// Name of the command.
    command: &'a str,
    /// Version of the program.
    version: &'a str,
    #[serde(flatten)]
    metrics: &'a M,
}

/// The accelerator of a run.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Accelerator {
    /// Name: array, lanes, widths, or that of a preset.
    name: String,
    /// Hash of all keys that decide the hardware, in hexadecimal.
    hash: String,
    /// All keys of the configuration.
    #[schemars(schema_with = "configuration")]
    configuration: Value,
}

impl Accelerator {
    pub(super) fn of(config: &Config) -> Self {
        Self { name: config.name(), hash: config.hash_hex(), configuration: config.to_json() }
    }
}

/// The schema of configurations, which the configuration's own definition gives.
fn configuration(_: &mut SchemaGenerator) -> Schema {
    let mut schema = Schema::try_from(pecan_config::json_schema()).unwrap_or_default();
    schema.remove("$schema");
    schema
}

/// The result of a command as JSON. A number that JSON does not have (NaN, infinity) becomes `null`.
///
/// # Errors
/// A map of the result has keys that are not strings.
pub(super) fn document(command: &str, metrics: &impl Serialize) -> serde_json::Result<Value> {
    let version = env!("CARGO_PKG_VERSION");
    serde_json::to_value(Document { schema: SCHEMA, command, version, metrics })
}

/// The JSON Schema (draft 2020-12) of the results of a command.
pub(super) fn schema_of<M: JsonSchema>(command: &str) -> Value {
    finished::<Document<'_, M>>(&format!("metrics.json of pecan {command}"))
}

/// The JSON Schema of that type, with the unit of every number.
pub(super) fn finished<T: JsonSchema>(title: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    schema.insert("title".into(), title.into());
    let mut schema = schema.to_value();
    units::add(&mut schema);
    without_links(&mut schema);
    schema
}

/// Takes the links between items of the source out of the descriptions, which are doc comments: a reader of a schema
/// has no use for them.
fn without_links(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::String(text) if key == "description" => *text = without_link(text),
                    member => without_links(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(without_links),
        _ => {}
    }
}

/// The text with ``[`name`](target)`` and ``[`name`]`` as `name` in backquotes.
fn without_link(text: &str) -> String {
    let mut parts = text.split("[`");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let Some((name, rest)) = part.split_once("`]") else {
            plain.extend(["[`", part]);
            continue;
        };
        let target = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
        let name = name.rsplit("::").next().unwrap_or(name);
        plain.extend(["`", name, "`", target.map_or(rest, |(_, rest)| rest)]);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_the_source_become_names() {
        let text = "See [`Self::rate`], [`component`](super::component) and [a page](https://x).";
        assert_eq!(without_link(text), "See `rate`, `component` and [a page](https://x).");
        assert_eq!(without_link("[`open"), "[`open");
    }
}
