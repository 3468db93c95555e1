//! `pecan completions`: writes a shell's completion script.

use clap::CommandFactory;
use clap_complete::Shell;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Cli, Context, Exit, Failure};

/// Print the completion script of a shell
///
/// For bash: pecan completions bash > ~/.local/share/bash-completion/completions/pecan
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Shell to write for
    #[arg(value_enum)]
    shell: Shell,
}

/// A completion script.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Metrics {
    /// The shell.
    shell: String,
    /// The script.
    text: String,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "pecan", &mut script);
    let script = String::from_utf8_lossy(&script);
    if context.json() {
        let metrics = Metrics { shell: args.shell.to_string(), text: script.into_owned() };
        context.print_metrics(&metrics)?;
    } else {
        context.print(&script)?;
    }
    Ok(Exit::Done)
}
