//! Several networks in one report: single layers of networks with nodes that the hardware cannot execute, and layers of
//! which only the shapes are known.

use std::borrow::Borrow;

use pecan_ir::layer::{Network, Tensor};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Report, SimulateError, Task, run};
use pecan_net::graph::{ForwardError, Graph};
use pecan_net::quantize::ExtractedLayer;

/// A layer that was left out.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Skipped {
    /// Its name.
    pub name: String,
    /// Reason why it does not map.
    pub reason: String,
}

/// Simulates each layer as a network of its own, on its inputs in the float network for `samples`. Layers that do not
/// map are left out and listed with the reason. `finished` is called for every image of every layer.
///
/// # Errors
/// A sample does not fit the network, or as [`run()`].
pub fn run_layers(
    task: &Task<'_>,
    graph: &Graph,
    layers: &[ExtractedLayer],
    samples: &[&[f32]],
    finished: &(dyn Fn() + Sync),
) -> Result<(Report, Vec<Skipped>), LayersError> {
    let tensors =
        samples.iter().map(|sample| graph.forward(sample)).collect::<Result<Vec<_>, _>>()?;
    let networks = layers.iter().map(|layer| {
        let inputs: Vec<_> = tensors
            .iter()
            .map(|tensors| layer.quantized.quantize_input(&tensors[layer.input]))
            .collect();
        (&layer.quantized.network, inputs)
    });
    Ok(run_networks(task, networks, finished)?)
}

/// Simulates networks one after the other, each on its own inputs, into one report. Networks that do not map
/// are left out and listed with the reason.
///
/// # Errors
/// As [`run()`].
pub fn run_networks<N: Borrow<Network>>(
    task: &Task<'_>,
    networks: impl IntoIterator<Item = (N, Vec<Tensor>)>,
    finished: &(dyn Fn() + Sync),
) -> Result<(Report, Vec<Skipped>), SimulateError> {
    let (mut sum, mut skipped) = (Report::default(), Vec::new());
    for (network, inputs) in networks {
        let network = network.borrow();
        match run(task, network, &inputs, finished) {
            Ok((report, _)) => sum.append(report),
            Err(SimulateError::Map(error)) => {
                let (name, reason) = (network.name.clone(), error.to_string());
                skipped.push(Skipped { name, reason });
            }
            Err(error) => return Err(error),
        }
    }
    Ok((sum, skipped))
}

/// Layers could not be simulated.
#[derive(Debug, thiserror::Error)]
pub enum LayersError {
    /// The float network could not be run.
    #[error(transparent)]
    Forward(#[from] ForwardError),
    /// The simulation failed.
    #[error(transparent)]
    Simulate(#[from] SimulateError),
}
