//! Search for Yosys, its features, and execution of scripts.

mod area;
mod netlist;
mod script;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pecan_host::child;
use pecan_host::error::HostError;
use pecan_host::tools::{Finder, find_or_install_pyosys};

pub(super) use self::area::{ChipArea, chip_area};
pub(super) use self::netlist::{Counts, counts};
pub(super) use self::script::Recipe;
use super::Result;

/// Limit for Yosys to print a help text.
const HELP_LIMIT: Duration = Duration::from_secs(60);

/// A usable Yosys.
#[derive(Clone, Debug)]
pub struct Yosys {
    /// The executable, or its replacement.
    pub path: PathBuf,
    /// Its name and version as it prints them, for reports and cache keys.
    pub version: String,
    /// Whether it can insert clock gates (command `clockgate`, since 0.46).
    pub clockgate: bool,
    /// Whether it builds Booth multipliers (option `synth -booth`, since 0.33).
    pub booth: bool,
}

impl Yosys {
    /// Finds a Yosys: the Python wheel in the user's cache first, then one on the search path that can gate
    /// clocks; then the wheel is installed (announced through `say`) unless `offline`; at last any one on the
    /// search path. [`Yosys::clockgate`] says whether it can gate clocks.
    ///
    /// # Errors
    /// [`ToolError::Run`](super::ToolError::Run) saying which tool is missing and how to get it.
    pub fn locate(finder: &Finder, offline: bool, say: &dyn Fn(&str)) -> Result<Self> {
        if let Ok(found) = finder.find("pyosys") {
            return Self::probe(&found.path, &found.version_text);
        }
        let on_path =
            finder.find("yosys").map(|found| Self::probe(&found.path, &found.version_text));
        match on_path {
            Ok(Ok(yosys)) if yosys.clockgate => return Ok(yosys),
            _ if !offline => match find_or_install_pyosys(finder, say) {
                Ok(found) => return Self::probe(&found.path, &found.version_text),
                Err(error) => say(&format!("pyosys cannot be installed: {error}")),
            },
            _ => {}
        }
        match on_path {
            Ok(yosys) => yosys,
            Err(error) => Err(error.into()),
        }
    }

    /// Probes the features of the Yosys at this path.
    fn probe(path: &Path, version: &str) -> Result<Self> {
        let mut command = Command::new(path);
        command.args(["-Q", "-T", "-p", "help clockgate; help synth"]);
        let help = child::run("yosys", &mut command, Some(HELP_LIMIT))?.stdout;
        Ok(Self {
            path: path.to_path_buf(),
            version: version.to_owned(),
            clockgate: help.contains("-min_net_size"),
            booth: help.lines().any(|line| line.trim() == "-booth"),
        })
    }

    /// Runs the script, a file of `folder`, in that folder.
    ///
    /// # Errors
    /// [`HostError::ToolFailed`] with the last lines of its output, [`HostError::TimedOut`] after `limit`.
    pub(super) fn run(
        &self,
        folder: &Path,
        script: &str,
        limit: Option<Duration>,
    ) -> Result<(), HostError> {
        let mut command = Command::new(&self.path);
        command.current_dir(folder).args(["-q", "-Q", "-T", "-s", script]);
        // Yosys passes the paths of its temporary files to a shell without quotes, and a killed one leaves them behind:
        // this path needs no quotes, and is deleted with the folder.
        command.env("TMPDIR", ".");
        let said = child::run("yosys", &mut command, limit)?;
        said.stderr.lines().for_each(|line| tracing::debug!("yosys: {line}"));
        Ok(())
    }
}
