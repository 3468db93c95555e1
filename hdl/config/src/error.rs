//! Errors of a configuration, for `miette` to render.

use std::fmt;

use miette::Diagnostic;
use pecan_text::diagnostic::{Problem, Problems};

/// All problems of a configuration, found in one pass.
#[derive(Debug, Clone)]
pub struct ConfigError {
    problems: Problems,
}

/// The kinds of problems; each is a `miette` code of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// The file cannot be read.
    Unreadable,
    /// The text is not TOML, or an override is not `key=value`.
    Syntax,
    /// A section or key does not exist.
    UnknownKey,
    /// A value is of another type than its key.
    WrongType,
    /// A value is not among the legal ones.
    OutOfRange,
    /// Values that are legal alone break a rule between keys.
    Clash,
    /// There is no preset of that name.
    UnknownPreset,
}

impl ProblemKind {
    /// The `miette` code, stable for programs that read it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "pecan::config::unreadable",
            Self::Syntax => "pecan::config::syntax",
            Self::UnknownKey => "pecan::config::unknown_key",
            Self::WrongType => "pecan::config::wrong_type",
            Self::OutOfRange => "pecan::config::out_of_range",
            Self::Clash => "pecan::config::clash",
            Self::UnknownPreset => "pecan::config::unknown_preset",
        }
    }
}

impl ConfigError {
    pub(super) fn new(problems: Problems) -> Self {
        Self { problems }
    }

    /// The first problems, at least one, in the order in which they were written.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        self.problems.list()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.problems.list().len(), self.problems.more()) {
            (1, 0) => f.write_str("the configuration has an error"),
            (count, 0) => write!(f, "the configuration has {count} errors"),
            (count, more) => write!(
                f,
                "the configuration has {} errors; these are the first {count}",
                count + more
            ),
        }
    }
}

impl std::error::Error for ConfigError {}

impl Diagnostic for ConfigError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("pecan::config"))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(self.problems.related())
    }
}
