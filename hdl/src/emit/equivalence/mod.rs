//! Random equivalence of the simulation in Rust and the emitted Verilog under Verilator.
//!
//! These tests need a Verilator binary in `PECAN_VERILATOR` or on the path, and Yosys on the path;
//! they say so and pass where there is none.

mod blocks;
pub(super) mod ops;
pub(super) mod storage;

use rust_hdl_core::atom::{Atom, AtomKind};
use rust_hdl_core::block::Block;
use rust_hdl_core::probe::Probe;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::collect::literal;
use super::{Design, emit};
use crate::rtl::prelude::*;
use crate::rtl::wrap;
use blocks::Everything;

const CYCLES: usize = 20_000;

/// SplitMix64 (Steele, Lea, Flood 2014), with extreme values mixed in.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn flag(&mut self, one_in: u64) -> bool {
        self.word().is_multiple_of(one_in)
    }

    pub(super) fn set(&mut self, wire: &mut Wire<In>) {
        let v = match self.word() % 8 {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << (wire.width() - 1),
            3 => (1 << (wire.width() - 1)) - 1,
            _ => self.word(),
        };
        wire.next = wrap(i128::from(v), wire.width(), wire.is_signed()).into();
    }

    pub(super) fn below(&mut self, wire: &mut Wire<In>, n: usize) {
        wire.next = (self.word() % n as u64).into();
    }
}

/// The ports of the top block: name, whether input, bits.
#[derive(Default)]
struct Ports {
    depth: usize,
    ports: Vec<(String, bool, usize)>,
    values: Vec<u64>,
}

impl Probe for Ports {
    fn visit_start_scope(&mut self, _: &str, _: &dyn Block) {
        self.depth += 1;
    }
    fn visit_end_scope(&mut self, _: &str, _: &dyn Block) {
        self.depth -= 1;
    }
    fn visit_atom(&mut self, name: &str, a: &dyn Atom) {
        let input = a.kind() == AtomKind::InputParameter;
        if self.depth == 1 && (input || a.kind() == AtomKind::OutputParameter) {
            self.ports.push((name.replace('$', "_"), input, a.bits()));
            self.values.push(literal(&a.verilog()).unwrap() as u64);
        }
    }
}

fn ports(uut: &impl Block) -> Ports {
    let mut ports = Ports::default();
    uut.accept("uut", &mut ports);
    ports
}

fn tool(variable: &str, name: &str) -> Option<PathBuf> {
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|p| p.join(name)).find(|p| p.is_file())
    };
    let found = std::env::var_os(variable).map(PathBuf::from).or_else(on_path);
    if found.is_none() {
        println!("skipped: no {name} (set {variable} or PATH)");
    }
    found
}

fn verilator(args: &[&str], dir: &Path) -> Option<()> {
    let binary = tool("PECAN_VERILATOR", "verilator")?;
    let mut command = Command::new(&binary);
    let root = binary.parent().and_then(Path::parent);
    if let Some(root) = root.filter(|r| r.join("include/verilated.h").is_file()) {
        command.env("VERILATOR_ROOT", root);
    }
    let out = command.args(args).current_dir(dir).output().unwrap();
    let text = String::from_utf8_lossy(&out.stderr) + String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success() && !text.contains("%Warning"), "{text}");
    Some(())
}

/// A program that replays a trace: inputs, outputs before the edge, outputs after it.
fn replay(ports: &Ports) -> String {
    let mut set = String::new();
    let mut check = String::new();
    for (name, input, _) in ports.ports.iter().filter(|p| p.0 != "clock") {
        match input {
            true => writeln!(set, "t.{name} = next();").unwrap(),
            false => writeln!(
                check,
                "if ((v = next()) != t.{name}) {{ std::printf(\"cycle %d phase %d {name}: want \
                 %llx got %llx\\n\", c, phase, v, (unsigned long long)t.{name}); return 1; }}"
            )
            .unwrap(),
        }
    }
    format!(
        "#include \"Vtop.h\"\n#include <cstdio>\n\
         unsigned long long next() {{ unsigned long long v = 0; \
         if (std::scanf(\"%llx\", &v) != 1) throw 1; return v; }}\n\
         int main() {{ Vtop t; unsigned long long v;\n\
         for (int c = 0; c < {CYCLES}; c++) {{ t.clock = 0;\n{set}\
         for (int phase = 0; phase < 2; phase++) {{ t.clock = phase; t.eval();\n{check}}} }}\n\
         return 0; }}\n"
    )
}

