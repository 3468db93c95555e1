//! Errors of the implementation flow and their exit codes.

use std::path::{Path, PathBuf};

use pecan_host::error::HostError;
use pecan_rtl::emit::EmitError;

use super::process::ProcessError;
use pecan_liberty::LibertyError;

/// Errors of processes, tools and their reports.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// A tool is missing, failed or took too long, or a file cannot be read or written.
    #[error(transparent)]
    Run(#[from] HostError),
    /// The design has no Verilog.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// A description of a process has errors.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A liberty file has errors.
    #[error(transparent)]
    Liberty(#[from] LibertyError),
    /// A file of the process is not on this machine.
    #[error(
        "{file} of the process {process} was not found; looked in: {searched}; to get it: give it with \
         --liberty FILE, or the folder of the process design kit with --pdk DIR or PECAN_PDK{hint}"
    )]
    LibertyMissing {
        /// Name of the process.
        process: String,
        /// Name of the file.
        file: String,
        /// Every place that was searched, separated by commas.
        searched: String,
        /// Further advice, starting with a comma; may be empty.
        hint: String,
    },
    /// The cell library lacks a cell that the process names.
    #[error("process {process}: {key} = {cell:?}, but the liberty files have no such cell{near}")]
    NoSuchCell {
        /// Name of the process.
        process: String,
        /// Key that names the cell.
        key: &'static str,
        /// The cell.
        cell: String,
        /// A similar name, as a question in brackets; may be empty.
        near: String,
    },
    /// The output of a tool is not the expected report.
    #[error("{tool}'s {what} cannot be understood: {reason}")]
    Report {
        /// Name of the tool.
        tool: &'static str,
        /// Which of its outputs.
        what: &'static str,
        /// The problem.
        reason: String,
    },
    /// The netlist has cells that the library does not have.
    #[error("synthesis left cells that no library cell implements: {cells}")]
    Unmapped {
        /// Cell types with their modules and counts.
        cells: String,
    },
}

impl ToolError {
    /// Exit code of the command line: 3 bad input, 4 tool missing, 5 tool failed, 6 timed out.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Run(error) => error.exit_code(),
            Self::Process(_)
            | Self::Liberty(_)
            | Self::LibertyMissing { .. }
            | Self::NoSuchCell { .. } => 3,
            Self::Emit(_) | Self::Report { .. } | Self::Unmapped { .. } => 5,
        }
    }

    /// Wraps an I/O error with the operation and the path that it concerned.
    pub(super) fn io(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path: PathBuf = path.to_path_buf();
        move |source| Self::Run(HostError::Io { action, path, source })
    }
}
