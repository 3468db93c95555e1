//! Synthesis end to end, and its behaviour with missing, failing or hanging tools.

// Helpers of tests may unwrap as the tests do; clippy.toml knows only functions marked #[test].
#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pecan_config::{Config, Loader};
use pecan_host::tools::Finder;
use pecan_synth::{LibertySearch, Process, SynthOptions, Synthesis, ToolError, synthesize};

/// The smallest array of the smallest preset.
fn tiny() -> Config {
    let loader = Loader::new(Config::default()).preset("tiny");
    loader.set("array.rows=2").set("array.cols=1").finish().unwrap()
}

/// A cell library that suffices for the checks before Yosys.
const LIBERTY: &str = "library (fake) {\n cell (INV) { area : 1; }\n}\n";

/// A process without anything but that library.
fn process(folder: &Path) -> Process {
    std::fs::write(folder.join("fake.lib"), LIBERTY).unwrap();
    let text = "name = \"fake\"\ndescription = \"for tests\"\nnode_nm = 100\n[liberty]\n\
        files = [\"fake.lib\"]\n[wire]\nfixed_ff = 1\nper_fanout_ff = 1\nreason = \"test\"\n\
        [timing]\nperiod_ns = 5\nslew_ns = 0.1\n";
    std::fs::write(folder.join("fake.toml"), text).unwrap();
    Process::load(&folder.join("fake.toml").display().to_string()).unwrap()
}

/// A machine with a `yosys` that executes this shell script, except for requests for version and help.
struct Machine {
    root: tempfile::TempDir,
    finder: Finder,
}

