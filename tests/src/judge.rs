//! ONNX Runtime as the oracle, installed once into an environment of its own in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result, ensure};
use pecan_host::tools::Finder;
use pecan_net::data::Samples;

const PACKAGES: [&str; 2] = ["onnxruntime==1.30.0", "numpy==2.4.6"];

/// Only one thread installs at a time. Two processes that install at once do the work twice, and the last one to finish
/// wins.
static INSTALLING: Mutex<()> = Mutex::new(());

/// Python with ONNX Runtime.
fn python() -> Result<PathBuf> {
    let _guard = INSTALLING.lock();
    let cache = Finder::from_environment()?.cache.join("judges");
    let home = cache.join(PACKAGES.join("-").replace("==", "-"));
    let python = home.join("bin/python3");
    let complete = home.join("complete");
    if !complete.exists() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--only-binary", ":all:"]).args(PACKAGES);
        run(&mut pip)?;
        fs::write(complete, "")?;
    }
    Ok(python)
}

/// Executes a command to its end; returns its output.
///
/// # Errors
/// It cannot be started, or fails: with its error output.
pub fn run(command: &mut Command) -> Result<String> {
    let out = command.output().with_context(|| format!("{command:?}"))?;
    let errors = String::from_utf8_lossy(&out.stderr);
    ensure!(out.status.success(), "{command:?}: {errors}");
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// A file beside the tests, such as a script.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// Outputs of ONNX Runtime for the network in the file, sample by sample.
///
/// # Errors
/// ONNX Runtime cannot be installed, or refuses the network.
pub fn judge(network: &Path, samples: &Samples) -> Result<Vec<Vec<f32>>> {
    outputs(network, samples, None)
}

/// As [`judge`], node by node as in the file, without optimizations.
///
/// # Errors
/// As for [`judge`].
pub fn judge_plainly(network: &Path, samples: &Samples) -> Result<Vec<Vec<f32>>> {
    outputs(network, samples, Some("plain"))
}

fn outputs(network: &Path, samples: &Samples, mode: Option<&str>) -> Result<Vec<Vec<f32>>> {
    let folder = tempfile::tempdir()?;
    let (inputs, outputs) = (folder.path().join("inputs"), folder.path().join("outputs"));
    let bytes: Vec<u8> = samples.iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
    fs::write(&inputs, bytes)?;
    let mut command = Command::new(python()?);
    command.arg(script("judge.py")).arg(network).arg(&inputs).arg(&outputs);
    run(command.arg(samples.len().to_string()).args(mode))?;
    let bytes = fs::read(outputs)?;
    let (values, rest) = bytes.as_chunks::<4>();
    ensure!(rest.is_empty() && !values.is_empty(), "{} bytes of outputs", bytes.len());
    let values: Vec<f32> = values.iter().map(|b| f32::from_le_bytes(*b)).collect();
    Ok(values.chunks(values.len() / samples.len()).map(<[f32]>::to_vec).collect())
}

/// The largest difference of two sets of outputs, relative to the largest value of the first where that is
/// above 1.
///
/// # Panics
/// The sets have different numbers of outputs.
pub fn largest_difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    assert_eq!(a.len(), b.len());
    let scale = a.iter().flatten().fold(1.0f32, |m, v| m.max(v.abs()));
    let pairs = a.iter().flatten().zip(b.iter().flatten());
    pairs.map(|(x, y)| (x - y).abs() / scale).fold(0.0, f32::max)
}
