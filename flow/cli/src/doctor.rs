//! `pecan doctor`: availability of the external tools.

use pecan_host::tools::{Diagnosis, Finder, doctor};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, Exit, Failure};
use pecan_text::table::Table;

/// Tools without which networks cannot be simulated; the others serve single commands.
const NEEDED: [&str; 4] = ["verilator", "g++", "make", "python3"];

/// Look for the external tools, their versions, and how to get what is missing
///
/// Ends with exit code 4 if a tool is missing that simulation needs.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// The external tools.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Metrics {
    /// All tools that the program can use.
    tools: Vec<Diagnosis>,
    /// Those that simulation needs and are not usable.
    missing: Vec<String>,
}

pub(super) fn run(_: Args, context: &Context) -> Result<Exit, Failure> {
    let report = doctor(&Finder::from_environment()?);
    let missing = |tool: &Diagnosis| NEEDED.contains(&tool.name) && !tool.usable;
    let absent: Vec<&str> = report.iter().filter(|t| missing(t)).map(|t| t.name).collect();
    if context.json() {
        let missing = absent.iter().map(|&name| name.to_owned()).collect();
        context.print_metrics(&Metrics { tools: report, missing })?;
    } else {
        context.print(&describe(&report, &absent))?;
    }
    Ok(if absent.is_empty() { Exit::Done } else { Exit::ToolMissing })
}

fn describe(report: &[Diagnosis], absent: &[&str]) -> String {
    let mut table = Table::new(&["tool", "state", "version", "where", "needed for"]);
    for tool in report {
        let state = match (tool.usable, NEEDED.contains(&tool.name)) {
            (true, _) => "ok",
            (false, true) => "MISSING",
            (false, false) => "absent",
        };
        let place = tool.path.as_ref().map(|path| path.display().to_string());
        table.row([
            tool.name.to_owned(),
            state.to_owned(),
            tool.version.clone().unwrap_or_default(),
            place.unwrap_or_default(),
            tool.needed_for.to_owned(),
        ]);
    }
    let mut text = table.render();
    for tool in report.iter().filter(|tool| !tool.usable) {
        let problem = tool.problem.as_deref().unwrap_or("not usable");
        text += &format!("\n{}: {problem}\n  to get it: {}\n", tool.name, tool.install);
    }
    text += &match absent {
        [] => "\nEverything that simulation needs is there.\n".to_owned(),
        names => format!("\nMissing for simulation: {}.\n", names.join(", ")),
    };
    text
}
