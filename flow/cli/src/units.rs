//! Units of the numbers in results: named in the schemas, once for all keys of a name.
//!
//! A field whose name does not decide its unit has the attribute `schemars(extend("unit" = ...))`, which goes first. There
//! is no unit by default: a test refuses a number without one.

use serde_json::{Map, Value};

/// Units by the end of a key. The first that fits counts.
const BY_END: &[(&str, &str)] = &[
    ("per_second_at_100_mhz", "1/s"),
    ("_pj", "pJ"),
    ("_db", "dB"),
    ("_ns", "ns"),
    ("_nm", "nm"),
    ("_um2", "um2"),
    ("_ff", "fF"),
    ("_mw", "mW"),
    ("_mhz", "MHz"),
    ("cycles_per_second", "cycles/s"),
    ("seconds", "s"),
    ("bytes", "bytes"),
    ("_bits", "bits"),
    ("cycles", "cycles"),
    ("macs", "multiplications"),
    ("operations", "operations"),
    ("energy", "technology.unit"),
    ("_words", "words"),
];

/// Ends of the keys of ratios, shares, factors and errors relative to a value, whose unit is 1.
const RATIOS: &[&str] = &[
    "accuracy",
    "accuracy_drop",
    "error",
    "ratio",
    "utilization",
    "density",
    "coverage",
    "share",
    "used",
    "step",
    "margin",
    "momentum",
    "activation_penalty",
    "betas",
    "epsilon",
    "gradient_norm",
    "learning_rate",
    "temperature",
    "warmup",
    "weight_decay",
];

/// Keys of counts, positions and integers without a scale, whose unit is 1.
const COUNTS: &[&str] = &[
    "across",
    "batch",
    "block_rams",
    "bound",
    "buffers",
    "cells",
    "cells_by_type",
    "channel",
    "channel_tiles",
    "clock_gates",
    "column",
    "columns",
    "configurations",
    "count",
    "counter_mismatches",
    "deep",
    "entries",
    "epochs",
    "failures",
    "files",
    "flops",
    "held_out_points",
    "image",
    "images",
    "energy_images",
    "instances",
    "levels",
    "lines",
    "luts",
    "mismatches",
    "multipliers",
    "nets",
    "patience",
    "pixels",
    "points",
    "reduction_tile",
    "reference",
    "resumed_after_round",
    "round",
    "rounds",
    "row",
    "samples",
    "seed",
    "tile",
    "value",
    "values_compared",
    "verilog_lines",
    "verilog_modules",
];

/// The unit of the numbers under a key.
fn unit(key: &str) -> Option<&'static str> {
    let by_end = BY_END.iter().find(|(end, _)| key.ends_with(end)).map(|(_, unit)| *unit);
    let is_plain = COUNTS.contains(&key) || RATIOS.iter().any(|end| key.ends_with(end));
    by_end.or_else(|| is_plain.then_some("1"))
}

/// Adds `unit` to every number that lacks it, where its key decides it.
pub(super) fn add(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get_mut("properties") {
                for (key, property) in properties {
                    if let Value::Object(property) = property
                        && counts(property)
                        && !property.contains_key("unit")
                        && let Some(unit) = unit(key)
                    {
                        property.insert("unit".into(), unit.into());
                    }
                }
            }
            members.values_mut().for_each(add);
        }
        Value::Array(items) => items.iter_mut().for_each(add),
        _ => {}
    }
}

/// Whether a property is a number, maybe null, or a list of numbers.
fn counts(property: &Map<String, Value>) -> bool {
    let is_number = |name: &Value| name == "integer" || name == "number";
    let named = match property.get("type") {
        Some(Value::Array(names)) => names.iter().any(is_number),
        Some(name) => is_number(name),
        None => false,
    };
    let items = property.get("items").and_then(Value::as_object);
    named || items.is_some_and(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_decide_and_an_attribute_goes_first() {
        let number = json!({ "type": "number" });
        let mut schema = json!({ "properties": {
            "energy_pj": number, "edp": { "type": "number", "unit": "pJ x cycles" }, "name": { "type": "string" },
            "images": { "type": "integer" }, "slack_ns": { "type": ["number", "null"] },
            "new": number, "inner": { "type": "object", "properties": { "run_seconds": number } },
        }});
        add(&mut schema);
        let unit =
            |pointer: &str| schema.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        assert_eq!(unit("/properties/energy_pj/unit").as_deref(), Some("pJ"));
        assert_eq!(unit("/properties/edp/unit").as_deref(), Some("pJ x cycles"));
        assert_eq!(unit("/properties/images/unit").as_deref(), Some("1"));
        assert_eq!(unit("/properties/slack_ns/unit").as_deref(), Some("ns"));
        assert_eq!(unit("/properties/name/unit"), None);
        // No rule knows the name: the test of all schemas asks for an attribute then.
        assert_eq!(unit("/properties/new/unit"), None);
        assert_eq!(unit("/properties/inner/properties/run_seconds/unit").as_deref(), Some("s"));
    }
}