fn trace(uut: &mut Everything) -> String {
    let mut random = Random(7);
    let mut trace = String::new();
    for cycle in 0..CYCLES {
        uut.clock.next = false.into();
        uut.randomize(&mut random, cycle);
        for phase in [false, true] {
            uut.clock.next = phase.into();
            assert!(simulate(uut, 100), "does not settle");
            let now = ports(uut);
            for ((name, input, _), v) in now.ports.iter().zip(&now.values) {
                if name != "clock" && !(phase && *input) {
                    write!(trace, "{v:x} ").unwrap();
                }
            }
            trace.push('\n');
        }
    }
    trace
}

fn write(design: &Design, dir: &Path) {
    std::fs::write(dir.join("top.v"), design.text()).unwrap();
}

fn equivalent(config: [usize; 8]) {
    let mut uut = Everything::new(config);
    let design = emit(&uut, "top").unwrap();
    let dir = tempfile::tempdir().unwrap();
    write(&design, dir.path());
    std::fs::write(dir.path().join("main.cpp"), replay(&ports(&uut))).unwrap();
    let args = ["--cc", "--exe", "--build", "-Wall", "-Wno-DECLFILENAME", "-O3", "--top-module"];
    let args = [&args[..], &["top", "top.v", "main.cpp", "--quiet-stats"]].concat();
    if verilator(&args, dir.path()).is_none() {
        return;
    }
    std::fs::write(dir.path().join("trace"), trace(&mut uut)).unwrap();
    let stdin = std::fs::File::open(dir.path().join("trace")).unwrap();
    let run = Command::new(dir.path().join("obj_dir/Vtop")).stdin(stdin).output().unwrap();
    assert!(run.status.success(), "{config:?}: {}", String::from_utf8_lossy(&run.stdout));
}

/// Widths of `a`, `b`, `c`, shift amount; memory depth; lanes; groups; sub-block rows.
const CONFIGS: [[usize; 8]; 6] = [
    [8, 8, 8, 3, 8, 2, 2, 2],
    [5, 11, 7, 4, 5, 4, 1, 1],
    [16, 4, 13, 3, 3, 1, 3, 2],
    [1, 9, 2, 2, 1, 3, 2, 1],
    [32, 24, 17, 5, 11, 2, 4, 3],
    [21, 33, 40, 6, 2, 1, 1, 2],
];

#[test]
fn rust_and_verilog_agree_bytes() {
    equivalent(CONFIGS[0]);
}

#[test]
fn rust_and_verilog_agree_odd_widths() {
    equivalent(CONFIGS[1]);
}

#[test]
fn rust_and_verilog_agree_three_groups() {
    equivalent(CONFIGS[2]);
}

#[test]
fn rust_and_verilog_agree_single_bits() {
    equivalent(CONFIGS[3]);
}

#[test]
fn rust_and_verilog_agree_wide() {
    equivalent(CONFIGS[4]);
}

#[test]
fn rust_and_verilog_agree_beyond_64_bits() {
    equivalent(CONFIGS[5]);
}

#[test]
fn yosys_finds_no_fault() {
    let Some(yosys) = tool("PECAN_YOSYS", "yosys") else { return };
    for config in CONFIGS {
        let dir = tempfile::tempdir().unwrap();
        write(&emit(&Everything::new(config), "top").unwrap(), dir.path());
        let script = "read_verilog top.v; hierarchy -check -top top; proc; check -assert; \
                      select -assert-none t:$dlatch t:$_DLATCH_*; flatten; opt; check -assert; \
                      memory_collect; select -assert-min 1 t:$mem*";
        let out =
            Command::new(&yosys).args(["-q", "-p", script]).current_dir(&dir).output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success() && !text.contains("Warning"), "{config:?}: {text}");
    }
}
