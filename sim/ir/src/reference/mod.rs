//! Integer reference: computes every layer directly from the definitions in [`crate::layer`], and shares no method
//! (tiling, order, sparsity) with the hardware or the emulator.

mod check;
mod ops;

pub use check::NetworkError;
pub use ops::{add, conv, max_pool};

use crate::layer::{Network, Op, Requant, Tensor};

impl Requant {
    /// Rescales one accumulator value: `clamp(((acc + bias) * multiplier + (1 << (shift - 1))) >> shift)`.
    ///
    /// Adding half before the arithmetic shift rounds to nearest, ties towards plus infinity.
    /// `clamp` is the smallest and largest result. The product is formed in 128 bits, so no legal or
    /// illegal accumulator overflows here.
    pub fn apply(&self, acc: i64, clamp: [i32; 2]) -> i32 {
        let sum = i128::from(acc) + i128::from(self.bias);
        let scaled =
            (sum * i128::from(self.multiplier) + (1i128 << (self.shift - 1))) >> self.shift;
        let limited = scaled.clamp(i128::from(clamp[0]), i128::from(clamp[1]));
        limited as i32
    }
}

/// Computes the whole network on one image.
///
/// Returns every tensor by index: 0 is `input`, the output of the last layer is the network's output.
///
/// # Errors
/// The network contradicts itself (see [`Network::validate`]), or `input` does not have the shape of tensor 0 or holds
/// a value outside the activation range.
pub fn run(network: &Network, input: &Tensor) -> Result<Vec<Tensor>, NetworkError> {
    network.validate()?;
    network.check_input(input)?;
    let mut tensors: Vec<Tensor> =
        network.tensors.iter().map(|&shape| Tensor { shape, data: Vec::new() }).collect();
    tensors[0] = input.clone();
    for layer in &network.layers {
        let output = network.tensors[layer.output];
        let source = &tensors[layer.input];
        let result = match &layer.op {
            Op::Conv(c) => conv(c, source, output, &layer.requant, layer.clamp),
            Op::MaxPool(window) => max_pool(window, source, output, &layer.requant, layer.clamp),
            Op::Add(sum) => add(sum, [source, &tensors[sum.other]], &layer.requant, layer.clamp),
        };
        tensors[layer.output] = result;
    }
    Ok(tensors)
}

#[cfg(test)]
mod tests;
