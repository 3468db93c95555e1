//! Checks that a killed run ends its children and removes its scratch folders, in every phase.
//!
//! The tools are stand-ins that stop in the tested phase, behind a child of their own: like `make` behind a compiler,
//! or Yosys behind ABC.

// Helpers of tests may unwrap as the tests do; clippy.toml knows only functions marked #[test].
#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Answers to all requests for versions, and a build that makes the requested files.
const TOOLS: &[(&str, &str)] = &[
    ("g++", "echo 12.2.0"),
    (
        "verilator",
        "case \"$*\" in --version) echo 'Verilator 5.048 2026-01-01'; exit;; esac\nstop verilate\nmkdir -p obj",
    ),
    (
        "make",
        "[ \"$1\" = --version ] && echo 'GNU Make 4.3' && exit\nstop make\n\
         printf '#!/bin/sh\\n. %s/stop.sh\\nstop simulator\\n' \"$ROOT\" > obj/Vpecan; chmod +x obj/Vpecan",
    ),
    (
        "yosys",
        "case \"$*\" in -V) echo 'Yosys 0.70'; exit;; *help*) echo ' -min_net_size'; exit;; esac\n\
         for script; do :; done\n[ \"$script\" = join.ys ] && stop join || stop map\n\
         echo '{}' > \"${script%.ys}.json\"",
    ),
];

/// Starts a child and waits, in the requested phase.
const STOP: &str = "stop() {\n  [ \"$1\" = \"$PHASE\" ] || return 0\n  touch \"${TMPDIR:-.}/left-behind\"\n\
    sleep 600 &\n  echo $! > \"$ROOT/child.new\"; mv \"$ROOT/child.new\" \"$ROOT/child\"\n  wait\n}\n";

/// An empty machine with the stand-ins.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        for folder in ["bin", "tmp", "cache", "bin/../include"] {
            std::fs::create_dir_all(machine.path(folder)).unwrap();
        }
        std::fs::write(machine.path("include/verilated.h"), "").unwrap();
        std::fs::write(machine.path("stop.sh"), STOP).unwrap();
        for (name, script) in TOOLS {
            let path = machine.path("bin").join(name);
            std::fs::write(&path, format!("#!/bin/sh\n. \"$ROOT/stop.sh\"\n{script}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Starts `pecan` and waits until the phase has begun.
    fn start(&self, phase: &str, arguments: &[&str]) -> Child {
        let _ = std::fs::remove_file(self.path("child"));
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_pecan"));
        command.args(arguments).arg("-q").current_dir(self.0.path()).env("PATH", path);
        command.env("TMPDIR", self.path("tmp")).env("PECAN_CACHE", self.path("cache"));
        command.env("ROOT", self.0.path()).env("PHASE", phase).env_remove("PECAN_LOG");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        wait_for(|| self.path("child").exists(), phase);
        child
    }

    /// Temporary files, and files in the cache besides entries, locks and tools.
    fn scratch(&self) -> Vec<PathBuf> {
        let temporary = std::fs::read_dir(self.path("tmp")).unwrap();
        let mut found: Vec<PathBuf> = temporary.flatten().map(|entry| entry.path()).collect();
        for kind in std::fs::read_dir(self.path("cache")).unwrap().flatten() {
            let entries = std::fs::read_dir(kind.path()).unwrap().flatten();
            found.extend(
                entries
                    .filter(|e| e.file_name().to_string_lossy().starts_with('.'))
                    .map(|e| e.path()),
            );
        }
        found
    }
}

fn wait_for(done: impl Fn() -> bool, what: &str) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process runs; a zombie does not.
fn runs(id: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", id.trim()));
    stat.is_ok_and(|text| !text.contains(") Z "))
}

fn signal(child: &Child, signal: &str) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args([format!("-{signal}"), id]).status().unwrap().success());
}

/// The process profile and the cell library of a stand-in.
fn profile(folder: &Path) -> String {
    std::fs::write(folder.join("fake.lib"), "library (fake) {\n cell (INV) { area : 1; }\n}\n")
        .unwrap();
    let text = "name = \"fake\"\ndescription = \"for tests\"\nnode_nm = 100\n[liberty]\n\
        files = [\"fake.lib\"]\n[wire]\nfixed_ff = 1\nper_fanout_ff = 1\nreason = \"test\"\n\
        [timing]\nperiod_ns = 5\nslew_ns = 0.1\n";
    let path = folder.join("fake.toml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn bundled(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name);
    path.canonicalize().unwrap().display().to_string()
}

#[test]
fn children_and_scratch_folders_end_with_the_run_in_every_phase() {
    let machine = Machine::new();
    let (model, profile) = (bundled("lenet_digits.onnx"), profile(machine.0.path()));
    let networks = machine.0.path().display().to_string();
    let simulate = ["simulate", &model, "--preset", "tiny", "--offline"];
    let synth = ["synth", "--preset", "tiny", "--offline", "--technology", &profile];
    let calibrate = ["calibrate", "--offline", "--technology", &profile, "--networks", &networks];
    let phases: [(&str, &[&str]); 6] = [
        ("verilate", &simulate),
        ("make", &simulate),
        ("simulator", &simulate),
        ("map", &synth),
        ("join", &synth),
        ("map", &calibrate),
    ];
    for (phase, arguments) in phases {
        for (name, number) in [("TERM", 15), ("INT", 2), ("HUP", 1), ("KILL", 9)] {
            let mut child = machine.start(phase, arguments);
            signal(&child, name);
            let status = child.wait().unwrap();
            let what = format!("{} killed by {name} in {phase}", arguments[0]);
            assert_eq!(
                std::os::unix::process::ExitStatusExt::signal(&status),
                Some(number),
                "{what}"
            );
            let left = std::fs::read_to_string(machine.path("child")).unwrap();
            if name == "KILL" {
                // The wardens have to notice first.
                wait_for(|| machine.scratch().is_empty(), &what);
            }
            assert_eq!(machine.scratch(), Vec::<PathBuf>::new(), "{what}");
            // A killed process ends soon, not at once.
            wait_for(|| !runs(&left), &format!("{what}: the end of a child"));
        }
    }
}

/// A process that ignores a signal (as `nohup` does for HUP) continues.
#[test]
fn an_ignored_signal_stays_ignored() {
    let machine = Machine::new();
    let model = bundled("lenet_digits.onnx");
    let path = format!("{}:{}", machine.path("bin").display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("nohup");
    command.arg(env!("CARGO_BIN_EXE_pecan")).args(["simulate", &model, "--preset", "tiny", "-q"]);
    command.current_dir(machine.0.path()).env("PATH", path).env("ROOT", machine.0.path());
    command.env("TMPDIR", machine.path("tmp")).env("PECAN_CACHE", machine.path("cache"));
    command.env("PHASE", "make").arg("--offline");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for(|| machine.path("child").exists(), "make");
    signal(&child, "HUP");
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "it ended by a signal that it was told to ignore");
    signal(&child, "TERM");
    assert!(!child.wait().unwrap().success());
}
