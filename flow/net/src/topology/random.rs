//! Random weights for shapes that have none.

use pecan_ir::layer::{Conv, Layer, Network, Op, Requant, Shape, Tensor};
use rand::seq::index::sample;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{LayerShape, Topology, TopologyError};
use crate::quantize::multiplier_and_shift;

/// Smallest and largest width of a number in bits.
const BITS: std::ops::RangeInclusive<usize> = 2..=16;

/// Options of the weights of a [`Topology`]; equal options yield equal networks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomWeights {
    /// Part of the weights that are not zero, 0 to 1; if none, that of the layer ([`LayerShape::density`]), else 1.
    pub density: Option<f64>,
    /// Number of consecutive output channels with zeros in the same places; 1 for single weights.
    pub lanes: usize,
    /// Bits of an activation, 2 to 16.
    pub activation_bits: usize,
    /// Bits of a weight, 2 to 16.
    pub weight_bits: usize,
    /// Seed; each layer derives its own from this and its position.
    pub seed: u64,
}

impl Default for RandomWeights {
    fn default() -> Self {
        Self { density: None, lanes: 1, activation_bits: 8, weight_bits: 8, seed: 0 }
    }
}

impl RandomWeights {
    fn check(&self) -> Result<(), TopologyError> {
        let fail = |what, value, allowed| Err(TopologyError::Option { what, value, allowed });
        if let Some(density) = self.density.filter(|d| !(0.0..=1.0).contains(d)) {
            return fail("density", density.to_string(), "0 to 1");
        }
        if self.lanes == 0 {
            return fail("lanes", "0".into(), "1 or more");
        }
        for (what, bits) in
            [("activation bits", self.activation_bits), ("weight bits", self.weight_bits)]
        {
            if !BITS.contains(&bits) {
                return fail(what, bits.to_string(), "2 to 16");
            }
        }
        Ok(())
    }
}

impl RandomWeights {
    /// Part of the weights of a layer that are not zero.
    fn density(&self, shape: &LayerShape) -> f64 {
        self.density.or(shape.density()).unwrap_or(1.0)
    }
}

/// Largest magnitude of a signed symmetric integer of `bits` bits.
fn limit(bits: usize) -> i32 {
    (1 << (bits.clamp(*BITS.start(), *BITS.end()) - 1)) - 1
}

impl Topology {
    /// Every layer as a network of its own, named `file/layer`, with random weights; made on demand, so that one at a
    /// time takes memory.
    ///
    /// Weights are uniform without zero; `density` of the groups of lanes (rounded to whole groups)
    /// are kept. The rescaling brings the standard deviation of the sums to about a third of the
    /// activation range (with a spread over the channels), so that outputs neither vanish nor all
    /// saturate; the clamp is that of a ReLU.
    ///
    /// # Errors
    /// An option is out of range, or a layer contradicts itself.
    pub fn networks(
        &self,
        options: &RandomWeights,
    ) -> Result<impl ExactSizeIterator<Item = Network> + use<'_>, TopologyError> {
        options.check()?;
        let output = |layer: &LayerShape| {
            let fail = |problem| TopologyError::Shape { layer: layer.name.clone(), problem };
            layer.output().map_err(fail)
        };
        let outputs = self.layers.iter().map(output).collect::<Result<Vec<_>, _>>()?;
        let (file, options) = (&self.name, *options);
        let layers = self.layers.iter().zip(outputs).enumerate();
        Ok(layers
            .map(move |(at, (layer, output))| network(file, layer, output, &options, at as u64)))
    }
}

fn network(
    file: &str,
    shape: &LayerShape,
    output: Shape,
    options: &RandomWeights,
    at: u64,
) -> Network {
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    rng.set_stream(at);
    let weights = weights(shape, options, &mut rng);
    let requant = requant(shape, options, &mut rng);
    let high = limit(options.activation_bits);
    let conv = Conv { window: shape.window, groups: shape.groups, weights };
    let layer = Layer {
        name: shape.name.clone(),
        kind: "Conv".into(),
        op: Op::Conv(conv),
        input: 0,
        output: 1,
        requant,
        clamp: [0, high],
    };
    Network {
        name: format!("{file}/{}", shape.name),
        tensors: vec![shape.input, output],
        layers: vec![layer],
        activation_bits: options.activation_bits,
        weight_bits: options.weight_bits,
    }
}

fn weights(shape: &LayerShape, options: &RandomWeights, rng: &mut ChaCha8Rng) -> Vec<i32> {
    let outputs = shape.outputs;
    let per_output = shape.weights() / outputs;
    let blocks = outputs.div_ceil(options.lanes);
    let groups = blocks * per_output;
    let kept = (groups as f64 * options.density(shape)).round() as usize;
    let mut mask = vec![false; groups];
    sample(rng, groups, kept).into_iter().for_each(|group| mask[group] = true);
    let high = limit(options.weight_bits);
    let mut weights = Vec::with_capacity(outputs * per_output);
    for output in 0..outputs {
        let block = &mask[output / options.lanes * per_output..][..per_output];
        weights.extend(block.iter().map(|&keep| {
            let magnitude = rng.random_range(1..=high);
            let value = if rng.random_bool(0.5) { magnitude } else { -magnitude };
            if keep { value } else { 0 }
        }));
    }
    weights
}

fn requant(shape: &LayerShape, options: &RandomWeights, rng: &mut ChaCha8Rng) -> Vec<Requant> {
    let high = f64::from(limit(options.activation_bits));
    let products = (shape.weights() / shape.outputs) as f64 * options.density(shape).max(1e-9);
    // A uniform distribution has a standard deviation of its limit by the square root of 3.
    let deviation = (products.sqrt() * high * f64::from(limit(options.weight_bits)) / 3.0).max(1.0);
    let channel = |_| {
        let spread = rng.random_range(0.7..1.4);
        // The factor is at most 1.4 * high / 3, far inside the range of multiplier and shift.
        let (multiplier, shift) =
            multiplier_and_shift(spread * high / (3.0 * deviation)).unwrap_or((0, 47));
        let bias = (rng.random_range(-0.5..0.5) * deviation) as i64;
        Requant { bias, multiplier, shift }
    };
    (0..shape.outputs).map(channel).collect()
}

/// A random input of `shape` for activations of `bits` bits: as after a ReLU, each value is positive with
/// probability `density`, else 0.
///
/// # Errors
/// `density` is outside 0 to 1 or `bits` outside 2 to 16.
pub fn random_input(
    shape: Shape,
    density: f64,
    bits: usize,
    seed: u64,
) -> Result<Tensor, TopologyError> {
    let options =
        RandomWeights { density: Some(density), activation_bits: bits, ..Default::default() };
    options.check()?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let high = limit(bits);
    let value = |_| {
        let value = rng.random_range(1..=high);
        if rng.random_bool(density) { value } else { 0 }
    };
    Ok(Tensor { shape, data: (0..shape.len()).map(value).collect() })
}
