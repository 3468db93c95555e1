//! The flags that choose a process and its cell library.

use std::path::PathBuf;

use super::Failure;
use pecan_synth::{LibertySearch, Process};

/// Which process, and where its files are.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ProcessArgs {
    /// Process: a technology's name or folder, or the file of a profile
    #[arg(long, value_name = "NAME|FILE", default_value = "sg13g2")]
    pub(super) technology: String,
    /// Liberty files of the cell library, in place of those that the process names
    #[arg(long, value_name = "FILE", num_args = 1..)]
    liberty: Vec<PathBuf>,
    /// Folder of the process design kits [default: the variable PECAN_PDK, and pdk in the user's data folder]
    #[arg(long, value_name = "DIR")]
    pdk: Option<PathBuf>,
}

impl ProcessArgs {
    /// The process.
    ///
    /// # Errors
    /// [`Failure`] if there is none, or with everything that is wrong with its profile.
    pub(super) fn process(&self) -> Result<Process, Failure> {
        Process::load(&self.technology).map_err(Failure::bad_input)
    }

    /// Where the files of its cell library are looked for.
    pub(super) fn search(&self) -> LibertySearch {
        let pdk = self.pdk.clone().or(LibertySearch::from_environment().pdk);
        LibertySearch { files: self.liberty.clone(), pdk }
    }
}
