//! `pecan check --against onnxruntime`: the network as imported and as quantized, held against ONNX Runtime.

mod runtime;

use std::collections::HashMap;
use std::path::Path;

use clap::ValueEnum;
use pecan_config::Config;
use pecan_ir::reference;
use schemars::JsonSchema;
use serde::Serialize;

use self::runtime::{Answers, Runtime};
use crate::data::Inputs;
use crate::expected::{agreement, finished};
use crate::run::bits;
use crate::{Context, Failure};
use pecan_net::graph::{Graph, Node};
use pecan_net::onnx::{Model, NodeProto};
use pecan_net::quantize::{Quantized, calibrate_by, quantize};
use pecan_simulate::{Agreement, Distance};

/// Samples of which inner tensors are compared.
const INNER_SAMPLES: usize = 4;
/// Ratio of signal and noise in dB below which a tensor of the float network departs: far above the rounding of floats.
const FLOAT_DEPARTS: f64 = 60.0;
/// The same of integers, and of the float network of a file that quantizes: quantization alone stays above.
const INTEGERS_DEPART: f64 = 15.0;

/// What the network is held against.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Comparison")]
pub(super) struct AgainstArgs {
    /// Run the samples (--data, else random inputs) in another program too, and compare outputs and tensors
    ///
    /// ONNX Runtime is that of the Python that the variable PECAN_PYTHON names, else of `python3`. It runs with all
    /// graph optimizations off.
    #[arg(long, value_enum, value_name = "PROGRAM")]
    pub(super) against: Option<Program>,
}

/// Programs to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Program {
    /// ONNX Runtime
    Onnxruntime,
}

/// The network held against another program, on the same samples.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Against {
    /// The program and its version.
    program: String,
    /// Source of the samples, in words.
    inputs: String,
    /// Outputs of the float network, as imported.
    float: Agreement,
    /// Outputs of the integer network, as the hardware computes them.
    integers: Agreement,
    /// The first tensor of the float network that departs: an error of the import, or rounding that grows. In a file
    /// without quantizations it does so below 60 dB, else below 15 dB.
    float_departure: Option<Departure>,
    /// The first tensor of the integer network that departs: below 15 dB.
    integer_departure: Option<Departure>,
    /// Tensors in order of execution, over the first four samples; those that the import folded away are left out.
    tensors: Vec<ComparedTensor>,
}

/// A tensor that departs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Departure {
    /// Name of the tensor.
    tensor: String,
    /// Node that computes it.
    node: String,
    /// Signal to noise; null where the expected values are all 0, or a difference is not finite.
    sqnr_db: Option<f64>,
}

/// Distances of a tensor from the other program's.
#[derive(Debug, Serialize, JsonSchema)]
struct ComparedTensor {
    /// Name in the file.
    tensor: String,
    /// Node that computes it.
    node: String,
    /// In the float network.
    float: TensorDistance,
    /// In the integer network; null where it has no such tensor.
    integers: Option<TensorDistance>,
}

/// Distance of a tensor.
#[derive(Debug, Serialize, JsonSchema)]
struct TensorDistance {
    /// Signal to noise; null where all values are equal, all expected ones are 0, or a difference is not finite.
    sqnr_db: Option<f64>,
    /// Largest magnitude of a difference; null where one is not finite.
    #[schemars(extend("unit" = "unit of the tensor"))]
    largest_difference: Option<f64>,
    /// Whether the distance is more than rounding and quantization explain.
    departs: bool,
}

impl TensorDistance {
    fn of(distance: &Distance, limit: f64) -> Self {
        let sqnr_db = distance.sqnr_db();
        let largest_difference = distance.agreement(false).largest_difference;
        let departs = sqnr_db.map_or(!distance.is_zero(), |db| db < limit);
        Self { sqnr_db, largest_difference, departs }
    }
}

/// A tensor that a node of the graph computes.
struct Inner<'a> {
    /// Index in the graph.
    tensor: usize,
    /// Its name in the file.
    name: &'a str,
    /// Name of the tensor in the file that holds its real values: behind a quantization that of the dequantization.
    real: &'a str,
    node: &'a str,
}

/// The tensors that the nodes compute, in order of execution.
fn inner<'a>(model: &'a Model, graph: &'a Graph) -> Vec<Inner<'a>> {
    let nodes = model.proto.graph.iter().flat_map(|graph| &graph.node);
    let back = nodes.filter(|node| node.op_type.as_deref() == Some("DequantizeLinear"));
    let pair =
        |node: &'a NodeProto| Some((node.input.first()?.as_str(), node.output.first()?.as_str()));
    let back: HashMap<&str, &str> = back.filter_map(pair).collect();
    let of = |node: &'a Node| {
        let name = graph.tensors[node.output].name.as_str();
        let real = back.get(name).copied().unwrap_or(name);
        Inner { tensor: node.output, name, real, node: &node.name }
    };
    graph.iter().map(of).collect()
}