fn machine(script: &str) -> Machine {
    let root = tempfile::tempdir().unwrap();
    let bin = root.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let path = bin.join("yosys");
    let text = format!(
        "#!/bin/sh\ncase \"$*\" in -V) echo 'Yosys 0.23'; exit;; *help*) exit;; esac\n{script}\n"
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let finder = Finder { path: bin.into_os_string(), cache: root.path().join("cache") };
    Machine { root, finder }
}

impl Machine {
    fn run(&self, limit: Duration) -> Result<Synthesis, ToolError> {
        let options = SynthOptions {
            liberty: LibertySearch::default(),
            timeout: Some(limit),
            offline: true,
            ..SynthOptions::default()
        };
        synthesize(&tiny(), &process(self.root.path()), &options, &self.finder, &|_| ())
    }

    /// Folders of a cache of netlists: entries and remains of failed runs.
    fn entries(&self, cache: &str) -> Vec<PathBuf> {
        let items = std::fs::read_dir(self.finder.cache.join(cache)).into_iter().flatten();
        items.map(|item| item.unwrap().path()).filter(|path| path.is_dir()).collect()
    }

    /// Scripts that Yosys was run with so far, the last one last.
    fn runs(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.root.path().join("runs")).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// A fake Yosys that joins any input to one inverter.
const ONE_INVERTER: &str = r#"
for script; do :; done
echo "$script" >> ../../../runs
if [ "$script" != join.ys ]; then echo '{"modules": {}}' > "${script%.ys}.json"; exit; fi
cat > netlist.json <<'END'
{"modules": {"pecan": {"cells": {"a": {"type": "INV"}}}}}
END
echo 'module pecan; endmodule' > netlist.v
cat > area.txt <<'END'
   Chip area for module '\pecan': 1.000000
   Chip area for top module '\pecan': 1.000000
END
"#;

#[test]
fn a_missing_tool_is_code_4() {
    let machine = machine("");
    let nowhere = Finder { path: "".into(), cache: machine.finder.cache.clone() };
    let error = Machine { finder: nowhere, root: machine.root }.run(MINUTE).unwrap_err();
    assert_eq!(error.exit_code(), 4);
    assert!(error.to_string().contains("pecan tools install pyosys"), "{error}");
}

#[test]
fn a_failing_tool_is_code_5_with_its_last_lines_and_leaves_nothing() {
    let machine = machine("echo 'ERROR: Module `x` is not there' >&2; exit 1");
    let error = machine.run(MINUTE).unwrap_err();
    assert_eq!(error.exit_code(), 5);
    assert!(error.to_string().contains("Module `x` is not there"), "{error}");
    assert_eq!(machine.entries("modules"), Vec::<PathBuf>::new());
    assert_eq!(machine.entries("synthesis"), Vec::<PathBuf>::new());
}

#[test]
fn a_hanging_tool_is_code_6_and_leaves_nothing() {
    let machine = machine("exec sleep 60");
    let error = machine.run(Duration::from_millis(100)).unwrap_err();
    assert_eq!(error.exit_code(), 6);
    assert_eq!(machine.entries("modules"), Vec::<PathBuf>::new());
}

#[test]
fn a_tool_that_writes_nothing_or_nonsense_is_an_error() {
    let error = machine("exit 0").run(MINUTE).unwrap_err();
    assert_eq!(error.exit_code(), 5);
    assert!(error.to_string().contains(".json was not written"), "{error}");
    let nonsense = ONE_INVERTER.replace("top module '\\pecan': 1.0", "top module '\\pecan': 2.0");
    let error = machine(&nonsense).run(MINUTE).unwrap_err();
    assert_eq!(error.exit_code(), 5);
    assert!(error.to_string().contains("area of pecan is 2"), "{error}");
    let unmapped = ONE_INVERTER.replace("\"INV\"", "\"$_AND_\"");
    let error = machine(&unmapped).run(MINUTE).unwrap_err();
    assert!(error.to_string().contains("1 $_AND_ in pecan"), "{error}");
}

#[test]
fn results_are_cached_and_damage_is_repaired() {
    let machine = machine(ONE_INVERTER);
    let first = machine.run(MINUTE).unwrap();
    assert!(!first.cached && first.report.cells == 1);
    let scripts = first.inputs.iter().map(|(name, _)| name).filter(|name| name.ends_with(".ys"));
    let mut runs = machine.runs();
    assert_eq!(runs.last().unwrap(), "join.ys");
    runs.sort();
    assert_eq!(runs, scripts.cloned().collect::<Vec<_>>());
    let second = machine.run(MINUTE).unwrap();
    assert!(second.cached);
    assert_eq!((second.report, second.netlist.clone()), (first.report, first.netlist));
    assert_eq!(machine.runs().len(), runs.len());
    // A damaged netlist of the whole is joined again, one of a module is mapped again.
    std::fs::write(&second.netlist, "{}").unwrap();
    assert!(!machine.run(MINUTE).unwrap().cached);
    let again = machine.runs();
    assert_eq!(again[runs.len()..], ["join.ys"]);
    std::fs::write(machine.entries("modules")[0].join("netlist.json"), "").unwrap();
    assert!(!machine.run(MINUTE).unwrap().cached);
    assert_eq!(machine.runs().len(), again.len() + 1);
    // A damaged copy of the library is also replaced, without a run of the tool.
    std::fs::write(&second.liberty[0], "").unwrap();
    let third = machine.run(MINUTE).unwrap();
    assert!(third.cached);
    assert!(std::fs::read_to_string(&third.liberty[0]).unwrap().contains("cell (INV)"));
    assert_eq!(machine.entries("synthesis").len(), 1);
}

#[test]
fn a_module_that_designs_share_is_mapped_once() {
    let machine = machine(ONE_INVERTER);
    machine.run(MINUTE).unwrap();
    let before = machine.runs().len();
    let taller = Loader::new(tiny()).set("array.rows=3").finish().unwrap();
    let process = process(machine.root.path());
    let options = SynthOptions {
        liberty: LibertySearch::default(),
        offline: true,
        ..SynthOptions::default()
    };
    synthesize(&taller, &process, &options, &machine.finder, &|_| ()).unwrap();
    let mut new = machine.runs().split_off(before);
    new.sort();
    // Modules that depend on the number of rows, and modules that contain them.
    let rows = ["compute", "drain", "join", "loader", "row_table"];
    // Modules that contain the identity of the configuration.
    let identity = ["counter_bank", "decoder"];
    let mut expected: Vec<String> =
        rows.iter().chain(&identity).map(|name| format!("{name}.ys")).collect();
    expected.sort();
    assert_eq!(new, expected);
}

#[test]
fn a_profile_with_a_cell_that_is_not_there_is_refused() {
    let machine = machine(ONE_INVERTER);
    let mut process = process(machine.root.path());
    process.sizing = Some(pecan_synth::Sizing { driver: "INW".into(), load_ff: 1.0 });
    let options = SynthOptions { liberty: LibertySearch::default(), ..SynthOptions::default() };
    let error = synthesize(&tiny(), &process, &options, &machine.finder, &|_| ()).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains("cells.driver") && error.to_string().contains("\"INV\""));
}

/// Search for the liberty files: in the environment's folder of design kits, or beside the project.
fn liberty() -> LibertySearch {
    let environment = LibertySearch::from_environment();
    let pdk = environment.pdk.or_else(|| Some(pecan_test_support::shared().join("pdk")));
    LibertySearch { files: Vec::new(), pdk }
}

/// Options of a synthesis with these files.
fn options() -> SynthOptions {
    SynthOptions { liberty: liberty(), ..SynthOptions::default() }
}

/// The process if its liberty files are on this machine.
fn present(name: &str) -> Option<Process> {
    let process = Process::load(name).unwrap();
    match process.find_liberty(&liberty()) {
        Ok(_) => Some(process),
        Err(error) => {
            pecan_test_support::skip(&error.to_string());
            None
        }
    }
}

/// Maps a taller array too; modules with the same text have the same netlist, which is in `netlist`.
fn shared_modules_are_equal(process: &Process, finder: &Finder, netlist: &Path) {
    let taller = Loader::new(tiny()).set("array.rows=3").finish().unwrap();
    let made = synthesize(&taller, process, &options(), finder, &|_| ()).unwrap();
    let modules = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["modules"].take()
    };
    let (two, three) = (modules(netlist), modules(&made.netlist));
    for name in ["loader_loops", "loader_row", "pe", "mac", "drain_lane", "column"] {
        assert!(two[name]["cells"].as_object().is_some_and(|cells| !cells.is_empty()), "{name}");
        assert_eq!(two[name]["cells"], three[name]["cells"], "{name}");
    }
}

