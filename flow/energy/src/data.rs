//! Kinds of data that energy is spent for.

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
