//! Checks the dependencies against `deny.toml` like `cargo deny`, without its online database.

#![allow(clippy::unwrap_used)] // helpers of tests fail like tests

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rules() -> toml::Table {
    std::fs::read_to_string(root().join("deny.toml")).unwrap().parse().unwrap()
}

fn texts<'a>(rules: &'a toml::Table, section: &str, key: &str, member: &str) -> Vec<&'a str> {
    let list = rules[section][key].as_array().unwrap();
    list.iter()
        .map(|item| item.as_str().unwrap_or_else(|| item[member].as_str().unwrap()))
        .collect()
}

/// The packages of a build on this machine, except those of the workspace. Only these are known without a network.
fn packages() -> Vec<Value> {
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--format-version", "1", "--locked", "--offline"]);
    let output = command.args(["--filter-platform", host]).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let used: BTreeSet<&str> = nodes.iter().map(|node| node["id"].as_str().unwrap()).collect();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let others =
        packages.filter(|p| !p["source"].is_null() && used.contains(p["id"].as_str().unwrap()));
    let others: Vec<Value> = others.cloned().collect();
    assert!(others.len() > 100, "{}", others.len());
    others
}

fn named(package: &Value) -> String {
    format!("{} {}", package["name"].as_str().unwrap(), package["version"].as_str().unwrap())
}

#[test]
fn licences_can_be_met_with_those_that_are_allowed() {
    let rules = rules();
    let allowed: BTreeSet<&str> = texts(&rules, "licenses", "allow", "").into_iter().collect();
    let mut needed = BTreeSet::new();
    for package in packages() {
        let text = package["license"].as_str().unwrap_or("none");
        let expression = spdx::Expression::parse_mode(text, spdx::ParseMode::LAX);
        let expression = expression.unwrap_or_else(|error| panic!("{}: {error}", named(&package)));
        let allows =
            |requirement: &spdx::LicenseReq| allowed.contains(requirement.to_string().as_str());
        assert!(expression.evaluate(allows), "{}: {text} is not allowed", named(&package));
        needed.extend(expression.requirements().map(|r| r.req.to_string()));
    }
    let idle: Vec<_> = allowed.iter().filter(|name| !needed.contains(**name)).collect();
    assert!(idle.is_empty(), "allowed, but no package has it: {idle:?}");
}

#[test]
fn banned_packages_and_second_versions_are_not_there() {
    let rules = rules();
    let banned = texts(&rules, "bans", "deny", "name");
    let twice_allowed: BTreeSet<&str> = texts(&rules, "bans", "skip", "name").into_iter().collect();
    let packages = packages();
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        assert!(!banned.contains(&name), "{name} is banned");
        *versions.entry(name).or_default() += 1;
    }
    let twice: BTreeSet<&str> =
        versions.iter().filter(|(_, count)| **count > 1).map(|(name, _)| *name).collect();
    assert_eq!(twice, twice_allowed, "in more than one version, and those that deny.toml lists");
}

#[test]
fn every_package_comes_from_the_registry() {
    let packages = packages();
    let sources: BTreeSet<&str> = packages.iter().map(|p| p["source"].as_str().unwrap()).collect();
    assert!(
        sources.len() == 1 && sources.iter().all(|s| s.starts_with("registry+")),
        "{sources:?}"
    );
}
