//! Every generated form agrees with the reader.

use super::*;
use crate::{Limits, Loader};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde_json::Value;

/// Validates an instance against the parts of JSON schema that [`json_schema`] uses.
fn accepts(schema: &Value, instance: &Value) -> bool {
    let typed = match schema["type"].as_str().unwrap() {
        "object" => instance.is_object(),
        "integer" => instance.is_u64(),
        "number" => instance.is_number(),
        "boolean" => instance.is_boolean(),
        "string" => instance.is_string(),
        other => panic!("type {other}"),
    };
    let number = instance.as_f64().unwrap_or_default();
    typed
        && schema["enum"].as_array().is_none_or(|values| values.contains(instance))
        && schema["minimum"].as_f64().is_none_or(|minimum| number >= minimum)
        && schema["maximum"].as_f64().is_none_or(|maximum| number <= maximum)
        && instance.as_object().is_none_or(|members| {
            members.iter().all(|(name, member)| {
                let property = &schema["properties"][name];
                property.is_object() && accepts(property, member)
            })
        })
}

#[test]
fn toml_round_trips() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let presets = PRESETS.iter().map(|preset| preset.config());
    let random = (0..200).map(|_| Config::random(&mut rng, &Limits::none()));
    for config in presets.chain(random.collect::<Vec<_>>()) {
        assert_eq!(Config::from_toml("x", &config.to_toml()).unwrap(), config);
        let json: toml::Table = serde_json::from_value(config.to_json()).unwrap();
        assert_eq!(Config::from_toml("x", &json.to_string()).unwrap(), config);
        assert!(accepts(&json_schema(), &config.to_json()));
    }
}

#[test]
fn schema_and_reader_agree_on_single_values() {
    for key in Config::keys() {
        let schema = &json_schema()["properties"][key.section]["properties"][key.name];
        let probes = [0, 1, 2, 3, 7, 8, 12, 16, 31, 33, 48, 49, 63, 64, 65, 4096, 4097, 10_001];
        for probe in probes {
            let loader = Loader::new(Config::default()).set(&format!("{}={probe}", key.path()));
            let refused = loader.finish().is_err_and(|error| {
                let clash = Some(crate::ProblemKind::Clash.code());
                error.problems().iter().any(|p| p.stable_code() != clash)
            });
            assert_eq!(accepts(schema, &probe.into()), !refused, "{} = {probe}", key.path());
        }
        assert!(accepts(schema, &key.default_value().to_json()));
        assert!(!accepts(schema, &"nonsense".into()));
    }
    assert!(!accepts(&json_schema(), &serde_json::json!({ "array": { "row": 1 } })));
}

#[test]
fn documented_file_of_the_smallest_preset() {
    insta::assert_snapshot!(PRESETS[0].config().to_toml());
}

/// `docs/configuration.md` has its own introduction; below the marker follows the text generated from the schema. Run
/// with PECAN_BLESS=1 to update it.
#[test]
fn manual_is_up_to_date() {
    const MARKER: &str = "<!-- generated from the schema: do not edit below -->\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let manual = std::fs::read_to_string(path).unwrap();
    let (introduction, table) = manual.split_once(MARKER).unwrap();
    if std::env::var_os("PECAN_BLESS").is_some() {
        std::fs::write(path, format!("{introduction}{MARKER}\n{}", markdown())).unwrap();
    } else {
        assert_eq!(table.trim(), markdown().trim(), "run the tests with PECAN_BLESS=1");
    }
}
