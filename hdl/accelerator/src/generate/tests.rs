//! Tests of the package that need no tool but a C compiler.

use super::*;
use pecan_config::isa::pack_param;
use pecan_config::preset;
use std::path::Path;
use std::process::{Command, Output};

pub(super) fn write(package: &Package, folder: &Path) {
    for file in &package.files {
        let path = folder.join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &file.text).unwrap();
    }
}

pub(super) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The package with the modules' own names.
pub(super) fn plain(config: &Config) -> Package {
    Package::with(config, &Prefix::none(), &Target::shipped().unwrap()).unwrap()
}

#[test]
fn files_are_complete_and_unique() {
    let package = plain(&preset("tiny").unwrap());
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
        "constraints/ice40_hx8k.pcf",
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
    let package = plain(&preset("tiny").unwrap());
    for path in [
        "rtl/pe.v",
        "rtl/column.v",
        "registers.md",
        "pecan.h",
        "pecan.core",
        "constraints/asic.sdc",
        "constraints/ice40_hx8k.pcf",
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
    assert!(refused(&text("device='85k'")).contains("needs it"));
    assert!(refused(&text("package='x'")).contains("needs a `device`"));
    assert!(refused(&text("device='-x'\npackage='y'")).contains("letters"));
    assert!(refused(&text("device='x y'\npackage='y'")).contains("letters"));
    let chip = |rest: &str| refused(&text(rest).replace("lpf", "sdc"));
    assert!(chip("device='x'").contains("no target"));
    assert!(chip("device='x'\npackage='y'").contains("part of `device`"));
    let late = text("output_delay_ns=100").replace("lpf", "sdc");
    assert!(refused(&late).contains("period of 100 ns"));
    let config = preset("tiny").unwrap();
    for (pin, legal) in [("in_data_0[31]", true), ("in_data_0[32]", false), ("clock[0]", false)] {
        let pins = text(&format!("pins=[{{port='{pin}',pin='7',io_standard='LVCMOS33'}}]"));
        let target = Target::parse("x.toml", &pins).unwrap();
        let package = Package::with(&config, &Prefix::of(&config), &[target]);
        assert_eq!(package.is_ok(), legal, "{pin}");
        if let Ok(package) = package {
            let text = package.file("constraints/x.lpf").unwrap();
            assert!(text.contains("LOCATE COMP \"in_data_0[31]\" SITE \"7\";"), "{text}");
            assert!(text.contains("IO_TYPE=LVCMOS33"), "{text}");
        }
    }
}

#[test]
fn wrong_prefixes_are_refused() {
    let long = "x".repeat(65);
    let wrong = [
        ("1x", "must be a letter"),
        ("_x", "must be a letter"),
        ("a b", "must be a letter"),
        ("a;b", "must be a letter"),
        ("../x", "must be a letter"),
        ("é", "must be a letter"),
        ("endmodule", "keyword"),
        ("logic", "keyword"),
        (&long, "at most 64"),
    ];
    for (text, reason) in wrong {
        let message = Prefix::parse(text).unwrap_err().to_string();
        assert!(message.contains(reason), "{text}: {message}");
    }
    let config = preset("tiny").unwrap();
    assert_eq!(Prefix::parse("").unwrap(), Prefix::none());
    assert_eq!(Prefix::parse("pecan_d8f04737").unwrap(), Prefix::of(&config));
}

/// All names of a package that are visible outside begin with its prefix.
#[test]
fn the_whole_package_follows_the_prefix() {
    let config = preset("tiny").unwrap();
    for name in ["npu", "pecan_d8f04737"] {
        let prefix = Prefix::parse(name).unwrap();
        let package = Package::with(&config, &prefix, &Target::shipped().unwrap()).unwrap();
        assert_eq!(package.top, name);
        let text = |path: String| package.file(&path).unwrap_or_else(|| panic!("no {path}"));
        for file in package.rtl() {
            let module = file.path.strip_prefix("rtl/").unwrap().strip_suffix(".v").unwrap();
            assert!(module == name || module.starts_with(&format!("{name}_")), "{module}");
            assert!(file.text.starts_with(&format!("module {module} (")), "{module}");
        }
        assert!(text(format!("tb/{name}_tb.v")).contains(&format!("module {name}_tb;")));
        assert!(text(format!("tb/{name}_tb.v")).contains(&format!("    {name} dut (")));
        assert!(text("registers.md".into()).contains(&format!("Top module `{name}`")));
        let core = text(format!("{name}.core"));
        assert!(core.contains(&format!("toplevel: {name}\n")), "{core}");
        assert!(core.contains(&format!("- {name}.vlt\n")), "{core}");
        let header = text(format!("{name}.h"));
        let upper = name.to_uppercase();
        assert!(header.contains(&format!("#ifndef {upper}_H\n#define {upper}_H\n")));
        let foreign = header.lines().filter(|line| line.starts_with("#define"));
        for line in foreign {
            assert!(line.starts_with(&format!("#define {upper}_")), "{line}");
        }
        for line in header.lines().filter(|line| line.starts_with("static inline")) {
            assert!(line.contains(&format!("{name}_")), "{line}");
        }
    }
}

/// Headers of two configurations can be included in one C program.
#[test]
fn two_c_headers_go_into_one_program() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = String::new();
    for name in ["tiny", "edge"] {
        let package = Package::of(&preset(name).unwrap()).unwrap();
        write(&package, folder.path());
        program += &format!("#include \"{}.h\"\n", package.top);
    }
    program += "int main(void) { return PECAN_D8F04737_ROWS == 2 && PECAN_238B7C6E_ROWS == 8\n\
        && pecan_d8f04737_payload_beats(1, 64) == 2 && pecan_238b7c6e_payload_beats(1, 64) == 1 ? 0 : 1; }\n";
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
    let Ok(built) = Command::new("g++").args(args).current_dir(&folder).output() else {
        pecan_test_support::skip("no g++");
        return;
    };
    assert!(built.status.success(), "{}", said(&built));
    assert!(Command::new(folder.path().join("main")).status().unwrap().success());
}

