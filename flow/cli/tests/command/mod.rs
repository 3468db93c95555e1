//! Runs of the command in a folder.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// Path of a file of `tests/data`.
pub(crate) fn bundled(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name);
    path.canonicalize().unwrap().display().to_string()
}

fn pecan(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pecan"));
    command.args(args).current_dir(folder).env_remove("PECAN_LOG").output().unwrap()
}

/// The document of a run with `--json`, which must succeed.
pub(crate) fn document(folder: &Path, args: &[&str]) -> Value {
    let output = pecan(folder, args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a command that fails with that code says, without the breaks of lines.
pub(crate) fn said(folder: &Path, args: &[&str], code: i32) -> String {
    let output = pecan(folder, args);
    let text = String::from_utf8_lossy(&output.stderr).replace("\n  │", "");
    assert_eq!(output.status.code(), Some(code), "{text}");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
