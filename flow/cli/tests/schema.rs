//! The published schemas: complete, true of the recorded results, and the same as in the manual.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::io::{Seek, Write};
use std::path::Path;
use std::process::Command;

use pecan_test_support::{present, skip};
use serde_json::Value;

fn pecan(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pecan")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn schemas() -> serde_json::Map<String, Value> {
    serde_json::from_str(&pecan(&["schema"])).unwrap()
}

/// Violations of the schemas in pairs of a schema and a document, found by the validator of Debian's
/// `python3-jsonschema`; none at all if it is absent and the test is skipped.
fn violations(pairs: &[[Value; 2]]) -> Option<Vec<String>> {
    const VALIDATE: &str = "import json, sys\n\
        from jsonschema import Draft202012Validator as Validator\n\
        for number, (schema, document) in enumerate(json.load(sys.stdin)):\n\
        \x20   Validator.check_schema(schema)\n\
        \x20   for error in Validator(schema).iter_errors(document):\n\
        \x20       print(number, list(error.absolute_path), error.message[:300])\n";
    let mut python = Command::new(present(Path::new("/usr/bin/python3"))?);
    let input = serde_json::to_vec(pairs).unwrap();
    let mut stdin = tempfile::tempfile().unwrap();
    stdin.write_all(&input).unwrap();
    stdin.rewind().unwrap();
    let output = python.args(["-c", VALIDATE]).stdin(stdin).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    if complaint.contains("No module named 'jsonschema'") {
        skip("the system package python3-jsonschema is absent");
        return None;
    }
    assert!(output.status.success(), "{complaint}");
    let said = String::from_utf8_lossy(&output.stdout);
    Some(said.lines().map(ToOwned::to_owned).collect())
}

/// Checks that every document satisfies its schema.
#[track_caller]
fn validate(pairs: &[[Value; 2]]) {
    if let Some(found) = violations(pairs) {
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

#[test]
fn the_validator_finds_violations() {
    let schema = schemas()["cache"].clone();
    let right: Value = serde_json::from_str(&pecan(&["cache", "--json"])).unwrap();
    let (mut wrong, mut short) = (right.clone(), right.clone());
    wrong["bytes"] = "many".into();
    short.as_object_mut().unwrap().remove("kinds");
    let documents = [right, wrong, short];
    let Some(found) = violations(&documents.map(|document| [schema.clone(), document])) else {
        return;
    };
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("1 ['bytes']") && found[1].contains("'kinds' is a required"),
        "{found:?}"
    );
}

fn root(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

/// Calls `see` for every object of a schema that has members, with the way to it.
fn objects(schema: &Value, way: &str, see: &mut impl FnMut(&str, &serde_json::Map<String, Value>)) {
    match schema {
        Value::Object(members) => {
            // A variant of an enumeration has one member, whose meaning is that of the variant.
            let variant = members.contains_key("description") && way.ends_with("/oneOf");
            if let Some(Value::Object(properties)) = members.get("properties")
                && !variant
            {
                see(way, properties);
            }
            members.iter().for_each(|(key, value)| objects(value, &format!("{way}/{key}"), see));
        }
        Value::Array(items) => items.iter().for_each(|item| objects(item, way, see)),
        _ => {}
    }
}

#[test]
fn every_member_has_its_meaning() {
    let mut bare = Vec::new();
    for (command, schema) in schemas() {
        objects(&schema, &command, &mut |way, properties| {
            for (name, property) in properties {
                if property.get("description").is_none() {
                    bare.push(format!("{way}/{name}"));
                }
            }
        });
    }
    assert!(bare.is_empty(), "{}", bare.join("\n"));
}

/// Whether a property is a number, maybe null, or a list of numbers.
fn is_number(property: &Value) -> bool {
    let numeric = |name: &Value| name == "integer" || name == "number";
    let named = match &property["type"] {
        Value::Array(names) => names.iter().any(numeric),
        name => numeric(name),
    };
    named || property.get("items").is_some_and(is_number)
}

#[test]
fn every_number_has_its_unit() {
    let (mut bare, mut seen) = (Vec::new(), 0);
    for (command, schema) in schemas() {
        objects(&schema, &command, &mut |way, properties| {
            // Keys of the configuration have theirs in their descriptions.
            if way.contains("/configuration/") {
                return;
            }
            for (name, property) in properties.iter().filter(|(_, property)| is_number(property)) {
                seen += 1;
                if property.get("unit").is_none() {
                    bare.push(format!("{way}/{name}"));
                }
            }
        });
    }
    assert!(seen > 300, "{seen}");
    assert!(bare.is_empty(), "{}", bare.join("\n"));
}

#[test]
fn a_name_of_a_type_means_one_type() {
    let mut types: BTreeMap<String, (String, Value)> = BTreeMap::new();
    let mut twice = Vec::new();
    for (command, schema) in schemas() {
        for (name, own) in schema.get("$defs").and_then(Value::as_object).into_iter().flatten() {
            let (first, other) =
                types.entry(name.clone()).or_insert_with(|| (command.clone(), own.clone()));
            if other != own {
                twice.push(format!("{name} of {command} and of {first}"));
            }
            if name.ends_with(|c: char| c.is_ascii_digit()) {
                twice.push(format!("{name} of {command}"));
            }
        }
    }
    assert!(twice.is_empty(), "{}", twice.join("\n"));
}

#[test]
fn recorded_results_have_the_published_form() {
    let (schemas, mut pairs) = (schemas(), Vec::new());
    for entry in std::fs::read_dir(root("tests/recorded")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let command = document["command"].as_str().unwrap();
        let mut schema = schemas[command].clone();
        // Times are not recorded, so their absence must not count.
        without_required(&mut schema);
        known(&document, &schemas[command], command, &schemas[command]);
        pairs.push([schema, document]);
    }
    assert!(pairs.len() >= 10, "{} recorded results", pairs.len());
    validate(&pairs);
}

fn without_required(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.remove("required");
            members.values_mut().for_each(without_required);
        }
        Value::Array(items) => items.iter_mut().for_each(without_required),
        _ => {}
    }
}

