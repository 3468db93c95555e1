//! The activity of the bundled network, for layers without data.

use pecan_config::Config;
use pecan_host::child::Scratch;
use pecan_ir::layer::Tensor;
use pecan_ir::memory::MemoryModel;

use crate::bundled::{DATA, MODEL, NAME};
use crate::data::DataArgs;
use crate::run::{import, quantize_for};
use crate::{Exit, Failure, write_atomic};
use pecan_energy::{Events, MeasureError, Rates, Target, measure};
use pecan_map::Options;
use pecan_net::onnx::Model;

/// Test images that averages are taken over.
const IMAGES: u64 = 8;

/// The widest accumulators that a configuration can have.
const WIDEST: usize = 48;

/// Errors of averaging the activity.
#[derive(Debug, thiserror::Error)]
#[error(
    "the bundled network `{NAME}`, whose activity stands for that of layers without data, does not run on this configuration, \
     nor on one like it with wider sums and larger buffers"
)]
struct NoRates(#[source] MeasureError);

/// The activity of the bundled network on a target, averaged over its layers and some test images. If it does not map
/// to this configuration, the text is a clause that names the one it was measured on; else it is empty.
///
/// Rates are per action ([`Rates`]), so those of the same array with other buffers are valid as well.
///
/// # Errors
/// [`Failure`] if the network maps to neither.
pub(crate) fn rates(target: &Target) -> Result<(Rates, String), Failure> {
    let first = match measured(target)? {
        Ok(rates) => return Ok((rates, String::new())),
        Err(error) => error,
    };
    let config = roomy(&target.config);
    let other = Target::new(&config, &target.technology)?;
    match measured(&other)? {
        Ok(rates) => {
            let name = config.name();
            let what = format!(
                "; activity per action of the bundled network on {name}, as it does not run on this configuration"
            );
            Ok((rates, what))
        }
        Err(_) => Err(Failure::from_error(Exit::BadInput, NoRates(first))),
    }
}

/// The same array with the widest sums, and with buffers at least as large as usual.
fn roomy(config: &Config) -> Config {
    let mut roomy = config.clone();
    roomy.numerics.accumulator_bits = WIDEST;
    let (own, usual) = (&mut roomy.buffers, &Config::default().buffers);
    own.global_kib = own.global_kib.max(usual.global_kib);
    own.weight_entries = own.weight_entries.max(usual.weight_entries);
    roomy
}

/// The activity on exactly this target, or the reason why the network does not run on it.
fn measured(target: &Target) -> Result<Result<Rates, MeasureError>, Failure> {
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
    Ok(estimate.map(|estimate| {
        let mut events = Events::default();
        estimate.layers.iter().for_each(|layer| events.add(&layer.events));
        Rates::of(&events)
    }))
}
