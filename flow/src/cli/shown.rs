//! A diagnostic as a terminal may show it: without characters that act on it, however they came into the message.

use std::error::Error;
use std::fmt::{self, Display};

use miette::{Diagnostic, LabeledSpan, Severity, SourceCode};
use pecan_hdl::text::{escape_text, shorten};

/// Longest text of a message in bytes.
const LONGEST: usize = 16 << 10;

/// A diagnostic with its texts escaped. Its source lines come from files whose text was masked when it was read, see
/// [`pecan_hdl::text::mask`].
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

impl Cause {
    /// The chain of causes that starts with `error`.
    fn of(error: Option<&dyn Error>) -> Option<Box<Self>> {
        let mut messages = Vec::new();
        let mut next = error;
        while let Some(error) = next {
            messages.push(visible(&error));
            next = error.source();
        }
        let chain = |cause, message| Some(Box::new(Self { message, cause }));
        messages.into_iter().rev().fold(None, chain)
    }
}

impl<'a> Shown<'a> {
    pub(super) fn new(inner: &'a dyn Diagnostic) -> Self {
        let related = inner.related().into_iter().flatten().map(Shown::new).collect();
        Self { inner, message: visible(&inner), cause: Cause::of(inner.source()), related }
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
