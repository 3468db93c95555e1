//! Errors of the host system and the exit code that each one maps to.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// Errors of files, child processes and external tools.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A tool was neither on the search path nor in the cache, or is too old.
    #[error("{tool} is not available: {reason}; to get it: {install}")]
    ToolMissing {
        /// Name of the tool in the registry.
        tool: String,
        /// Why the installed tool (if any) is not usable.
        reason: String,
        /// How the user can get it.
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
    /// A setting asks for something that is not possible here.
    #[error("{key} = {value} is not possible: allowed is {allowed}")]
    Setting {
        /// The setting.
        key: &'static str,
        /// Its value.
        value: String,
        /// Allowed values.
        allowed: String,
    },
}

impl HostError {
    /// Exit code of the command line: 3 bad input, 4 tool missing, 5 tool failed, 6 timed out.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::ToolMissing { .. } => 4,
            Self::ToolFailed { .. } => 5,
            Self::TimedOut { .. } => 6,
            Self::Io { .. } | Self::Setting { .. } => 3,
        }
    }

    /// Wraps an I/O error with the operation and the path it concerned.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}

/// Result of a function of the host system.
pub type Result<T, E = HostError> = std::result::Result<T, E>;
