//! Errors of the simulation layer and the exit code that each one maps to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::program::ProgramError;

/// What can go wrong between a program and its simulation results.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A tool was neither on the search path nor in the cache, or is too old.
    #[error("{tool} is not available: {reason}; to get it: {install}")]
    ToolMissing {
        /// Name of the tool in the registry.
        tool: String,
        /// Why what was found (if anything) does not do.
        reason: String,
        /// What the user can do about it.
        install: String,
    },
    /// A tool ran and reported failure.
    #[error("{tool} failed ({status}) with arguments [{args}]:\n{stderr}")]
    ToolFailed {
        /// Name of the tool.
        tool: String,
        /// Its command-line arguments, separated by blanks.
        args: String,
        /// Exit status or signal, as text.
        status: String,
        /// The last lines of its standard error.
        stderr: String,
    },
    /// A tool or a simulation took longer than its limit and was killed.
    #[error("{tool} did not finish within {limit:?} and was stopped")]
    TimedOut {
        /// Name of the tool.
        tool: String,
        /// The limit it exceeded.
        limit: Duration,
    },
    /// A file operation failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The operation, as a verb ("read", "create", ...).
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The program is malformed.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A job asks for something the simulator cannot do.
    #[error("{key} = {value} is not possible: allowed is {allowed}")]
    InvalidJob {
        /// The setting.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        allowed: String,
    },
    /// The program was compiled for another configuration than the simulated hardware.
    #[error(
        "the program was compiled for configuration {program:08x}, the simulated hardware is {device:08x}"
    )]
    ConfigMismatch {
        /// Identifier from the program's configuration hash.
        program: u32,
        /// Identifier read from the hardware's status register 0.
        device: u32,
    },
    /// The simulator process wrote something that is not a result file.
    #[error("the simulator's result file is not valid: {0}")]
    Protocol(String),
}

impl SimError {
    /// Exit code of the command line: 3 bad input, 4 tool missing, 5 tool failed, 6 timed out.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::ToolMissing { .. } => 4,
            Self::ToolFailed { .. } | Self::Protocol(_) => 5,
            Self::TimedOut { .. } => 6,
            Self::Io { .. }
            | Self::Program(_)
            | Self::InvalidJob { .. }
            | Self::ConfigMismatch { .. } => 3,
        }
    }

    /// Wraps an I/O error with the operation and the path it concerned.
    pub(crate) fn io(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}

/// Result of the simulation layer.
pub type Result<T, E = SimError> = std::result::Result<T, E>;
