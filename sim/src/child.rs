//! Child processes with captured output, a time limit, and errors that show what the tool said.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::error::{Result, SimError};

/// How many lines of a failed tool's output are kept in the error.
const ERROR_LINES: usize = 30;

/// Captured text of a child that ended successfully.
#[derive(Debug, Clone)]
pub struct Captured {
    /// Standard output, invalid UTF-8 replaced.
    pub stdout: String,
    /// Standard error, invalid UTF-8 replaced.
    pub stderr: String,
}

/// Kills and reaps the child unless it was already waited for, so that no early return leaves one behind.
struct Guard(Option<Child>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(child) = self.0.as_mut() {
            terminate(child);
        }
    }
}

/// Runs `command` to its end and returns what it printed.
///
/// The output goes through temporary files, so a talkative child never blocks. With a `limit`, a child
/// that runs longer is stopped.
///
/// # Errors
/// [`SimError::ToolMissing`] if it cannot be started, [`SimError::ToolFailed`] with the last lines of its
/// standard error on a non-zero status, [`SimError::TimedOut`] after `limit`.
pub fn run(tool: &str, command: &mut Command, limit: Option<Duration>) -> Result<Captured> {
    let mut stdout = scratch()?;
    let mut stderr = scratch()?;
    let clone = |file: &File| file.try_clone().map_err(SimError::io("open", &std::env::temp_dir()));
    command.stdin(Stdio::null()).stdout(clone(&stdout)?).stderr(clone(&stderr)?);
    let child = spawn(command).map_err(|error| SimError::ToolMissing {
        tool: tool.into(),
        reason: format!("{} cannot be started: {error}", command.get_program().to_string_lossy()),
        install: "check that the file exists and is executable, or run `pecan tools install`"
            .into(),
    })?;
    let status = wait(tool, child, limit)?;
    let captured = Captured { stdout: text(&mut stdout)?, stderr: text(&mut stderr)? };
    if status.success() {
        return Ok(captured);
    }
    // Some tools explain themselves on standard output only.
    let said = if captured.stderr.trim().is_empty() { &captured.stdout } else { &captured.stderr };
    Err(SimError::ToolFailed {
        tool: tool.into(),
        args: command.get_args().map(|a| a.to_string_lossy()).collect::<Vec<_>>().join(" "),
        status: status.to_string(),
        stderr: last_lines(said, ERROR_LINES),
    })
}

/// A file that was just written counts as busy while a child that another thread is starting still holds
/// its descriptor; that passes within milliseconds.
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

fn wait(tool: &str, child: Child, limit: Option<Duration>) -> Result<ExitStatus> {
    let mut guard = Guard(Some(child));
    let failed = SimError::io("wait for", std::path::Path::new(tool));
    let Some(child) = guard.0.as_mut() else { return Err(SimError::Protocol("no child".into())) };
    let Some(limit) = limit else {
        let status = child.wait().map_err(failed)?;
        guard.0 = None;
        return Ok(status);
    };
    let start = Instant::now();
    // Short first, so that quick tools are not slowed down; then rarely, so that long ones cost nothing.
    let mut pause = Duration::from_millis(1);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                guard.0 = None;
                return Ok(status);
            }
            Ok(None) if start.elapsed() >= limit => {
                return Err(SimError::TimedOut { tool: tool.into(), limit });
            }
            Ok(None) => std::thread::sleep(pause.min(limit.saturating_sub(start.elapsed()))),
            Err(error) => return Err(failed(error)),
        }
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Asks politely first: `make` then stops the compilers that it started; a plain kill would orphan them.
fn terminate(child: &mut Child) {
    let asked = Command::new("sh")
        .args(["-c", "kill -TERM \"$0\"", &child.id().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if asked.is_ok_and(|status| status.success()) {
        for _ in 0..100 {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    // Failure means that the child has ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

fn scratch() -> Result<File> {
    tempfile::tempfile().map_err(SimError::io("create a file in", &std::env::temp_dir()))
}

fn text(file: &mut File) -> Result<String> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.read_to_end(&mut bytes))
        .map_err(SimError::io("read a file in", &std::env::temp_dir()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
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
        let SimError::ToolFailed { stderr, status, .. } = error else { panic!("wrong kind") };
        assert!(stderr.starts_with("71\n") && stderr.ends_with("100") && status.contains('7'));
    }

    #[test]
    fn limit_stops_the_child() {
        let start = Instant::now();
        let error = run("sh", &mut shell("exec sleep 30"), Some(Duration::from_millis(50)));
        assert_eq!(error.unwrap_err().exit_code(), 6);
        assert!(start.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn absent_program_is_a_missing_tool() {
        let error = run("ghost", &mut Command::new("/nonexistent/ghost"), None).unwrap_err();
        assert_eq!(error.exit_code(), 4);
    }
}
