//! Errors of the mapper.

use pecan_emulator::Outcome;
use pecan_ir::program::ProgramError;

/// Reasons why a network cannot be mapped.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// A value is outside the range of the hardware.
    #[error("layer `{layer}`: {what} is {value}, allowed is {low} to {high}")]
    Range {
        /// The layer.
        layer: String,
        /// The quantity.
        what: String,
        /// Its value.
        value: i64,
        /// Smallest legal value.
        low: i64,
        /// Largest legal value.
        high: i64,
    },
    /// Partial sums may overflow the accumulator.
    #[error(
        "layer `{layer}`: partial sums of output channel {channel} may reach {bound}, which takes {needed} bits; \
         numerics.accumulator_bits is {bits}"
    )]
    Accumulator {
        /// The layer.
        layer: String,
        /// The output channel with the largest sum.
        channel: usize,
        /// Bound of the magnitude.
        bound: i64,
        /// Accumulator bits that would suffice.
        needed: u32,
        /// Accumulator bits of the configuration.
        bits: usize,
    },
    /// Network and configuration have different widths.
    #[error("the network has {what} of {network} bits, the configuration of {config} bits")]
    Width {
        /// Activations or weights.
        what: &'static str,
        /// Width in the network.
        network: usize,
        /// Width in the configuration.
        config: usize,
    },
    /// No way to split the layer fits the buffers.
    #[error("layer `{layer}`: no buffer_mapping fits: {reason}")]
    NoSplit {
        /// The layer.
        layer: String,
        /// Resource that was missing at the finest split.
        reason: String,
    },
    /// A layer takes more kernels than the mapper plans.
    #[error("layer `{layer}`: {runs} runs of the array; allowed: at most {most}")]
    Runs {
        /// The layer.
        layer: String,
        /// Its kernels.
        runs: usize,
        /// Most kernels.
        most: usize,
    },
    /// A shape without weights contradicts itself.
    #[error("layer `{layer}` {problem}")]
    Shape {
        /// The layer.
        layer: String,
        /// The problem.
        problem: &'static str,
    },
    /// A layer cannot replace another in a plan.
    #[error("layer `{layer}` cannot be planned anew: {problem}")]
    Replan {
        /// The layer.
        layer: String,
        /// The reason.
        problem: String,
    },
    /// The device does not run the program to its end: a fault of the mapper.
    #[error("the program that was compiled ends with {0:?}")]
    Unfinished(Outcome),
    /// The network contradicts itself.
    #[error(transparent)]
    Network(#[from] pecan_ir::reference::NetworkError),
    /// The program that was built is malformed.
    #[error(transparent)]
    Program(#[from] ProgramError),
}
