//! Self-consistency of a network, and quantities that follow from its layers alone.

use std::collections::HashSet;

use thiserror::Error;

use crate::layer::{Add, Conv, Layer, Network, Op, Shape, Tensor, Window};

/// A network (or its input) contradicts the definitions in [`crate::layer`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NetworkError {
    /// A contradiction in the network as a whole.
    #[error("network `{network}`: {problem}")]
    Network {
        /// Network name.
        network: String,
        /// The problem, with the value and the allowed ones.
        problem: String,
    },
    /// A contradiction in one layer.
    #[error("network `{network}`, layer `{layer}`: {problem}")]
    Layer {
        /// Network name.
        network: String,
        /// Layer name.
        layer: String,
        /// The problem, with the value and the allowed ones.
        problem: String,
    },
}

impl Window {
    /// Rows and columns of the result on an input of `height` x `width`, or `None` where the padded
    /// input is smaller than the dilated kernel, a size is zero or a product overflows.
    pub fn output_size(&self, height: usize, width: usize) -> Option<[usize; 2]> {
        let axis = |extent: usize, axis: usize| {
            let reach = self.kernel[axis]
                .checked_sub(1)?
                .checked_mul(self.dilation[axis])?
                .checked_add(1)?;
            let padded = extent.checked_add(self.pads[axis])?.checked_add(self.pads[axis + 2])?;
            Some(padded.checked_sub(reach)?.checked_div(self.stride[axis])? + 1)
        };
        if self.dilation.contains(&0) || height == 0 || width == 0 {
            return None;
        }
        Some([axis(height, 0)?, axis(width, 1)?])
    }

    /// Whether some output position reads padding only, which leaves a maximum undefined.
    pub fn has_empty_window(&self, height: usize, width: usize) -> bool {
        let Some(size) = self.output_size(height, width) else { return true };
        let covered = |axis: usize, position: usize, extent: usize| {
            (0..self.kernel[axis]).any(|tap| {
                let padded = position * self.stride[axis] + tap * self.dilation[axis];
                padded >= self.pads[axis] && padded - self.pads[axis] < extent
            })
        };
        (0..size[0]).any(|y| !covered(0, y, height)) || (0..size[1]).any(|x| !covered(1, x, width))
    }
}

/// Operators whose weights are trained, by their names in network files.
const WEIGHTED: [&str; 4] = ["Conv", "ConvTranspose", "Gemm", "MatMul"];

impl Layer {
    /// Whether the layer multiplies by trained weights. Averages, copies and sums use the same multipliers, but do not
    /// count as multiply-accumulates of a network.
    #[must_use]
    pub fn is_weighted(&self) -> bool {
        matches!(self.op, Op::Conv(_)) && WEIGHTED.contains(&self.kind.as_str())
    }

    /// Whether the layer only moves values: a convolution made for a concatenation or a padding, each of whose outputs
    /// has no more than one weight, a 1. An average over one value is one, too.
    #[must_use]
    pub fn is_copy(&self) -> bool {
        let Op::Conv(conv) = &self.op else { return false };
        let per_output = conv.weights.len().div_ceil(self.requant.len().max(1)).max(1);
        let moves = |kernel: &[i32]| {
            let mut kept = kernel.iter().filter(|w| **w != 0);
            kept.next().is_none_or(|w| *w == 1) && kept.next().is_none()
        };
        !self.is_weighted()
            && !conv.weights.is_empty()
            && conv.weights.chunks(per_output).all(moves)
    }

    /// Multiply-accumulates of a dense computation that counts padding: those of trained weights, as publications count
    /// them. For the others see [`Self::other_operations`].
    #[must_use]
    pub fn macs(&self, output: Shape) -> u64 {
        if self.is_weighted() { self.operations(output) } else { 0 }
    }

    /// Multiply-accumulates whose weight is not zero, for one image with this output.
    #[must_use]
    pub fn nonzero_macs(&self, output: Shape) -> u64 {
        match &self.op {
            Op::Conv(conv) if self.is_weighted() => {
                let kept = conv.weights.iter().filter(|w| **w != 0).count();
                (kept * output.height * output.width) as u64
            }
            _ => 0,
        }
    }

    /// Additions and comparisons of a layer without trained weights: one for every value that a sum, an average, a
    /// copy or a maximum reads; 0 for other layers.
    #[must_use]
    pub fn other_operations(&self, output: Shape) -> u64 {
        match &self.op {
            _ if self.is_weighted() => 0,
            // The other weights are 0 by construction: no value is read for them.
            Op::Conv(conv) if self.is_copy() => {
                let kept = conv.weights.iter().filter(|w| **w != 0).count();
                (kept * output.height * output.width) as u64
            }
            _ => self.operations(output),
        }
    }

