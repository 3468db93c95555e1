//! The log: on stderr, between the progress bars.

use std::io::{self, IsTerminal, Write};

use indicatif::MultiProgress;
use pecan_text::escape::escape_text;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::Context;

/// Variable with a filter in the syntax of `tracing_subscriber::EnvFilter`.
const FILTER_VARIABLE: &str = "PECAN_LOG";

/// Starts the process's log. A second start in one process has no effect.
pub(super) fn start(context: &Context, verbose: u8, quiet: bool) {
    let filter = EnvFilter::try_from_env(FILTER_VARIABLE)
        .unwrap_or_else(|_| EnvFilter::new(directives(verbose, quiet)));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(BetweenBars(context.bars()))
        .with_ansi(io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_target(verbose > 0)
        .without_time()
        .try_init();
}

/// The filter for the number of `-v` flags; foreign crates log warnings only.
fn directives(verbose: u8, quiet: bool) -> String {
    let level = match (quiet, verbose) {
        (true, _) => return "error".to_owned(),
        (false, 0) => "info",
        (false, 1) => "debug",
        (false, _) => "trace",
    };
    // Targets are compared by prefix, and all crates of this program have this one.
    format!("warn,pecan={level}")
}

/// Writes to stderr without disturbing the progress bars. The formatter, which has colours of its own, escapes escape
/// sequences in messages; other characters that a terminal interprets are escaped here.
struct BetweenBars(MultiProgress);

impl Write for BetweenBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let text = text.split('\u{1b}').map(escape_text).collect::<Vec<_>>().join("\u{1b}");
        self.0.suspend(|| io::stderr().write_all(text.as_bytes()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for BetweenBars {
    type Writer = Self;

    fn make_writer(&'a self) -> Self::Writer {
        Self(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_valid() {
        for (verbose, quiet) in [(0, true), (0, false), (1, false), (9, false)] {
            EnvFilter::builder().parse(directives(verbose, quiet)).unwrap();
        }
        assert!(directives(1, false).contains("pecan=debug"));
    }
}
