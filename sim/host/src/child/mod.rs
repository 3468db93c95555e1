//! Child processes with captured output, a time limit, and errors that show the tool's messages. No child outlives this
//! process.

mod quote;
mod warden;

use std::io::{ErrorKind, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

pub use self::quote::{make_word, shell_word, tcl_word};
use self::warden::Group;
pub use self::warden::{Scratch, stop_all};
use crate::error::{HostError, Result};

/// Lines of a failed tool's output that an error keeps.
const ERROR_LINES: usize = 30;
/// Time for a child to end after it was asked to.
const GRACE: Duration = Duration::from_secs(1);

/// Captured text of a child that ended successfully.
#[derive(Debug, Clone)]
pub struct Captured {
    /// Standard output, invalid UTF-8 replaced.
    pub stdout: String,
    /// Standard error, invalid UTF-8 replaced.
    pub stderr: String,
}

/// Executes `command` to its end and returns its output.
///
/// With a `limit`, a child that takes longer is stopped. The child is in a process group of its own: all processes that
/// it has started end with it, and all of them end with this process, even if that is killed.
///
/// # Errors
/// [`HostError::ToolMissing`] if it cannot be started, [`HostError::ToolFailed`] with the last lines of its
/// standard error on a non-zero status, [`HostError::TimedOut`] after `limit`.
pub fn run(tool: &str, command: &mut Command, limit: Option<Duration>) -> Result<Captured> {
    let group = Group::new()?;
    group.adopt(command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = spawn(command).map_err(|error| HostError::ToolMissing {
        tool: tool.into(),
        reason: format!("{} cannot be started: {error}", command.get_program().to_string_lossy()),
        install: "check that the file exists and is executable, or run `pecan tools install`"
            .into(),
    })?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (status, stdout, stderr) = std::thread::scope(|scope| {
        let readers = [scope.spawn(|| text(stdout)), scope.spawn(|| text(stderr))];
        let status = wait(tool, &mut child, &group, limit);
        // Remaining processes of the group would keep the readers waiting.
        drop(group);
        let [stdout, stderr] = readers.map(ScopedJoinHandle::join);
        (status, stdout.unwrap_or_default(), stderr.unwrap_or_default())
    });
    if warden::stopping() {
        warden::park();
    }
    let status = status?;
    if status.success() {
        return Ok(Captured { stdout, stderr });
    }
    // Some tools write their messages to standard output only.
    let said = if stderr.trim().is_empty() { &stdout } else { &stderr };
    Err(HostError::ToolFailed {
        tool: tool.into(),
        args: command.get_args().map(|a| a.to_string_lossy()).collect::<Vec<_>>().join(" "),
        status: status.to_string(),
        stderr: last_lines(said, ERROR_LINES),
    })
}

/// A file that was just written counts as busy while a child that another thread is starting still holds its
/// descriptor; this ends within milliseconds.
fn spawn(command: &mut Command) -> std::io::Result<Child> {
    for _ in 0..50 {
        match command.spawn() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return other,
        }
    }
    command.spawn()
}

fn wait(
    tool: &str,
    child: &mut Child,
    group: &Group,
    limit: Option<Duration>,
) -> Result<ExitStatus> {
    let failed = HostError::io("wait for", std::path::Path::new(tool));
    let Some(limit) = limit else { return child.wait().map_err(failed) };
    match wait_until(child, Instant::now() + limit) {
        Ok(Some(status)) => Ok(status),
        Ok(None) => {
            // SIGTERM first: a tool may have temporary files to remove.
            group.terminate();
            let ended = wait_until(child, Instant::now() + GRACE);
            if !matches!(ended, Ok(Some(_))) {
                // Failure means that the child has ended by itself.
                let _ = child.kill();
                let _ = child.wait();
            }
            Err(HostError::TimedOut { tool: tool.into(), limit })
        }
        Err(error) => Err(failed(error)),
    }
}

/// The child's status, or none if it is still running at that time.
fn wait_until(child: &mut Child, end: Instant) -> std::io::Result<Option<ExitStatus>> {
    // Short pauses first, so that quick tools are not slowed down; then long ones, so that long tools cost nothing.
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// All text from a pipe; from a broken pipe, the text before it broke.
fn text(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        let _ = pipe.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn captures_both_streams() {
        let captured = run("sh", &mut shell("echo out; echo err >&2"), None).unwrap();
        assert_eq!((captured.stdout.as_str(), captured.stderr.as_str()), ("out\n", "err\n"));
    }

    #[test]
    fn failure_carries_the_last_lines_and_code_5() {
        let error = run("sh", &mut shell("seq 100 >&2; exit 7"), None).unwrap_err();
        assert_eq!(error.exit_code(), 5);
        let HostError::ToolFailed { stderr, status, .. } = error else { panic!("wrong kind") };
        assert!(stderr.starts_with("71\n") && stderr.ends_with("100") && status.contains('7'));
    }

    #[test]
    fn limit_stops_the_child() {
        let start = Instant::now();
        let error = run("sh", &mut shell("exec sleep 30"), Some(Duration::from_millis(50)));
        assert_eq!(error.unwrap_err().exit_code(), 6);
        assert!(start.elapsed() < Duration::from_secs(5));
    }

    /// Whether a process exists that is no zombie, also a moment later: a killed process ends soon, not at once.
    fn alive(id: &str) -> bool {
        let there = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", id.trim()));
            stat.is_ok_and(|text| !text.contains(") Z "))
        };
        (0..200).all(|_| {
            std::thread::sleep(Duration::from_millis(10));
            there()
        })
    }

    #[test]
    fn what_a_child_leaves_behind_ends_with_it() {
        let captured = run("sh", &mut shell("sleep 300 & echo $!"), None).unwrap();
        assert!(!alive(&captured.stdout), "{captured:?}");
        let folder = tempfile::tempdir().unwrap();
        let script = format!("sleep 300 & echo $! > {}/id; wait", folder.path().display());
        let limit = Some(Duration::from_millis(200));
        assert_eq!(run("sh", &mut shell(&script), limit).unwrap_err().exit_code(), 6);
        assert!(!alive(&std::fs::read_to_string(folder.path().join("id")).unwrap()));
    }

    #[test]
    fn a_talkative_child_does_not_block() {
        let captured = run("sh", &mut shell("seq 200000; seq 200000 >&2"), None).unwrap();
        assert_eq!(captured.stdout.len(), captured.stderr.len());
        assert!(captured.stdout.ends_with("200000\n"));
    }

    #[test]
    fn absent_program_is_a_missing_tool() {
        let error = run("ghost", &mut Command::new("/nonexistent/ghost"), None).unwrap_err();
        assert_eq!(error.exit_code(), 4);
    }
}
