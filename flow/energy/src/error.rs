//! Errors of energy models and estimates.

use std::path::PathBuf;

/// Reasons why an energy cannot be computed.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum EnergyError {
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
    /// A file is not a technology file.
    #[error("{}: not a technology file: {problem}", path.display())]
    Technology {
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
    /// A technology file of another version.
    #[error("{}: format {found}; this program reads format {known}", path.display())]
    #[diagnostic(help("calibrate again, or use the version of the program that wrote the file"))]
    Version {
        /// The file.
        path: PathBuf,
        /// Version of the file.
        found: u32,
        /// Version that is known.
        known: u32,
    },
    /// No technology of that name, or its file cannot be read.
    #[error(transparent)]
    Find(#[from] pecan_technologies::FindError),
    /// A technology lacks a term that the model needs, or names one that it does not know.
    #[error("technology `{technology}`: {}", problems.join("; "))]
    Terms {
        /// Its name.
        technology: String,
        /// All problems.
        problems: Vec<String>,
    },
    /// A calibration plan is malformed.
    #[error("{}: {problem}", path.display())]
    Plan {
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
    /// A configuration of a plan is illegal.
    #[error("configuration `{name}`: {problem}")]
    Configuration {
        /// Its name.
        name: String,
        /// The problem.
        problem: String,
    },
}
