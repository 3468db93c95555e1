//! Synthesis end to end, and what happens where tools are missing, fail or hang.

// Helpers of tests may unwrap as the tests do; clippy.toml knows only functions marked #[test].
#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pecan_flow::tools::{LibertySearch, Process, SynthOptions, Synthesis, ToolError, synthesize};
use pecan_hdl::config::{Config, Loader};
use pecan_sim::tools::Finder;

/// The smallest array of the smallest preset.
fn tiny() -> Config {
    let loader = Loader::new(Config::default()).preset("tiny");
    loader.set("array.rows=2").set("array.cols=1").finish().unwrap()
}

/// A cell library that is enough for the checks before Yosys runs.
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

/// A machine with a `yosys` that runs this shell script for everything but questions of version and help.
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

    /// Folders of the cache of netlists: entries and what is left of failed runs.
    fn entries(&self) -> Vec<PathBuf> {
        let items = std::fs::read_dir(self.finder.cache.join("synthesis")).unwrap();
        items.map(|item| item.unwrap().path()).filter(|path| path.is_dir()).collect()
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// A fake Yosys whose result is one inverter.
const ONE_INVERTER: &str = r#"
echo run >> ../../../runs
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
    assert_eq!(machine.entries(), Vec::<PathBuf>::new());
}

#[test]
fn a_hanging_tool_is_code_6_and_leaves_nothing() {
    let machine = machine("exec sleep 60");
    let error = machine.run(Duration::from_millis(100)).unwrap_err();
    assert_eq!(error.exit_code(), 6);
    assert_eq!(machine.entries(), Vec::<PathBuf>::new());
}

#[test]
fn a_tool_that_writes_nothing_or_nonsense_is_an_error() {
    assert_eq!(machine("exit 0").run(MINUTE).unwrap_err().exit_code(), 3);
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
    let runs =
        || std::fs::read_to_string(machine.root.path().join("runs")).unwrap().lines().count();
    let first = machine.run(MINUTE).unwrap();
    assert!(!first.cached && first.report.cells == 1);
    let second = machine.run(MINUTE).unwrap();
    assert!(second.cached);
    assert_eq!((second.report, second.netlist.clone(), runs()), (first.report, first.netlist, 1));
    std::fs::write(&second.netlist, "{}").unwrap();
    assert!(!machine.run(MINUTE).unwrap().cached);
    assert_eq!(runs(), 2);
    // So is a damaged copy of the library, which no run of the tool needs.
    std::fs::write(&second.liberty[0], "").unwrap();
    let third = machine.run(MINUTE).unwrap();
    assert!(third.cached);
    assert!(std::fs::read_to_string(&third.liberty[0]).unwrap().contains("cell (INV)"));
    assert_eq!(machine.entries().len(), 1);
}

#[test]
fn a_profile_with_a_cell_that_is_not_there_is_refused() {
    let machine = machine(ONE_INVERTER);
    let mut process = process(machine.root.path());
    process.sizing = Some(pecan_flow::tools::Sizing { driver: "INW".into(), load_ff: 1.0 });
    let options = SynthOptions { liberty: LibertySearch::default(), ..SynthOptions::default() };
    let error = synthesize(&tiny(), &process, &options, &machine.finder, &|_| ()).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains("cells.driver") && error.to_string().contains("\"INV\""));
}

/// The process if its liberty files are on this machine.
fn present(name: &str) -> Option<Process> {
    let process = Process::load(name).unwrap();
    match process.find_liberty(&LibertySearch::from_environment()) {
        Ok(_) => Some(process),
        Err(error) => {
            println!("skipped: {error}");
            None
        }
    }
}

#[test]
fn real_tools_map_to_real_libraries() {
    let finder = Finder::from_environment().unwrap();
    for name in ["sg13g2", "osu018"] {
        let Some(process) = present(name) else { continue };
        let options = SynthOptions::default();
        let made =
            match synthesize(&tiny(), &process, &options, &finder, &|line| println!("{line}")) {
                Err(error) if error.exit_code() == 4 => {
                    println!("skipped: {error}");
                    continue;
                }
                made => made.unwrap(),
            };
        let report = made.report;
        assert!(report.area_um2 > report.sequential_um2 && report.sequential_um2 > 0.0);
        assert_eq!(report.clock_gated, report.clock_gates > 0);
        // Only the tool may keep a process with a clock gate from gated clocks.
        assert!(process.clock_gate.is_some() || report.clock_gates == 0);
        let pe = report.modules.iter().find(|module| module.name == "pe").unwrap();
        assert_eq!(pe.instances, 2);
        assert!(pe.flops > 20 && pe.area_with_submodules_um2 > pe.area_um2);
        let names: Vec<&str> = report.memories.iter().map(|memory| memory.name.as_str()).collect();
        assert_eq!(names, ["global_buffer_4096x32", "param_memory_8x45", "weight_buffer_512x21"]);
        assert!(std::fs::read_to_string(&made.verilog).unwrap().contains("module pecan("));
        println!("{name}: {} um2, {} cells, {} flops", report.area_um2, report.cells, report.flops);
    }
}