/// The header compiles without a warning and packs like [`pack_param`].
#[test]
fn c_header_compiles_and_agrees() {
    let config = preset("edge").unwrap();
    let package = plain(&config);
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
        pecan_test_support::skip("no g++");
        return;
    };
    assert!(built.status.success(), "{}", said(&built));
    let run = Command::new(folder.path().join("main")).output().unwrap();
    let expected = format!(
        "{:x} {:x}\n{:x} {:x}\n{} {} {}\n{:x} run_address 3\n",
        pack_param(-3, 32767, 47),
        pack_param(5, 1, 63),
        pecan_config::isa::command(
            pecan_config::isa::Opcode::Run,
            pecan_config::isa::WAIT_STORE,
            2
        ),
        pecan_config::isa::command(pecan_config::isa::Opcode::Config, 0, 0x301),
        64 + 4 * 3 + 1,
        192 + 2 * 2 + 1,
        16 + 2 * 15,
        config.id(),
    );
    assert_eq!(said(&run), expected);
}

/// `docs/command-stream.md` has its own text; below the marker follow the generated tables of the command set. Run with
/// PECAN_BLESS=1 to update them.
#[test]
fn manual_is_up_to_date() {
    const MARKER: &str = "<!-- generated from hdl/config/src/isa: do not edit below -->\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/command-stream.md");
    let manual = std::fs::read_to_string(path).unwrap();
    let (own, table) = manual.split_once(MARKER).unwrap();
    let tables = registers_markdown(None) + "\n" + &command_set_markdown(true);
    if std::env::var_os("PECAN_BLESS").is_some() {
        std::fs::write(path, format!("{own}{MARKER}\n{tables}")).unwrap();
    } else {
        assert_eq!(table.trim(), tables.trim(), "run the tests with PECAN_BLESS=1");
    }
}
