//! Tests of the package that need no tool but a C compiler and, where it is installed, Icarus Verilog.

use super::*;
use crate::config::{Limits, PRESETS, preset};
use crate::isa::pack_param;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::path::Path;
use std::process::{Command, Output};

fn write(package: &Package, folder: &Path) {
    for file in &package.files {
        let path = folder.join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &file.text).unwrap();
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Presets and a few drawn configurations, one of them dense.
fn configurations() -> Vec<Config> {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut list: Vec<Config> = PRESETS.iter().map(|p| p.config()).collect();
    list.extend((0..8).map(|_| Config::random(&mut rng, &Limits::small())));
    list
}

#[test]
fn files_are_complete_and_unique() {
    let package = Package::of(&preset("tiny").unwrap()).unwrap();
    let paths: Vec<&str> = package.files.iter().map(|f| f.path.as_str()).collect();
    for path in [
        "rtl/pe.v",
        "rtl/pecan.v",
        "filelist.f",
        "registers.md",
        "pecan.h",
        "pecan.core",
        "pecan.vlt",
        "tb/pecan_tb.v",
        "tb/in.hex",
        "tb/expected.hex",
        "constraints/asic.sdc",
        "constraints/ice40_up5k.pcf",
        "constraints/ecp5.lpf",
        "constraints/xilinx.xdc",
    ] {
        assert_eq!(paths.iter().filter(|p| **p == path).count(), 1, "{path}");
    }
    let core = package.file("pecan.core").unwrap();
    let list = package.file("filelist.f").unwrap();
    for file in package.rtl() {
        assert!(core.contains(&format!("- {}\n", file.path)), "{}", file.path);
        assert!(list.lines().any(|line| line == file.path), "{}", file.path);
    }
    assert!(
        package
            .files
            .iter()
            .all(|f| f.text.ends_with('\n') && !f.text.contains('@') || f.path.ends_with(".v"))
    );
    assert!(!package.file("tb/pecan_tb.v").unwrap().contains("@stream"));
}

#[test]
fn texts_of_the_smallest_preset() {
    let package = Package::of(&preset("tiny").unwrap()).unwrap();
    for path in [
        "rtl/pe.v",
        "rtl/column.v",
        "registers.md",
        "pecan.h",
        "pecan.core",
        "constraints/asic.sdc",
        "constraints/ice40_up5k.pcf",
        "constraints/ecp5.lpf",
        "constraints/xilinx.xdc",
    ] {
        insta::assert_snapshot!(path.replace(['/', '.'], "_"), package.file(path).unwrap());
    }
}

#[test]
fn wrong_targets_are_refused() {
    let text = |rest: &str| {
        format!(
            "name='x'\ndescription=''\nformat='lpf'\nclock_port='clock'\nfrequency_mhz=10\n{rest}"
        )
    };
    let refused = |text: &str| Target::parse("x.toml", text).unwrap_err().to_string();
    assert!(Target::parse("x.toml", &text("")).is_ok());
    assert!(refused(&text("colour='red'")).contains("colour"));
    assert!(refused(&text("input_delay_ns=1")).contains("lpf has no input"));
    assert!(refused(&text("").replace("10", "0")).contains("above 0"));
    assert!(refused(&text("").replace("'x'", "'a b'")).contains("letters"));
    assert!(refused(&text("").replace("'x'", "'rtl'")).contains("taken"));
    let late = text("output_delay_ns=100").replace("lpf", "sdc");
    assert!(refused(&late).contains("period of 100 ns"));
    let config = preset("tiny").unwrap();
    for (pin, legal) in [("in_data_0[31]", true), ("in_data_0[32]", false), ("clock[0]", false)] {
        let pins = text(&format!("pins=[{{port='{pin}',pin='7',io_standard='LVCMOS33'}}]"));
        let target = Target::parse("x.toml", &pins).unwrap();
        let package = Package::with_targets(&config, &[target]);
        assert_eq!(package.is_ok(), legal, "{pin}");
        if let Ok(package) = package {
            let text = package.file("constraints/x.lpf").unwrap();
            assert!(text.contains("LOCATE COMP \"in_data_0[31]\" SITE \"7\";"), "{text}");
            assert!(text.contains("IO_TYPE=LVCMOS33"), "{text}");
        }
    }
}

/// The header compiles without a warning and packs like [`pack_param`].
#[test]
fn c_header_compiles_and_agrees() {
    let config = preset("edge").unwrap();
    let package = Package::of(&config).unwrap();
    let folder = tempfile::tempdir().unwrap();
    write(&package, folder.path());
    let program = "#include \"pecan.h\"\n#include <inttypes.h>\n#include <stdio.h>\nint main(void) {\n\
        printf(\"%\" PRIx64 \" %\" PRIx64 \"\\n\", pecan_pack_param(-3, 32767, 47), pecan_pack_param(5, 1, 63));\n\
        printf(\"%\" PRIx32 \" %\" PRIx32 \"\\n\", pecan_command(PECAN_OP_RUN, PECAN_WAIT_STORE, PECAN_RUN_NO_DRAIN), pecan_config(PECAN_REG_TILES_Y, 3));\n\
        printf(\"%u %u %u\\n\", pecan_row_register(3, PECAN_ROW_PIXEL), pecan_col_register(2, PECAN_COL_GROUPS), PECAN_COUNTER_BEATS_OUT);\n\
        printf(\"%\" PRIx32 \" %s %u\\n\", PECAN_CONFIG_ID, pecan_error_name(9), (unsigned)pecan_payload_beats(3, PECAN_WORD_SLOT));\n\
        return 0;\n}\n";
    std::fs::write(folder.path().join("main.c"), program).unwrap();
    let args = [
        "-x",
        "c",
        "-std=c99",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
        "main.c",
        "-o",
        "main",
    ];
    let built = Command::new("g++").args(args).current_dir(&folder).output();
    let Ok(built) = built else {
        println!("skipped: no g++");
        return;
    };
    assert!(built.status.success(), "{}", said(&built));
    let run = Command::new(folder.path().join("main")).output().unwrap();
    let expected = format!(
        "{:x} {:x}\n{:x} {:x}\n{} {} {}\n{:x} run_address 3\n",
        pack_param(-3, 32767, 47),
        pack_param(5, 1, 63),
        crate::isa::command(crate::isa::Opcode::Run, crate::isa::WAIT_STORE, 2),
        crate::isa::command(crate::isa::Opcode::Config, 0, 0x301),
        64 + 4 * 3 + 1,
        192 + 2 * 2 + 1,
        16 + 2 * 15,
        config.id(),
    );
    assert_eq!(said(&run), expected);
}

/// The bench passes with every stall rate, and fails when a word, a count or the program is wrong.
#[test]
fn test_bench_tells_right_from_wrong() {
    for config in configurations().iter().filter(|c| c.multipliers() < 128) {
        let package = Package::of(config).unwrap();
        let folder = tempfile::tempdir().unwrap();
        write(&package, folder.path());
        let run = |defines: &[&str]| {
            let mut command = Command::new("iverilog");
            command.args(["-g2005", "-Wall", "-s", "pecan_tb", "-o", "tb/sim"]).args(defines);
            command.args(package.rtl().map(|f| &f.path)).arg("tb/pecan_tb.v");
            let built = command.current_dir(&folder).output().ok()?;
            assert!(built.status.success(), "{}", said(&built));
            let run = Command::new("vvp").arg("sim").current_dir(folder.path().join("tb")).output();
            Some(said(&run.unwrap()))
        };
        for stall in ["0", "25", "90"] {
            let Some(text) = run(&[&format!("-Ppecan_tb.STALL={stall}")]) else {
                println!("skipped: no iverilog");
                return;
            };
            assert!(text.contains("PASS") && !text.contains("FAIL"), "{config:?}: {text}");
        }
        let expected = package.file("tb/expected.hex").unwrap();
        let input = package.file("tb/in.hex").unwrap();
        let id = format!("{:08x}", config.id());
        let wrong = [
            ("expected.hex", expected, expected.replacen('8', "9", 1), "expected"),
            ("in.hex", input, input.replacen(&id, "00000000", 1), "error code 3"),
        ];
        for (file, right, text, message) in wrong {
            assert_ne!(right, text);
            std::fs::write(folder.path().join("tb").join(file), text).unwrap();
            let text = run(&[]).unwrap();
            assert!(text.contains("FAIL") && text.contains(message), "{text}");
            assert!(!text.contains("PASS"), "{text}");
            std::fs::write(folder.path().join("tb").join(file), right).unwrap();
        }
        let more = run(&[&format!("-Ppecan_tb.OUT_BEATS={}", expected.lines().count() + 1)]);
        assert!(more.unwrap().contains("FAIL"));
    }
}

/// `docs/command-stream.md` keeps its own text; below the marker stand the tables of the command set.
/// Run with PECAN_BLESS=1 to write them anew.
#[test]
fn manual_is_up_to_date() {
    const MARKER: &str = "<!-- generated from hdl/src/isa: do not edit below -->\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/command-stream.md");
    let manual = std::fs::read_to_string(path).unwrap();
    let (own, table) = manual.split_once(MARKER).unwrap();
    let tables = registers_markdown(None) + "\n" + &command_set_markdown(true);
    if std::env::var_os("PECAN_BLESS").is_some() {
        std::fs::write(path, format!("{own}{MARKER}\n{tables}")).unwrap();
    } else {
        assert_eq!(table.trim(), tables.trim(), "run the tests with PECAN_BLESS=1");
    }
}
