//! The test bench of a package in Icarus Verilog: it passes for every configuration and fails for faulty hardware.

use super::tests::{plain, said, write};
use super::*;
use pecan_config::{Limits, PRESETS, preset};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::path::Path;
use std::process::Command;

/// Compiles a package in `folder` and runs its bench; `None` without Icarus Verilog.
fn run(package: &Package, folder: &Path, parameters: &[String]) -> Option<String> {
    let bench = format!("{}_tb", package.top);
    let mut command = Command::new("iverilog");
    command.args(["-g2005", "-s", &bench, "-o", "tb/sim"]);
    command.args(parameters.iter().map(|parameter| format!("-P{bench}.{parameter}")));
    command.args(package.rtl().map(|file| &file.path)).arg(format!("tb/{bench}.v"));
    let Ok(built) = command.current_dir(folder).output() else {
        pecan_test_support::skip("no iverilog");
        return None;
    };
    assert!(built.status.success(), "{}", said(&built));
    let run = Command::new("vvp").arg("sim").current_dir(folder.join("tb")).output();
    Some(said(&run.unwrap()))
}

fn stall(percent: usize) -> Vec<String> {
    vec![format!("STALL={percent}")]
}

fn passes(text: &str) -> bool {
    text.contains("PASS") && !text.contains("FAIL")
}

fn fails(text: &str) -> bool {
    text.contains("FAIL") && !text.contains("PASS")
}

fn written(package: &Package) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(package, folder.path());
    folder
}

#[test]
fn the_bench_passes_on_every_preset() {
    for preset in PRESETS {
        let package = Package::of(&preset.config()).unwrap();
        let folder = written(&package);
        // The largest array takes minutes.
        let stalls: &[usize] = if preset.config().multipliers() > 512 { &[25] } else { &[0, 25] };
        for percent in stalls {
            let Some(text) = run(&package, folder.path(), &stall(*percent)) else { return };
            assert!(passes(&text), "{}: {text}", preset.name);
        }
    }
}

/// Any legal configuration, lists with and without indices, memories as small as they can be.
#[test]
fn the_bench_passes_on_random_configurations() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut list: Vec<Config> =
        (0..30).map(|_| Config::random(&mut rng, &Limits::small())).collect();
    list.push(smallest());
    assert!(list.iter().any(Config::stores_index) && !list.iter().all(Config::stores_index));
    for (at, config) in list.iter().enumerate() {
        let package = Package::of(config).unwrap();
        let folder = written(&package);
        let Some(text) = run(&package, folder.path(), &stall([0, 25, 90][at % 3])) else { return };
        assert!(passes(&text), "{config:?}: {text}");
    }
}

/// The smallest value of every key.
fn smallest() -> Config {
    let mut config = Config::default();
    for key in Config::keys() {
        assert!(key.set(&mut config, key.domain.smallest()));
    }
    config.pe.psum_depth = 4;
    assert!(config.violations().is_empty());
    config
}

#[test]
fn the_bench_fails_on_a_wrong_file() {
    let config = preset("tiny").unwrap();
    let package = Package::of(&config).unwrap();
    let folder = written(&package);
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
        let Some(text) = run(&package, folder.path(), &[]) else { return };
        assert!(fails(&text) && text.contains(message), "{text}");
        std::fs::write(folder.path().join("tb").join(file), right).unwrap();
    }
    let more = format!("OUT_BEATS={}", expected.lines().count() + 1);
    assert!(fails(&run(&package, folder.path(), &[more]).unwrap()));
}

/// A fault put into a module: start of the file, start of the line, text to replace, replacement.
type Fault = (&'static str, &'static str, &'static str, &'static str);

