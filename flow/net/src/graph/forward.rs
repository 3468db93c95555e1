//! Float inference.

use rayon::prelude::*;
use thiserror::Error;

use super::Graph;
use crate::op;
use crate::op::Value;

/// Reasons why float inference is not possible.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ForwardError {
    /// A sample does not have the input's shape.
    #[error(
        "{origin}: sample of {got} values; the input `{input}` has shape [{shape}], {expected} values"
    )]
    Input {
        /// File of the network.
        origin: String,
        /// Input tensor.
        input: String,
        /// Its shape without batch.
        shape: String,
        /// Values per sample.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// The output depends on an unsupported node.
    #[error("{origin}: output `{output}` depends on an unsupported node")]
    Output {
        /// File of the network.
        origin: String,
        /// Output tensor.
        output: String,
    },
}

impl Graph {
    /// Computes one sample and returns every tensor by index. Tensors behind an unsupported node (see
    /// [`Graph::import_partial`]) and those of removed nodes stay empty.
    ///
    /// # Errors
    /// `input` does not have the number of values of the network's input.
    pub fn forward(&self, input: &[f32]) -> Result<Vec<Vec<f32>>, ForwardError> {
        let expected: usize = self.input_shape().iter().product();
        if input.len() != expected {
            return Err(ForwardError::Input {
                origin: self.origin.clone(),
                input: self.tensors[self.input].name.clone(),
                shape: op::list(self.input_shape()),
                expected,
                got: input.len(),
            });
        }
        let mut tensors = vec![Vec::new(); self.tensors.len()];
        tensors[self.input] = input.to_vec();
        for node in self.iter() {
            let (Some(op), None) = (&node.op, &node.problem) else { continue };
            let inputs: Option<Vec<Value<'_>>> = node
                .inputs
                .iter()
                .map(|&t| {
                    let data = tensors[t].as_slice();
                    let shape = self.tensors[t].shape.as_deref()?;
                    (!data.is_empty()).then_some(Value { shape, data })
                })
                .collect();
            if let (Some(inputs), Some(shape)) = (inputs, &self.tensors[node.output].shape) {
                tensors[node.output] = op.forward(&inputs, shape);
            }
        }
        Ok(tensors)
    }

    /// Outputs of many samples, computed in parallel.
    ///
    /// # Errors
    /// A sample has the wrong number of values, or the output cannot be computed.
    pub fn outputs(&self, samples: &[&[f32]]) -> Result<Vec<Vec<f32>>, ForwardError> {
        samples
            .par_iter()
            .map(|sample| {
                let output = self.forward(sample)?.swap_remove(self.output);
                if output.is_empty() {
                    return Err(ForwardError::Output {
                        origin: self.origin.clone(),
                        output: self.tensors[self.output].name.clone(),
                    });
                }
                Ok(output)
            })
            .collect()
    }
}
