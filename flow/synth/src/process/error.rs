//! What can be wrong with a profile, for `miette` to render.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
#[cfg(doc)]
use pecan_config::MOST_PROBLEMS;

/// Everything that is wrong with a profile, found in one pass.
#[derive(Debug, Clone)]
pub struct ProcessError {
    /// The profile's name or file.
    pub origin: String,
    /// At least one and at most [`MOST_PROBLEMS`], in the order in which they were written.
    pub problems: Vec<ProcessProblem>,
    /// How many there are beside these.
    pub more: usize,
}

/// One thing that is wrong, with the place where it was written.
#[derive(Debug, Clone)]
pub struct ProcessProblem {
    /// What is wrong, with line, key and value.
    pub message: String,
    /// What would be right.
    pub help: String,
    pub(super) source: Option<Arc<NamedSource<String>>>,
    pub(super) span: Option<Range<usize>>,
}

impl fmt::Display for ProcessError {
    /// Complete on its own too, for logs and for callers that do not render diagnostics.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the process description {} is wrong:", self.origin)?;
        for problem in &self.problems {
            write!(f, "\n  {} ({})", problem.message, problem.help)?;
        }
        if self.more > 0 {
            write!(f, "\n  and {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for ProcessError {}

impl Diagnostic for ProcessError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("pecan::process"))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.problems.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}

impl fmt::Display for ProcessProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ProcessProblem {}

impl Diagnostic for ProcessProblem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_deref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.span.clone()?;
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(None, span))))
    }
}