const FAULTS: &[Fault] = &[
    // A product is zero.
    ("mac", "assign product = ", "= $signed", "= 0 & $signed"),
    // The smaller value is the maximum.
    ("mac", "assign larger = ", "> compared", "< compared"),
    // A bank is never written.
    ("psum_file", "wire we_1 = ", "wa[0]", "1'b0"),
    // Half is rounded down.
    ("drain_lane", "wire", "'d1;", "'d0;"),
    // The bias is missing.
    ("drain_lane", "assign sum = ", "{params_rd_0[", "0 & {params_rd_0["),
    // A value that is too large becomes the smallest one.
    ("drain_lane", "value = clamp_hi", "clamp_hi;", "clamp_lo;"),
    // The next line begins in the wrong place.
    ("loader_loops", "moved = addr_y_q + ", "cfg_addr_y", "cfg_addr_x"),
    // Coordinates of padding are off by one.
    ("loader_row", "assign tap_x = ", "x - ", "1'b1 + x - "),
    // Accumulators are not cleared between lists.
    ("column", "fresh_q <= list_end", "list_end", "1'b0"),
    // Lists of the second tile begin where those of the first ended.
    ("column", "if (tile_end) pointer_q", "tile_end", "1'b0"),
    // An item loses a bit.
    ("unpacker_64", "= beat_0;", "= beat_0;", "= beat_0 & 32'hffefffff;"),
    // A channel is shifted by a bit.
    ("store", "assign joined_0_2 = ", "<< ", "<< 1 << "),
    // The second column gets the entries of the first.
    ("decoder", "assign weight_write_1 = ", "'d1)", "'d0)"),
    // Registers are written with the value before.
    ("decoder", "assign set_index = ", "= ", "= 1'b1 ^ "),
    // The zero flags are inverted.
    ("zero_flags", "assign {nz_0", "word_0", "~word_0"),
    // A half of the scratchpad is never written.
    ("scratchpad", "wire we_1 = ", "wa[0]", "1'b0"),
    // A word is read from the neighbour.
    ("global_buffer", "entry <= mem[ra]", "ra", "ra ^ 1'b1"),
];

/// The package with a fault in its Verilog.
fn faulty(package: &Package, (module, line, from, to): Fault) -> Package {
    let mut package = package.clone();
    let file =
        package.files.iter_mut().find(|file| file.path.starts_with(&format!("rtl/{module}")));
    let file = file.unwrap_or_else(|| panic!("no {module}"));
    let mut found = false;
    let lines = file.text.lines().map(|text| {
        let here = !found && text.contains(line) && text.contains(from);
        found |= here;
        if here { text.replacen(from, to, 1) } else { text.to_owned() }
    });
    let text = lines.collect::<Vec<_>>().join("\n") + "\n";
    assert!(found, "no `{line}` with `{from}` in {}", file.path);
    file.text = text;
    package
}

#[test]
fn the_bench_fails_on_faulty_hardware() {
    for name in ["tiny", "edge"] {
        let package = plain(&preset(name).unwrap());
        for fault in FAULTS {
            let package = faulty(&package, *fault);
            let folder = written(&package);
            // A fault may stop the hardware.
            let parameters = ["STALL=25".to_owned(), "TIMEOUT=20000".to_owned()];
            let Some(text) = run(&package, folder.path(), &parameters) else { return };
            assert!(fails(&text), "{name}, {fault:?}: {text}");
        }
    }
}

/// Two packages, and a foreign module with a plain name of ours, form one design; both benches pass in it.
#[test]
fn packages_share_a_design() {
    let packages = ["tiny", "edge"].map(|name| Package::of(&preset(name).unwrap()).unwrap());
    let folder = tempfile::tempdir().unwrap();
    packages.iter().for_each(|package| write(package, folder.path()));
    let foreign = "module mac (input wire rx, output wire tx);\n    assign tx = rx;\nendmodule\n";
    std::fs::write(folder.path().join("mac.v"), foreign).unwrap();
    for package in &packages {
        // The files of the program have the same names in both.
        write(package, folder.path());
        let bench = format!("{}_tb", package.top);
        let mut command = Command::new("iverilog");
        command.args(["-g2005", "-s", &bench, "-s", "mac", "-o", "tb/sim", "mac.v"]);
        command.args(packages.iter().flat_map(Package::rtl).map(|file| &file.path));
        command.args(packages.iter().map(|package| format!("tb/{}_tb.v", package.top)));
        let Ok(built) = command.current_dir(&folder).output() else {
            pecan_test_support::skip("no iverilog");
            return;
        };
        assert!(built.status.success(), "{}", said(&built));
        let run = Command::new("vvp").arg("sim").current_dir(folder.path().join("tb")).output();
        let text = said(&run.unwrap());
        assert!(passes(&text), "{bench}: {text}");
    }
}
