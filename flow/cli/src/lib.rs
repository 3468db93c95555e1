//! The command line. One file per subcommand, beside the common parts.
//!
//! To add a subcommand: write its file with a struct `Args` (`clap::Args`; its doc comment is the
//! help text) and `pub(super) fn run(args: Args, context: &Context) -> Result<Exit, Failure>`, and
//! add its line to the registry in `registry.rs`.
//!
//! Conventions: stdout carries data, stderr logs and progress; the exit code is an [`Exit`].

mod against;
mod args;
#[cfg(feature = "energy")]
mod bundled;
mod cache;
#[cfg(feature = "energy")]
mod calibrate;
mod check;
mod completions;
mod context;
mod data;
#[cfg(feature = "prune")]
mod demo;
mod doctor;
#[cfg(feature = "energy")]
mod estimate;
mod expected;
mod failure;
mod generate;
mod init;
mod log;
mod metrics;
mod network;
mod output;
#[cfg(feature = "energy")]
mod power;
#[cfg(feature = "energy")]
mod process;
#[cfg(feature = "prune")]
mod prune;
mod registry;
mod run;
mod schema;
mod shapes;
mod shown;
mod signals;
mod simulate;
#[cfg(feature = "energy")]
mod synth;
mod tools;
mod units;

use std::num::NonZeroUsize;
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};

pub use args::{ConfigArgs, RunArgs};
pub use context::Context;
pub use data::DataArgs;
pub use failure::{Exit, Failure};
pub use output::{OutputError, RunFolder, write_atomic};
pub use registry::Command;

/// Generate, simulate and optimize processing-element-array accelerators for neural networks.
#[derive(Debug, Parser)]
#[command(name = "pecan", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Print the result as one JSON document on stdout
    ///
    /// Every document starts with the number of its schema. If the command fails, the document has
    /// the member `error`.
    #[arg(long, global = true)]
    pub json: bool,
    /// Log more (-v: debug, -vv: trace); the variable PECAN_LOG takes a detailed filter
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Log errors only and show no progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 check failed, 2 usage, 3 bad input, \
    4 tool missing, 5 tool failed, 6 timed out";

/// Executes the command line of this process and returns its exit code. No other function ends the process.
#[must_use]
pub fn main() -> ExitCode {
    let parsed = Cli::command().try_get_matches().and_then(|matches| {
        let jobs = jobs(&matches);
        Cli::from_arg_matches(&matches).map(|cli| (cli, jobs))
    });
    let (cli, jobs) = match parsed {
        Ok(parsed) => parsed,
        Err(message) => {
            // Help and version are not errors; if they cannot be printed, nothing is lost.
            let _ = message.print();
            return if message.use_stderr() { Exit::Usage } else { Exit::Done }.into();
        }
    };
    let context = Context::new(cli.command.name(), cli.json, cli.quiet);
    log::start(&context, cli.verbose, cli.quiet);
    signals::watch();
    let result = args::workers(jobs).and_then(|()| cli.command.run(&context));
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            context.report(&failure);
            failure.exit().into()
        }
    }
}

/// The value of `--jobs`, which applies to the whole process, if the command has it.
fn jobs(matches: &ArgMatches) -> Option<NonZeroUsize> {
    let (_, command) = matches.subcommand()?;
    command.try_get_one::<NonZeroUsize>("jobs").ok().flatten().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_flag_is_documented() {
        let mut cli = Cli::command();
        cli.build();
        for command in cli.get_subcommands().filter(|command| command.get_name() != "help") {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty(), "{} {}", command.get_name(), argument.get_id());
            }
        }
    }
}
