//! The schema in other forms: documented TOML, JSON schema, Markdown.

use std::fmt::Write as _;

use serde_json::{Map, json};

use super::domain::Domain;
use super::key::{Key, Scope, Section};
use super::{Config, PRESETS, RULES, SECTIONS};

impl Config {
    /// The configuration as documented TOML that reads back as itself.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = String::from(
            "# Configuration of the accelerator. A key that is left out keeps its default.\n\
             # Rules between keys:\n",
        );
        for rule in RULES {
            text.push_str(&format!("# - {}\n", rule.doc));
        }
        for section in SECTIONS {
            text.push_str(&format!("\n# {}\n[{}]\n", section.doc(), section.name));
            for key in section.keys {
                let (unit, default) = (unit_suffix(key), key.default_value());
                text.push_str(&format!("# {}\n", key.doc()));
                text.push_str(&format!("# Legal: {}{unit}. Default: {default}.\n", key.domain));
                text.push_str(&format!("{} = {}\n", key.name, key.get(self)));
            }
        }
        text
    }

    /// The values as a JSON object of sections, in the order of the schema.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let section = |section: &Section| {
            let keys = section.keys.iter();
            let values: Map<_, _> =
                keys.map(|key| (key.name.to_owned(), key.get(self).to_json())).collect();
            (section.name.to_owned(), values.into())
        };
        serde_json::Value::Object(SECTIONS.iter().map(section).collect())
    }
}

fn unit_suffix(key: &Key) -> String {
    if key.unit.is_empty() { String::new() } else { format!(" ({})", key.unit) }
}

/// The JSON schema (draft 2020-12) of the configuration, for editors and other programs. It describes types and legal
/// values; its description lists the rules between keys.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    let sections = SECTIONS.iter().map(|section| {
        let keys = section.keys.iter().map(|key| (key.name.to_owned(), key_schema(key)));
        let schema = json!({
            "type": "object",
            "description": section.doc(),
            "additionalProperties": false,
            "properties": Map::from_iter(keys),
        });
        (section.name.to_owned(), schema)
    });
    let rules: Vec<_> = RULES.iter().map(|rule| rule.doc).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pecan accelerator configuration",
        "description": format!("Rules between keys: {}.", rules.join("; ")),
        "type": "object",
        "additionalProperties": false,
        "properties": Map::from_iter(sections),
    })
}

fn key_schema(key: &Key) -> serde_json::Value {
    let mut schema = match key.domain {
        Domain::Range { min, max, step: 1 } => {
            json!({ "type": "integer", "minimum": min, "maximum": max })
        }
        Domain::Range { .. } | Domain::PowersOfTwo { .. } | Domain::Choice(_) => {
            let values: Vec<_> =
                key.domain.candidates().into_iter().map(|value| value.to_json()).collect();
            json!({ "type": "integer", "enum": values })
        }
        Domain::Decimal { min, max } => {
            json!({ "type": "number", "minimum": min.to_f64(), "maximum": max.to_f64() })
        }
        Domain::Flag => json!({ "type": "boolean" }),
        Domain::Words(words) => json!({ "type": "string", "enum": words }),
    };
    schema["description"] = format!("{}{}", key.doc(), unit_suffix(key)).into();
    schema["default"] = key.default_value().to_json();
    schema
}

/// The manual's tables of keys, rules and presets, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from("## Keys\n");
    for section in SECTIONS {
        let _ = write!(text, "\n### `[{}]`\n\n{}\n\n", section.name, section.doc());
        text.push_str("| key | legal values | default | unit | meaning |\n|---|---|---|---|---|\n");
        for key in section.keys {
            let (domain, default) = (key.domain, key.default_value());
            let (unit, scope) = (key.unit, scope_note(key));
            let doc = key.doc();
            let _ = writeln!(
                text,
                "| `{}` | {domain} | `{default}` | {unit} | {doc}{scope} |",
                key.name
            );
        }
    }
    text.push_str("\n## Rules between keys\n\n");
    for rule in RULES {
        let _ = writeln!(text, "- {}.", rule.doc);
    }
    text.push_str("\n## Presets\n\n");
    for preset in PRESETS {
        let config = preset.config();
        let _ = writeln!(text, "- `{}` (`{}`): {}.", preset.name, config.name(), preset.doc);
    }
    text.push_str("\n| key |");
    PRESETS.iter().for_each(|preset| text.push_str(&format!(" {} |", preset.name)));
    text.push_str(&format!("\n|---|{}\n", "---|".repeat(PRESETS.len())));
    for key in Config::keys() {
        let values: Vec<_> =
            PRESETS.iter().map(|preset| key.get(&preset.config()).to_string()).collect();
        let _ = writeln!(text, "| `{}` | {} |", key.path(), values.join(" | "));
    }
    text
}

fn scope_note(key: &Key) -> &'static str {
    match key.scope {
        Scope::Hardware => "",
        Scope::Simulation => " Simulation only: not part of the hardware's hash.",
    }
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
