//! Building and running the Verilator model of an accelerator.
//!
//! The model is compiled together with the harness of [`crate::harness`] into one executable, kept in the user's cache
//! under a hash of all its inputs.

mod build;
mod cache;
pub mod harness;
mod runtime;
mod simulator;

pub use simulator::Simulator;

use std::path::PathBuf;
use std::process::Command;

use serde::{Deserialize, Serialize};

use pecan_host::child;
use pecan_host::error::HostError;
use pecan_host::tools::{Finder, find_or_install_verilator};
use pecan_ir::error::{Result, SimError};

/// Name of the top module and, with a `V` in front, of the generated C++ class.
pub const TOP: &str = "pecan";

/// One Verilog source file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VerilogFile {
    /// File name without folder, such as `pecan.v`.
    pub name: String,
    /// Contents.
    pub text: String,
}

/// Properties of the hardware that the harness needs, and whether to trace it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BuildOptions {
    /// Width of each stream in bits, a multiple of 32.
    pub stream_bits: u32,
    /// Number of performance counters in the status registers.
    pub counters: usize,
    /// Compile waveform support in; costs speed even when no waveform is written.
    pub wave: bool,
}

/// Format of the waveform files that a simulator writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WaveFormat {
    /// Compressed, for GTKWave and Surfer.
    Fst,
    /// Text; where an old Verilator lacks a library for FST.
    Vcd,
}

/// A usable Verilator with the compiler that its models need.
#[derive(Clone, Debug)]
pub struct Verilator {
    /// The executable.
    pub path: PathBuf,
    /// Folder with `include/verilated.h`.
    pub root: PathBuf,
    /// Version as used in cache keys.
    pub version: String,
    /// C++ compiler.
    pub compiler: PathBuf,
    /// Its version.
    pub compiler_version: String,
    /// GNU make.
    pub make: PathBuf,
    /// Python interpreter, which Verilator's makefile may call.
    pub python: PathBuf,
    /// Cache folder of the user.
    pub cache: PathBuf,
}

impl Verilator {
    /// Finds Verilator (installing it into the cache if it is absent, announced through `progress`), the
    /// compiler and make.
    ///
    /// # Errors
    /// [`HostError::ToolMissing`] naming the first tool that is missing and how to get it; failures of the
    /// installation.
    pub fn locate(finder: &Finder, progress: &dyn Fn(&str)) -> Result<Self> {
        // The compiler first: without it there is no use in installing Verilator.
        let compiler = finder.find("g++")?;
        let make = finder.find("make")?;
        let python = finder.find("python3")?;
        let verilator = find_or_install_verilator(finder, progress)?;
        let version = verilator.version.map(|version| version.to_string()).unwrap_or_default();
        Ok(Self {
            root: root_of(&verilator.path)?,
            path: verilator.path,
            version: format!("{version} ({})", verilator.version_text),
            compiler: compiler.path,
            compiler_version: compiler.version_text,
            make: make.path,
            python: python.path,
            cache: finder.cache.clone(),
        })
    }

    /// A command that runs Verilator with its own root, regardless of the environment.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.env("VERILATOR_ROOT", &self.root);
        command
    }

    /// The waveform format that models built here can write.
    fn wave_format(&self) -> WaveFormat {
        if self.bundled_fst() {
            return WaveFormat::Fst;
        }
        // Older releases bundle all of the FST writer except zlib.
        let mut command = Command::new(&self.compiler);
        command.args(["-E", "-x", "c++", "-include", "zlib.h", "/dev/null"]);
        match child::run("g++", &mut command, None) {
            Ok(_) => WaveFormat::Fst,
            Err(_) => {
                tracing::warn!(
                    "zlib.h is not installed (system package `zlib1g-dev`) and Verilator {} needs it \
                     for FST: waveforms are written as VCD",
                    self.version
                );
                WaveFormat::Vcd
            }
        }
    }

    /// Whether the FST writer uses the compression functions of `harness/cpp/compat`.
    fn bundled_fst(&self) -> bool {
        self.root.join("include/fstcpp").is_dir()
    }
}

fn root_of(path: &std::path::Path) -> Result<PathBuf> {
    let real = path.canonicalize().map_err(SimError::io("resolve", path))?;
    if let Some(root) = real.parent().and_then(std::path::Path::parent)
        && root.join("include/verilated.h").is_file()
    {
        return Ok(root.to_path_buf());
    }
    let printed =
        child::run("verilator", Command::new(path).args(["--getenv", "VERILATOR_ROOT"]), None)?;
    let root = PathBuf::from(printed.stdout.trim());
    if root.join("include/verilated.h").is_file() {
        return Ok(root);
    }
    Err(HostError::ToolMissing {
        tool: "verilator".into(),
        reason: format!("{} does not know where its include folder is", path.display()),
        install: "set VERILATOR_ROOT or run `pecan tools install verilator`".into(),
    }
    .into())
}
