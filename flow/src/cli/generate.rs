//! `pecan generate`: writes everything that a hardware project needs of a configuration.

use pecan_hdl::config::Config;
use pecan_hdl::generate::{GenerateError, Package};

use super::table::{Table, grouped};
use super::{ConfigArgs, Context, Exit, Failure, Metrics, RunArgs, RunFolder};

/// Write the accelerator: Verilog, file list, register map, C header, test bench, constraints
///
/// Files appear whole or not at all, and a file that has not changed is not touched.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    accelerator: ConfigArgs,
    #[command(flatten)]
    run: RunArgs,
}

impl From<GenerateError> for Failure {
    fn from(error: GenerateError) -> Self {
        Self::from_error(Exit::ToolFailed, error)
    }
}

/// A file of the package and what was done with it.
#[derive(Debug, serde::Serialize)]
pub(super) struct Written {
    pub(super) path: String,
    pub(super) bytes: usize,
    pub(super) lines: usize,
    /// Whether the file was new or has changed.
    pub(super) changed: bool,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let config = args.accelerator.resolve()?;
    let folder = args.run.open(context, &config)?;
    let files = write(&config, &folder)?;
    if !context.json() {
        let mut table = Table::new(&["file", "bytes", "state"]);
        for file in &files {
            let state = if file.changed { "written" } else { "unchanged" };
            table.row([file.path.clone(), grouped(file.bytes as u64), state.into()]);
        }
        let head = format!("{} in {}\n\n", config.name(), folder.path().display());
        context.print(&(head + &table.render()))?;
    }
    let files = serde_json::to_value(&files).unwrap_or_default();
    folder.finish(context, Metrics::new(context.command()).config(&config).with("files", files))?;
    Ok(Exit::Done)
}

/// Writes the package into the folder.
pub(super) fn write(config: &Config, folder: &RunFolder) -> Result<Vec<Written>, Failure> {
    let package = Package::of(config)?;
    let files = package.files.into_iter();
    files.map(|file| place(folder, file.path, &file.text)).collect()
}

fn place(folder: &RunFolder, path: String, text: &str) -> Result<Written, Failure> {
    // An equal file keeps its time stamp, so that builds behind it have nothing to do.
    let same = std::fs::read(folder.path().join(&path)).is_ok_and(|old| old == text.as_bytes());
    if !same {
        folder.write(&path, text)?;
    }
    Ok(Written { path, bytes: text.len(), lines: text.lines().count(), changed: !same })
}
