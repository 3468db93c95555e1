//! Errors of the gate level and the exit code that each one maps to.

use std::path::{Path, PathBuf};

use pecan_liberty::LibertyError;

/// Errors of gate-level simulation: of libraries, netlists, recorded pins and energies.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// A file operation failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The operation, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The Liberty files cannot be used.
    #[error(transparent)]
    Liberty(#[from] LibertyError),
    /// The netlist is not a Yosys JSON netlist.
    #[error("{}: {problem}", file.display())]
    Netlist {
        /// The netlist file.
        file: PathBuf,
        /// The problem.
        problem: String,
    },
    /// The netlist uses cells that the libraries do not have or that cannot be simulated.
    #[error("{} cell types of the netlist cannot be used: {}", cells.len(), cells.join(", "))]
    Cells {
        /// Every such cell type, with the reason.
        cells: Vec<String>,
    },
    /// Nets without a driver are read.
    #[error("{} nets have no driver: {}", nets.len(), nets.join(", "))]
    Undriven {
        /// Names of all of them.
        nets: Vec<String>,
    },
    /// Nets have several drivers.
    #[error("{} nets have more than one driver: {}", nets.len(), nets.join(", "))]
    MultiplyDriven {
        /// Names of all of them.
        nets: Vec<String>,
    },
    /// The clock is used in a way that this simulator does not support.
    #[error("clock: {}", problems.join("; "))]
    Clock {
        /// Every such place.
        problems: Vec<String>,
    },
    /// The design does not settle within a cycle: it oscillates through a combinational loop.
    #[error("cycle {cycle}: the design does not settle; nets that still toggle: {}", nets.join(", "))]
    Unsettled {
        /// The cycle, from 0.
        cycle: u64,
        /// Some of the nets that still toggle.
        nets: Vec<String>,
    },
    /// A SAIF file is malformed or does not fit the design.
    #[error("{}: {problem}", file.display())]
    Saif {
        /// The SAIF file.
        file: PathBuf,
        /// The problem.
        problem: String,
    },
    /// A VCD file is malformed or does not fit the design.
    #[error("{}{}: {problem}", file.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
    Vcd {
        /// The VCD file.
        file: PathBuf,
        /// The line of the problem, from 1, if it has one.
        line: Option<u64>,
        /// The problem.
        problem: String,
    },
    /// Pins to apply or to check do not fit the top level of the netlist.
    #[error("pins: {problem}")]
    Pins {
        /// The mismatch.
        problem: String,
    },
    /// The netlist's outputs differ from the recorded ones.
    #[error("cycle {cycle}: {signal} is {found:#x}, expected {expected:#x}")]
    Mismatch {
        /// The cycle, from 0.
        cycle: u64,
        /// The top-level output.
        signal: String,
        /// The recorded value.
        expected: u64,
        /// The simulated value.
        found: u64,
    },
    /// An option is outside of its range.
    #[error("{key} = {value} is not possible: allowed is {allowed}")]
    Option {
        /// The option.
        key: &'static str,
        /// Its value.
        value: String,
        /// Allowed values.
        allowed: String,
    },
}

impl GateError {
    /// Exit code of the command line: 1 check failed, 3 bad input.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Mismatch { .. } => 1,
            _ => 3,
        }
    }

    /// Wraps an I/O error with the operation and the path it concerned.
    pub(super) fn io(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}

/// Result of the gate level.
pub type Result<T, E = GateError> = std::result::Result<T, E>;
