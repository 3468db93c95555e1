//! Errors of training.

use thiserror::Error;

/// A network cannot be trained or measured.
#[derive(Debug, Error)]
pub enum TrainError {
    /// A node has no trainable counterpart.
    #[error("{origin}: node `{node}`: {reason}")]
    Unsupported {
        /// File of the network.
        origin: String,
        /// Node name.
        node: String,
        /// Why.
        reason: String,
    },
    /// There is nothing to train on.
    #[error("{origin}: no sample")]
    Empty {
        /// File of the network.
        origin: String,
    },
    /// A sample has not the input's size.
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
    /// Something that is needed once per sample (or per weight) is given in another number.
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
    /// Settings that have no meaning, or not with this set.
    #[error("training: {0}")]
    Settings(String),
    /// The loss is not finite; the network is as before.
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
    /// Another network has not the layers of this one.
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
