//! Outputs of a command besides its files: text, log, progress.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use pecan_text::escape::escape_text;
use serde::Serialize;

use super::failure::{Exit, Failure, FailureDocument};
use super::metrics;
use super::output::OutputError;

/// Style of a progress bar.
const BAR: &str = "{msg} [{bar:30}] {pos}/{len} {per_sec} eta {eta}";
const SPINNER: &str = "{spinner} {msg} {elapsed}";

/// Name and output settings of one command.
#[derive(Debug)]
pub struct Context {
    command: &'static str,
    json: bool,
    progress: MultiProgress,
}

impl Context {
    /// The context of the command of that name. Progress is shown only if stderr is a terminal and `quiet` is off.
    #[must_use]
    pub fn new(command: &'static str, json: bool, quiet: bool) -> Self {
        let shown = io::stderr().is_terminal() && !quiet;
        let target =
            if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { command, json, progress: MultiProgress::with_draw_target(target) }
    }

    /// Name of the command.
    #[must_use]
    pub fn command(&self) -> &'static str {
        self.command
    }

    /// Whether the result is wanted as one JSON document on stdout.
    #[must_use]
    pub fn json(&self) -> bool {
        self.json
    }

    /// The progress bars, for the log to write between them.
    pub(super) fn bars(&self) -> MultiProgress {
        self.progress.clone()
    }

    /// Prints to stdout; characters that would act on a terminal are written as escapes. A reader that closed the pipe has enough and is no error.
    ///
    /// # Errors
    /// [`Failure`] if stdout cannot be written for another reason, such as a full disk.
    pub fn print(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(escape_text(text).as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(OutputError::stdout(error).into())
            }
            _ => Ok(()),
        }
    }

    /// The result as a JSON document: number of the schema, command and version, then the members of `metrics`.
    ///
    /// # Errors
    /// A map of the result has keys that are not strings.
    pub(super) fn document(&self, metrics: &impl Serialize) -> Result<serde_json::Value, Failure> {
        metrics::document(self.command, metrics)
            .map_err(|error| Failure::from_error(Exit::ToolFailed, error))
    }

    /// Prints the result as a JSON document.
    ///
    /// # Errors
    /// As [`Context::print`].
    pub(super) fn print_metrics(&self, metrics: &impl Serialize) -> Result<(), Failure> {
        self.print_json(&self.document(metrics)?)
    }

    /// Prints one JSON document to stdout.
    ///
    /// # Errors
    /// As [`Context::print`].
    pub fn print_json(&self, document: &serde_json::Value) -> Result<(), Failure> {
        self.print(&format!("{document:#}\n"))
    }

    /// A progress bar over `length` steps; it counts without drawing where none is to be shown.
    #[must_use]
    pub fn bar(&self, length: u64, what: impl Into<Cow<'static, str>>) -> ProgressBar {
        self.add(ProgressBar::new(length), BAR, what)
    }

    /// A progress indicator for work of unknown length.
    #[must_use]
    pub fn spinner(&self, what: impl Into<Cow<'static, str>>) -> ProgressBar {
        let bar = self.add(ProgressBar::new_spinner(), SPINNER, what);
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        bar
    }

    fn add(
        &self,
        bar: ProgressBar,
        template: &str,
        what: impl Into<Cow<'static, str>>,
    ) -> ProgressBar {
        let bar = self.progress.add(bar.with_message(what));
        // The templates are fixed and valid; otherwise the default style suffices.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar
    }

    /// Shows a failure: on stderr for a person, and with `--json` on stdout for a program.
    pub(super) fn report(&self, failure: &Failure) {
        let color = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let text = failure.render(color, 100);
        // A failure to report cannot be reported.
        let _ = self.progress.suspend(|| writeln!(io::stderr(), "{}", text.trim_end()));
        if self.json {
            let document = FailureDocument::of(self.command, failure);
            if let Ok(document) = serde_json::to_value(document) {
                let _ = self.print_json(&document);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_progress_still_counts() {
        let context = Context::new("simulate", false, true);
        let bar = context.bar(3, "layers");
        bar.inc(2);
        assert!(bar.is_hidden());
        assert_eq!((bar.position(), bar.length()), (2, Some(3)));
        assert!(context.spinner("building").is_hidden());
    }

    #[test]
    fn templates_are_valid() {
        for template in [BAR, SPINNER] {
            ProgressStyle::with_template(template).unwrap();
        }
    }
}
