//! The package of one configuration for a hardware project, as a list of files.
//!
//! [`Package::of`] makes the Verilog, a test bench with a first program, constraints, a FuseSoC core, lint waivers, a C
//! header and a register map. All of it follows from the configuration and from [`isa`](pecan_config::isa), so no two
//! files can disagree. The caller writes the files.

mod bench;
mod constraints;
mod core;
mod header;
mod lint;
mod prefix;
mod program;
mod registers;

pub use self::constraints::{Pin, TARGETS, Target, ToolFormat};
pub use self::prefix::Prefix;
pub use self::registers::{command_set_markdown, registers_markdown};

use crate::blocks::Accelerator;
use pecan_config::Config;
use pecan_config::geometry::Geometry;
use pecan_rtl::emit::{EmitError, Port, emit_with_prefix, ports};
use std::fmt::Write as _;

/// One file of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageFile {
    /// Path inside the package, with `/` between folders.
    pub path: String,
    /// Contents.
    pub text: String,
}

/// The files that describe one accelerator, in the order of their path's use: Verilog first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Name of the configuration, see [`Config::name`].
    pub name: String,
    /// Name of the top module.
    pub top: String,
    /// The files.
    pub files: Vec<PackageFile>,
}

/// Errors of making a package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// The design has no Verilog.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// Names cannot begin with this prefix.
    #[error("prefix `{prefix}`: {reason}")]
    Prefix {
        /// The prefix, or its beginning.
        prefix: String,
        /// The problem and a valid alternative.
        reason: String,
    },
    /// A description of a target is wrong.
    #[error("constraints target `{target}`: {reason}")]
    Target {
        /// Name of the target, or of the text it comes from.
        target: String,
        /// The problem and a valid alternative.
        reason: String,
    },
}

/// Inputs of the writers of the single files.
struct Context<'a> {
    config: &'a Config,
    prefix: &'a Prefix,
    geometry: Geometry,
    /// Ports of the top module.
    ports: Vec<Port>,
    /// Paths of the Verilog files, each after those that it needs.
    rtl: Vec<String>,
}

impl Package {
    /// The package of a legal configuration, with the shipped [`TARGETS`] and the default [`Prefix`].
    ///
    /// # Errors
    /// [`GenerateError::Emit`] if the design has no Verilog.
    pub fn of(config: &Config) -> Result<Self, GenerateError> {
        Self::with(config, &Prefix::of(config), &Target::shipped()?)
    }

    /// The package of a legal configuration with names that begin with `prefix` and constraints for `targets`.
    ///
    /// # Errors
    /// [`GenerateError::Emit`] if the design has no Verilog, [`GenerateError::Target`] if a target names a port that
    /// the hardware does not have.
    pub fn with(
        config: &Config,
        prefix: &Prefix,
        targets: &[Target],
    ) -> Result<Self, GenerateError> {
        let top = Accelerator::new(config);
        let name = prefix.top();
        let design = emit_with_prefix(&top, name, &prefix.modules())?;
        let file = |path: String, text: String| PackageFile { path, text };
        let mut files: Vec<PackageFile> = design
            .modules
            .into_iter()
            .map(|module| file(format!("rtl/{}.v", module.name), module.text))
            .collect();
        let context = Context {
            config,
            prefix,
            geometry: Geometry::of(config),
            ports: ports(&top),
            rtl: files.iter().map(|f| f.path.clone()).collect(),
        };
        files.push(file("filelist.f".into(), context.file_list()));
        files.push(file("registers.md".into(), context.register_map()));
        files.push(file(format!("{name}.h"), context.c_header()));
        files.push(file(format!("{name}.vlt"), lint::waivers()));
        let program = program::Program::of(&context.geometry, config.id());
        files.push(file(format!("tb/{name}_tb.v"), context.test_bench(&program)));
        files.push(file("tb/in.hex".into(), program.input));
        files.push(file("tb/expected.hex".into(), program.expected));
        for target in targets {
            files.push(file(target.file_name(), target.constraints(&context.ports)?));
        }
        files.push(file(format!("{name}.core"), context.fusesoc_core(targets)));
        Ok(Self { name: config.name(), top: name.into(), files })
    }

    /// The text of the file with that path.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }

    /// The Verilog files of the design, each after those that it needs.
    pub fn rtl(&self) -> impl Iterator<Item = &PackageFile> {
        self.files.iter().filter(|file| file.path.starts_with("rtl/"))
    }
}

impl Context<'_> {
    /// One line that names configuration and hash, for the head of every file.
    fn identity(&self) -> String {
        format!("{}, configuration id 0x{:08x}", self.config.name(), self.config.id())
    }

    fn file_list(&self) -> String {
        let mut text = format!(
            "// Verilog of {}.\n// Paths are relative to this file (`verilator -F`); with `-f`, run the tool here.\n",
            self.identity()
        );
        for path in &self.rtl {
            // Writing to a String cannot fail, here and in the other writers.
            let _ = writeln!(text, "{path}");
        }
        text
    }
}

#[cfg(test)]
mod bench_tests;
#[cfg(test)]
mod tests;
