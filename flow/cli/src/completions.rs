//! `pecan completions`: writes a shell's completion script.

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, Context, Exit, Failure, Metrics};

/// Print the completion script of a shell
///
/// For bash: pecan completions bash > ~/.local/share/bash-completion/completions/pecan
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Shell to write for
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "pecan", &mut script);
    let script = String::from_utf8_lossy(&script);
    if context.json() {
        let metrics = Metrics::new(context.command());
        let metrics = metrics.with("shell", args.shell.to_string()).with("text", script.as_ref());
        context.print_json(&metrics.into_json())?;
    } else {
        context.print(&script)?;
    }
    Ok(Exit::Done)
}