#[test]
fn real_tools_map_to_real_libraries() {
    let finder = Finder::from_environment().unwrap();
    for name in ["sg13g2", "osu018"] {
        let Some(process) = present(name) else { continue };
        let options = options();
        let made =
            match synthesize(&tiny(), &process, &options, &finder, &|line| println!("{line}")) {
                Err(error) if error.exit_code() == 4 => {
                    pecan_test_support::skip(&error.to_string());
                    continue;
                }
                made => made.unwrap(),
            };
        let report = made.report;
        assert!(report.area_um2 > report.sequential_um2 && report.sequential_um2 > 0.0);
        assert_eq!(report.clock_gated, report.clock_gates > 0);
        // Only a missing feature of the tool may keep a process with a clock gate from gated clocks.
        assert!(process.clock_gate.is_some() || report.clock_gates == 0);
        let pe = report.modules.iter().find(|module| module.name == "pe").unwrap();
        assert_eq!(pe.instances, 2);
        assert!(pe.flops > 20 && pe.area_with_submodules_um2 > pe.area_um2);
        let names: Vec<&str> = report.memories.iter().map(|memory| memory.name.as_str()).collect();
        assert_eq!(names, ["global_buffer_4096x32", "param_memory_8x45", "weight_buffer_512x21"]);
        assert!(std::fs::read_to_string(&made.verilog).unwrap().contains("module pecan("));
        println!("{name}: {} um2, {} cells, {} flops", report.area_um2, report.cells, report.flops);
        shared_modules_are_equal(&process, &finder, &made.netlist);
    }
}
