//! What can be wrong with a configuration, for `miette` to render.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

/// Everything that is wrong with a configuration, found in one pass.
#[derive(Debug, Clone)]
pub struct ConfigError {
    problems: Vec<Problem>,
    /// Problems beyond those.
    more: usize,
}

/// Most problems that are described; the others are counted.
pub const MOST_PROBLEMS: usize = 20;

/// One thing that is wrong, with the place where it was written.
#[derive(Debug, Clone)]
pub struct Problem {
    pub(super) kind: ProblemKind,
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) source: Option<Arc<NamedSource<String>>>,
    pub(super) labels: Vec<(Range<usize>, String)>,
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

impl Problem {
    /// What kind of problem it is.
    #[must_use]
    pub fn kind(&self) -> ProblemKind {
        self.kind
    }
}

impl ConfigError {
    pub(super) fn new(problems: Vec<Problem>, more: usize) -> Self {
        Self { problems, more }
    }

    /// The first problems, at least one and at most [`MOST_PROBLEMS`], in the order in which they were written.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.problems.len(), self.more) {
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
        Some(Box::new(self.problems.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.kind.code()))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_deref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if self.labels.is_empty() {
            return None;
        }
        Some(Box::new(self.labels.iter().map(|(span, text)| {
            let text = (!text.is_empty()).then(|| text.clone());
            LabeledSpan::new_with_span(text, span.clone())
        })))
    }
}
