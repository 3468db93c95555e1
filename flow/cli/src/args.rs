//! Flags that several commands share.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use pecan_config::{Config, ConfigError, Loader, PRESETS};

use super::{Context, Exit, Failure, RunFolder};

/// The accelerator: a file or a preset, and changes to it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Accelerator")]
pub struct ConfigArgs {
    /// Configuration file (`pecan init` writes one); without it, a preset is used
    #[arg(long, value_name = "FILE", conflicts_with = "preset")]
    pub config: Option<PathBuf>,
    /// Named configuration [default: edge]
    #[arg(long, value_name = "NAME", value_parser = preset_names())]
    pub preset: Option<String>,
    /// Change a key, for example array.rows=4 (may be repeated; the last one wins)
    #[arg(long, value_name = "KEY=VALUE", long_help = set_help())]
    pub set: Vec<String>,
}

fn preset_names() -> PossibleValuesParser {
    PRESETS.iter().map(|preset| PossibleValue::new(preset.name).help(preset.doc)).into()
}

/// The help of `--set` lists every key with its legal values.
fn set_help() -> String {
    let mut text = String::from(
        "Change a key, for example array.rows=4 (may be repeated; the last one wins)\n\nKeys:\n",
    );
    for key in Config::keys() {
        text.push_str(&format!("  {:<26} {}\n", key.path(), key.domain));
    }
    text
}

impl ConfigArgs {
    /// The configuration that the flags describe.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong in the file and the changes.
    pub fn resolve(&self) -> Result<Config, ConfigError> {
        let mut loader = Loader::new(Config::default());
        if let Some(name) = &self.preset {
            loader = loader.preset(name);
        }
        if let Some(path) = &self.config {
            loader = loader.file(path);
        }
        self.set.iter().fold(loader, |loader, change| loader.set(change)).finish()
    }
}

/// Number of worker threads for this option.
fn threads(jobs: Option<NonZeroUsize>) -> usize {
    let jobs = jobs.or_else(|| std::thread::available_parallelism().ok());
    jobs.map_or(1, NonZeroUsize::get)
}

fn pool(jobs: Option<NonZeroUsize>) -> rayon::ThreadPoolBuilder {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads(jobs));
    builder.thread_name(|number| format!("worker-{number}"))
}

/// Makes the worker threads of this process, for all parallel work without a pool of its own.
///
/// # Errors
/// [`Failure`] if the system cannot start the threads.
pub(super) fn workers(jobs: Option<NonZeroUsize>) -> Result<(), Failure> {
    let made = pool(jobs).build_global();
    made.map_err(|error| Failure::from_error(Exit::ToolFailed, error))
}

/// Where a run puts its results, and how it runs.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Run")]
pub struct RunArgs {
    /// Output folder [default: target/pecan/COMMAND, or the next free COMMAND-N while another run has it]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Worker threads [default: the machine's processors]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

impl RunArgs {
    /// The number of worker threads to use.
    #[must_use]
    pub fn jobs(&self) -> usize {
        threads(self.jobs)
    }

    /// Another pool of so many worker threads, for work that must not wait for that of others.
    ///
    /// # Errors
    /// [`Failure`] if the system cannot start the threads.
    pub fn pool(&self) -> Result<rayon::ThreadPool, Failure> {
        let pool = pool(self.jobs).build();
        pool.map_err(|error| Failure::from_error(Exit::ToolFailed, error))
    }

    /// Makes the output folder, which then belongs to this run, and writes the resolved configuration into it.
    ///
    /// # Errors
    /// [`Failure`] if the folder cannot be made or written.
    pub fn open(&self, context: &Context, config: &Config) -> Result<RunFolder, Failure> {
        let folder = self.open_plain(context)?;
        folder.write("accelerator.toml", config.to_toml())?;
        Ok(folder)
    }

    /// Makes the output folder of a run that is of no configuration.
    ///
    /// # Errors
    /// [`Failure`] if the folder cannot be made.
    pub fn open_plain(&self, context: &Context) -> Result<RunFolder, Failure> {
        match &self.out {
            Some(path) => Ok(RunFolder::create(path.clone())?),
            None => Ok(RunFolder::create_free(Path::new("target/pecan").join(context.command()))?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_combine() {
        let args = ConfigArgs {
            preset: Some("tiny".to_owned()),
            set: vec!["array.rows=1".to_owned(), "array.rows=3".to_owned()],
            ..ConfigArgs::default()
        };
        let config = args.resolve().unwrap();
        assert_eq!((config.array.rows, config.array.cols), (3, 2));
        assert_eq!(ConfigArgs::default().resolve().unwrap(), Config::default());
    }

    #[test]
    fn set_help_lists_every_key() {
        let help = set_help();
        assert!(Config::keys().all(|key| help.contains(&key.path())));
    }

    #[test]
    fn jobs_are_at_least_one() {
        assert!(RunArgs::default().jobs() >= 1);
    }
}
