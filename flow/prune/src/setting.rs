//! Settings of a search: data, bounds, schedule.

use std::sync::Arc;

use pecan_config::Loader;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use pecan_energy::Target;
use pecan_map as map;
use pecan_net::quantize::{Calibration, Options};
use pecan_train as train;

use super::PruneError;
use super::score::Subset;

/// The data, in parts that do not overlap.
#[derive(Clone, Debug, Default)]
pub struct Split {
    /// Samples that decide the ranges of the integers and measure energy.
    pub calibration: Vec<Vec<f32>>,
    /// Samples to train on, and for the statistics of the layers.
    pub tuning: Subset,
    /// Samples that decide whether the accuracy suffices.
    pub validation: Subset,
    /// Samples that are reported and decide nothing.
    pub test: Subset,
    /// Whether the labels are given; otherwise they are the dense network's own answers.
    pub labelled: bool,
}

impl Split {
    /// Checks that every part has samples: otherwise nothing would be trained, decided or reported, and no number would
    /// show it.
    ///
    /// # Errors
    /// A part is empty.
    pub fn check(&self) -> Result<(), PruneError> {
        let parts = [
            ("calibration", self.calibration.len()),
            ("tuning", self.tuning.inputs.len()),
            ("validation", self.validation.inputs.len()),
            ("test", self.test.inputs.len()),
        ];
        match parts.into_iter().find(|(_, count)| *count == 0) {
            Some((part, _)) => {
                let problem = "choose other rows, or name more data".into();
                Err(PruneError::Empty { part, problem })
            }
            None => Ok(()),
        }
    }
}

/// Conditions to stop.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bounds {
    /// Largest loss of accuracy on the validation samples against the dense integer network, 0 to 1.
    pub accuracy_drop: f64,
    /// Standard errors that are added to the loss of accuracy before it is compared, because the validation samples are
    /// few.
    pub margin: f64,
    /// Energy per image (in the technology's unit) that suffices.
    pub energy: Option<f64>,
    /// Cycles per image that suffice.
    pub cycles: Option<f64>,
}

/// Schedule of the rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Schedule {
    /// Share of the energy that a round leaves, between 0 and 1. After a round that lost too much accuracy it moves
    /// towards 1.
    pub step: f64,
    /// Most rounds.
    pub rounds: usize,
    /// Rounds that may lose too much accuracy before the search ends.
    pub failures: usize,
    /// Further trainings of a round while the accuracy is too low.
    pub patience: usize,
    /// Samples for the statistics of the layers.
    pub samples: usize,
    /// Output positions per layer among them.
    pub columns: usize,
    /// For criteria that use energy: penalty of multiplications by nonzero activations in the training loss, as if all
    /// energy were theirs and all activations nonzero. Multiplications by 0 are gated, so activations that training
    /// makes 0 save energy without removing a weight.
    pub activation_penalty: f64,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            step: 0.75,
            rounds: 10,
            failures: 2,
            patience: 1,
            samples: 512,
            columns: 16_384,
            activation_penalty: 0.0,
        }
    }
}

/// Everything that decides the result.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Accelerator and technology.
    pub target: Target,
    /// Settings of the mapper.
    pub mapper: map::Options,
    /// How ranges of activations are found.
    pub calibration: Calibration,
    /// The data.
    pub data: Arc<Split>,
    /// Images that energy is measured on, the first of the calibration samples.
    pub images: usize,
    /// Training of a round.
    pub tuning: train::Settings,
    /// Conditions to stop.
    pub bounds: Bounds,
    /// Schedule of the rounds.
    pub schedule: Schedule,
}

impl Setting {
    /// Widths of the hardware's integers.
    #[must_use]
    pub fn widths(&self) -> Options {
        let numerics = &self.target.config.numerics;
        Options { activation_bits: numerics.activation_bits, weight_bits: numerics.weight_bits }
    }

    /// The same on hardware of other widths.
    ///
    /// # Errors
    /// The configuration does not allow these widths, or the technology cannot price it.
    pub fn with_widths(&self, widths: Options) -> Result<Self, PruneError> {
        let Options { activation_bits, weight_bits } = widths;
        let config = Loader::new(self.target.config.clone())
            .set(&format!("numerics.activation_bits={activation_bits}"))
            .set(&format!("numerics.weight_bits={weight_bits}"))
            .finish()?;
        let mut setting = self.clone();
        setting.target = Target::new(&config, &self.target.technology)?;
        if let Some(quantization) = &mut setting.tuning.quantization {
            quantization.widths = widths;
        }
        Ok(setting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_part_is_named() {
        let part = Subset { inputs: vec![vec![0.0]], labels: vec![0] };
        let whole = Split {
            calibration: vec![vec![0.0]],
            tuning: part.clone(),
            validation: part.clone(),
            test: part,
            labelled: true,
        };
        assert!(whole.check().is_ok());
        let without = Split { validation: Subset::default(), ..whole };
        assert!(without.check().unwrap_err().to_string().contains("no validation samples"));
    }
}
