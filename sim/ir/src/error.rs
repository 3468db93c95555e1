//! Errors of the simulation layer and the exit code that each one maps to.

use std::path::Path;

use pecan_host::error::HostError;

/// Reasons why a program or its file is not usable.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// A value is outside what the format allows.
    #[error("program: {what} is {value}, allowed is {allowed}")]
    Invalid {
        /// The field, with an index where there are several.
        what: String,
        /// Its value.
        value: String,
        /// Allowed values.
        allowed: String,
    },
    /// The file is not a program file, is cut short or damaged.
    #[error("program file {}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: std::path::PathBuf,
        /// The problem.
        reason: String,
    },
}

/// Errors of programs and of their simulation.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A tool is missing, failed or took too long, or a file operation failed.
    #[error(transparent)]
    Host(#[from] HostError),
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
        /// Allowed values.
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
            Self::Host(error) => error.exit_code(),
            Self::Protocol(_) => 5,
            Self::Program(_) | Self::InvalidJob { .. } | Self::ConfigMismatch { .. } => 3,
        }
    }

    /// Wraps an I/O error with the operation and the path it concerned.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| HostError::Io { action, path, source }.into()
    }
}

/// Result of the simulation layer.
pub type Result<T, E = SimError> = std::result::Result<T, E>;