/// Every member of an object that the schema describes is in the schema.
fn known(value: &Value, schema: &Value, way: &str, whole: &Value) {
    let schema = match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => whole.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    if let Some(forms) = schema.get("anyOf").and_then(Value::as_array) {
        if let [form, null] = &forms[..]
            && null["type"] == "null"
            && !value.is_null()
        {
            known(value, form, way, whole);
        }
        return;
    }
    match (value, schema.get("properties").and_then(Value::as_object), schema.get("items")) {
        (Value::Object(members), Some(properties), _) => {
            for (key, member) in members {
                let property = properties.get(key);
                let property = property.unwrap_or_else(|| panic!("{way}/{key} has no schema"));
                known(member, property, &format!("{way}/{key}"), whole);
            }
        }
        (Value::Array(items), _, Some(schema)) => {
            items.iter().for_each(|item| known(item, schema, way, whole));
        }
        _ => {}
    }
}

#[test]
fn results_have_the_published_form_with_all_their_members() {
    let (schemas, mut pairs) = (schemas(), Vec::new());
    let folder = tempfile::tempdir().unwrap();
    let (model, data) = (root("tests/data/lenet_digits.onnx"), root("tests/data/digits.npz"));
    let (model, data) = (model.to_str().unwrap(), data.to_str().unwrap());
    let out = folder.path().to_str().unwrap();
    let commands: [&[&str]; 8] = [
        &["init", "-"],
        &["doctor"],
        &["cache"],
        &["completions", "bash"],
        &["generate", "--preset", "tiny", "--out", out],
        &["check", model, "--data", data, "--out", out],
        &["estimate", model, "--data", data, "--limit", "1", "--out", out],
        &[
            "estimate",
            model,
            "--data",
            data,
            "--limit",
            "1",
            "--technology",
            "sg13g2",
            "--technology",
            "asap7",
            "--out",
            out,
        ],
    ];
    for arguments in commands {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pecan"));
        let output = command.args(arguments).args(["--json", "--quiet"]).output().unwrap();
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let name = document["command"].as_str().unwrap();
        assert!(document.get("error").is_none(), "{document:#}");
        let schema = &schemas[name];
        known(&document, schema, name, schema);
        pairs.push([schema.clone(), document.clone()]);
    }
    validate(&pairs);
}

#[test]
fn a_failure_has_the_published_form() {
    let arguments = ["check", "absent.onnx", "--json"];
    let output = Command::new(env!("CARGO_BIN_EXE_pecan")).args(arguments).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["error"]["exit_code"], 3);
    let schema = &schemas()["failure"];
    known(&document, schema, "failure", schema);
    validate(&[[schema.clone(), document]]);
}

/// `docs/metrics.md` lists the members below the marker. Run with PECAN_BLESS=1 to update it.
#[test]
fn the_manual_is_up_to_date() {
    const MARKER: &str =
        "<!-- generated by `pecan schema --format markdown`: do not edit below -->\n";
    let path = root("docs/metrics.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (introduction, listed) = text.split_once(MARKER).unwrap();
    let tables = pecan(&["schema", "--format", "markdown"]);
    if std::env::var_os("PECAN_BLESS").is_some() {
        std::fs::write(path, format!("{introduction}{MARKER}\n{}\n", tables.trim())).unwrap();
    } else {
        assert!(listed.trim() == tables.trim(), "run the tests with PECAN_BLESS=1");
    }
}
