//! Errors of Liberty files.

use std::path::{Path, PathBuf};

use pecan_text::escape::escape_name;

use crate::syntax::SyntaxError;

/// Errors of the Liberty files of a library.
#[derive(Debug, thiserror::Error)]
pub enum LibertyError {
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
    /// A file is malformed or has unusable contents.
    #[error("{}:{line}: {problem}", file.display())]
    Text {
        /// The file.
        file: PathBuf,
        /// Line in it, from 1.
        line: u32,
        /// The problem.
        problem: String,
    },
    /// Two files that are used together disagree.
    #[error("{}: {key} is {found}, the libraries read before have {expected}", file.display())]
    Differ {
        /// The file that differs.
        file: PathBuf,
        /// The attribute.
        key: &'static str,
        /// Value of the first file.
        expected: String,
        /// Value of this one.
        found: String,
    },
    /// There is no file.
    #[error("no Liberty file was given; allowed: one or more")]
    NoFile,
}

impl LibertyError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }

    /// An error in a file's text.
    pub fn text(file: &Path, error: &SyntaxError) -> Self {
        let problem = escape_name(&error.problem).into_owned();
        Self::Text { file: file.to_path_buf(), line: error.line, problem }
    }
}

/// Result of reading Liberty files.
pub type Result<T, E = LibertyError> = std::result::Result<T, E>;
