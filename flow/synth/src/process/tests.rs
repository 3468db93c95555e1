use super::*;
use crate::ToolError;

#[test]
fn shipped_profiles_are_complete() {
    for name in pecan_technologies::names(pecan_technologies::File::Process) {
        let process = Process::load(&name).unwrap();
        assert_eq!(process.name, name);
        assert!(process.wire.reason.contains("assumption"), "{name}");
        assert!(!process.liberty.is_empty() && !process.folders.is_empty());
    }
    let sg13g2 = Process::load("sg13g2").unwrap();
    assert_eq!(sg13g2.clock_gate.as_ref().unwrap().cell, "sg13g2_lgcp_1");
    assert!((sg13g2.wire.capacitance_ff(3) - 9.8).abs() < 1e-12);
    let osu018 = Process::load("osu018").unwrap();
    assert!(osu018.clock_gate.is_none() && osu018.tie.is_none());
    assert_eq!(Process::load("asap7").unwrap().clock_gate.unwrap().tie_low, ["SE"]);
}

#[test]
fn every_problem_is_named_at_once_with_line_and_spelling() {
    let text = "name = \"x\"\nnode_nm = \"130\"\nperiod_ns = 3\n[libertee]\nfiles = []\n[wire]\n\
        fixed_f = 2\nper_fanout_ff = -1\nreason = \"a\\nb\"\n[clock_gate]\ncell = \"icg\"\n";
    let error = Process::parse("my.toml", text).unwrap_err();
    insta::assert_snapshot!(error.to_string());
}

#[test]
fn text_that_is_not_toml_and_unknown_names_are_refused() {
    let error = Process::parse("my.toml", "name = \n").unwrap_err().to_string();
    assert!(error.contains("line 1: not valid TOML"), "{error}");
    let error = Process::load("sg13g").unwrap_err().to_string();
    assert!(error.contains("did you mean `sg13g2`?"), "{error}");
}

#[test]
fn files_are_found_packed_or_not_and_what_is_missing_is_said() {
    let root = tempfile::tempdir().unwrap();
    let mut process = Process::load("sg13g2").unwrap();
    process.name = "test".into();
    process.liberty = vec!["a_test_cell.lib".into(), "b_test_cell.lib".into()];
    let search = LibertySearch { files: Vec::new(), pdk: Some(root.path().to_path_buf()) };
    std::fs::create_dir(root.path().join("ihp-sg13g2")).unwrap();
    std::fs::write(root.path().join("ihp-sg13g2/a_test_cell.lib"), "").unwrap();
    let error = process.find_liberty(&search).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert!(matches!(&error, ToolError::LibertyMissing { file, .. } if file == "b_test_cell.lib"));
    assert!(error.to_string().contains("ihp-sg13g2") && error.to_string().contains("PECAN_PDK"));
    std::fs::write(root.path().join("b_test_cell.lib.gz"), "").unwrap();
    let found = process.find_liberty(&search).unwrap();
    assert!(found[0].ends_with("ihp-sg13g2/a_test_cell.lib"));
    assert!(found[1].ends_with("b_test_cell.lib.gz"));
    // A given file is used as it is.
    let given = LibertySearch { files: vec![found[0].clone()], pdk: None };
    assert_eq!(process.find_liberty(&given).unwrap(), found[..1]);
    let absent = LibertySearch { files: vec!["/nonexistent/x.lib".into()], pdk: None };
    assert_eq!(process.find_liberty(&absent).unwrap_err().exit_code(), 3);
}
