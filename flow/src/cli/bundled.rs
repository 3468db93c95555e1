//! The bundled network and its data: inside the program, so that an installed one has them too.

use pecan_sim::child::Scratch;
use pecan_sim::layer::Tensor;
use pecan_sim::memory::MemoryModel;

use super::data::DataArgs;
use super::run::{import, quantize_for};
use super::{Exit, Failure, write_atomic};
use crate::energy::{Events, MeasureError, Rates, Target, measure};
use crate::map::Options;
use crate::net::onnx::Model;

/// A small convolutional network that reads handwritten digits (ONNX).
pub(super) const MODEL: &[u8] = include_bytes!("../../../tests/data/lenet_digits.onnx");
/// Its images and labels (numpy archive).
pub(super) const DATA: &[u8] = include_bytes!("../../../tests/data/digits.npz");
/// Name of [`MODEL`].
const NAME: &str = "lenet_digits.onnx";
/// Test images that averages are taken over.
const IMAGES: u64 = 8;

/// Activity cannot be averaged.
#[derive(Debug, thiserror::Error)]
#[error(
    "the bundled network `{NAME}`, whose activity stands for that of layers without data, does not run on this configuration"
)]
struct NoRates(#[source] MeasureError);

/// The activity of the bundled network on a target, averaged over its layers and some test images.
///
/// # Errors
/// [`Failure`] if the network does not map.
pub(super) fn rates(target: &Target) -> Result<Rates, Failure> {
    let folder = Scratch::new()?;
    let path = folder.path().join("digits.npz");
    write_atomic(&path, DATA)?;
    let graph = import(&Model::decode(MODEL, NAME)?, false)?;
    let data = DataArgs {
        data: Some(path),
        rows: Some("test_idx".into()),
        limit: Some(IMAGES),
        ..DataArgs::default()
    };
    let inputs = data.load(&graph, 0)?;
    let quantized = quantize_for(&graph, &inputs, &target.config)?;
    let tensors: Vec<Tensor> =
        inputs.samples.iter().map(|sample| quantized.quantize_input(sample)).collect();
    let (options, memory) = (Options::default(), MemoryModel::Ideal);
    let estimate = measure(target, &quantized.network, &tensors, &options, &memory);
    let estimate = estimate.map_err(|e| Failure::from_error(Exit::BadInput, NoRates(e)))?;
    let mut events = Events::default();
    estimate.layers.iter().for_each(|layer| events.add(&layer.events));
    Ok(Rates::of(&events))
}
