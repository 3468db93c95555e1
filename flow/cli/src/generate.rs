//! `pecan generate`: writes the package of a configuration for a hardware project.

use pecan_accelerator::generate::{GenerateError, Package, Prefix, Target};
use pecan_config::Config;

use schemars::JsonSchema;
use serde::Serialize;

use super::metrics::Accelerator;
use super::{ConfigArgs, Context, Exit, Failure, RunArgs, RunFolder};
use pecan_text::format::grouped;
use pecan_text::table::Table;

/// Write the accelerator: Verilog, file list, register map, C header, test bench, constraints
///
/// Files appear whole or not at all, and a file that has not changed is not touched.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    accelerator: ConfigArgs,
    /// What the names of the top module, the other modules and the C header begin with, so that several packages go
    /// into one design; `""` leaves the plain names [default: pecan_ID]
    #[arg(long, value_name = "NAME", value_parser = Prefix::parse)]
    prefix: Option<Prefix>,
    #[command(flatten)]
    run: RunArgs,
}

impl From<GenerateError> for Failure {
    fn from(error: GenerateError) -> Self {
        Self::from_error(Exit::ToolFailed, error)
    }
}

/// A file of the package and whether it was written.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Written {
    /// Path below the output folder.
    pub(super) path: String,
    /// Size.
    pub(super) bytes: usize,
    /// Number of lines.
    pub(super) lines: usize,
    /// Whether the file was new or has changed.
    pub(super) changed: bool,
}

/// A package of Verilog and what belongs to it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Metrics {
    /// The accelerator.
    accelerator: Accelerator,
    /// Name of the top module.
    top: String,
    /// The files.
    files: Vec<Written>,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let config = args.accelerator.resolve()?;
    let folder = args.run.open(context, &config)?;
    let prefix = args.prefix.unwrap_or_else(|| Prefix::of(&config));
    let (top, files) = write(&config, &prefix, &folder)?;
    if !context.json() {
        let mut table = Table::new(&["file", "bytes", "state"]);
        for file in &files {
            let state = if file.changed { "written" } else { "unchanged" };
            table.row([file.path.clone(), grouped(file.bytes as u64), state.into()]);
        }
        let head = format!("{}, module {top}, in {}\n\n", config.name(), folder.path().display());
        context.print(&(head + &table.render()))?;
    }
    let metrics = Metrics { accelerator: Accelerator::of(&config), top, files };
    folder.finish(context, &metrics)?;
    Ok(Exit::Done)
}

/// Writes the package into the folder; returns the name of its top module and its files.
pub(super) fn write(
    config: &Config,
    prefix: &Prefix,
    folder: &RunFolder,
) -> Result<(String, Vec<Written>), Failure> {
    let package = Package::with(config, prefix, &Target::shipped()?)?;
    let files = package.files.into_iter().map(|file| place(folder, file.path, &file.text));
    Ok((package.top, files.collect::<Result<_, _>>()?))
}

fn place(folder: &RunFolder, path: String, text: &str) -> Result<Written, Failure> {
    // An equal file keeps its time stamp, so that later builds have nothing to do.
    let same = std::fs::read(folder.path().join(&path)).is_ok_and(|old| old == text.as_bytes());
    if !same {
        folder.write(&path, text)?;
    }
    Ok(Written { path, bytes: text.len(), lines: text.lines().count(), changed: !same })
}
