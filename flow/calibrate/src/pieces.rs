//! Samples of the layers of real networks.

use std::path::Path;

use pecan_config::Config;
use pecan_config::geometry::Geometry;
use pecan_ir::layer::{Network, Op, Tensor};
use pecan_ir::reference;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::CalibrateError;
use super::crop::{Cut, crop, prune};
use super::plan::{NetworkSource, Plan};
use super::stimulus::Piece;
use pecan_net::data::{Rows, Samples, Selection};
use pecan_net::graph::Graph;
use pecan_net::onnx::Model;
use pecan_net::quantize::{Options, calibrate, quantize};

/// Densities of the samples of a network, in turn.
const DENSITIES: [f64; 4] = [1.0, 0.5, 1.0, 0.3];

/// The samples of all networks of a plan for one configuration: 20 layers with real weights and activations, dense and
/// pruned, windows drawn from the plan's seed for them and the configuration's `number`.
///
/// # Errors
/// A file cannot be read, or a network does not quantize at the configuration's widths.
pub(super) fn pieces(
    plan: &Plan,
    folder: &Path,
    config: &Config,
    cycles: usize,
    number: u64,
) -> Result<Vec<Piece>, CalibrateError> {
    let mut rng = ChaCha8Rng::seed_from_u64(plan.windows ^ (number << 16));
    let geometry = Geometry::of(config);
    let mut pieces = Vec::new();
    for source in &plan.network {
        let (network, tensors) = run(source, folder, config)?;
        let convolutions: Vec<usize> = (0..network.layers.len())
            .filter(
                |i| matches!(&network.layers[*i].op, Op::Conv(c) if usable(&network, *i, c.groups)),
            )
            .collect();
        let wrong =
            |problem: String| CalibrateError::Pieces { model: source.model.clone(), problem };
        if convolutions.is_empty() {
            return Err(wrong("no convolution without groups or depthwise".into()));
        }
        for k in 0..source.layers {
            let index = convolutions[k * convolutions.len() / source.layers];
            let density = DENSITIES[(pieces.len() + number as usize) % DENSITIES.len()];
            let cut = cut(&network, index, &geometry, cycles, &mut rng);
            let input = &tensors[network.layers[index].input];
            let (mut piece, input) = crop(&network, index, input, &cut).ok_or_else(|| {
                wrong(format!("layer `{}` cannot be cut", network.layers[index].name))
            })?;
            prune(&mut piece.layers[0], geometry.lanes, density);
            let name = format!("{}@{density}", piece.name);
            pieces.push(Piece { name, network: piece, input });
        }
    }
    Ok(pieces)
}

/// Whether a layer can be cut: no groups, or depthwise.
fn usable(network: &Network, index: usize, groups: usize) -> bool {
    let layer = &network.layers[index];
    groups == 1
        || (groups == network.tensors[layer.input].channels
            && groups == network.tensors[layer.output].channels)
}

/// The quantized network and all its tensors for the source's sample.
fn run(
    source: &NetworkSource,
    folder: &Path,
    config: &Config,
) -> Result<(Network, Vec<Tensor>), CalibrateError> {
    let graph = Graph::import(&Model::read(&folder.join(&source.model))?)?;
    let load = |rows: &str| -> Result<Samples, CalibrateError> {
        let rows: Rows = rows.parse()?;
        let selection = Selection { rows, ..Selection::default() };
        let samples = Samples::load(&folder.join(&source.data), &selection)?;
        samples.expect_shape(graph.input_shape())?;
        Ok(samples)
    };
    let calibration = load(&source.calibrate)?;
    let options = Options {
        activation_bits: config.numerics.activation_bits,
        weight_bits: config.numerics.weight_bits,
    };
    let quantized = quantize(&graph, &calibrate(&graph, &calibration.as_slices())?, options)?;
    let sample = load(&source.sample)?;
    let Some(first) = sample.iter().next() else {
        let problem = format!("no sample in rows `{}`", source.sample);
        return Err(CalibrateError::Pieces { model: source.model.clone(), problem });
    };
    let input = quantized.quantize_input(first);
    let tensors = reference::run(&quantized.network, &input)?;
    Ok((quantized.network, tensors))
}

/// A window of the layer at a random place, of about `cycles` cycles of computation.
fn cut(network: &Network, index: usize, g: &Geometry, cycles: usize, rng: &mut ChaCha8Rng) -> Cut {
    let layer = &network.layers[index];
    let [input, output] = [layer.input, layer.output].map(|t| network.tensors[t]);
    let Op::Conv(conv) = &layer.op else {
        return Cut { at: [0, 0], size: [1, 1], channel: [0, 0], channels: [1, 1] };
    };
    let taps: usize = conv.window.kernel.iter().product();
    let outs = output.channels.min((2 * g.cols * g.lanes).clamp(8, 32));
    let single = output.height * output.width == 1;
    let ins = input.channels.min(if single { 64 } else { 16 });
    let per_pixel = outs * taps * if conv.groups > 1 { 1 } else { ins };
    let pixels = (cycles * g.rows * g.cols * g.lanes / per_pixel).clamp(4, 256);
    let side = ((pixels as f64).sqrt().round() as usize).max(2);
    let height = side.min(output.height);
    let width = (pixels / height).clamp(1, output.width);
    let mut below = |all: usize, taken: usize| rng.random_range(0..=all.saturating_sub(taken));
    Cut {
        at: [below(output.height, height), below(output.width, width)],
        size: [height, width],
        channel: [below(input.channels, ins), below(output.channels, outs)],
        channels: [ins, outs],
    }
}
