//! Saved states of runs that were stopped.

use std::path::{Path, PathBuf};

use pecan_host::file::write_whole;

use super::PruneError;
use super::state::State;

/// Key of a saved state: a hash over everything that decides the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(pub [u8; 32]);

/// A folder with the state of every criterion's run after its last finished round.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    folder: PathBuf,
    key: Key,
}

impl Checkpoint {
    /// States below `folder` that belong to `key`; others are ignored.
    #[must_use]
    pub fn new(folder: &Path, key: Key) -> Self {
        Self { folder: folder.to_owned(), key }
    }

    fn path(&self, criterion: &str) -> PathBuf {
        self.folder.join(format!("{criterion}.state"))
    }

    /// The saved state; `None` if there is none, it belongs to another run, or it is damaged, which is logged.
    pub(super) fn load(&self, criterion: &str) -> Option<State> {
        let path = self.path(criterion);
        let bytes = std::fs::read(&path).ok()?;
        let mut parts = bytes.split_at_checked(64).map(|(head, body)| (head.split_at(32), body));
        let Some(((key, sum), body)) = parts.take() else {
            tracing::warn!("{}: cut short; the run begins anew", path.display());
            return None;
        };
        if key != self.key.0 {
            tracing::info!("{}: of another run; this one begins anew", path.display());
            return None;
        }
        let whole = sum == blake3::hash(body).as_bytes();
        match (whole, postcard::from_bytes(body)) {
            (true, Ok(state)) => Some(state),
            _ => {
                tracing::warn!("{}: damaged; the run begins anew", path.display());
                None
            }
        }
    }

    /// Saves a state atomically under its name.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(super) fn save(&self, criterion: &str, state: &State) -> Result<(), PruneError> {
        let path = self.path(criterion);
        let fail = |problem: String| PruneError::State { path: path.clone(), problem };
        let body = postcard::to_allocvec(state).map_err(|e| fail(e.to_string()))?;
        let bytes = [&self.key.0[..], blake3::hash(&body).as_bytes(), &body].concat();
        write_whole(&path, bytes).map_err(|e| fail(format!("cannot be written: {e}")))
    }
}
