//! Steps common to commands that execute networks: from files to integers, and from errors to exit codes.

use pecan_config::Config;
use pecan_host::error::HostError;
use pecan_ir::error::SimError;
use pecan_ir::layer::Tensor;
use pecan_ir::reference::NetworkError;
use pecan_rtl::emit::EmitError;

use super::data::Inputs;
use super::{Exit, Failure};
use pecan_map::MapError;
use pecan_net::graph::{ForwardError, Graph, GraphError};
use pecan_net::onnx::{Model, OnnxError};
use pecan_net::op::argmax;
use pecan_net::quantize::{Options, QuantizeError, Quantized, calibrate_by, compact, quantize};
use pecan_simulate::{Accuracy, LayersError, SimulateError};

/// Errors caused by bad input.
macro_rules! bad_input {
    ($($error:ty),+) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::from_error(Exit::BadInput, error)
            }
        })+
    };
}

bad_input!(OnnxError, GraphError, QuantizeError, ForwardError, NetworkError, MapError);

impl From<EmitError> for Failure {
    fn from(error: EmitError) -> Self {
        Self::from_error(Exit::ToolFailed, error)
    }
}

impl From<SimError> for Failure {
    fn from(error: SimError) -> Self {
        let exit = Exit::from_code(error.exit_code()).unwrap_or(Exit::ToolFailed);
        Self::from_error(exit, error)
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        let exit = Exit::from_code(error.exit_code()).unwrap_or(Exit::ToolFailed);
        Self::from_error(exit, error)
    }
}

impl From<SimulateError> for Failure {
    fn from(error: SimulateError) -> Self {
        let exit = Exit::from_code(error.exit_code()).unwrap_or(Exit::ToolFailed);
        Self::from_error(exit, error)
    }
}

impl From<LayersError> for Failure {
    fn from(error: LayersError) -> Self {
        match error {
            LayersError::Forward(error) => error.into(),
            LayersError::Simulate(error) => error.into(),
        }
    }
}

/// The graph of a model; `partial` keeps unsupported nodes as such instead of refusing them.
///
/// # Errors
/// [`Failure`] naming every unsupported node, or the problem of the graph.
pub(super) fn import(model: &Model, partial: bool) -> Result<Graph, Failure> {
    let graph = Graph::import_partial(model)?;
    let findings: Vec<_> = graph.check().into_iter().filter(|f| !f.supported).collect();
    if findings.is_empty() || partial {
        return Ok(graph);
    }
    Err(GraphError::Unsupported { origin: graph.origin.clone(), findings }.into())
}

/// The widths of a configuration.
pub(super) fn bits(config: &Config) -> Options {
    Options {
        activation_bits: config.numerics.activation_bits,
        weight_bits: config.numerics.weight_bits,
    }
}

/// Quantizes for the widths of a configuration, without unused channels.
pub(super) fn quantize_for(
    graph: &Graph,
    inputs: &Inputs,
    config: &Config,
) -> Result<Quantized, Failure> {
    let samples: Vec<&[f32]> = inputs.calibration.iter().map(Vec::as_slice).collect();
    let ranges = calibrate_by(graph, &samples, inputs.method)?;
    Ok(compact(&quantize(graph, &ranges, bits(config))?))
}

/// Shares of right labels of the float network, the integer reference and the RTL's `outputs`.
pub(super) fn accuracy(
    graph: &Graph,
    quantized: &Quantized,
    inputs: &Inputs,
    labels: &[usize],
    outputs: &[Tensor],
) -> Result<Accuracy, Failure> {
    let samples: Vec<&[f32]> = inputs.samples.iter().map(Vec::as_slice).collect();
    let share = |guesses: Vec<usize>| {
        let right = guesses.iter().zip(labels).filter(|(guess, label)| guess == label).count();
        right as f64 / labels.len().max(1) as f64
    };
    let integers =
        |tensors: &[Tensor]| share(tensors.iter().map(|t| argmax(&quantized.finish(t))).collect());
    let float = graph.outputs(&samples)?;
    Ok(Accuracy {
        samples: labels.len(),
        float: share(float.iter().map(|values| argmax(values)).collect()),
        reference: integers(&quantized.reference_outputs(&samples)?),
        rtl: integers(outputs),
    })
}
