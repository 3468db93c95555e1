//! Errors of a profile, for `miette` to render.

use std::fmt;

use miette::Diagnostic;
use pecan_text::diagnostic::Problems;

/// All problems of a profile, found in one pass.
#[derive(Debug, Clone)]
pub struct ProcessError {
    /// The profile's name or file.
    pub origin: String,
    /// The first problems, at least one, in the order in which they were written.
    pub problems: Problems,
}

impl fmt::Display for ProcessError {
    /// Complete by itself, for logs and for callers that do not render diagnostics.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the process description {} is wrong:", self.origin)?;
        for problem in self.problems.list() {
            write!(f, "\n  {problem} ({})", problem.advice())?;
        }
        if self.problems.more() > 0 {
            write!(f, "\n  and {} more", self.problems.more())?;
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
        Some(self.problems.related())
    }
}
