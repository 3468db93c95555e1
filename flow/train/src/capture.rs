//! Statistics of each layer that pruning needs: the second moments of its inputs, and the sensitivity of the loss to
//! its outputs.

use std::collections::BTreeMap;
use std::ops::Range;

use rand::seq::index;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::arrange::sum;
use super::batch::assemble;
use super::error::TrainError;
use super::layer::Layer;
use super::loss::{Targets, log_softmax, loss, sample};
use super::network::{Hooks, Network};
use super::sensitivity::squared_gradients;
use super::settings::{check_count, check_inputs, check_labels};
use super::statistics::{LayerStatistics, Sums};
use super::tensor::{Tensor, trace};
use pecan_net::graph::Graph;

/// Samples of one pass.
const BATCH: usize = 64;

/// Samples to measure on, and quantities to measure.
#[derive(Clone, Copy, Debug)]
pub struct Capture<'a> {
    /// Samples in channel, row, column order.
    pub inputs: &'a [&'a [f32]],
    /// Labels for [`LayerStatistics::sensitivity`]. Without them, labels are drawn from the network's own
    /// outputs.
    pub labels: Option<&'a [usize]>,
    /// Network with the same layers, whose outputs [`LayerStatistics::cross`] relates to.
    pub teacher: Option<&'a Graph>,
    /// Whether to measure the sensitivity, which needs gradients.
    pub sensitivity: bool,
    /// Largest number of output positions per layer, chosen evenly over the samples and at random within.
    pub columns: usize,
    /// Seed of the choice, and of the labels that are drawn.
    pub seed: u64,
}

/// Measures every layer with weights of `graph`, by node name.
///
/// # Errors
/// No sample, one of the wrong size, labels that do not fit, a teacher with other layers, or a node that is
/// not supported.
pub fn captures(
    graph: &Graph,
    capture: &Capture<'_>,
) -> Result<BTreeMap<String, LayerStatistics>, TrainError> {
    let network = Network::new(graph)?;
    check_inputs(&network, capture.inputs)?;
    if let Some(labels) = capture.labels {
        check_labels(&network, capture.inputs.len(), labels)?;
    }
    let teacher = match capture.teacher {
        Some(graph) => Some(teacher_of(&network, graph)?),
        None => None,
    };
    let mut pass = Pass {
        network: &network,
        chosen: Vec::new(),
        outputs: Vec::new(),
        sums: network.layers.iter().map(|l| Sums::new(l, capture.teacher.is_some())).collect(),
        input: None,
        probes: capture.sensitivity.then(Vec::new),
    };
    let mut rng = ChaCha8Rng::seed_from_u64(capture.seed);
    for start in (0..capture.inputs.len()).step_by(BATCH) {
        let range = start..(start + BATCH).min(capture.inputs.len());
        pass.chosen = choose(&network, capture, range.clone(), &mut rng);
        let batch = assemble(network.input_shape, &capture.inputs[range.clone()]);
        if let Some(teacher) = &teacher {
            let outputs = vec![Vec::new(); network.layers.len()];
            let mut hooks = Outputs { chosen: &pass.chosen, outputs };
            teacher.forward(batch.clone(), &mut hooks)?;
            pass.outputs = hooks.outputs;
        }
        let logits = network.forward(batch, &mut pass)?;
        if capture.sensitivity {
            let labels = capture.labels.map(|labels| &labels[range.clone()]);
            pass.differentiate(&logits, range.len(), labels, &mut rng)?;
        }
    }
    let samples = capture.inputs.len();
    let layers = network.layers.iter().zip(pass.sums);
    Ok(layers.map(|(l, sums)| (l.name.clone(), sums.finish(l, capture, samples))).collect())
}

fn teacher_of(network: &Network, graph: &Graph) -> Result<Network, TrainError> {
    let teacher = Network::new(graph)?;
    check_count("layers of the teacher", network.layers.len(), teacher.layers.len())?;
    for (own, other) in network.layers.iter().zip(&teacher.layers) {
        let key = |l: &Layer| (l.name.clone(), l.input, l.output, l.window, l.groups);
        if key(own) != key(other) {
            return Err(TrainError::Mismatch {
                origin: network.origin.clone(),
                layer: own.name.clone(),
                other: teacher.origin.clone(),
            });
        }
    }
    Ok(teacher)
}

