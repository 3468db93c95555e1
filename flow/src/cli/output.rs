//! Output folders and files that are either complete or absent.

use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pecan_sim::file::write_whole;

use super::{Context, Failure, Metrics};

/// An output that cannot be written.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("cannot {action} {}", path.display())]
#[diagnostic(
    code(pecan::output),
    help("check that the folder is writable and the disk not full, or choose another place")
)]
pub struct OutputError {
    action: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl OutputError {
    pub(super) fn stdout(source: io::Error) -> Self {
        Self { action: "write", path: "stdout".into(), source }
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        Self::bad_input(error)
    }
}

/// Writes a file as [`write_whole`].
///
/// # Errors
/// [`OutputError`] if the folder or file cannot be written.
pub fn write_atomic(path: &Path, contents: impl AsRef<[u8]>) -> Result<(), OutputError> {
    let failed = |source| OutputError { action: "write", path: path.to_owned(), source };
    write_whole(path, contents).map_err(failed)
}

/// The output folder of a run.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes the folder, if needed, and checks that it can be written.
    ///
    /// # Errors
    /// [`OutputError`] if it cannot be made or written: at the start of a run, not at its end.
    pub fn create(path: PathBuf) -> Result<Self, OutputError> {
        let made = std::fs::create_dir_all(&path)
            .and_then(|()| tempfile::Builder::new().prefix(".pecan-").tempfile_in(&path));
        match made {
            Ok(_probe) => Ok(Self { path }),
            Err(source) => Err(OutputError { action: "use the output folder", path, source }),
        }
    }

    /// Path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file of the folder atomically and gives its path. `name` may contain subfolders.
    ///
    /// # Errors
    /// [`OutputError`] if it cannot be written.
    pub fn write(
        &self,
        name: impl AsRef<Path>,
        contents: impl AsRef<[u8]>,
    ) -> Result<PathBuf, OutputError> {
        let path = self.path.join(name);
        write_atomic(&path, contents)?;
        Ok(path)
    }

    /// Writes `metrics.json`, the last file of a run, and with `--json` prints it.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be written.
    pub fn finish(&self, context: &Context, metrics: Metrics) -> Result<(), Failure> {
        let document = metrics.into_json();
        self.write("metrics.json", format!("{document:#}\n"))?;
        if context.json() { context.print_json(&document) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("file");
        std::fs::write(&blocked, "").unwrap();
        let error = RunFolder::create(blocked.join("out")).unwrap_err();
        assert!(error.to_string().contains("file/out"), "{error}");
        assert!(write_atomic(&blocked.join("x"), "").is_err());
        // A folder cannot be replaced by a file.
        assert!(write_atomic(folder.path(), "").is_err());
    }

    #[test]
    fn metrics_end_a_run() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path().join("out")).unwrap();
        let context = Context::new("check", false, true);
        run.finish(&context, Metrics::new("check").with("layers", 3)).unwrap();
        let text = std::fs::read_to_string(run.path().join("metrics.json")).unwrap();
        assert!(text.starts_with("{\n  \"schema\": 1,\n  \"command\": \"check\","), "{text}");
    }
}
