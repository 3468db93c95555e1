//! The dense network, the reference for pruned ones.

use pecan_energy::Estimate;
use pecan_net::graph::Graph;
use pecan_net::quantize::Options;
use pecan_train as train;
use pecan_train::Augmentation;

use super::score::{Answers, Integers, answers, cost, integers};
use super::{PruneError, Setting};

/// The dense network, the reference for all comparisons.
#[derive(Debug)]
pub struct Dense<'a> {
    /// The network.
    pub graph: &'a Graph,
    /// Its integers.
    pub quantized: Integers,
    /// Its energy and cycles.
    pub estimate: Estimate,
    /// Its answers on the validation samples.
    pub validation: Answers,
    /// Its logits on the tuning samples as they are, and mirrored if training mirrors samples; none if training changes
    /// them in other ways.
    pub logits: Vec<Vec<Vec<f32>>>,
    /// Widths of its integers.
    pub widths: Options,
}

impl<'a> Dense<'a> {
    /// Quantizes, measures and scores the network.
    ///
    /// # Errors
    /// A part of the data is empty, or the network cannot be quantized, mapped or run.
    pub fn new(setting: &Setting, graph: &'a Graph) -> Result<Self, PruneError> {
        setting.data.check()?;
        let quantized = integers(setting, graph)?;
        let estimate = cost(setting, &quantized)?;
        let validation = answers(&quantized, &setting.data.validation)?;
        let inputs = setting.data.tuning.slices();
        let logits = match setting.tuning.augmentation[..] {
            [] => vec![train::logits(graph, &inputs)?],
            [Augmentation::Flip] => {
                vec![train::logits(graph, &inputs)?, train::mirrored_logits(graph, &inputs)?]
            }
            _ => Vec::new(),
        };
        let widths = setting.widths();
        Ok(Self { graph, quantized, estimate, validation, logits, widths })
    }
}
