//! Diagnostics for a terminal: all characters that it would interpret are escaped.

use std::error::Error;
use std::fmt::{self, Display};

use miette::{Diagnostic, LabeledSpan, Severity, SourceCode};
use pecan_text::escape::{escape_text, shorten};

/// Longest text of a message in bytes.
const LONGEST: usize = 16 << 10;

/// A diagnostic with escaped texts. Its source lines come from files whose text was masked when it was read, see
/// [`pecan_text::escape::mask`].
#[derive(Debug)]
pub(super) struct Shown<'a> {
    inner: &'a dyn Diagnostic,
    message: String,
    cause: Option<Box<Cause>>,
    related: Vec<Shown<'a>>,
}

/// A cause of an error, as text.
#[derive(Debug)]
struct Cause {
    message: String,
    cause: Option<Box<Cause>>,
}

fn visible(text: &impl ToString) -> String {
    shorten(&escape_text(&text.to_string()), LONGEST).into_owned()
}

/// The causes of a diagnostic, the nearest first. Many errors include the text of their cause, which is right for a
/// log, where causes are not followed: such a cause is not repeated.
pub(super) fn causes(diagnostic: &dyn Diagnostic) -> Vec<String> {
    let mut said = vec![diagnostic.to_string()];
    let mut next = diagnostic.source();
    while let Some(error) = next {
        let text = error.to_string();
        if !said.iter().any(|before| before.contains(&text)) {
            said.push(text);
        }
        next = error.source();
    }
    said.split_off(1)
}

impl Cause {
    /// The causes of a diagnostic as a chain.
    fn of(diagnostic: &dyn Diagnostic) -> Option<Box<Self>> {
        let chain =
            |cause, message: String| Some(Box::new(Self { message: visible(&message), cause }));
        causes(diagnostic).into_iter().rev().fold(None, chain)
    }
}

impl<'a> Shown<'a> {
    pub(super) fn new(inner: &'a dyn Diagnostic) -> Self {
        let related = inner.related().into_iter().flatten().map(Shown::new).collect();
        Self { inner, message: visible(&inner), cause: Cause::of(inner), related }
    }
}

impl Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Shown<'_> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

impl Diagnostic for Shown<'_> {
    fn code<'s>(&'s self) -> Option<Box<dyn Display + 's>> {
        self.inner.code()
    }

    fn severity(&self) -> Option<Severity> {
        self.inner.severity()
    }

    fn help<'s>(&'s self) -> Option<Box<dyn Display + 's>> {
        self.inner.help().map(|help| Box::new(visible(&help)) as Box<dyn Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.inner.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labels = self.inner.labels()?;
        Some(Box::new(labels.map(|label| {
            let text = label.label().map(|text| visible(&text));
            LabeledSpan::new_with_span(text, *label.inner())
        })))
    }

    fn related<'s>(&'s self) -> Option<Box<dyn Iterator<Item = &'s dyn Diagnostic> + 's>> {
        let related = self.related.iter().map(|shown| shown as &dyn Diagnostic);
        (!self.related.is_empty()).then(|| Box::new(related) as Box<dyn Iterator<Item = _>>)
    }
}
