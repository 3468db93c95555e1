//! Shared parts of the tests of all crates: external material that may be absent, and skips that are counted.
//!
//! A test that cannot run calls [`skip`]. That writes a line to `skipped-tests.txt` in the target folder, of
//! which `.ci/run` prints the count and the lines. Where the variable `CI` is `true`, a skip is a failure, unless
//! `tests/skips.toml` lists the test with a reason.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write;
use std::path::{Path, PathBuf};

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder of material that the project may not carry: `$PECAN_SHARED`, else `shared` beside the project.
#[must_use]
pub fn shared() -> PathBuf {
    std::env::var_os("PECAN_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from)
}

/// A file or folder of that material. If it is absent the test is skipped.
#[must_use]
pub fn shared_file(name: &str) -> Option<PathBuf> {
    present(&shared().join(name))
}

/// The path, if it exists. Otherwise the test is skipped.
#[must_use]
pub fn present(path: &Path) -> Option<PathBuf> {
    if path.exists() {
        return Some(path.to_owned());
    }
    skip(&format!("{} is absent", path.display()));
    None
}

/// Whether a listed reason allows a test to skip under CI.
fn is_listed(test: &str) -> bool {
    let table: toml::Table = include_str!("../../skips.toml").parse().unwrap();
    table.values().filter_map(toml::Value::as_table).any(|group| group.contains_key(test))
}

/// Reports that the calling test is skipped.
///
/// # Panics
/// The variable `CI` is `true`, and the test is not listed.
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a thread without a name");
    let line = format!("{test}: {reason}\n");
    let folder =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    std::fs::create_dir_all(&folder).unwrap();
    let mut options = std::fs::OpenOptions::new();
    let file = options.create(true).append(true).open(folder.join("skipped-tests.txt"));
    // One write, so that tests that run at once do not mix.
    file.unwrap().write_all(line.as_bytes()).unwrap();
    eprint!("skipped: {line}");
    let strict = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(
        !strict || is_listed(test),
        "CI skips no test that tests/skips.toml does not list: {line}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_tests_have_reasons() {
        let table: toml::Table = include_str!("../../skips.toml").parse().unwrap();
        for (group, tests) in &table {
            for (test, reason) in tests.as_table().unwrap() {
                let reason = reason.as_str().unwrap_or_default();
                assert!(reason.len() > 10, "{group}.{test} has no reason");
                assert!(is_listed(test) && !is_listed(&format!("{test}_")));
            }
        }
    }
}
