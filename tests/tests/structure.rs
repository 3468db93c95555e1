//! What holds of the emitted Verilog of every preset and of drawn configurations, in the eyes of other tools.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pecan_hdl::config::{Config, Limits, PRESETS};
use pecan_hdl::generate::Package;
use pecan_sim::tools::Finder;
use pecan_sim::verilator::Verilator;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::collections::HashSet;
use std::path::Path;
use std::process::Command;

fn configurations() -> Vec<Config> {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut list: Vec<Config> = PRESETS.iter().map(|p| p.config()).collect();
    list.extend((0..10).map(|_| Config::random(&mut rng, &Limits::small())));
    list
}

fn written(config: &Config) -> (Package, tempfile::TempDir) {
    let package = Package::of(config).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for file in &package.files {
        let path = folder.path().join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &file.text).unwrap();
    }
    (package, folder)
}

/// Runs a tool that must succeed without a warning; `false` if it is not installed.
fn silent(command: &mut Command, folder: &Path, what: &str) -> bool {
    let Ok(out) = command.current_dir(folder).output() else {
        println!("skipped: {:?} is not installed", command.get_program());
        return false;
    };
    let text = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && !text.to_lowercase().contains("warning"), "{what}: {text}");
    true
}

#[test]
fn one_definition_per_module_and_plain_names() {
    for config in configurations() {
        let package = Package::of(&config).unwrap();
        let mut modules = HashSet::new();
        for file in package.rtl() {
            let names: Vec<&str> = file
                .text
                .lines()
                .filter_map(|line| line.strip_prefix("module "))
                .map(|rest| rest.split([' ', '(']).next().unwrap())
                .collect();
            assert_eq!(names.len(), 1, "{}", file.path);
            assert_eq!(file.path, format!("rtl/{}.v", names[0]));
            assert!(modules.insert(names[0].to_string()), "{} twice", names[0]);
            // The system functions are the only legal use of the character.
            let rest = file.text.replace("$signed", "").replace("$unsigned", "");
            assert!(!rest.contains('$'), "{}", file.path);
        }
        assert_eq!(modules.iter().filter(|m| m.starts_with("pe_") || *m == "pe").count(), 2);
        assert!(modules.contains("pe") && modules.contains("pecan"));
    }
}

#[test]
fn verilator_lint_is_clean() {
    let finder = Finder::from_environment().unwrap();
    let verilator = Verilator::locate(&finder, &|line| eprintln!("{line}")).unwrap();
    configurations().par_iter().for_each(|config| {
        let (_, folder) = written(config);
        let mut lint = Command::new(&verilator.path);
        lint.env("VERILATOR_ROOT", &verilator.root);
        lint.args(["--lint-only", "-Wall", "--top-module", "pecan", "pecan.vlt", "-F", "filelist.f"]);
        assert!(silent(&mut lint, folder.path(), &config.name()));
    });
}

#[test]
fn icarus_accepts_it_as_verilog_2005() {
    for config in configurations() {
        let (package, folder) = written(&config);
        let mut icarus = Command::new("iverilog");
        icarus.args(["-g2005", "-Wall", "-tnull", "-s", "pecan"]);
        icarus.args(package.rtl().map(|f| &f.path));
        if !silent(&mut icarus, folder.path(), &config.name()) {
            return;
        }
    }
}

#[test]
fn yosys_finds_no_latch_and_no_fault() {
    configurations().par_iter().for_each(|config| {
        let (package, folder) = written(config);
        let files: Vec<&str> = package.rtl().map(|f| f.path.as_str()).collect();
        let script = format!(
            "read_verilog {}; hierarchy -check -top pecan; proc; check -assert; \
             select -assert-none t:$dlatch t:$_DLATCH_*",
            files.join(" ")
        );
        silent(Command::new("yosys").args(["-q", "-p", &script]), folder.path(), &config.name());
    });
}
