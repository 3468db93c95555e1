//! Wardens: shells that clean up after this process, however it ends.
//!
//! A killed process cannot clean up. So for every child and every scratch folder a small shell waits for the end of its
//! input, to which only this process has access: the system closes it when this process ends, by a return, a signal or
//! SIGKILL alike. Then the shell kills the child with all processes that it has started, or removes the folder.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::error::{HostError, Result};

/// Ends the shell's own process group: SIGTERM first, as `make` then stops its compilers and removes their files. The
/// second signal also ends the shell.
const END_GROUP: &str =
    "trap '' HUP INT TERM; read -r _; kill -TERM 0; sleep 0.3; exec kill -KILL 0";
/// Removes the folder that is its argument.
const REMOVE_FOLDER: &str = "trap '' HUP INT TERM; read -r _; exec rm -rf -- \"$1\"";

/// The wardens that watch over this process, by process number.
struct Registry {
    wardens: BTreeMap<u32, Child>,
    /// Set once, when this process is about to end.
    stopping: bool,
}

static REGISTRY: Mutex<Registry> =
    Mutex::new(Registry { wardens: BTreeMap::new(), stopping: false });

fn registry() -> MutexGuard<'static, Registry> {
    // The map is consistent after every statement that changes it.
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The registry, for a new warden; does not return when this process is about to end.
fn open() -> MutexGuard<'static, Registry> {
    let registry = registry();
    if registry.stopping {
        drop(registry);
        park();
    }
    registry
}

/// A shell that waits for the end of this process.
#[derive(Debug)]
struct Warden {
    id: u32,
}

impl Warden {
    fn start(registry: &mut Registry, script: &str, argument: &OsStr) -> Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script, "sh"]).arg(argument);
        // A group of its own: signals of a terminal to this process do not reach it.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::PermissionDenied => HostError::ToolMissing {
                tool: "/bin/sh".into(),
                reason: error.to_string(),
                install: "every POSIX system has one; install the system package `dash`".into(),
            },
            _ => HostError::io("start", std::path::Path::new("/bin/sh"))(error),
        })?;
        let id = child.id();
        registry.wardens.insert(id, child);
        Ok(Self { id })
    }

    /// Sends a signal to the group of this warden; a group that has ended is no error.
    fn signal(&self, signal: Signal) {
        if let Some(id) = i32::try_from(self.id).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(id, signal);
        }
    }
}

impl Drop for Warden {
    /// The warden is not needed any more, and is ended with its group.
    fn drop(&mut self) {
        let Some(mut child) = registry().wardens.remove(&self.id) else {
            // This process is ending and the warden is working.
            park();
        };
        self.signal(Signal::KILL);
        // Reaping fails only if there is nothing to reap.
        let _ = child.wait();
    }
}

/// A process group that ends with this process, and at the latest when the value is dropped.
#[derive(Debug)]
pub(super) struct Group(Warden);

impl Group {
    pub(super) fn new() -> Result<Self> {
        Warden::start(&mut open(), END_GROUP, OsStr::new("")).map(Self)
    }

    /// Puts the command into this group.
    pub(super) fn adopt(&self, command: &mut Command) {
        // Process numbers fit: the kernel's limit is 2^22.
        command.process_group(i32::try_from(self.0.id).unwrap_or_default());
    }

    /// Asks everything in the group to end.
    pub(super) fn terminate(&self) {
        self.0.signal(Signal::TERM);
    }
}

/// A temporary folder that is removed when the value is dropped or this process ends, for any reason.
#[derive(Debug)]
pub struct Scratch {
    folder: tempfile::TempDir,
    /// Declared after the folder: it is dropped last.
    _warden: Warden,
}

impl Scratch {
    /// A folder for temporary files, in the place given by the variable `TMPDIR`.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be made.
    pub fn new() -> Result<Self> {
        Self::create(&std::env::temp_dir(), "pecan-")
    }

    /// A folder in `base` whose name begins with `prefix`.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be made.
    pub fn create(base: &std::path::Path, prefix: &str) -> Result<Self> {
        // Held until the folder has its warden: an end of this process in between would leave it.
        let mut registry = open();
        let made = tempfile::Builder::new().prefix(prefix).tempdir_in(base);
        let folder = made.map_err(HostError::io("create a temporary folder in", base))?;
        // The path may be relative, and this process may change its folder.
        let path = std::path::absolute(folder.path());
        let path = path.map_err(HostError::io("resolve", folder.path()))?;
        let warden = Warden::start(&mut registry, REMOVE_FOLDER, path.as_os_str())?;
        Ok(Self { folder, _warden: warden })
    }

    /// Path of the folder.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        self.folder.path()
    }
}

/// Ends all children and removes all scratch folders, for a process that is about to end itself. Threads that use
/// either are stopped, so that none reports a child's death or starts another child.
pub fn stop_all() {
    let wardens = {
        let mut registry = registry();
        registry.stopping = true;
        std::mem::take(&mut registry.wardens)
    };
    let mut wardens: Vec<Child> = wardens.into_values().collect();
    wardens.iter_mut().for_each(|warden| drop(warden.stdin.take()));
    wardens.iter_mut().for_each(|warden| _ = warden.wait());
}

/// Whether this process is about to end.
pub(super) fn stopping() -> bool {
    registry().stopping
}

/// Waits for the end of the process.
pub(super) fn park() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}
