//! Texts of errors (snapshots) and the reader's behaviour.

use super::*;
use crate::{Rate, Sparsity};
use miette::{GraphicalReportHandler, GraphicalTheme};
use proptest::prelude::*;

fn render(result: Result<Config, ConfigError>) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
    let mut text = String::new();
    handler.with_width(100).render_report(&mut text, &result.unwrap_err()).unwrap();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn errors_of(text: &str) -> String {
    render(Config::from_toml("accelerator.toml", text))
}

fn codes(result: Result<Config, ConfigError>) -> Vec<Option<&'static str>> {
    result.unwrap_err().problems().iter().map(Problem::stable_code).collect()
}

#[test]
fn unknown_keys() {
    insta::assert_snapshot!(errors_of(
        "rows = 3\n[aray]\nrows = 4\n[array]\nrow = 4\nglobal_kib = 3\nvoltage = 1\n[pe.x]\ny = 1\n"
    ));
}

#[test]
fn wrong_types() {
    insta::assert_snapshot!(errors_of(
        "drain = 8\n[array]\nrows = \"8\"\ncols = 4.0\n[pe]\nzero_gating = 1\n\
         [weights]\nsparsity = true\n[memory]\nbytes_per_cycle = \"fast\"\n"
    ));
}

#[test]
fn out_of_range() {
    insta::assert_snapshot!(errors_of(
        "[array]\nrows = 99\ncols = -1\nlanes = 3\n[pe]\nscratchpad_words = 12\npsum_depth = 7\n\
         [weights]\nsparsity = \"skp\"\n[memory]\nbytes_per_cycle = 1.2345\n"
    ));
}

#[test]
fn clash() {
    insta::assert_snapshot!(errors_of(
        "[array]\nlanes = 8\n\n[buffers]\nchannels_per_word = 4\nglobal_kib = 64\n\n[drain]\nlanes = 4\n"
    ));
}

#[test]
fn clash_of_file_and_override() {
    let loader = Loader::new(Config::default()).toml("a.toml", "[array]\ncols = 3\n");
    insta::assert_snapshot!(render(loader.set("array.lanes=2").finish()));
}

#[test]
fn all_at_once() {
    insta::assert_snapshot!(errors_of(
        "[array]\nrows = 0\nlane = 4\n[numerics]\naccumulator_bits = 12\n[stream]\nbits = \"64\"\n"
    ));
}

#[test]
fn syntax() {
    insta::assert_snapshot!(errors_of("[array]\nrows =\ncols = \"x\nlanes = 4 4\n"));
    insta::assert_snapshot!("duplicate_key", errors_of("[array]\nrows = 8\nrows = 9\n"));
}

#[test]
fn overrides() {
    let load = |expression: &str| Loader::new(Config::default()).set(expression).finish();
    assert_eq!(load("array.rows=0x10").unwrap().array.rows, 16);
    assert_eq!(load(" array.rows = 1_6 ").unwrap().array.rows, 16);
    assert_eq!(load("weights.sparsity=dense").unwrap().weights.sparsity, Sparsity::Dense);
    assert_eq!(load("weights.sparsity=\"dense\"").unwrap().weights.sparsity, Sparsity::Dense);
    assert!(!load("pe.zero_gating=false").unwrap().pe.zero_gating);
    let rate = load("memory.bytes_per_cycle=5.33").unwrap().memory.bytes_per_cycle;
    assert_eq!(rate, Rate::from_thousandths(5330));
    assert_eq!(
        load("memory.bytes_per_cycle=4").unwrap().memory.bytes_per_cycle,
        Rate::from_bytes(4)
    );
    let problems = Loader::new(Config::default())
        .set("array.rows")
        .set("rows=4")
        .set("array.rws=4")
        .set("array.rows=many")
        .set("array.rows=")
        .set("array.rows=99999999999999999999999");
    insta::assert_snapshot!(render(problems.finish()));
}

#[test]
fn unknown_preset_and_missing_file() {
    let loader = Loader::new(Config::default()).preset("eyeris");
    insta::assert_snapshot!(render(loader.file(Path::new("no/such/file.toml")).finish()));
}

#[test]
fn later_places_win_and_rules_are_judged_at_the_end() {
    // Alone, the file would clash with the default of drain.lanes.
    let loader = Loader::new(Config::default()).toml("a.toml", "[array]\ncols = 3\n");
    let config = loader.set("drain.lanes=4").set("array.rows=2").set("array.rows=3").finish();
    let config = config.unwrap();
    assert_eq!((config.array.rows, config.array.cols, config.drain.lanes), (3, 3, 4));
}

#[test]
fn rules_are_silent_about_refused_values() {
    let text = "[numerics]\naccumulator_bits = 11\n";
    assert_eq!(codes(Config::from_toml("a.toml", text)), [Some(ProblemKind::OutOfRange.code())]);
}

#[test]
fn reads_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    std::fs::write(&path, "array.rows = 2 # a dotted key\n").unwrap();
    assert_eq!(Config::read(&path).unwrap().array.rows, 2);
    std::fs::write(&path, b"\xff\xfe").unwrap();
    assert_eq!(codes(Config::read(&path)), [Some(ProblemKind::Unreadable.code())]);
}

proptest! {
    /// For any text, the reader returns and its messages can be rendered.
    #[test]
    fn survives_any_text(text in "(\\[?(array|pe|x)\\]?|rows|=|[0-9.\"'\\n{},_ -]|\\PC){0,40}") {
        if let Err(error) = Config::from_toml("a.toml", &text) {
            render(Err(error));
        }
    }

    /// Truncating or damaging a valid file never causes a panic or an illegal configuration.
    #[test]
    fn survives_damage(at in 0usize..2000, byte in 0u8..128) {
        let mut bytes = Config::default().to_toml().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match Config::from_toml("a.toml", &text) {
            Ok(config) => prop_assert!(config.violations().is_empty()),
            Err(error) => { render(Err(error)); }
        }
    }
}
