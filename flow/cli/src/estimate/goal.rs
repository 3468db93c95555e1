//! The objective of the mapper.

/// What the mapper minimizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Goal {
    /// Cycles
    Delay,
    /// Energy
    Energy,
    /// Energy times cycles
    Edp,
}

impl Goal {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::Energy => "energy",
            Self::Edp => "energy times delay",
        }
    }
}
