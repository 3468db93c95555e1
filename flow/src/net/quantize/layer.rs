//! One layer after the other, from float to integer.

use std::collections::HashMap;

use pecan_sim::layer::{Conv, Layer, Network, Op, Requant, Shape, Window};
use pecan_sim::reference::NetworkError;

use super::scale::{limit, multiplier_and_shift, quantize_channel};
use super::{Options, QuantizeError, Quantized, Ranges};
use crate::net::graph::{Graph, Node};
use crate::net::op::{HostOp, Linear, Lowering};

/// Rescaling that changes nothing.
const UNIT: Requant = Requant { bias: 0, multiplier: 2, shift: 1 };

/// Integer parameters of a layer with weights.
#[derive(Debug, Default)]
struct Parameters {
    weights: Vec<i32>,
    requant: Vec<Requant>,
    /// Real value of one unit of a weight, by output channel.
    scales: Vec<f64>,
}

/// An integer network under construction.
pub(super) struct Builder<'g> {
    graph: &'g Graph,
    ranges: &'g Ranges,
    options: Options,
    /// Integer tensor that holds the values of a graph tensor.
    places: HashMap<usize, usize>,
    quantized: Quantized,
}

impl<'g> Builder<'g> {
    pub(super) fn new(
        graph: &'g Graph,
        ranges: &'g Ranges,
        options: Options,
    ) -> Result<Self, QuantizeError> {
        let widths = [("activations", options.activation_bits), ("weights", options.weight_bits)];
        for (what, bits) in widths {
            if ![4, 8, 16].contains(&bits) {
                return Err(QuantizeError::Width { what, bits });
            }
        }
        let network = Network {
            name: graph.name.clone(),
            tensors: Vec::new(),
            layers: Vec::new(),
            activation_bits: options.activation_bits,
            weight_bits: options.weight_bits,
        };
        let quantized = Quantized {
            network,
            input_scale: 1.0,
            output_scale: 1.0,
            scales: Vec::new(),
            tensor_names: Vec::new(),
            weight_scales: Vec::new(),
            host_ops: Vec::new(),
        };
        Ok(Self { graph, ranges, options, places: HashMap::new(), quantized })
    }

    /// Makes graph tensor `tensor` the network's input (its tensor 0).
    pub(super) fn input(&mut self, tensor: usize) -> Result<(), QuantizeError> {
        let scale = self.scale(tensor)?;
        self.quantized.input_scale = scale;
        self.place(tensor, scale).map(|_| ())
    }

