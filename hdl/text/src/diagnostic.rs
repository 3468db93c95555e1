//! Problems of a user's file with their places, for `miette` to render.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use crate::escape::{escape_text, place, shorten, shows};

/// Most problems of a file that are described; the others are counted.
pub const MOST_PROBLEMS: usize = 20;

/// Longest text about a problem, in bytes.
const LONGEST_TEXT: usize = 4000;

/// A text with a name.
pub type Source = Arc<NamedSource<String>>;

/// One problem, with its place.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Option<&'static str>,
    message: String,
    help: Option<String>,
    source: Option<Source>,
    labels: Vec<(Range<usize>, String)>,
}

impl Problem {
    /// A problem without a place. Characters that a terminal interprets are escaped; long texts lose their middle.
    #[must_use]
    pub fn new(message: &str, help: Option<&str>) -> Self {
        let text = |text: &str| shorten(&escape_text(text), LONGEST_TEXT).into_owned();
        Self {
            code: None,
            message: text(message),
            help: help.map(text),
            source: None,
            labels: Vec::new(),
        }
    }

    /// The problem with a stable code, for programs that read it.
    #[must_use]
    pub fn with_code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// The problem with places in a text, bytes and a label each. Where the lines around the first place are too long
    /// to show, its line and column are named instead.
    #[must_use]
    pub fn at(mut self, source: &Source, labels: Vec<(Range<usize>, String)>) -> Self {
        let text = source.inner();
        match labels.first() {
            Some((span, _)) if !shows(text, span) => {
                let (line, column) = place(text, span.start);
                let message = format!("line {line}, column {column}: {}", self.message);
                self.message = shorten(&message, LONGEST_TEXT).into_owned();
                self
            }
            _ => Self { source: Some(source.clone()), labels, ..self },
        }
    }

    /// The code.
    #[must_use]
    pub fn stable_code(&self) -> Option<&'static str> {
        self.code
    }

    /// The suggested fix; may be empty.
    #[must_use]
    pub fn advice(&self) -> &str {
        self.help.as_deref().unwrap_or_default()
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
        self.code.map(|code| Box::new(code) as Box<dyn fmt::Display>)
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

/// The first problems of a file, and the number of the others.
#[derive(Debug, Clone, Default)]
pub struct Problems {
    list: Vec<Problem>,
    more: usize,
}

impl Problems {
    /// Adds the problem that `problem` returns. It is called only while there is room: a suggestion for each of many
    /// would take long.
    pub fn report(&mut self, problem: impl FnOnce() -> Problem) {
        if !self.count_if_full() {
            self.list.push(problem());
        }
    }

    /// Whether there is no room for another problem, which is then counted. Saves callers the search for a message.
    pub fn count_if_full(&mut self) -> bool {
        let full = self.list.len() >= MOST_PROBLEMS;
        self.more += usize::from(full);
        full
    }

    /// Whether there is no problem.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The first ones, at most [`MOST_PROBLEMS`], in the order of their places.
    #[must_use]
    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// Number of problems besides these.
    #[must_use]
    pub fn more(&self) -> usize {
        self.more
    }

    /// Sorts them by their places; those without one come last.
    pub fn sort(&mut self) {
        self.list
            .sort_by_key(|problem| problem.labels.first().map_or(usize::MAX, |(s, _)| s.start));
    }

    /// The problems as related diagnostics of an error, for `miette`.
    #[must_use]
    pub fn related(&self) -> Box<dyn Iterator<Item = &dyn Diagnostic> + '_> {
        Box::new(self.list.iter().map(|problem| problem as &dyn Diagnostic))
    }
}