    /// Operands of all outputs.
    fn operations(&self, output: Shape) -> u64 {
        let per_value = match &self.op {
            Op::Conv(conv) => conv.weights.len() / output.channels.max(1),
            Op::MaxPool(window) => window.kernel.iter().product(),
            Op::Add(_) => 2,
        };
        (output.len() * per_value) as u64
    }

    /// Exact bound of the accumulator's magnitude including the bias: the maximum over output channels of
    /// `sum |w| * max |a| + |bias|`, where `max |a|` is `largest_input` (for a sum of two tensors the
    /// weights are its factors, for a maximum 1).
    pub fn accumulator_bound(&self, largest_input: u32) -> u128 {
        let largest_input = u128::from(largest_input);
        let channels = self.requant.len();
        let bias = |o: usize| u128::from(self.requant[o].bias.unsigned_abs());
        match &self.op {
            Op::Conv(conv) if channels > 0 => conv
                .weights
                .chunks(conv.weights.len().div_ceil(channels).max(1))
                .zip(0..channels)
                .map(|(kernel, o)| {
                    let sum: u128 = kernel.iter().map(|w| u128::from(w.unsigned_abs())).sum();
                    sum * largest_input + bias(o)
                })
                .max()
                .unwrap_or(0),
            Op::Conv(_) => 0,
            Op::MaxPool(_) => (0..channels).map(|o| largest_input + bias(o)).max().unwrap_or(0),
            Op::Add(add) => {
                let sum: u128 = add.factors.iter().map(|f| u128::from(f.unsigned_abs())).sum();
                (0..channels).map(|o| sum * largest_input + bias(o)).max().unwrap_or(0)
            }
        }
    }
}

impl Network {
    /// Largest magnitude of an activation: `2^(activation_bits - 1) - 1`.
    pub fn activation_limit(&self) -> i32 {
        limit(self.activation_bits)
    }

    /// Largest magnitude of a weight: `2^(weight_bits - 1) - 1`.
    pub fn weight_limit(&self) -> i32 {
        limit(self.weight_bits)
    }

    /// [`Layer::accumulator_bound`] of layer `index` at this network's activation width; 0 for an index
    /// out of range. A signed accumulator of `b` bits is wide enough if the bound is below `2^(b-1)`.
    pub fn accumulator_bound(&self, index: usize) -> u128 {
        let largest = self.activation_limit().unsigned_abs();
        self.layers.get(index).map_or(0, |layer| layer.accumulator_bound(largest))
    }

    /// Layer `index` as a network of its own: tensor 0 is the layer's input, tensor 1 its
    /// output. `None` if there is no such layer, its tensors do not exist, or it reads two different
    /// tensors (a network has one input).
    pub fn single(&self, index: usize) -> Option<Network> {
        let layer = self.layers.get(index)?;
        let op = match &layer.op {
            Op::Add(add) if add.other != layer.input => return None,
            Op::Add(add) => Op::Add(Add { other: 0, ..*add }),
            op => op.clone(),
        };
        let tensors = vec![*self.tensors.get(layer.input)?, *self.tensors.get(layer.output)?];
        let name = format!("{}/{}", self.name, layer.name);
        let layers = vec![Layer { input: 0, output: 1, op, ..layer.clone() }];
        Some(Network { name, tensors, layers, ..*self })
    }

    /// Checks every statement that [`crate::layer`] makes about a network.
    ///
    /// # Errors
    /// The first violation: tensor indices and order, shapes, numbers of weights and of rescale entries,
    /// value ranges, and windows that read padding only in a maximum.
    pub fn validate(&self) -> Result<(), NetworkError> {
        let fail = |problem: String| NetworkError::Network { network: self.name.clone(), problem };
        for (what, bits) in [("activation", self.activation_bits), ("weight", self.weight_bits)] {
            if !(2..=16).contains(&bits) {
                return Err(fail(format!("{what} width {bits} bits; allowed: 2 to 16")));
            }
        }
        if self.layers.is_empty() || self.tensors.is_empty() {
            return Err(fail("no layer or no tensor".into()));
        }
        let mut written = HashSet::from([0]);
        let mut names = HashSet::new();
        for layer in &self.layers {
            let result = self.check_layer(layer).and_then(|()| {
                if let Some(early) = layer.inputs().find(|t| !written.contains(t)) {
                    return Err(format!("reads tensor {early} before it is written"));
                }
                if !written.insert(layer.output) {
                    return Err(format!("writes tensor {} a second time", layer.output));
                }
                if !names.insert(&layer.name) {
                    return Err("another layer has the same name".into());
                }
                Ok(())
            });
            result.map_err(|problem| NetworkError::Layer {
                network: self.name.clone(),
                layer: layer.name.clone(),
                problem,
            })?;
        }
        Ok(())
    }

