//! Score of a network: accuracy of its integers, energy on the emulator.

use pecan_ir::layer::Tensor;
use pecan_ir::memory::MemoryModel;
use serde::{Deserialize, Serialize};

use super::{PruneError, Setting};
use pecan_energy::{Estimate, measure};
use pecan_net::graph::Graph;
use pecan_net::op::argmax;
use pecan_net::quantize::{Quantized, calibrate_by, compact, quantize};

/// Correctness of the answers, sample by sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answers(pub Vec<bool>);

impl Answers {
    /// Share of right answers; 0 without samples.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        let right = self.0.iter().filter(|right| **right).count();
        right as f64 / self.0.len().max(1) as f64
    }

    /// Standard error of the accuracy, for samples drawn independently.
    #[must_use]
    pub fn standard_error(&self) -> f64 {
        let p = self.accuracy();
        (p * (1.0 - p) / self.0.len().max(1) as f64).sqrt()
    }

    /// Standard error of the difference to other answers on the same samples: only those count on which they differ.
    #[must_use]
    pub fn paired_error(&self, other: &Self) -> f64 {
        let n = self.0.len().max(1) as f64;
        let differ = self.0.iter().zip(&other.0).filter(|(a, b)| a != b).count() as f64;
        let difference = self.accuracy() - other.accuracy();
        ((differ / n - difference * difference).max(0.0) / n).sqrt()
    }
}

/// Samples with their labels.
#[derive(Clone, Debug, Default)]
pub struct Subset {
    /// Inputs.
    pub inputs: Vec<Vec<f32>>,
    /// Right answers.
    pub labels: Vec<usize>,
}

impl Subset {
    /// The inputs as slices.
    #[must_use]
    pub fn slices(&self) -> Vec<&[f32]> {
        self.inputs.iter().map(Vec::as_slice).collect()
    }
}

/// A network's integers.
#[derive(Clone, Debug)]
pub struct Integers {
    /// With all channels.
    pub full: Quantized,
    /// Without unused channels, as the hardware executes it.
    pub compact: Quantized,
}

/// Quantizes a network for the configuration, with the calibration samples of the setting.
///
/// # Errors
/// As [`quantize`].
pub fn integers(setting: &Setting, graph: &Graph) -> Result<Integers, PruneError> {
    let samples: Vec<&[f32]> = setting.data.calibration.iter().map(Vec::as_slice).collect();
    let ranges = calibrate_by(graph, &samples, setting.calibration)?;
    let full = quantize(graph, &ranges, setting.widths())?;
    Ok(Integers { compact: compact(&full), full })
}

/// The answers of the integer network, which are those of the hardware bit for bit.
///
/// # Errors
/// A sample does not fit the network.
pub fn answers(integers: &Integers, part: &Subset) -> Result<Answers, PruneError> {
    let outputs = integers.compact.reference_outputs(&part.slices())?;
    let right = outputs.iter().zip(&part.labels).map(|(t, label)| argmax(&t.data) == *label);
    Ok(Answers(right.collect()))
}

/// Energy and cycles per image, measured on the first calibration samples.
///
/// # Errors
/// The network does not map.
pub fn cost(setting: &Setting, integers: &Integers) -> Result<Estimate, PruneError> {
    let quantized = &integers.compact;
    let images = setting.data.calibration.iter().take(setting.images);
    let tensors: Vec<Tensor> = images.map(|image| quantized.quantize_input(image)).collect();
    let memory = MemoryModel::Ideal;
    Ok(measure(&setting.target, &quantized.network, &tensors, &setting.mapper, &memory)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_accuracies() {
        let a = Answers([vec![true; 80], vec![false; 20]].concat());
        assert!((a.accuracy() - 0.8).abs() < 1e-12);
        assert!((a.standard_error() - 0.04).abs() < 1e-12);
        assert_eq!(a.paired_error(&a), 0.0);
        let b = Answers([vec![true; 79], vec![false; 21]].concat());
        // One of a hundred differs: much less than the error of either.
        assert!((b.paired_error(&a) - 0.00995).abs() < 1e-4);
    }
}