/// For every layer, positions in the batch of the samples `range`, in rising order.
fn choose(
    network: &Network,
    capture: &Capture<'_>,
    range: Range<usize>,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<usize>> {
    let samples = capture.inputs.len();
    let of_layer = |layer: &Layer| {
        let positions = layer.output.height * layer.output.width;
        let wanted = capture.columns.min(samples * positions);
        // Whole numbers that add up to the wanted count.
        let share = |sample: usize| (wanted as u128 * sample as u128 / samples as u128) as usize;
        let all = range.len() * positions;
        let count = (share(range.end) - share(range.start)).min(all);
        let mut chosen = index::sample(rng, all, count).into_vec();
        chosen.sort_unstable();
        chosen
    };
    network.layers.iter().map(of_layer).collect()
}

/// Outputs of the teacher's layers at the chosen positions, `[outputs][positions]`.
struct Outputs<'a> {
    chosen: &'a [Vec<usize>],
    outputs: Vec<Vec<f32>>,
}

impl Hooks for Outputs<'_> {
    fn output(&mut self, layer: usize, values: Tensor) -> Tensor {
        let (all, [channels, ..]) = (&values.values, values.dims);
        let rows = all.chunks((all.len() / channels.max(1)).max(1));
        let chosen = &self.chosen[layer];
        self.outputs[layer] = rows.flat_map(|row| chosen.iter().map(|&at| row[at])).collect();
        values
    }
}

/// The network's own pass.
struct Pass<'a> {
    network: &'a Network,
    /// Positions of this batch, by layer.
    chosen: Vec<Vec<usize>>,
    /// The teacher's outputs there, by layer.
    outputs: Vec<Vec<f32>>,
    sums: Vec<Sums>,
    /// Input of the present layer.
    input: Option<Tensor>,
    /// Zeros that are added to every layer's output, to get the gradient there: layer, its input, and variable.
    probes: Option<Vec<(usize, Tensor, Tensor)>>,
}

impl Hooks for Pass<'_> {
    fn input(&mut self, layer: usize, values: &Tensor) -> Result<(), TrainError> {
        self.input = self.probes.is_some().then(|| values.clone());
        let outputs = self.outputs.get(layer).map_or(&[][..], Vec::as_slice);
        self.sums[layer].add(&self.network.layers[layer], values, &self.chosen[layer], outputs)
    }

    fn output(&mut self, layer: usize, values: Tensor) -> Tensor {
        let (Some(probes), Some(input)) = (&mut self.probes, self.input.take()) else {
            return values;
        };
        let probe = Tensor::variable(vec![0.0; values.values.len()], values.dims);
        let values = sum(&values, &probe);
        probes.push((layer, input, probe));
        values
    }
}

impl Pass<'_> {
    /// Adds the squared gradients of a batch.
    fn differentiate(
        &mut self,
        logits: &Tensor,
        batch: usize,
        labels: Option<&[usize]>,
        rng: &mut ChaCha8Rng,
    ) -> Result<(), TrainError> {
        let labels = match labels {
            Some(labels) => labels.to_vec(),
            None => draw(&logits.values, batch, rng),
        };
        let targets = Targets { labels: Some((1.0, labels)), teacher: None };
        let slope = loss(&logits.values, batch, &targets).gradient;
        let gradients = trace(vec![(logits, slope)]);
        for (layer, input, probe) in self.probes.iter_mut().flat_map(|probes| probes.drain(..)) {
            let Some(gradient) = gradients.get(&probe.key()) else { continue };
            let sums = &mut self.sums[layer];
            let layer = &self.network.layers[layer];
            let squares = squared_gradients(layer, &input, gradient, &sums.mean())?;
            for (sum, square) in sums.squares.iter_mut().zip(squares) {
                // The loss is a mean over the batch; the gradient of each sample is needed.
                *sum += (batch * batch) as f64 * square;
            }
        }
        Ok(())
    }
}

/// A label drawn for each sample from the probabilities of its outputs.
fn draw(logits: &[f32], batch: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let one = |at: usize| {
        let shares: Vec<f64> =
            log_softmax(&sample(logits, at, batch), 1.0).into_iter().map(f64::exp).collect();
        let mut left = rng.random::<f64>() * shares.iter().sum::<f64>();
        let found = shares.iter().position(|share| {
            left -= share;
            left < 0.0
        });
        found.unwrap_or(shares.len().saturating_sub(1))
    };
    (0..batch).map(one).collect()
}
