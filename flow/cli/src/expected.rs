//! Outputs of a network in floats: written to a file, and compared with those of another program.

use std::path::{Path, PathBuf};

use pecan_ir::layer::Tensor;
use schemars::JsonSchema;
use serde::Serialize;

use super::data::Inputs;
use super::{Exit, Failure, write_atomic};
use pecan_net::data::{DataError, NewArray, Npz, Values, write_npz};
use pecan_net::graph::Graph;
use pecan_net::op::{HostOp, argmax};
use pecan_net::quantize::Quantized;
use pecan_simulate::{Agreement, Distance};

/// Where outputs go and what they should be.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Outputs")]
pub(super) struct OutputArgs {
    /// Write the outputs of the RTL in floats, behind the host's operations: array `y`, one row per sample, with `rows`
    /// (their rows in the data) and, where there are labels, `labels`
    #[arg(long, value_name = "FILE.npz")]
    pub(super) outputs: Option<PathBuf>,
    /// Compare with the outputs of another program: one row per row of the data, or one per sample that is run
    #[arg(long, value_name = "FILE.npz")]
    pub(super) expected: Option<PathBuf>,
    /// Array with the expected outputs
    #[arg(long, value_name = "NAME", default_value = "y", requires = "expected")]
    expected_key: String,
}

/// Outputs compared with expected ones.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Deviation {
    /// File of the expected outputs.
    file: String,
    /// Array in the file.
    key: String,
    /// The float network, as imported, against them.
    float: Agreement,
    /// The RTL against them.
    rtl: Agreement,
}

impl Deviation {
    /// The result in words.
    pub(super) fn describe(&self) -> String {
        let (file, key) = (&self.file, &self.key);
        format!(
            "Against `{key}` of {file}: RTL {}; float network {}.\n",
            self.rtl.describe(),
            self.float.describe()
        )
    }
}

/// Expected outputs, one for each sample that is run.
#[derive(Debug)]
pub(super) struct Expected {
    file: String,
    key: String,
    values: Vec<Vec<f32>>,
}

impl OutputArgs {
    /// The flags that are given.
    pub(super) fn given(&self) -> [(bool, &'static str); 2] {
        [(self.outputs.is_some(), "--outputs"), (self.expected.is_some(), "--expected")]
    }

    /// Reads the expected outputs, before anything is run.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be read, or its array does not fit the samples or the network's output.
    pub(super) fn load(&self, graph: &Graph, inputs: &Inputs) -> Result<Option<Expected>, Failure> {
        let Some(path) = &self.expected else { return Ok(None) };
        let key = self.expected_key.clone();
        let fail = |problem: String| {
            Failure::from(DataError::Array { path: path.clone(), key: key.clone(), problem })
        };
        let mut npz = Npz::open(path)?;
        let shape = npz.shape(&key)?;
        let output = graph.output_shape();
        let size: usize = output.iter().product();
        let (rows, found) = match shape.split_first() {
            Some((rows, rest)) => (*rows, rest.iter().product::<usize>()),
            None => return Err(fail("a single number; expected one row per sample".into())),
        };
        if found != size {
            let problem =
                format!("shape {shape:?}; the network's output is {output:?}, {size} values");
            return Err(fail(problem));
        }
        let count = inputs.samples.len();
        let wanted: Vec<usize> = match rows {
            _ if rows == inputs.total => inputs.rows.clone(),
            _ if rows == count => (0..count).collect(),
            _ => {
                return Err(fail(format!(
                    "{rows} rows; expected one for each of the {} rows of the data, or for each of the {count} samples \
                     that are run",
                    inputs.total
                )));
            }
        };
        let values = npz.rows(&key, &wanted)?;
        Ok(Some(Expected { file: path.display().to_string(), key, values }))
    }

    /// Writes the outputs, if they are wanted: all of the file or nothing.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be written.
    pub(super) fn write(
        &self,
        shape: &[usize],
        inputs: &Inputs,
        outputs: &[Vec<f32>],
    ) -> Result<(), Failure> {
        let Some(path) = &self.outputs else { return Ok(()) };
        write_outputs(path, shape, inputs, outputs)?;
        tracing::info!("wrote {}", path.display());
        Ok(())
    }
}

fn write_outputs(
    path: &Path,
    shape: &[usize],
    inputs: &Inputs,
    outputs: &[Vec<f32>],
) -> Result<(), Failure> {
    let extents: Vec<usize> = std::iter::once(outputs.len()).chain(shape.iter().copied()).collect();
    let values: Vec<f32> = outputs.iter().flatten().copied().collect();
    let count = [outputs.len()];
    let integers = |list: &[usize]| list.iter().map(|v| *v as i64).collect::<Vec<i64>>();
    let rows = integers(&inputs.rows);
    let labels = inputs.labels.as_deref().map(integers);
    let mut arrays = vec![
        NewArray { name: "y", shape: &extents, values: Values::Floats(&values) },
        NewArray { name: "rows", shape: &count, values: Values::Integers(&rows) },
    ];
    if let Some(labels) = &labels {
        arrays.push(NewArray { name: "labels", shape: &count, values: Values::Integers(labels) });
    }
    let bytes = write_npz(arrays).map_err(|error| Failure::from_error(Exit::ToolFailed, error))?;
    Ok(write_atomic(path, bytes)?)
}

/// Real values of the outputs, behind the host's operations.
pub(super) fn finished(quantized: &Quantized, outputs: &[Tensor]) -> Vec<Vec<f32>> {
    outputs.iter().map(|output| quantized.finish(output)).collect()
}

/// Distance of outputs from expected ones.
pub(super) fn agreement(
    expected: &[Vec<f32>],
    outputs: &[Vec<f32>],
    host_ops: &[HostOp],
) -> Agreement {
    let chosen = host_ops.last() == Some(&HostOp::ArgMax);
    let label = |values: &[f32]| match values {
        [label] => *label as usize,
        values => argmax(values),
    };
    let mut distance = Distance::default();
    expected.iter().zip(outputs).for_each(|(expected, got)| distance.add(expected, got, label));
    distance.agreement(chosen || expected.iter().any(|values| values.len() > 1))
}

impl Expected {
    /// Compares the float network and the RTL's outputs.
    ///
    /// # Errors
    /// [`Failure`] if the float network cannot be run.
    pub(super) fn compare(
        &self,
        graph: &Graph,
        quantized: &Quantized,
        inputs: &Inputs,
        outputs: &[Vec<f32>],
    ) -> Result<Deviation, Failure> {
        let samples: Vec<&[f32]> = inputs.samples.iter().map(Vec::as_slice).collect();
        let float = graph.outputs(&samples)?;
        Ok(Deviation {
            file: self.file.clone(),
            key: self.key.clone(),
            float: agreement(&self.values, &float, &quantized.host_ops),
            rtl: agreement(&self.values, outputs, &quantized.host_ops),
        })
    }
}