/// Runs the samples in the float network, in integers and in ONNX Runtime.
///
/// # Errors
/// [`Failure`] if there is no ONNX Runtime or it fails, or the network cannot be quantized.
pub(super) fn compare(
    context: &Context,
    path: &Path,
    model: &Model,
    graph: &Graph,
    inputs: &Inputs,
    config: &Config,
) -> Result<Against, Failure> {
    let runtime = Runtime::find()?;
    let inner = inner(model, graph);
    let names: Vec<&str> = inner.iter().map(|inner| inner.real).collect();
    let spinner = context.spinner(format!("{} samples in {runtime}", inputs.samples.len()));
    let answers = runtime.run(path, graph, &inputs.samples, &names, INNER_SAMPLES)?;
    spinner.finish_and_clear();
    let samples: Vec<&[f32]> = inputs.samples.iter().map(Vec::as_slice).collect();
    let calibration: Vec<&[f32]> = inputs.calibration.iter().map(Vec::as_slice).collect();
    let ranges = calibrate_by(graph, &calibration, inputs.method)?;
    // With all channels, so that tensors are those of the file; the values are the same without unused ones.
    let quantized = quantize(graph, &ranges, bits(config))?;
    let float = graph.outputs(&samples)?;
    let integers = finished(&quantized, &quantized.reference_outputs(&samples)?);
    let tensors = tensors(graph, &quantized, &samples, &inner, &answers)?;
    Ok(Against {
        program: runtime.to_string(),
        inputs: inputs.origin.clone(),
        float: agreement(&answers.outputs, &float, &quantized.host_ops),
        integers: agreement(&answers.outputs, &integers, &quantized.host_ops),
        float_departure: first(&tensors, |tensor| Some(&tensor.float)),
        integer_departure: first(&tensors, |tensor| tensor.integers.as_ref()),
        tensors,
    })
}

/// The first tensor that departs.
fn first(
    tensors: &[ComparedTensor],
    of: impl Fn(&ComparedTensor) -> Option<&TensorDistance>,
) -> Option<Departure> {
    let departs = |tensor: &&ComparedTensor| of(tensor).is_some_and(|distance| distance.departs);
    tensors.iter().find(departs).map(|tensor| Departure {
        tensor: tensor.tensor.clone(),
        node: tensor.node.clone(),
        sqnr_db: of(tensor).and_then(|distance| distance.sqnr_db),
    })
}

/// Compares every inner tensor over the first samples. Tensors that are integers in the file have no real values there, and
/// are left out.
fn tensors(
    graph: &Graph,
    quantized: &Quantized,
    samples: &[&[f32]],
    inner: &[Inner<'_>],
    answers: &Answers,
) -> Result<Vec<ComparedTensor>, Failure> {
    let mut float = vec![None; inner.len()];
    let mut integers = vec![None; inner.len()];
    for (number, sample) in samples.iter().take(INNER_SAMPLES).enumerate() {
        let values = graph.forward(sample)?;
        let units = reference::run(&quantized.network, &quantized.quantize_input(sample))?;
        for (at, inner) in inner.iter().enumerate() {
            let expected = &answers.tensors[at][number];
            add(&mut float[at], expected, &values[inner.tensor]);
            let place = quantized.tensor_names.iter().position(|name| name == inner.name);
            let Some(place) = place else { continue };
            let scale = quantized.scales[place];
            let real = units[place].data.iter().map(|v| (f64::from(*v) * scale) as f32);
            add(&mut integers[at], expected, &real.collect::<Vec<f32>>());
        }
    }
    let quantizes = graph.tensors.iter().any(|tensor| tensor.given.is_some());
    let limit = if quantizes { INTEGERS_DEPART } else { FLOAT_DEPARTS };
    let compared =
        inner.iter().zip(float).zip(integers).filter_map(|((inner, float), integers)| {
            Some(ComparedTensor {
                tensor: inner.name.to_owned(),
                node: inner.node.to_owned(),
                float: TensorDistance::of(&float?, limit),
                integers: integers.map(|distance| TensorDistance::of(&distance, INTEGERS_DEPART)),
            })
        });
    Ok(compared.collect())
}

/// Adds values of a sample, if there are as many as expected.
fn add(distance: &mut Option<Distance>, expected: &[f32], got: &[f32]) {
    if expected.len() == got.len() {
        distance.get_or_insert_default().add(expected, got, |_| 0);
    }
}

impl Against {
    /// The result in words.
    pub(super) fn describe(&self) -> String {
        let mut text = format!(
            "\nAgainst {} on {}:\nfloat network: {}\nintegers: {}\n",
            self.program,
            self.inputs,
            self.float.describe(),
            self.integers.describe()
        );
        let both = [("float", &self.float_departure), ("integer", &self.integer_departure)];
        for (network, departure) in both {
            text += &match departure {
                None => format!("No tensor of the {network} network departs.\n"),
                Some(Departure { tensor, node, sqnr_db }) => {
                    let distance = sqnr_db.map_or("no ratio".into(), |db| format!("{db:.1} dB"));
                    format!(
                        "The first tensor of the {network} network that departs is `{tensor}` of node `{node}`: {distance}.\n"
                    )
                }
            };
        }
        text
    }
}
