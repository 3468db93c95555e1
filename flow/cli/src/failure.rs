//! Exit codes of commands, and errors with exit codes.

use std::fmt::Write as _;
use std::process::ExitCode;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use pecan_config::ConfigError;
use schemars::JsonSchema;
use serde::Serialize;

use super::metrics::SCHEMA;
use super::shown::{Shown, causes};

/// The exit codes of every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything was done.
    Done = 0,
    /// The work was done and a check that was asked for failed.
    CheckFailed = 1,
    /// The command line was wrong.
    Usage = 2,
    /// A file or value that was given is wrong, or an output cannot be written.
    BadInput = 3,
    /// A tool is not installed.
    ToolMissing = 4,
    /// A tool failed.
    ToolFailed = 5,
    /// A tool or simulation took too long.
    TimedOut = 6,
}

impl Exit {
    /// The exit code as a number.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The exit with that code, for errors that hold it as a number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        use Exit::{BadInput, CheckFailed, Done, TimedOut, ToolFailed, ToolMissing, Usage};
        [Done, CheckFailed, Usage, BadInput, ToolMissing, ToolFailed, TimedOut]
            .into_iter()
            .find(|exit| exit.code() == code)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// An error that ends a command, with its exit code.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    report: miette::Report,
}

impl Failure {
    /// A failure with a message.
    #[must_use]
    pub fn said(exit: Exit, what: impl Into<String>) -> Self {
        Self::new(exit, miette::MietteDiagnostic::new(what))
    }

    /// A failure with a full diagnostic.
    pub fn new(exit: Exit, diagnostic: impl Diagnostic + Send + Sync + 'static) -> Self {
        Self { exit, report: miette::Report::new(diagnostic) }
    }

    /// A failure from an error without diagnostics; its causes are shown too.
    pub fn from_error(exit: Exit, error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::new(exit, Plain(error))
    }

    /// A failure caused by bad input.
    pub fn bad_input(diagnostic: impl Diagnostic + Send + Sync + 'static) -> Self {
        Self::new(Exit::BadInput, diagnostic)
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The message for a person: with source lines, help and causes; `color` for a terminal.
    #[must_use]
    pub fn render(&self, color: bool, width: usize) -> String {
        let theme =
            if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(width);
        let mut text = String::new();
        let shown = Shown::new(self.report.as_ref());
        if handler.render_report(&mut text, &shown).is_err() {
            // A source that cannot be shown must not hide the message.
            text.clear();
            let _ = write!(text, "error: {shown}");
        }
        text
    }

    /// The failure for a program.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self.document()).unwrap_or_default()
    }

    /// The failure as a member of a result.
    pub(super) fn document(&self) -> ErrorDocument {
        ErrorDocument {
            exit_code: Some(self.exit.code()),
            ..ErrorDocument::of(self.report.as_ref())
        }
    }
}

/// An error as a member of a result.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ErrorDocument {
    /// Kind of the error; null where it has none of its own.
    code: Option<String>,
    /// The message.
    message: String,
    /// What to do.
    help: Option<String>,
    /// Causes, the nearest first.
    causes: Vec<String>,
    /// Places in the source that the error is about.
    labels: Vec<LabelDocument>,
    /// Further errors that were found together with it.
    related: Vec<ErrorDocument>,
    /// Exit code of the program; of the outermost error only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("unit" = "exit code"))]
    exit_code: Option<u8>,
}

/// A place in a source.
#[derive(Debug, Serialize, JsonSchema)]
struct LabelDocument {
    /// The remark at the place.
    label: Option<String>,
    /// Bytes before it.
    #[schemars(extend("unit" = "bytes"))]
    offset: usize,
    /// Length of it.
    #[schemars(extend("unit" = "bytes"))]
    length: usize,
}

/// The result of a command that failed.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct FailureDocument<'a> {
    /// Number of the schema.
    #[schemars(extend("unit" = "version"))]
    schema: u32,
    /// Name of the command.
    command: &'a str,
    /// The error.
    error: ErrorDocument,
}

impl<'a> FailureDocument<'a> {
    pub(super) fn of(command: &'a str, failure: &Failure) -> Self {
        Self { schema: SCHEMA, command, error: failure.document() }
    }
}

/// An error without code, help or source lines.
#[derive(Debug)]
struct Plain<E>(E);

impl<E: std::error::Error> std::fmt::Display for Plain<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, f)
    }
}

impl<E: std::error::Error> std::error::Error for Plain<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl<E: std::error::Error> Diagnostic for Plain<E> {}

impl ErrorDocument {
    fn of(diagnostic: &dyn Diagnostic) -> Self {
        let text =
            |value: Option<Box<dyn std::fmt::Display + '_>>| value.map(|text| text.to_string());
        let label = |label: miette::LabeledSpan| LabelDocument {
            label: label.label().map(ToOwned::to_owned),
            offset: label.offset(),
            length: label.len(),
        };
        Self {
            code: text(diagnostic.code()),
            message: diagnostic.to_string(),
            help: text(diagnostic.help()),
            causes: causes(diagnostic),
            labels: diagnostic.labels().into_iter().flatten().map(label).collect(),
            related: diagnostic.related().into_iter().flatten().map(Self::of).collect(),
            exit_code: None,
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::bad_input(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read the network")]
    struct Outer(#[source] io::Error);

    #[test]
    fn a_cause_is_said_once() {
        let path = std::path::PathBuf::from("/x");
        let source = io::Error::other("disk gone");
        let error = pecan_host::error::HostError::Io { action: "read", path, source };
        let failure = Failure::from(error);
        assert_eq!(failure.render(false, 80).matches("disk gone").count(), 1);
        assert_eq!(failure.document().causes.len(), 0);
    }

    #[test]
    fn codes_round_trip() {
        for code in 0..=6 {
            assert_eq!(Exit::from_code(code).unwrap().code(), code);
        }
        assert_eq!(Exit::from_code(7), None);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let hostile = "a\u{1b}[2J\u{7}\u{202e}b";
        let cause = Outer(io::Error::other(hostile));
        let related = miette::MietteDiagnostic::new(hostile).with_help(hostile);
        for failure in [Failure::from_error(Exit::BadInput, cause), Failure::bad_input(related)] {
            let text = failure.render(false, 80);
            assert!(text.contains("a\\u{1b}[2J\\u{7}\\u{202e}b"), "{text}");
            assert!(!text.contains(|c| pecan_text::escape::acts(c) && c != '\n'), "{text:?}");
            // JSON has its own escapes, so programs receive the original text.
            let json = serde_json::to_string(&failure.document()).unwrap();
            assert!(json.contains("\\u001b[2J"), "{json}");
        }
    }

    #[test]
    fn plain_errors_show_their_causes() {
        let failure = Failure::from_error(Exit::ToolFailed, Outer(io::Error::other("disk gone")));
        let text = failure.render(false, 80);
        assert!(text.contains("cannot read the network") && text.contains("disk gone"), "{text}");
        assert_eq!(failure.document().causes, ["disk gone"]);
        assert_eq!(failure.document().exit_code, Some(5));
    }
}
