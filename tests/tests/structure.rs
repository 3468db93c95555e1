//! Properties of the emitted Verilog of every preset and of drawn configurations, checked by other tools.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pecan_accelerator::generate::{Package, Prefix};
use pecan_config::{Config, Limits, PRESETS, preset};
use pecan_host::tools::Finder;
use pecan_verilator::Verilator;
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

/// The package with the modules' own names.
fn plain(config: &Config) -> Package {
    Package::with(config, &Prefix::none(), &[]).unwrap()
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
        pecan_test_support::skip(&format!("{:?} is not installed", command.get_program()));
        return false;
    };
    let text = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && !text.to_lowercase().contains("warning"), "{what}: {text}");
    true
}

#[test]
fn one_definition_per_module_and_plain_names() {
    for config in configurations() {
        let package = plain(&config);
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

/// A package and its plain form differ in the names of modules only.
#[test]
fn module_names_begin_with_the_prefix() {
    for config in configurations() {
        let (package, plain) = (Package::of(&config).unwrap(), plain(&config));
        assert_eq!(package.top, format!("pecan_{:08x}", config.id()));
        for (prefixed, plain) in package.rtl().zip(plain.rtl()) {
            let name = plain.path.strip_prefix("rtl/").unwrap();
            let expected = if name == "pecan.v" { ".v".into() } else { format!("_{name}") };
            assert_eq!(prefixed.path, format!("rtl/{}{expected}", package.top));
            assert_eq!(prefixed.text.lines().count(), plain.text.lines().count());
        }
    }
}

/// The bench of the smallest preset, compiled by Verilator instead of interpreted by Icarus.
#[test]
fn the_bench_passes_in_verilator() {
    let finder = Finder::from_environment().unwrap();
    let verilator = Verilator::locate(&finder, &|line| eprintln!("{line}")).unwrap();
    let (package, folder) = written(&preset("tiny").unwrap());
    let bench = format!("{}_tb", package.top);
    let mut build = Command::new(&verilator.path);
    build.env("VERILATOR_ROOT", &verilator.root).current_dir(&folder);
    // The modules need no time scale. The delays of the bench become coroutines.
    build.args(["--binary", "--timing", "-Wno-TIMESCALEMOD", "--top-module", &bench]);
    build.args(["--Mdir", "model", "-o", "bench", "-CFLAGS", "-std=c++20 -fcoroutines -O0"]);
    build.args(package.rtl().map(|file| &file.path)).arg(format!("tb/{bench}.v"));
    let built = build.output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let run = Command::new(folder.path().join("model/bench"))
        .current_dir(folder.path().join("tb"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(text.contains("PASS") && !text.contains("FAIL"), "{text}");
}

/// Packages of two configurations, and a foreign module with the plain name of one of ours.
#[test]
fn verilator_takes_two_packages_in_one_design() {
    let finder = Finder::from_environment().unwrap();
    let verilator = Verilator::locate(&finder, &|line| eprintln!("{line}")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut top = String::from("module both (input wire clock, reset, rx, output wire tx);\n");
    let mut files = vec!["mac.v".to_owned(), "both.v".to_owned()];
    for (at, name) in ["tiny", "edge"].iter().enumerate() {
        let package = Package::of(&preset(name).unwrap()).unwrap();
        for file in package.rtl() {
            let path = file.path.strip_prefix("rtl/").unwrap();
            std::fs::write(folder.path().join(path), &file.text).unwrap();
            files.push(path.to_owned());
        }
        top += &format!("    {} u_{at} (.clock(clock), .reset(reset));\n", package.top);
    }
    top += "    mac u_mac (.rx(rx), .tx(tx));\nendmodule\n";
    let mac = "module mac (input wire rx, output wire tx);\n    assign tx = rx;\nendmodule\n";
    std::fs::write(folder.path().join("both.v"), top).unwrap();
    std::fs::write(folder.path().join("mac.v"), mac).unwrap();
    let mut lint = Command::new(&verilator.path);
    lint.env("VERILATOR_ROOT", &verilator.root);
    // The top connects clock and reset only.
    lint.args(["--lint-only", "-Wall", "-Wno-PINMISSING", "--top-module", "both"]).args(files);
    assert!(silent(&mut lint, folder.path(), "two packages"));
}

#[test]
fn verilator_lint_is_clean() {
    let finder = Finder::from_environment().unwrap();
    let verilator = Verilator::locate(&finder, &|line| eprintln!("{line}")).unwrap();
    configurations().par_iter().for_each(|config| {
        let (package, folder) = written(config);
        let waivers = format!("{}.vlt", package.top);
        let mut lint = Command::new(&verilator.path);
        lint.env("VERILATOR_ROOT", &verilator.root);
        lint.args([
            "--lint-only",
            "-Wall",
            "--top-module",
            &package.top,
            &waivers,
            "-F",
            "filelist.f",
        ]);
        assert!(silent(&mut lint, folder.path(), &config.name()));
    });
}

#[test]
fn icarus_accepts_it_as_verilog_2005() {
    for config in configurations() {
        let (package, folder) = written(&config);
        let mut icarus = Command::new("iverilog");
        icarus.args(["-g2005", "-Wall", "-tnull", "-s", &package.top]);
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
            "read_verilog {}; hierarchy -check -top {}; proc; check -assert; \
             select -assert-none t:$dlatch t:$_DLATCH_*",
            files.join(" "),
            package.top
        );
        silent(Command::new("yosys").args(["-q", "-p", &script]), folder.path(), &config.name());
    });
}
