//! Units of the numbers in results: named in the schemas, once for all keys of a name.
//!
//! A field whose name does not decide its unit has the attribute `schemars(extend("unit" = ...))`, which goes first.

use serde_json::{Map, Value};

/// Units by the end of a key. The first that fits counts.
const BY_END: &[(&str, &str)] = &[
    ("per_second_at_100_mhz", "1/s"),
    ("_pj", "pJ"),
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
    ("accuracy", "1"),
    ("accuracy_drop", "1"),
    ("standard_error", "1"),
    ("error", "1"),
    ("ratio", "1"),
    ("utilization", "1"),
    ("density", "1"),
    ("coverage", "1"),
    ("energy", "technology.unit"),
    ("_words", "words"),
];

/// Adds `unit` to every number that lacks it, where its key decides it.
pub(super) fn add(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get_mut("properties") {
                for (key, property) in properties {
                    if let Value::Object(property) = property
                        && counts(property)
                        && !property.contains_key("unit")
                    {
                        let by_end = BY_END.iter().find(|(end, _)| key.ends_with(end));
                        property.insert("unit".into(), by_end.map_or("1", |(_, unit)| unit).into());
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
    fn the_longest_fitting_end_decides_and_an_attribute_goes_first() {
        let number = json!({ "type": "number" });
        let mut schema = json!({ "properties": {
            "energy_pj": number, "edp": { "type": "number", "unit": "pJ x cycles" }, "name": { "type": "string" },
            "images": { "type": "integer" }, "slack_ns": { "type": ["number", "null"] },
            "inner": { "type": "object", "properties": { "run_seconds": number } },
        }});
        add(&mut schema);
        let unit =
            |pointer: &str| schema.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        assert_eq!(unit("/properties/energy_pj/unit").as_deref(), Some("pJ"));
        assert_eq!(unit("/properties/edp/unit").as_deref(), Some("pJ x cycles"));
        assert_eq!(unit("/properties/images/unit").as_deref(), Some("1"));
        assert_eq!(unit("/properties/slack_ns/unit").as_deref(), Some("ns"));
        assert_eq!(unit("/properties/name/unit"), None);
        assert_eq!(unit("/properties/inner/properties/run_seconds/unit").as_deref(), Some("s"));
    }
}
