//! Technologies: one folder each, with the assumptions of synthesis, timing and the energy model.
//!
//! | file | contents |
//! |---|---|
//! | `process.toml` | cells, libraries, wires and clock: inputs of synthesis and calibration |
//! | `energy.toml` | the calibrated (or cited) energy model |
//! | `held_out.csv` | the layers on which the model was compared with gate-level power |
//!
//! A technology may lack files: one from the literature has no process, one that was never calibrated no energies.
//! Folders are found by listing: those that are part of the program, and those in `technologies` of the user's data
//! folder ([`pecan_host::tools::user_data`]).

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use pecan_host::tools::user_data;
use pecan_text::nearest;

/// Name and files, in the order of [`File`], of the technologies that are part of the program.
type Shipped = (&'static str, [Option<&'static str>; 3]);

const SHIPPED: &[Shipped] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// A file of a technology.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// Assumptions of synthesis.
    Process,
    /// The energy model.
    Energy,
    /// Layers that the model was compared on.
    HeldOut,
}

impl File {
    /// Name of the file in its folder.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Process => "process.toml",
            Self::Energy => "energy.toml",
            Self::HeldOut => "held_out.csv",
        }
    }
}

/// The text of a file of a technology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The text.
    pub text: Cow<'static, str>,
    /// Where it was read; none if it is part of the program.
    pub path: Option<PathBuf>,
}

/// Reasons why a technology was not found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// There is no technology of that name, and no file or folder.
    #[error("unknown technology `{name}`{}; allowed: {known}, or a file or folder ({source})",
        nearest.as_ref().map(|near| format!(", did you mean `{near}`?")).unwrap_or_default())]
    Unknown {
        /// The requested name.
        name: String,
        /// Names that are known, separated by commas.
        known: String,
        /// A similar name.
        nearest: Option<String>,
        /// Error of reading it as a file.
        source: std::io::Error,
    },
    /// The technology has no such file.
    #[error("technology `{name}` has no {file}")]
    Lacks {
        /// The technology.
        name: String,
        /// The file.
        file: &'static str,
    },
    /// A file exists but cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
}

/// Folder of the user's own technologies.
fn user_folder() -> Option<PathBuf> {
    user_data().map(|data| data.join("technologies"))
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let folders = entries.flatten().filter(|entry| entry.path().is_dir());
    folders.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Names of the technologies that are part of the program.
pub fn shipped() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

/// Names of all technologies that are part of the program or in the user's data folder, and have a file, sorted.
#[must_use]
pub fn names(file: File) -> Vec<String> {
    let with = SHIPPED.iter().filter(|(_, files)| files[file as usize].is_some());
    let mut names: Vec<String> = with.map(|(name, _)| (*name).to_owned()).collect();
    if let Some(folder) = user_folder() {
        names.extend(
            names_in(&folder)
                .into_iter()
                .filter(|name| folder.join(name).join(file.name()).is_file()),
        );
    }
    names.sort();
    names.dedup();
    names
}

/// A file of a technology that is given by its name, its folder or the file itself. Names take precedence over paths,
/// and technologies of the program over the user's.
///
/// # Errors
/// [`FindError`].
pub fn find(name_or_path: &str, file: File) -> Result<Found, FindError> {
    let lacks = || FindError::Lacks { name: name_or_path.to_owned(), file: file.name() };
    if let Some((_, files)) = SHIPPED.iter().find(|(name, _)| *name == name_or_path) {
        let text = files[file as usize].ok_or_else(lacks)?;
        return Ok(Found { text: text.into(), path: None });
    }
    let plain = Path::new(name_or_path).file_name().is_some_and(|name| name == name_or_path);
    let own = user_folder().filter(|_| plain).map(|folder| folder.join(name_or_path));
    let given = PathBuf::from(name_or_path);
    let folder = own.filter(|own| own.is_dir()).or_else(|| given.is_dir().then(|| given.clone()));
    let path = folder.as_ref().map_or(given, |folder| folder.join(file.name()));
    if folder.is_some() && !path.is_file() {
        return Err(lacks());
    }
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Found { text: text.into(), path: Some(path) }),
        Err(source) if path.exists() || path.extension().is_some() || !plain => {
            Err(FindError::Io { path, source })
        }
        Err(source) => {
            let names = names(file);
            Err(FindError::Unknown {
                name: name_or_path.to_owned(),
                known: names.join(", "),
                nearest: nearest(name_or_path, names.iter().map(String::as_str)).map(str::to_owned),
                source,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_technologies_have_energies() {
        assert!(shipped().count() >= 4);
        for name in shipped() {
            let found = find(name, File::Energy).unwrap();
            assert!(found.path.is_none() && found.text.contains(&format!("name = {name:?}")));
        }
        assert!(matches!(
            find("eyeriss-relative", File::Process),
            Err(FindError::Lacks { file: "process.toml", .. })
        ));
    }

    #[test]
    fn a_folder_or_a_file_will_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("energy.toml");
        std::fs::write(&path, "name = 'mine'").unwrap();
        for given in [folder.path(), &path] {
            let found = find(given.to_str().unwrap(), File::Energy).unwrap();
            assert_eq!((&*found.text, found.path.as_ref()), ("name = 'mine'", Some(&path)));
        }
        let error = find(folder.path().to_str().unwrap(), File::Process).unwrap_err();
        assert!(matches!(error, FindError::Lacks { .. }), "{error}");
        let missing = folder.path().join("other.toml");
        let error = find(missing.to_str().unwrap(), File::Energy).unwrap_err();
        assert!(matches!(error, FindError::Io { .. }), "{error}");
    }

    #[test]
    fn misspelt_names_are_suggested() {
        let Err(FindError::Unknown { known, nearest, .. }) = find("sg13g", File::Energy) else {
            panic!("it is no name")
        };
        assert_eq!(nearest.as_deref(), Some("sg13g2"));
        assert!(known.contains("osu018"));
    }

    /// The layers of a held-out record reproduce the errors recorded with the model.
    #[test]
    fn held_out_records_have_all_layers() {
        for name in names(File::HeldOut) {
            let found = find(&name, File::HeldOut).unwrap();
            let mut lines = found.text.lines();
            assert_eq!(
                lines.next(),
                Some("configuration,layer,cycles,gate_level_pj,predicted_pj"),
                "{name}"
            );
            let errors: Vec<f64> = lines
                .map(|line| {
                    let cells: Vec<&str> = line.split(',').collect();
                    let [gate, predicted] = [3, 4].map(|at| cells[at].parse::<f64>().unwrap());
                    (predicted - gate).abs() / gate
                })
                .collect();
            let mean = errors.iter().sum::<f64>() / errors.len() as f64;
            let energy = find(&name, File::Energy).unwrap();
            let held_out = energy.text.split_once("[held_out]").unwrap().1;
            let number = |key: &str| -> f64 {
                let rest = held_out.split_once(&format!("{key} = ")).unwrap().1;
                rest.lines().next().unwrap().parse().unwrap()
            };
            assert_eq!(errors.len() as f64, number("points"), "{name}");
            assert!((mean - number("mean_error")).abs() < 5e-4, "{name}: {mean}");
        }
    }
}
