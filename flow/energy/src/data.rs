//! Kinds of data that energy is spent for.

use pecan_config::ResultKey;

use super::block::ENERGY_UNIT;

/// Kind of data that energy is spent for, the other axis of a breakdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Data {
    /// Moving and holding weights, their indices and requantization parameters.
    Weights,
    /// Moving and holding input activations.
    Inputs,
    /// Moving and holding partial sums and outputs.
    Outputs,
    /// Multiplying and adding.
    Compute,
    /// Clock, leakage, control and commands.
    Overhead,
}

impl ResultKey for Data {
    const ALL: &'static [Self] = Data::ALL;
    const OBJECT: &'static str = "ByData";
    const UNIT: &'static str = ENERGY_UNIT;

    fn key(self) -> &'static str {
        self.name()
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Weights => {
                "Moving and holding weights, their indices and requantization parameters."
            }
            Self::Inputs => "Moving and holding input activations.",
            Self::Outputs => "Moving and holding partial sums and outputs.",
            Self::Compute => "Multiplying and adding.",
            Self::Overhead => "Clock, leakage, control and commands.",
        }
    }
}

impl Data {
    /// All kinds, in the order of breakdowns.
    pub const ALL: &'static [Data] =
        &[Data::Weights, Data::Inputs, Data::Outputs, Data::Compute, Data::Overhead];

    /// Key in `metrics.json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Inputs => "inputs",
            Self::Outputs => "outputs",
            Self::Compute => "compute",
            Self::Overhead => "overhead",
        }
    }
}
