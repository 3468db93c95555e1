//! Search for the files of a process.

use std::path::{Path, PathBuf};

use pecan_host::tools::user_data;

use super::Process;
use crate::{Result, ToolError};

/// Where to search for liberty files.
#[derive(Clone, Debug, Default)]
pub struct LibertySearch {
    /// The files of the cell library: if given, there is no search, and the profile's names are ignored.
    pub files: Vec<PathBuf>,
    /// Folder of the process design kits.
    pub pdk: Option<PathBuf>,
}

impl LibertySearch {
    /// Searches in the folder that the variable `PECAN_PDK` names, if it is set, and in `pdk` of the user's data
    /// folder.
    #[must_use]
    pub fn from_environment() -> Self {
        let pdk = std::env::var_os("PECAN_PDK").filter(|value| !value.is_empty());
        Self { files: Vec::new(), pdk: pdk.map(PathBuf::from) }
    }
}

impl Process {
    /// The files of the cell library, absolute, possibly compressed (`.gz`).
    ///
    /// Each is searched in the given folder of design kits, beside the profile's file, in absolute folders of the
    /// profile, and in `pdk` of the user's data folder ([`user_data`]).
    ///
    /// # Errors
    /// [`ToolError::LibertyMissing`] with every place that was searched.
    pub fn find_liberty(&self, search: &LibertySearch) -> Result<Vec<PathBuf>> {
        if search.files.is_empty() {
            return self.liberty.iter().map(|file| self.find(file, search)).collect();
        }
        let absolute = |path: &PathBuf| path.canonicalize().map_err(ToolError::io("read", path));
        search.files.iter().map(absolute).collect()
    }

    /// The liberty files of memory macros that exist; missing ones are left out.
    #[must_use]
    pub fn find_sram(&self, search: &LibertySearch) -> Vec<PathBuf> {
        self.sram.iter().filter_map(|file| self.find(file, search).ok()).collect()
    }

    fn find(&self, file: &str, search: &LibertySearch) -> Result<PathBuf> {
        let places = self.places(search);
        let names = [file.to_owned(), format!("{file}.gz")];
        let candidates = places.iter().flat_map(|place| names.iter().map(|name| place.join(name)));
        let found = candidates.into_iter().find(|path| path.is_file());
        let path = found.ok_or_else(|| ToolError::LibertyMissing {
            process: self.name.clone(),
            file: file.to_owned(),
            searched: places.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", "),
            hint: match self.install.as_str() {
                "" => String::new(),
                install => format!(", or {install}"),
            },
        })?;
        path.canonicalize().map_err(ToolError::io("read", &path))
    }

    /// Folders to search, without repetition, most preferred first.
    fn places(&self, search: &LibertySearch) -> Vec<PathBuf> {
        let mut roots: Vec<PathBuf> = search.pdk.iter().cloned().collect();
        roots.extend(self.folder.clone());
        roots.extend(user_data().map(|data| data.join("pdk")));
        let mut places = Vec::new();
        let add = |places: &mut Vec<PathBuf>, place: PathBuf| {
            if !places.contains(&place) {
                places.push(place);
            }
        };
        for root in &roots {
            add(&mut places, root.clone());
            // Joining an absolute folder yields that folder.
            self.folders.iter().for_each(|folder| add(&mut places, root.join(folder)));
        }
        let absolute = self.folders.iter().filter(|folder| Path::is_absolute(folder));
        absolute.for_each(|folder| add(&mut places, folder.clone()));
        places
    }
}
