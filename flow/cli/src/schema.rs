//! `pecan schema`: the JSON Schema of what a command writes to `metrics.json` and prints with `--json`.

use std::fmt::Write as _;

use clap::ValueEnum;
use clap::builder::PossibleValuesParser;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::failure::FailureDocument;
use super::metrics::finished;
use super::registry::schemas;
use super::{Context, Exit, Failure};

/// Name of the schema of failed commands.
const FAILURE: &str = "failure";

/// Print the JSON Schema of a command's result (metrics.json, --json)
///
/// Every member has its meaning, and every number its unit ("unit"; "technology.unit" is what the member of that
/// name says, "1" a count or ratio). Keys may be added without a new schema number. `failure` is the result with
/// --json of a command that failed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The command [default: all]
    #[arg(value_name = "COMMAND", value_parser = PossibleValuesParser::new(names()))]
    of: Option<String>,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
}

/// Forms of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// JSON Schema, draft 2020-12; of all commands, an object by name
    Json,
    /// The manual's tables of members
    Markdown,
}

/// Schemas of results.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Metrics {
    /// JSON Schemas by the name of the command.
    schemas: Map<String, Value>,
}

/// Commands with a result, and `failure`.
fn names() -> Vec<&'static str> {
    schemas().iter().map(|(name, _)| *name).chain([FAILURE]).collect()
}

/// The schemas by name.
fn by_name(wanted: Option<&str>) -> Map<String, Value> {
    let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted == name);
    let commands = schemas().into_iter().filter(|(name, _)| is_wanted(name));
    let mut all: Map<String, Value> =
        commands.map(|(name, schema)| (name.to_owned(), schema(name))).collect();
    if is_wanted(FAILURE) {
        let schema = finished::<FailureDocument<'_>>("result of a command that failed");
        all.insert(FAILURE.into(), schema);
    }
    all
}

pub(super) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let mut schemas = by_name(args.of.as_deref());
    if args.format == Format::Markdown {
        context.print(&markdown(&schemas))?;
    } else if context.json() {
        context.print_metrics(&Metrics { schemas })?;
    } else {
        let one = args.of.and_then(|name| schemas.remove(&name));
        context.print_json(&one.unwrap_or(Value::Object(schemas)))?;
    }
    Ok(Exit::Done)
}

/// Tables of the members of all schemas.
fn markdown(schemas: &Map<String, Value>) -> String {
    let mut text = String::new();
    let mut types: Map<String, Value> = Map::new();
    for (name, schema) in schemas {
        let _ = write!(text, "## {name}\n\n{}\n", table(schema));
        if let Some(Value::Object(own)) = schema.get("$defs") {
            own.iter().for_each(|(name, schema)| {
                types.entry(name).or_insert_with(|| schema.clone());
            });
        }
    }
    if !types.is_empty() {
        text += "## Types\n\n";
    }
    let mut types: Vec<_> = types.into_iter().collect();
    types.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (name, schema) in &types {
        let _ = write!(text, "### {name}\n\n");
        if let Some(Value::String(meaning)) = schema.get("description") {
            let _ = write!(text, "{}\n\n", one_line(meaning));
        }
        text += &table(schema);
        text.push('\n');
    }
    text
}

/// The members of an object, or the values of an enumeration.
fn table(schema: &Value) -> String {
    let mut text = String::new();
    if let Some(Value::Object(properties)) = schema.get("properties") {
        text += "| member | type | unit | meaning |\n|---|---|---|---|\n";
        let required = schema.get("required").and_then(Value::as_array);
        for (name, property) in properties {
            let always = required.is_some_and(|names| names.iter().any(|one| one == name));
            let optional = if always { "" } else { " (may be absent)" };
            let unit = property.get("unit").and_then(Value::as_str).unwrap_or_default();
            let meaning = property.get("description").and_then(Value::as_str).unwrap_or_default();
            let (kind, meaning) = (kind(property), one_line(meaning));
            let _ = writeln!(text, "| `{name}` | {kind} | {unit} | {meaning}{optional} |");
        }
    }
    for form in ["oneOf", "anyOf"] {
        for one in schema.get(form).and_then(Value::as_array).into_iter().flatten() {
            let meaning = one.get("description").and_then(Value::as_str).unwrap_or_default();
            let variant = one.get("properties").and_then(Value::as_object);
            let name = variant.and_then(|members| members.keys().next());
            let name = name.map_or_else(|| kind(one), |name| format!("`{{\"{name}\": ...}}`"));
            let _ = writeln!(text, "- {name}: {}", one_line(meaning));
        }
    }
    text
}

/// Type of a member in a word or a few.
fn kind(schema: &Value) -> String {
    if let Some(Value::String(reference)) = schema.get("$ref") {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(value) = schema.get("const") {
        return format!("`{value}`");
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
    }
    if let Some(forms) = schema.get("anyOf").and_then(Value::as_array) {
        return forms.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let named = match schema.get("type") {
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
        }
        Some(Value::String(name)) => name.clone(),
        _ => "any".into(),
    };
    match (schema.get("items"), schema.get("additionalProperties")) {
        (Some(items), _) => format!("list of {}", kind(items)),
        (None, Some(values @ Value::Object(_))) => format!("object of {}", kind(values)),
        _ => named,
    }
}

/// A text on one line of a table.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
