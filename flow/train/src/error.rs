//! Errors of training.

use thiserror::Error;

/// Reasons why a network cannot be trained or measured.
#[derive(Debug, Error)]
pub enum TrainError {
    /// A node has no trainable counterpart.
    #[error("{origin}: node `{node}`: {reason}")]
    Unsupported {
        /// File of the network.
        origin: String,
        /// Node name.
        node: String,
        /// The reason.
        reason: String,
    },
    /// There is nothing to train on.
    #[error("{origin}: no sample")]
    Empty {
        /// File of the network.
        origin: String,
    },
    /// A sample does not have the input's size.
    #[error("{origin}: sample {sample} has {got} values; the network takes {expected}")]
    Input {
        /// File of the network.
        origin: String,
        /// Position of the sample.
        sample: usize,
        /// Values of the network's input.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// The number of values given per sample (or per weight) is wrong.
    #[error("{got} {what}; expected {expected}")]
    Count {
        /// Name of the counted things.
        what: String,
        /// How many are needed.
        expected: usize,
        /// How many are given.
        got: usize,
    },
    /// A label is no output of the network.
    #[error("{origin}: label {label} of sample {sample}; the network has {outputs} outputs")]
    Label {
        /// File of the network.
        origin: String,
        /// Position of the sample.
        sample: usize,
        /// Its label.
        label: usize,
        /// Outputs of the network; labels are below it.
        outputs: usize,
    },
    /// Settings without meaning, or not applicable to this set.
    #[error("training: {0}")]
    Settings(String),
    /// The loss is not finite; the network is unchanged.
    #[error(
        "the loss is {loss} in step {step} of {steps}, at a learning rate of {learning_rate:e}; \
         a lower learning rate may help"
    )]
    Diverged {
        /// Step, from 1.
        step: usize,
        /// All steps.
        steps: usize,
        /// Learning rate of the step.
        learning_rate: f64,
        /// The loss.
        loss: f64,
    },
    /// Another network does not have the layers of this one.
    #[error("{origin}: layer `{layer}` differs from that of {other}")]
    Mismatch {
        /// File of the network.
        origin: String,
        /// Node name.
        layer: String,
        /// File of the other network.
        other: String,
    },
    /// Steps of a network do not fit together.
    #[error("tensor arithmetic: {0}")]
    Engine(String),
}
