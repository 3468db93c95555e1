//! `pecan init`: writes a documented configuration.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use miette::Diagnostic;
use pecan_config::{json_schema, markdown};

use schemars::JsonSchema;
use serde::Serialize;

use super::metrics::Accelerator;
use super::{ConfigArgs, Context, Exit, Failure, write_atomic};

/// Write a configuration file with every key, its meaning and its legal values
#[derive(Debug, clap::Args)]
pub struct Args {
    /// File to write, or - for stdout [default: accelerator.toml, or as the format wants]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Toml)]
    format: Format,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    accelerator: ConfigArgs,
}

/// The forms in which the schema is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The configuration, documented
    Toml,
    /// The JSON schema of configurations, for editors
    JsonSchema,
    /// The manual's tables of keys, rules and presets
    Markdown,
}

impl Format {
    fn default_file(self) -> &'static str {
        match self {
            Self::Toml => "accelerator.toml",
            Self::JsonSchema => "accelerator.schema.json",
            Self::Markdown => "configuration.md",
        }
    }
}

/// The file exists and `--force` is not given.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{} exists already", .0.display())]
#[diagnostic(code(pecan::init::exists), help("--force replaces it; another name keeps both"))]
struct Exists(PathBuf);

/// A configuration that was written.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Metrics {
    /// The accelerator.
    accelerator: Accelerator,
    /// The text, if it went to stdout.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The file, if one was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let config = args.accelerator.resolve()?;
    let text = match args.format {
        Format::Toml => config.to_toml(),
        Format::JsonSchema => format!("{:#}\n", json_schema()),
        Format::Markdown => markdown(),
    };
    let accelerator = Accelerator::of(&config);
    let path = args.file.unwrap_or_else(|| args.format.default_file().into());
    if path == Path::new("-") {
        if context.json() {
            context.print_metrics(&Metrics { accelerator, text: Some(text), file: None })?;
        } else {
            context.print(&text)?;
        }
        return Ok(Exit::Done);
    }
    if path.exists() && !args.force {
        return Err(Failure::bad_input(Exists(path)));
    }
    write_atomic(&path, text)?;
    if context.json() {
        let file = Some(path.display().to_string());
        context.print_metrics(&Metrics { accelerator, text: None, file })?;
    } else {
        tracing::info!("wrote {} ({})", path.display(), config.name());
    }
    Ok(Exit::Done)
}
