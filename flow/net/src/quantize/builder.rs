//! An integer network under construction: its tensors and their scales.

use std::collections::HashMap;

use pecan_ir::layer::{Layer, Network, Shape};
use pecan_ir::reference::NetworkError;

use super::scale::limit;
use super::{Options, QuantizeError, Quantized, Ranges};
use crate::graph::{Graph, Node};
use crate::limits::{MOST_LAYERS, MOST_MADE_WEIGHTS};
use crate::op::{HostOp, Lowering};

/// An integer network under construction.
pub(super) struct NetworkBuilder<'g> {
    graph: &'g Graph,
    ranges: &'g Ranges,
    pub(super) options: Options,
    /// Integer tensor that holds the values of a graph tensor.
    places: HashMap<usize, usize>,
    /// Whether a layer reads the network's input.
    input_read: bool,
    /// Whether a view of the network's input has readers beside the next view.
    input_shared: bool,
    /// Weights made for operators without parameters.
    made: usize,
    pub(super) quantized: Quantized,
}

impl<'g> NetworkBuilder<'g> {
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
            input_limits: [0, 0],
            output_scale: 1.0,
            scales: Vec::new(),
            tensor_names: Vec::new(),
            weight_scales: Vec::new(),
            host_ops: Vec::new(),
        };
        let places = HashMap::new();
        Ok(Self {
            graph,
            ranges,
            options,
            places,
            input_read: false,
            input_shared: false,
            made: 0,
            quantized,
        })
    }

    /// Makes graph tensor `tensor` the network's input (its tensor 0).
    pub(super) fn input(&mut self, tensor: usize) -> Result<(), QuantizeError> {
        let scale = self.scale(tensor)?;
        self.quantized.input_scale = scale;
        self.quantized.input_limits = self.clamp([f32::NEG_INFINITY, f32::INFINITY], scale);
        self.place(tensor, scale).map(|_| ())
    }

    /// Hardware form of `node`, given the layouts of its inputs.
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

    /// Places the output of `node` where its input is, and returns that place.
    fn view(&mut self, node: &Node) -> Result<usize, QuantizeError> {
        let place = self.source(node)?;
        self.places.insert(node.output, place);
        let shared = node.inputs.iter().any(|&input| self.graph.readers(input).nth(1).is_some());
        self.input_shared |= place == 0 && shared;
        Ok(place)
    }

    /// Makes the output of `node` an alias of its input.
    pub(super) fn alias(&mut self, node: &Node) -> Result<(), QuantizeError> {
        let place = self.view(node)?;
        // The host writes the network's input in channel, row, column order, whatever the shape.
        if let (true, Some(layout)) = (place == 0, self.graph.tensors[node.output].layout)
            && !self.input_read
        {
            self.quantized.network.tensors[0] = layout;
        }
        Ok(())
    }

    /// Whether `node` limits the network's input to what the file's quantization represents, and nothing else reads it.
    pub(super) fn limits_input(&self, node: &Node) -> bool {
        let [input] = node.inputs[..] else { return false };
        let by_file = self.graph.tensors[node.output].given.is_some();
        let alone = !self.input_shared && self.graph.readers(input).nth(1).is_none();
        self.places.get(&input) == Some(&0) && by_file && alone
    }

    /// Leaves limits on the network's input to the host, which writes it.
    pub(super) fn limit_input(
        &mut self,
        node: &Node,
        range: [f32; 2],
    ) -> Result<(), QuantizeError> {
        self.view(node)?;
        let [low, high] = self.clamp(range, self.quantized.input_scale);
        self.quantized.input_limits = self.quantized.input_limits.map(|v| v.max(low).min(high));
        Ok(())
    }

    /// Checks the network and returns it.
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

    pub(super) fn fail(&self, node: &Node, problem: String) -> QuantizeError {
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

    /// The integer tensors that `node` reads, in order.
    pub(super) fn sources(&self, node: &Node) -> Result<Vec<usize>, QuantizeError> {
        let place = |input: &usize| {
            let place = self.places.get(input).copied();
            place.ok_or_else(|| self.fail_tensor(*input, "not computed by any layer"))
        };
        node.inputs.iter().map(place).collect()
    }

    /// The single integer tensor that `node` reads.
    pub(super) fn source(&self, node: &Node) -> Result<usize, QuantizeError> {
        match self.sources(node)?[..] {
            [source] => Ok(source),
            _ => Err(self.fail(node, format!("{} data inputs; expected 1", node.inputs.len()))),
        }
    }

    /// Appends an integer tensor for graph tensor `tensor`.
    pub(super) fn place(&mut self, tensor: usize, scale: f64) -> Result<usize, QuantizeError> {
        let info = &self.graph.tensors[tensor];
        let shape = info
            .layout
            .ok_or_else(|| self.fail_tensor(tensor, "neither a feature map nor a vector"))?;
        let name = info.name.clone();
        let place = self.scratch(shape, scale, name);
        self.places.insert(tensor, place);
        Ok(place)
    }

    /// Appends an integer tensor that the graph does not have.
    pub(super) fn scratch(&mut self, shape: Shape, scale: f64, name: String) -> usize {
        self.quantized.network.tensors.push(shape);
        self.quantized.scales.push(scale);
        self.quantized.tensor_names.push(name);
        self.quantized.network.tensors.len() - 1
    }

    /// Real value of one unit of `tensor`, from its range in calibration.
    pub(super) fn scale(&self, tensor: usize) -> Result<f64, QuantizeError> {
        let steps = limit(self.options.activation_bits);
        match self.ranges.max_abs.get(tensor).copied().flatten() {
            None => Err(self.fail_tensor(tensor, "not computed in calibration")),
            Some(range) if !range.is_finite() => {
                Err(self.fail_tensor(tensor, "not finite in calibration"))
            }
            // The tensor is always zero: every scale represents it exactly.
            Some(0.0) => Ok(1.0 / steps),
            Some(range) => Ok(f64::from(range) / steps),
        }
    }

    /// The limits that directly follow `tensor`, without other readers in between: they become the clamp of the layer
    /// that writes it. Returns their tensors, and the limits combined.
    pub(super) fn clamps_behind(&self, tensor: usize) -> (Vec<usize>, [f32; 2]) {
        let mut range = [f32::NEG_INFINITY, f32::INFINITY];
        let mut fused: Vec<usize> = Vec::new();
        loop {
            let last = fused.last().copied().unwrap_or(tensor);
            let mut readers = self.graph.readers(last);
            let (Some(reader), None) = (readers.next(), readers.next()) else { break };
            let Some(Lowering::Clamp(next)) = self.lowering_of(reader) else { break };
            if last == self.graph.output {
                break;
            }
            range = within(range, next);
            fused.push(reader.output);
        }
        (fused, range)
    }

    fn lowering_of<'n>(&self, node: &'n Node) -> Option<Lowering<'n>> {
        let layouts: Option<Vec<Shape>> =
            node.inputs.iter().map(|&t| self.graph.tensors[t].layout).collect();
        Some(node.op.as_ref()?.lower(&layouts?))
    }

    /// Integer limits of a tensor with `scale`.
    pub(super) fn clamp(&self, range: [f32; 2], scale: f64) -> [i32; 2] {
        let most = limit(self.options.activation_bits);
        range.map(|v| (f64::from(v) / scale).round().clamp(-most, most) as i32)
    }

    /// Appends a layer.
    pub(super) fn push(
        &mut self,
        layer: Layer,
        weight_scales: Vec<f64>,
    ) -> Result<(), QuantizeError> {
        if self.quantized.network.layers.len() == MOST_LAYERS {
            let (origin, layer) = (self.graph.origin.clone(), layer.name);
            let problem = format!("more layers than are allowed: {MOST_LAYERS}");
            return Err(QuantizeError::Layer { origin, layer, problem });
        }
        self.input_read |= layer.input == 0;
        self.quantized.network.layers.push(layer);
        self.quantized.weight_scales.push(weight_scales);
        Ok(())
    }

    /// Counts weights that are made for an operator without parameters.
    pub(super) fn make(&mut self, node: &Node, factors: &[usize]) -> Result<(), QuantizeError> {
        let count = factors.iter().try_fold(1usize, |n, &f| n.checked_mul(f));
        match count.and_then(|count| self.made.checked_add(count)) {
            Some(sum) if sum <= MOST_MADE_WEIGHTS => {
                self.made = sum;
                Ok(())
            }
            _ => Err(self.fail(
                node,
                format!(
                    "its layers need {} weights; allowed in a network for averages and concatenations: at most \
                     {MOST_MADE_WEIGHTS}",
                    factors.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ")
                ),
            )),
        }
    }
}

/// The limits `range` followed by `next`.
pub(super) fn within(range: [f32; 2], next: [f32; 2]) -> [f32; 2] {
    range.map(|v| v.max(next[0]).min(next[1]))
}