    /// Checks that `input` fits tensor 0 in shape and range.
    ///
    /// # Errors
    /// The shape differs, or a value exceeds [`Network::activation_limit`].
    pub fn check_input(&self, input: &Tensor) -> Result<(), NetworkError> {
        let fail = |problem: String| NetworkError::Network { network: self.name.clone(), problem };
        let Some(&expected) = self.tensors.first() else {
            return Err(fail("no tensor".into()));
        };
        if input.shape != expected || input.data.len() != expected.len() {
            return Err(fail(format!(
                "input of shape {:?} with {} values; expected {expected:?}",
                input.shape,
                input.data.len()
            )));
        }
        let limit = self.activation_limit();
        match input.data.iter().position(|v| v.unsigned_abs() > limit.unsigned_abs()) {
            Some(at) => Err(fail(format!(
                "input value {} at position {at}; allowed: -{limit} to {limit}",
                input.data[at]
            ))),
            None => Ok(()),
        }
    }

    fn check_layer(&self, layer: &Layer) -> Result<(), String> {
        let tensor = |index: usize| {
            self.tensors
                .get(index)
                .copied()
                .ok_or_else(|| format!("tensor {index} of {}", self.tensors.len()))
        };
        let (input, output) = (tensor(layer.input)?, tensor(layer.output)?);
        let window = match &layer.op {
            Op::Conv(conv) => {
                check_conv(conv, input, output, self.weight_limit())?;
                conv.window
            }
            Op::MaxPool(window) => {
                if input.channels != output.channels {
                    let (i, o) = (input.channels, output.channels);
                    return Err(format!("maximum of {i} channels cannot give {o}"));
                }
                if window.has_empty_window(input.height, input.width) {
                    return Err(format!("a window of {window:?} holds padding only"));
                }
                *window
            }
            Op::Add(add) => {
                let other = tensor(add.other)?;
                check_add(add, [input, other], output, self.weight_limit())?;
                return check_rescale(layer, output, self.activation_limit());
            }
        };
        let size = window.output_size(input.height, input.width);
        if size != Some([output.height, output.width]) {
            return Err(format!("{window:?} on {input:?} gives {size:?}, not {output:?}"));
        }
        check_rescale(layer, output, self.activation_limit())
    }
}

fn limit(bits: usize) -> i32 {
    (1i32 << (bits.clamp(1, 31) - 1)) - 1
}

fn check_conv(conv: &Conv, input: Shape, output: Shape, limit: i32) -> Result<(), String> {
    let groups = conv.groups;
    if groups == 0
        || !input.channels.is_multiple_of(groups)
        || !output.channels.is_multiple_of(groups)
    {
        let (i, o) = (input.channels, output.channels);
        return Err(format!("{groups} groups do not divide {i} input and {o} output channels"));
    }
    let per_output = input.channels / groups * conv.window.kernel[0] * conv.window.kernel[1];
    let expected = output.channels * per_output;
    if conv.weights.len() != expected {
        return Err(format!("{} weights; expected {expected}", conv.weights.len()));
    }
    match conv.weights.iter().find(|w| w.unsigned_abs() > limit.unsigned_abs()) {
        Some(w) => Err(format!("weight {w}; allowed: -{limit} to {limit}")),
        None => Ok(()),
    }
}

fn check_add(add: &Add, inputs: [Shape; 2], output: Shape, limit: i32) -> Result<(), String> {
    if inputs != [output; 2] {
        let [a, b] = inputs;
        return Err(format!("sum of {a:?} and {b:?} cannot give {output:?}; all must be equal"));
    }
    match add.factors.iter().find(|f| f.unsigned_abs() > limit.unsigned_abs()) {
        Some(f) => Err(format!("factor {f}; allowed: -{limit} to {limit}")),
        None => Ok(()),
    }
}

fn check_rescale(layer: &Layer, output: Shape, limit: i32) -> Result<(), String> {
    if layer.requant.len() != output.channels {
        let entries = layer.requant.len();
        return Err(format!("{entries} rescale entries for {} channels", output.channels));
    }
    let [low, high] = layer.clamp;
    if low > high || low < -limit || high > limit {
        return Err(format!("clamp {low} to {high}; allowed: within -{limit} to {limit}"));
    }
    let bad =
        layer.requant.iter().position(|r| r.multiplier >= 1 << 15 || !(1..=47).contains(&r.shift));
    match bad {
        Some(o) => {
            let r = layer.requant[o];
            let (m, s) = (r.multiplier, r.shift);
            Err(format!("channel {o}: multiplier {m}, shift {s}; allowed: below 32768, 1 to 47"))
        }
        None => Ok(()),
    }
}
