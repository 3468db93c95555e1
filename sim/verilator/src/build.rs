//! One build: from Verilog to C++ to an executable, in a scratch folder.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::runtime::Runtime;
use super::{BuildOptions, TOP, Verilator, VerilogFile, WaveFormat};
use crate::harness::SOURCES;
use pecan_host::child;
use pecan_ir::error::{Result, SimError};

/// Limit beyond which a build has failed.
const LIMIT: Duration = Duration::from_secs(1800);

/// Link to Verilator's own folder in the build folder: make cannot quote a blank in an included path.
const ROOT: &str = "verilator";

/// Flags of the Verilator run; part of the cache key. Unknown values become those that simulate fastest: the design
/// resets all relevant state, and the comparison with the reference would reveal a missing reset. The generated C++ is
/// split so that it compiles in parallel.
const FLAGS: &[&str] = &[
    "--cc",
    "--exe",
    "-O3",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "--no-timing",
    "--output-split",
    "20000",
    "-Wno-fatal",
    "--top-module",
    TOP,
    "--prefix",
    "Vpecan",
    "--Mdir",
    "obj",
    "-CFLAGS",
    "-std=gnu++17",
];

/// Variables for Verilator's makefile; part of the cache key. The third corrects how release 5.48 includes its
/// precompiled header.
const MAKE_VARIABLES: &[&str] =
    &["OPT_FAST=-O2", "OPT_SLOW=-O1", "OPT_GLOBAL=-O2", "CFG_CXXFLAGS_PCH_I=-include"];

/// The resolved inputs of a build.
pub(super) struct Recipe<'a> {
    pub(super) verilator: &'a Verilator,
    pub(super) sources: &'a [VerilogFile],
    pub(super) options: BuildOptions,
    pub(super) wave: Option<WaveFormat>,
}

