//! ONNX Runtime, in a Python of the user.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pecan_host::child::{self, Scratch};
use pecan_host::error::HostError;

use crate::{Exit, Failure};
use pecan_net::data::{DataError, NewArray, Npz, Values, write_npz};
use pecan_net::graph::Graph;

/// What Python runs.
const SCRIPT: &str = include_str!("onnxruntime.py");
/// The variable that names a Python.
const VARIABLE: &str = "PECAN_PYTHON";
/// Limit for Python to load ONNX Runtime.
const LOADING: Duration = Duration::from_secs(60);
/// Limit for all samples.
const LIMIT: Duration = Duration::from_secs(3600);

/// A Python with ONNX Runtime.
#[derive(Debug)]
pub(super) struct Runtime {
    python: PathBuf,
    version: String,
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ONNX Runtime {}", self.version)
    }
}

/// Results of ONNX Runtime.
#[derive(Debug)]
pub(super) struct Answers {
    /// Output of each sample, flat.
    pub(super) outputs: Vec<Vec<f32>>,
    /// Each tensor that was asked for, of each of the first samples, flat.
    pub(super) tensors: Vec<Vec<Vec<f32>>>,
}

impl Runtime {
    /// The Python that `PECAN_PYTHON` names, else `python3` of the `PATH`.
    ///
    /// # Errors
    /// [`Failure`] with exit code 4 if it cannot import ONNX Runtime.
    pub(super) fn find() -> Result<Self, Failure> {
        let named = std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
        let python = PathBuf::from(named.unwrap_or_else(|| "python3".into()));
        let mut command = Command::new(&python);
        command.args(["-c", "import numpy, onnxruntime; print(onnxruntime.__version__)"]);
        match child::run("python3", &mut command, Some(LOADING)) {
            Ok(captured) => Ok(Self { python, version: captured.stdout.trim().to_owned() }),
            Err(error) => {
                let said = match &error {
                    HostError::ToolFailed { stderr, .. } => {
                        stderr.lines().last().unwrap_or_default().to_owned()
                    }
                    other => other.to_string(),
                };
                Err(Failure::from(HostError::ToolMissing {
                    tool: "onnxruntime".into(),
                    reason: format!("{} does not import it ({said})", python.display()),
                    install: format!(
                        "`python3 -m venv DIR && DIR/bin/python -m pip install onnxruntime`, and set {VARIABLE}=DIR/bin/python"
                    ),
                }))
            }
        }
    }

    /// Runs the samples one by one; `tensors` are computed for the first `inner_samples` of them.
    ///
    /// # Errors
    /// [`Failure`] with exit code 5 if the model does not run there, 6 after an hour.
    pub(super) fn run(
        &self,
        model: &Path,
        graph: &Graph,
        samples: &[Vec<f32>],
        tensors: &[&str],
        inner_samples: usize,
    ) -> Result<Answers, Failure> {
        let folder = Scratch::new()?;
        let place = |name: &str| folder.path().join(name);
        let request = serde_json::json!({
            "input": graph.tensors[graph.input].name,
            "shape": graph.input_shape(),
            "tensors": tensors,
            "inner_samples": inner_samples,
        });
        let size = samples.first().map_or(0, Vec::len);
        let shape = [samples.len(), size];
        let values: Vec<f32> = samples.iter().flatten().copied().collect();
        let inputs = NewArray { name: "x", shape: &shape, values: Values::Floats(&values) };
        let archive = write_npz([inputs]);
        let archive = archive.map_err(|error| Failure::from_error(Exit::ToolFailed, error))?;
        let files = [
            ("request.json", request.to_string().into_bytes()),
            ("inputs.npz", archive),
            ("script.py", SCRIPT.as_bytes().to_vec()),
        ];
        for (name, contents) in files {
            crate::write_atomic(&place(name), contents)?;
        }
        let mut command = Command::new(&self.python);
        command.arg(place("script.py")).arg(model).arg(folder.path());
        child::run("onnxruntime", &mut command, Some(LIMIT))?;
        read(&place("outputs.npz"), samples.len(), tensors.len(), inner_samples)
            .map_err(|error| Failure::from_error(Exit::ToolFailed, error))
    }
}

fn read(
    path: &Path,
    samples: usize,
    tensors: usize,
    inner_samples: usize,
) -> Result<Answers, DataError> {
    let mut archive = Npz::open(path)?;
    let all: Vec<usize> = (0..samples).collect();
    let outputs = archive.rows("y", &all)?;
    let first = &all[..samples.min(inner_samples)];
    let tensors = (0..tensors).map(|number| archive.rows(&format!("t{number}"), first));
    Ok(Answers { outputs, tensors: tensors.collect::<Result<_, _>>()? })
}
