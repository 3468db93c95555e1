//! Kinds of data that energy is spent for.

use super::axis::axis;

axis! {
    /// Kind of data that energy is spent for, the other axis of a breakdown.
    Data "ByData":
    Weights "weights" "Moving and holding weights, their indices and requantization parameters.",
    Inputs "inputs" "Moving and holding input activations.",
    Outputs "outputs" "Moving and holding partial sums and outputs.",
    Compute "compute" "Multiplying and adding.",
    Overhead "overhead" "Clock, leakage, control and commands.",
}