impl Recipe<'_> {
    /// Hash of everything that decides the behaviour of the executable.
    pub(super) fn key(&self) -> String {
        let ports = self.ports();
        let harness = SOURCES.iter().flat_map(|(name, text)| [*name, *text]);
        let design = self.sources.iter().flat_map(|file| [file.name.as_str(), file.text.as_str()]);
        self.hash(harness.chain(design).chain([ports.as_str()]))
    }

    /// Hash of everything that decides the compilation of the run-time library.
    fn runtime_key(&self) -> String {
        let compression = SOURCES.iter().filter(|(name, _)| name.starts_with("compat/"));
        self.hash(compression.map(|(_, text)| *text).chain([match self.wave {
            None => "no waveform",
            Some(WaveFormat::Fst) => "fst",
            Some(WaveFormat::Vcd) => "vcd",
        }]))
    }

    /// Hash of the tools, their flags and `parts`.
    fn hash<'s>(&'s self, parts: impl Iterator<Item = &'s str>) -> String {
        let tools = [self.verilator.version.as_str(), self.verilator.compiler_version.as_str()];
        let flags = FLAGS.iter().chain(MAKE_VARIABLES).copied();
        let mut hasher = blake3::Hasher::new();
        for text in tools.into_iter().chain(flags).chain(parts) {
            // The length first, so that moving a byte from one item to the next changes the hash.
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.finalize().to_hex()[..32].to_string()
    }

    /// The generated header that binds the harness to the ports of the model.
    fn ports(&self) -> String {
        let words = self.options.stream_bits / 32;
        let mut text =
            String::from("// Binding of the harness to the ports of one model.\n#pragma once\n");
        let flag = |format| i32::from(self.wave == Some(format));
        let fst = flag(WaveFormat::Fst);
        let vcd = flag(WaveFormat::Vcd);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "#define PECAN_WAVE_FST {fst}\n#define PECAN_WAVE_VCD {vcd}");
        let _ = writeln!(text, "#include <cstdint>\n#include <cstring>\nnamespace pecan {{");
        let _ = writeln!(text, "constexpr unsigned kBeatWords = {words};");
        let _ = writeln!(text, "constexpr uint32_t kCounters = {};", self.options.counters);
        text.push_str("inline void set_input(Vpecan& top, const uint8_t* beat) {\n");
        for word in 0..words {
            let _ = writeln!(text, "    std::memcpy(&top.in_data_{word}, beat + {}, 4);", 4 * word);
        }
        text.push_str("}\ninline void get_input(const Vpecan& top, uint8_t* beat) {\n");
        for word in 0..words {
            let _ = writeln!(text, "    std::memcpy(beat + {}, &top.in_data_{word}, 4);", 4 * word);
        }
        text.push_str("}\ninline void get_output(const Vpecan& top, uint8_t* beat) {\n");
        for word in 0..words {
            let _ =
                writeln!(text, "    std::memcpy(beat + {}, &top.out_data_{word}, 4);", 4 * word);
        }
        text.push_str("}\n}  // namespace pecan\n");
        text
    }

    /// Builds in `folder`, which must be empty, and returns the executable's path.
    pub(super) fn build(&self, folder: &Path) -> Result<PathBuf> {
        for (name, text) in SOURCES {
            write(&folder.join(name), text)?;
        }
        write(&folder.join("ports.h"), &self.ports())?;
        for file in self.sources {
            write(&folder.join(&file.name), &file.text)?;
        }
        let root = folder.join(ROOT);
        std::os::unix::fs::symlink(&self.verilator.root, &root)
            .map_err(SimError::io("create", &root))?;
        let mut verilate = self.verilator.command();
        // Temporary files of a killed tool are deleted with the folder.
        verilate.env("TMPDIR", folder);
        // Verilator reads its own files by this path and puts it, unquoted, into the text that it then parses.
        verilate.env("VERILATOR_ROOT", ROOT);
        verilate.current_dir(folder).args(FLAGS).args(["-CFLAGS", "-I.."]);
        match self.wave {
            Some(WaveFormat::Fst) => verilate.arg("--trace-fst"),
            Some(WaveFormat::Vcd) => verilate.arg("--trace"),
            None => &mut verilate,
        };
        if self.own_compression() {
            verilate.args(["-CFLAGS", "-I../compat"]);
        }
        verilate.arg("main.cpp").args(self.sources.iter().map(|file| &file.name));
        let printed = child::run("verilator", &mut verilate, Some(LIMIT))?;
        printed.stderr.lines().for_each(|line| tracing::debug!("verilator: {line}"));
        let objects = folder.join("obj");
        let runtime = Runtime::new(&self.verilator.cache, &self.runtime_key());
        let provided = runtime.provide(&objects)?;
        child::run("make", &mut self.make(folder)?, Some(LIMIT))?;
        if !provided {
            runtime.keep(&objects)?;
        }
        Ok(objects.join("Vpecan"))
    }

    fn own_compression(&self) -> bool {
        self.wave == Some(WaveFormat::Fst) && self.verilator.bundled_fst()
    }

    fn make(&self, folder: &Path) -> Result<Command> {
        let assign = |name: &str, value: &Path| {
            let word = value.to_str().and_then(child::make_word);
            word.map(|word| format!("{name}={word}")).ok_or_else(|| SimError::InvalidJob {
                key: "path of a tool",
                value: value.display().to_string(),
                allowed: "valid Unicode without line ends".into(),
            })
        };
        // As many compilers as worker threads, a number that --jobs sets.
        let jobs = rayon::current_num_threads();
        let mut make = Command::new(&self.verilator.make);
        make.current_dir(folder).args(["-C", "obj", "-f", "Vpecan.mk", "Vpecan"]);
        make.arg(format!("-j{jobs}")).args(MAKE_VARIABLES);
        // The wheel's makefile names the tools of its build machine.
        make.arg(assign("CXX", &self.verilator.compiler)?);
        make.arg(assign("LINK", &self.verilator.compiler)?);
        make.args(["AR=ar", "OBJCACHE="]).arg(assign("PYTHON3", &self.verilator.python)?);
        make.arg(format!("VERILATOR_ROOT=../{ROOT}")).env("TMPDIR", folder);
        if self.own_compression() {
            make.arg("LDLIBS=-pthread");
        }
        // Settings of an outer make must not reach this one.
        make.env_remove("MAKEFLAGS").env_remove("MFLAGS").env_remove("MAKELEVEL");
        Ok(make)
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(SimError::io("create", parent))?;
    }
    fs::write(path, text).map_err(SimError::io("write", path))
}
