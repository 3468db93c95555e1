//! Fine-tuning of float networks on the CPU, and the measurements that pruning needs.
//!
//! [`tune()`] trains a [`Graph`](pecan_net::graph::Graph) whose weights may be masked, [`logits`] computes it fast on
//! many samples, [`captures`] measures the statistics of each layer for least-squares pruning.
//!
//! Every operator is trained in its hardware form ([`Operator::lower`](pecan_net::op::Operator::lower)), so that a new
//! operator needs no code here. The host's operations at the end (softmax) are left out: training works on logits.
//!
//! # Normalization
//! The batch normalization of an imported network is folded into its weights, and training such a network is fragile.
//! With [`Settings::normalization`], every layer but the last is normalized during the training. At first this changes
//! nothing: its gain and shift are deviation and mean of the layer's output. At the end the moments are measured again
//! with the trained weights and folded into weights and bias.
//!
//! # Quantization
//! With [`Settings::quantization`], values are rounded as in [`quantize`](mod@pecan_net::quantize): weights with a
//! scale per output channel (which folding a normalization does not change), and tensors in the hardware's memory with
//! a scale each, whose range follows the values as in calibration. Gradients ignore the rounding.
//!
//! # Reproducibility
//! Results depend on the settings' seed only, not on the number of threads or their timing: work is divided
//! by shapes, and partial sums are added in a fixed order.

mod activation;
mod arrange;
mod batch;
mod capture;
mod conv;
mod density;
mod error;
mod fold;
mod geometry;
mod infer;
mod layer;
mod loss;
mod network;
mod norm;
mod optimizer;
mod pool;
mod product;
mod sensitivity;
mod settings;
mod statistics;
mod tensor;
mod tune;
mod tuning;

pub use batch::Augmentation;
pub use capture::{Capture, captures};
pub use error::TrainError;
pub use infer::{accuracy, logits, mirrored_logits};
pub use optimizer::Optimizer;
pub use settings::{Distillation, Progress, Quantization, Set, Settings, Summary, Teacher};
pub use statistics::LayerStatistics;
pub use tune::tune;

#[cfg(test)]
mod capture_tests;
#[cfg(test)]
mod error_tests;
#[cfg(test)]
mod gradient_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trials;