    /// What `node` becomes, given how its inputs lie.
    pub(super) fn lowering(&self, node: &'g Node) -> Result<Lowering<'g>, QuantizeError> {
        let layouts: Vec<Shape> =
            node.inputs.iter().filter_map(|&t| self.graph.tensors[t].layout).collect();
        match &node.op {
            Some(op) if node.problem.is_none() && layouts.len() == node.inputs.len() => {
                Ok(op.lower(&layouts))
            }
            _ => Err(self.fail(node, "its inputs are unknown".into())),
        }
    }

    /// Lets the output of `node` be its input.
    pub(super) fn alias(&mut self, node: &Node) -> Result<(), QuantizeError> {
        let place = self.source(node)?;
        self.places.insert(node.output, place);
        Ok(())
    }

    /// Appends the layer that `node` becomes. Returns the tensor of a ReLU behind it that became the
    /// layer's clamp.
    pub(super) fn layer(
        &mut self,
        node: &Node,
        lowering: Lowering<'_>,
    ) -> Result<Option<usize>, QuantizeError> {
        let input = self.source(node)?;
        let input_scale = self.quantized.scales[input];
        let relu = self.relu_behind(node.output);
        let target = relu.unwrap_or(node.output);
        let rectified = relu.is_some() || matches!(lowering, Lowering::Relu);
        let (op, requant, weight_scales, output_scale) = match lowering {
            Lowering::Linear { linear, window, groups } => {
                let output_scale = self.scale(target)?;
                let Parameters { weights, requant, scales } =
                    self.linear(node, linear, input_scale, output_scale)?;
                (Op::Conv(Conv { window, groups, weights }), requant, scales, output_scale)
            }
            Lowering::MaxPool(window) => (Op::MaxPool(window), Vec::new(), Vec::new(), input_scale),
            // A maximum over one value leaves the clamp to do the work.
            Lowering::Relu => (Op::MaxPool(point()), Vec::new(), Vec::new(), input_scale),
            other => return Err(self.fail(node, format!("no layer: {other:?}"))),
        };
        let output = self.place(target, output_scale)?;
        let channels = self.quantized.network.tensors[output].channels;
        let most = limit(self.options.activation_bits) as i32;
        self.quantized.network.layers.push(Layer {
            name: node.name.clone(),
            kind: node.op_type.clone(),
            op,
            input,
            output,
            requant: if requant.is_empty() { vec![UNIT; channels] } else { requant },
            clamp: [if rectified { 0 } else { -most }, most],
        });
        self.quantized.weight_scales.push(weight_scales);
        Ok(relu)
    }

    /// Checks the network and hands it out.
    pub(super) fn finish(mut self, host_ops: Vec<HostOp>) -> Result<Quantized, QuantizeError> {
        let Some(last) = self.quantized.network.layers.last() else {
            let network = self.graph.name.clone();
            let problem = "no layer for the hardware".into();
            return Err(NetworkError::Network { network, problem }.into());
        };
        self.quantized.output_scale = self.quantized.scales[last.output];
        self.quantized.host_ops = host_ops;
        self.quantized.network.validate()?;
        Ok(self.quantized)
    }

    fn fail(&self, node: &Node, problem: String) -> QuantizeError {
        QuantizeError::Layer {
            origin: self.graph.origin.clone(),
            layer: node.name.clone(),
            problem,
        }
    }

    fn fail_tensor(&self, tensor: usize, problem: &str) -> QuantizeError {
        QuantizeError::Tensor {
            origin: self.graph.origin.clone(),
            tensor: self.graph.tensors[tensor].name.clone(),
            problem: problem.into(),
        }
    }

    /// The integer tensor that `node` reads.
    fn source(&self, node: &Node) -> Result<usize, QuantizeError> {
        match node.inputs[..] {
            [input] => self
                .places
                .get(&input)
                .copied()
                .ok_or_else(|| self.fail_tensor(input, "not computed by any layer")),
            _ => Err(self.fail(node, format!("{} data inputs; expected 1", node.inputs.len()))),
        }
    }

    /// Appends an integer tensor for graph tensor `tensor`.
    fn place(&mut self, tensor: usize, scale: f64) -> Result<usize, QuantizeError> {
        let info = &self.graph.tensors[tensor];
        let shape = info
            .layout
            .ok_or_else(|| self.fail_tensor(tensor, "neither a feature map nor a vector"))?;
        let place = self.quantized.network.tensors.len();
        self.quantized.network.tensors.push(shape);
        self.quantized.scales.push(scale);
        self.quantized.tensor_names.push(info.name.clone());
        self.places.insert(tensor, place);
        Ok(place)
    }

    /// Real value of one unit of `tensor`, from its range in calibration.
    fn scale(&self, tensor: usize) -> Result<f64, QuantizeError> {
        let steps = limit(self.options.activation_bits);
        match self.ranges.max_abs.get(tensor).copied().flatten() {
            None => Err(self.fail_tensor(tensor, "not computed in calibration")),
            Some(range) if !range.is_finite() => {
                Err(self.fail_tensor(tensor, "not finite in calibration"))
            }
            // Always zero: every scale represents it exactly.
            Some(0.0) => Ok(1.0 / steps),
            Some(range) => Ok(f64::from(range) / steps),
        }
    }

    /// Output of the ReLU that is the only reader of `tensor`, unless the network's output is `tensor`.
    fn relu_behind(&self, tensor: usize) -> Option<usize> {
        let mut readers = self.graph.readers(tensor);
        let (reader, None) = (readers.next()?, readers.next()) else { return None };
        let relu = matches!(self.lowering_of(reader), Some(Lowering::Relu));
        (relu && tensor != self.graph.output).then_some(reader.output)
    }

    fn lowering_of<'n>(&self, node: &'n Node) -> Option<Lowering<'n>> {
        let layouts: Option<Vec<Shape>> =
            node.inputs.iter().map(|&t| self.graph.tensors[t].layout).collect();
        Some(node.op.as_ref()?.lower(&layouts?))
    }

    fn linear(
        &self,
        node: &Node,
        linear: &Linear,
        input_scale: f64,
        output_scale: f64,
    ) -> Result<Parameters, QuantizeError> {
        let per_output = (linear.weights.len() / linear.outputs.max(1)).max(1);
        let (activations, most) =
            (limit(self.options.activation_bits), limit(self.options.weight_bits));
        let mut result = Parameters::default();
        let channels = linear.weights.chunks(per_output).zip(&linear.bias).enumerate();
        for (o, (kernel, &bias)) in channels {
            let channel = quantize_channel(kernel, bias, input_scale, activations, most);
            let factor = input_scale * channel.scale / output_scale;
            let (multiplier, shift) = multiplier_and_shift(factor)
                .map_err(|e| self.fail(node, format!("output channel {o}: {e}")))?;
            result.weights.extend(channel.weights);
            result.requant.push(Requant { bias: channel.bias, multiplier, shift });
            result.scales.push(channel.scale);
        }
        Ok(result)
    }
}

/// A window of one value.
fn point() -> Window {
    Window { kernel: [1; 2], stride: [1; 2], dilation: [1; 2], pads: [0; 4] }
}
