//! Output folders and files that are either complete or absent.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pecan_host::file::write_whole;
use serde::Serialize;

use super::{Context, Failure};

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

/// An output folder that another run is writing to.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("another run is writing to the output folder {}", path.display())]
#[diagnostic(
    code(pecan::output::busy),
    help("wait for its end, or choose another folder with --out")
)]
pub struct BusyError {
    path: PathBuf,
}

impl From<BusyError> for Failure {
    fn from(error: BusyError) -> Self {
        Self::bad_input(error)
    }
}

/// The last file of a run.
const METRICS: &str = "metrics.json";

/// Beginning of the names of temporary files in an output folder.
const TEMPORARY: &str = ".pecan-";

/// The output folder of a run, exclusively owned by the run while the value lives.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// The folder itself, locked; the system releases it whenever the process ends.
    _lock: Option<File>,
}

impl RunFolder {
    /// Makes the folder, if needed, locks it for this run and checks that it can be written. `metrics.json` of an
    /// earlier run, which is the last file of a run, is removed: the files beside it are about to be replaced.
    ///
    /// # Errors
    /// [`OutputError`] if it cannot be made or written, reported at the start of a run, not at its end; or if another
    /// run owns it.
    pub fn create(path: PathBuf) -> Result<Self, Failure> {
        Self::take(&path)?.ok_or_else(|| BusyError { path }.into())
    }

    /// As [`RunFolder::create`], with the first free one of `path`, `path-2`, `path-3`, ... if other runs own the ones
    /// before.
    ///
    /// # Errors
    /// As [`RunFolder::create`]; or a hundred runs own theirs.
    pub fn create_free(path: PathBuf) -> Result<Self, Failure> {
        for number in 1..=100 {
            let candidate = match number {
                1 => path.clone(),
                _ => PathBuf::from(format!("{}-{number}", path.display())),
            };
            if let Some(folder) = Self::take(&candidate)? {
                if number > 1 {
                    let (taken, own) = (path.display(), candidate.display());
                    tracing::info!("another run is writing to {taken}: results go to {own}");
                }
                return Ok(folder);
            }
        }
        Err(BusyError { path }.into())
    }

    /// The folder, or none if another run owns it.
    fn take(path: &Path) -> Result<Option<Self>, OutputError> {
        let failed =
            |source| OutputError { action: "use the output folder", path: path.into(), source };
        std::fs::create_dir_all(path).map_err(failed)?;
        let folder = File::open(path).map_err(failed)?;
        let lock = match folder.try_lock() {
            Ok(()) => Some(folder),
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => {
                tracing::warn!(
                    "{} cannot be locked ({error}): no other run must write to it meanwhile",
                    path.display()
                );
                None
            }
        };
        tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(path).map_err(failed)?;
        if lock.is_some() {
            remove_leftovers(path).map_err(failed)?;
        }
        Ok(Some(Self { path: path.to_owned(), _lock: lock }))
    }

    /// Path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file of the folder atomically and returns its path. `name` may contain subfolders.
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
    pub(super) fn finish(
        &self,
        context: &Context,
        metrics: &impl Serialize,
    ) -> Result<(), Failure> {
        let document = context.document(metrics)?;
        self.write(METRICS, format!("{document:#}\n"))?;
        if context.json() { context.print_json(&document) } else { Ok(()) }
    }
}

/// Removes the mark of a finished run and temporary files of a killed one.
fn remove_leftovers(path: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(path)?.flatten() {
        let name = entry.file_name();
        let leftover = name == METRICS || name.to_string_lossy().starts_with(TEMPORARY);
        if leftover && entry.file_type()?.is_file() {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("file");
        std::fs::write(&blocked, "").unwrap();
        let error = RunFolder::create(blocked.join("out")).unwrap_err().render(false, 200);
        assert!(error.contains("file/out"), "{error}");
        assert!(write_atomic(&blocked.join("x"), "").is_err());
        // A folder cannot be replaced by a file.
        assert!(write_atomic(folder.path(), "").is_err());
    }

    #[test]
    fn a_folder_belongs_to_one_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let first = RunFolder::create(path.clone()).unwrap();
        let error = RunFolder::create(path.clone()).unwrap_err();
        assert_eq!(error.exit(), crate::Exit::BadInput);
        assert!(error.render(false, 200).contains("another run"));
        let second = RunFolder::create_free(path.clone()).unwrap();
        assert_eq!(second.path(), folder.path().join("out-2"));
        drop(first);
        std::fs::write(path.join(".pecan-killed"), "half").unwrap();
        std::fs::write(path.join("metrics.json"), "{}").unwrap();
        std::fs::write(path.join("report.html"), "").unwrap();
        assert_eq!(RunFolder::create_free(path.clone()).unwrap().path(), path);
        let left: Vec<_> = std::fs::read_dir(&path).unwrap().flatten().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn metrics_end_a_run() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path().join("out")).unwrap();
        let context = Context::new("check", false, true);
        run.finish(&context, &serde_json::json!({ "layers": 3 })).unwrap();
        let text = std::fs::read_to_string(run.path().join("metrics.json")).unwrap();
        assert!(text.starts_with("{\n  \"schema\": 2,\n  \"command\": \"check\","), "{text}");
    }
}
