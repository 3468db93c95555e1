//! Update rules of the parameters.
//!
//! Every tensor is trained in a unit of its own ([`Parameter::new`]): the learning rate is the size of a step in this
//! unit, and gradients are taken with respect to it. A network whose weights are a hundred times as large because its
//! inputs have other units takes the same steps, in those units.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tensor::Dims;

/// A rule for updates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Optimizer {
    /// Gradient descent with Nesterov's momentum (Sutskever et al., "On the importance of initialization
    /// and momentum in deep learning", ICML 2013). Weight decay is part of the gradient.
    Sgd {
        /// Share of the last step that is repeated; 0 to below 1.
        momentum: f64,
    },
    /// Steps scaled by the gradients' running moments, with decoupled weight decay (Loshchilov, Hutter:
    /// "Decoupled Weight Decay Regularization", ICLR 2019).
    AdamW {
        /// Decay of the running mean and of the running square; 0 to below 1.
        betas: [f64; 2],
        /// Added to the root of the square.
        epsilon: f64,
    },
}

impl Optimizer {
    /// AdamW with the constants of its authors.
    pub const ADAMW: Self = Self::AdamW { betas: [0.9, 0.999], epsilon: 1e-8 };
    /// Gradient descent with a momentum of 0.9.
    pub const SGD: Self = Self::Sgd { momentum: 0.9 };

    /// The problem of the constants, if any.
    pub(super) fn problem(self) -> Option<String> {
        let decay = |name: &str, value: f64| {
            let legal = (0.0..1.0).contains(&value);
            (!legal).then(|| format!("{name} of {value}; allowed: 0 to below 1"))
        };
        match self {
            Self::Sgd { momentum } => decay("momentum", momentum),
            Self::AdamW { betas: [first, second], epsilon } => decay("beta", first)
                .or_else(|| decay("beta", second))
                .or_else(|| (epsilon <= 0.0).then(|| format!("epsilon of {epsilon}; must be > 0"))),
        }
    }
}

/// A tensor that is trained.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub(super) values: Vec<f32>,
    pub(super) dims: Dims,
    /// Which values remain; the others stay 0.
    mask: Option<Vec<bool>>,
    /// Whether weight decay applies.
    decays: bool,
    /// Unit of the values, at least 0.
    unit: f32,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Parameter {
    /// Values of `dims`, masked by `mask`. `unit` is the size of a change that counts as 1: the typical size of the
    /// values, or of the sums that they are added to. A tensor with a unit of 0 is not trained.
    pub(super) fn new(
        mut values: Vec<f32>,
        dims: Dims,
        mask: Option<&[bool]>,
        decays: bool,
        unit: f32,
    ) -> Self {
        for (value, keep) in values.iter_mut().zip(mask.into_iter().flatten()) {
            *value = if *keep { *value } else { 0.0 };
        }
        let state = vec![0.0; values.len()];
        let mask = mask.map(<[bool]>::to_vec);
        Self { values, dims, mask, decays, unit, first: state.clone(), second: state }
    }

    /// Converts a gradient to the unit of the values, clears it where they are masked, and shortens it to a norm.
    fn prepare(&self, gradient: &mut [f32], norm: f64) {
        gradient.iter_mut().for_each(|gradient| *gradient *= self.unit);
        for (gradient, keep) in gradient.iter_mut().zip(self.mask.iter().flatten()) {
            *gradient = if *keep { *gradient } else { 0.0 };
        }
        let square: f64 = gradient.iter().map(|g| f64::from(*g) * f64::from(*g)).sum();
        let factor = norm / square.sqrt();
        if factor < 1.0 {
            gradient.iter_mut().for_each(|gradient| *gradient *= factor as f32);
        }
    }

    fn update(&mut self, gradient: &[f32], rule: &Rule, rate: f64, step: usize) {
        let unit = self.unit;
        let decay = if self.decays { rule.weight_decay } else { 0.0 };
        match rule.optimizer {
            Optimizer::Sgd { momentum } => {
                let (momentum, decay, rate) = (momentum as f32, decay as f32, rate as f32);
                let state = self.values.iter_mut().zip(&mut self.first).zip(gradient);
                for ((value, velocity), gradient) in state {
                    // Decay is relative, so it is the same in this unit as in any other.
                    let decay = if unit > 0.0 { decay * *value / unit } else { 0.0 };
                    let gradient = gradient + decay;
                    *velocity = momentum * *velocity + gradient;
                    *value -= unit * rate * (gradient + momentum * *velocity);
                }
            }
            Optimizer::AdamW { betas: [b1, b2], epsilon } => {
                // The running moments start at 0; these factors correct this bias.
                let steps = i32::try_from(step).unwrap_or(i32::MAX);
                let rate1 = (rate / (1.0 - b1.powi(steps))) as f32 * unit;
                let fill = (1.0 / (1.0 - b2.powi(steps))) as f32;
                let keep = (1.0 - rate * decay) as f32;
                let (b1, b2, epsilon) = (b1 as f32, b2 as f32, epsilon as f32);
                let state = self.values.iter_mut().zip(&mut self.first).zip(&mut self.second);
                for (((value, first), second), gradient) in state.zip(gradient) {
                    *first = b1 * *first + (1.0 - b1) * gradient;
                    *second = b2 * *second + (1.0 - b2) * gradient * gradient;
                    *value = *value * keep - rate1 * *first / ((*second * fill).sqrt() + epsilon);
                }
            }
        }
    }
}

/// The rule with its constants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) optimizer: Optimizer,
    pub(super) weight_decay: f64,
    /// Largest norm of a tensor's gradient, in the tensor's unit; longer ones are shortened to it.
    pub(super) norm: f64,
}

impl Rule {
    /// One step (from 1) with the `gradients` of `parameters`.
    pub(super) fn step(
        &self,
        parameters: &mut [Parameter],
        mut gradients: Vec<Vec<f32>>,
        rate: f64,
        step: usize,
    ) {
        let pairs = parameters.par_iter_mut().zip(&mut gradients);
        pairs.for_each(|(parameter, gradient)| {
            parameter.prepare(gradient, self.norm);
            parameter.update(gradient, self, rate, step);
        });
    }
}

/// The learning rate of `step` (from 1) of `steps`, relative to the highest: rising linearly over the first
/// `warmup` steps, then falling as half a cosine, to 0 behind the last step (Loshchilov, Hutter: "SGDR:
/// Stochastic Gradient Descent with Warm Restarts", ICLR 2017).
pub(super) fn schedule(step: usize, steps: usize, warmup: usize) -> f64 {
    if step <= warmup {
        return step as f64 / (warmup + 1) as f64;
    }
    let progress = (step - warmup - 1) as f64 / (steps - warmup).max(1) as f64;
    0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both rules find the minimum of a quadratic; masked values stay 0.
    #[test]
    fn a_quadratic_is_minimized() {
        for (optimizer, rate) in [(Optimizer::SGD, 0.05), (Optimizer::ADAMW, 0.2)] {
            let rule = Rule { optimizer, weight_decay: 0.0, norm: 5.0 };
            let mask = [true, true, false];
            let start = vec![4.0, -3.0, 9.0];
            let mut parameters = [Parameter::new(start, [3, 1, 1, 1], Some(&mask), true, 1.0)];
            for step in 1..=400 {
                let values = &parameters[0].values;
                let gradient = vec![2.0 * (values[0] - 1.0), values[1] - 2.0, values[2] - 5.0];
                let rate = rate * schedule(step, 400, 20);
                rule.step(&mut parameters, vec![gradient], rate, step);
            }
            let values = &parameters[0].values;
            assert!((values[0] - 1.0).abs() < 1e-2 && (values[1] - 2.0).abs() < 1e-2, "{values:?}");
            assert_eq!(values[2], 0.0);
        }
    }

    /// The same problem in units that differ by a power of two, which floating-point numbers represent exactly: the
    /// same steps in these units, bit for bit.
    #[test]
    fn steps_do_not_depend_on_the_unit_of_the_values() {
        for optimizer in [Optimizer::SGD, Optimizer::ADAMW] {
            let solve = |unit: f32| {
                let rule = Rule { optimizer, weight_decay: 1e-2, norm: 3.0 };
                let start = vec![4.0 * unit, -3.0 * unit];
                let mut parameters = [Parameter::new(start, [2, 1, 1, 1], None, true, 0.5 * unit)];
                for step in 1..=50 {
                    let values = &parameters[0].values;
                    let gradient = [values[0] / unit - 1.0, 8.0 * values[1] / unit - 2.0];
                    let gradient = gradient.map(|g| g / unit).to_vec();
                    rule.step(&mut parameters, vec![gradient], 0.05, step);
                }
                parameters[0].values.iter().map(|v| v / unit).collect::<Vec<_>>()
            };
            let values = solve(1.0);
            assert!(values[0] < 3.9, "{values:?}");
            for unit in [64.0, 1.0 / 1024.0] {
                assert_eq!(solve(unit), values, "{optimizer:?}");
            }
        }
    }

    #[test]
    fn the_schedule_rises_and_falls() {
        assert!(schedule(1, 100, 4) < schedule(4, 100, 4));
        assert_eq!(schedule(5, 100, 4), 1.0);
        assert!(schedule(100, 100, 4) < 1e-3);
        assert_eq!(schedule(1, 1, 0), 1.0);
    }
}
