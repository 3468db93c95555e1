//! A [`Graph`] as steps on tensors of whole batches.
//!
//! Activations are stored as `[C][B][H][W]`, channels before the batch, so that a layer is one matrix product whose
//! result needs no rearrangement.

use pecan_ir::layer::{Shape, Window};

use super::activation::Activation;
use super::arrange::{concat, reshape, sum};
use super::error::TrainError;
use super::layer::{Layer, columns, geometry};
use super::pool::{Maximum, Mean};
use super::tensor::Tensor;
use pecan_net::graph::{Graph, Node};
use pecan_net::op::{Lowering, Operator};

/// No limits.
pub(super) const OPEN: [f32; 2] = [f32::NEG_INFINITY, f32::INFINITY];

/// Operation of a step.
#[derive(Clone, Copy, Debug)]
enum StepOperation {
    /// Index into [`Network::layers`].
    Linear(usize),
    MaxPool(Window),
    Average(Window, usize),
    Add,
    Concat,
    /// The same values, perhaps in another shape; limits are in [`Step::bounds`].
    Same,
}

/// One node.
#[derive(Debug)]
struct Step {
    kind: StepOperation,
    inputs: Vec<usize>,
    output: usize,
    shape: Shape,
    bounds: [f32; 2],
    /// Whether the hardware writes these values to memory, as integers with their own scale.
    stored: bool,
}

/// A network up to the operations of the host.
pub(super) struct Network {
    pub(super) origin: String,
    pub(super) layers: Vec<Layer>,
    pub(super) input_shape: Shape,
    /// Number of logits.
    pub(super) outputs: usize,
    steps: Vec<Step>,
    tensors: usize,
    input: usize,
    logits: usize,
}

/// Callbacks of a pass through the network.
pub(super) trait Hooks {
    /// Weights and bias of a layer; no bias if [`Hooks::output`] adds it.
    fn parameters(&mut self, _layer: usize, own: &Layer) -> (Tensor, Option<Tensor>) {
        (own.weights.clone(), Some(own.bias.clone()))
    }

    /// Called with the input of a layer.
    fn input(&mut self, _layer: usize, _values: &Tensor) -> Result<(), TrainError> {
        Ok(())
    }

    /// Called with the output of a layer, which it may change.
    fn output(&mut self, _layer: usize, values: Tensor) -> Tensor {
        values
    }

    /// Limits values to `bounds`. `stored` numbers the tensors that are in memory as integers.
    fn limit(&mut self, _stored: Option<usize>, bounds: [f32; 2], values: Tensor) -> Tensor {
        match bounds == OPEN {
            true => values,
            false => Activation { bounds, grid: None }.apply(&values),
        }
    }
}

impl Network {
    /// The steps of `graph` up to the first operation of the host.
    pub(super) fn new(graph: &Graph) -> Result<Self, TrainError> {
        let mut network = Self {
            origin: graph.origin.clone(),
            layers: Vec::new(),
            input_shape: Shape::new(0, 0, 0),
            outputs: 0,
            steps: Vec::new(),
            tensors: graph.tensors.len(),
            input: graph.input,
            logits: graph.output,
        };
        let mut host: Option<usize> = None;
        for node in graph.iter() {
            match (network.lowering(graph, node)?, host) {
                (Lowering::Host(_), None) => {
                    host = Some(node.output);
                    network.logits = node.inputs.first().copied().unwrap_or(graph.output);
                }
                (Lowering::Host(_), Some(before)) if node.inputs == [before] => {
                    host = Some(node.output);
                }
                (Lowering::Alias, Some(before)) if node.inputs == [before] => {
                    host = Some(node.output);
                }
                (lowering, None) => network.push(graph, node, lowering)?,
                (_, Some(_)) => {
                    return Err(network.fail(node, "follows an operation of the host".into()));
                }
            }
        }
        network.finish(graph)
    }

    fn fail(&self, node: &Node, reason: String) -> TrainError {
        TrainError::Unsupported { origin: self.origin.clone(), node: node.name.clone(), reason }
    }

    fn lowering<'g>(&self, graph: &'g Graph, node: &'g Node) -> Result<Lowering<'g>, TrainError> {
        let layouts: Option<Vec<Shape>> =
            node.inputs.iter().map(|&t| graph.tensors[t].layout).collect();
        let op: Option<&dyn Operator> = node.op.as_deref();
        match (op, layouts, &node.problem) {
            (Some(op), Some(layouts), None) => Ok(op.lower(&layouts)),
            (_, _, Some(problem)) => Err(self.fail(node, problem.clone())),
            _ => Err(self.fail(node, "its inputs are not feature maps or vectors".into())),
        }
    }

    fn push(
        &mut self,
        graph: &Graph,
        node: &Node,
        lowering: Lowering<'_>,
    ) -> Result<(), TrainError> {
        let layout = |tensor: usize| graph.tensors[tensor].layout;
        let Some(shape) = layout(node.output) else {
            return Err(self.fail(node, "its output is neither feature map nor vector".into()));
        };
        let mut bounds = OPEN;
        let mut stored = true;
        let kind = match lowering {
            Lowering::Linear { linear, window, groups } => {
                let [input] = node.inputs[..] else {
                    return Err(self.fail(node, "expected 1 data input".into()));
                };
                let outputs = shape.channels;
                let inputs = linear.weights.len() / outputs.max(1);
                self.layers.push(Layer {
                    name: node.name.clone(),
                    input: layout(input).unwrap_or(Shape::new(0, 0, 0)),
                    output: shape,
                    window,
                    groups,
                    weights: Tensor::new(linear.weights.clone(), [outputs, inputs, 1, 1]),
                    bias: Tensor::new(linear.bias.clone(), [linear.bias.len(), 1, 1, 1]),
                    inner: true,
                });
                StepOperation::Linear(self.layers.len() - 1)
            }
            Lowering::MaxPool(window) => {
                stored = false;
                StepOperation::MaxPool(window)
            }
            Lowering::Average { window, divisor } => {
                stored = divisor != 1;
                StepOperation::Average(window, divisor)
            }
            Lowering::Add => StepOperation::Add,
            Lowering::Concat => StepOperation::Concat,
            Lowering::Clamp(limits) => {
                bounds = limits;
                stored = false;
                StepOperation::Same
            }
            Lowering::Alias => {
                stored = false;
                StepOperation::Same
            }
            Lowering::Unsupported(reason) => return Err(self.fail(node, reason)),
            Lowering::Host(_) => return Err(self.fail(node, "an operation of the host".into())),
        };
        let (inputs, output) = (node.inputs.clone(), node.output);
        self.steps.push(Step { kind, inputs, output, shape, bounds, stored });
        Ok(())
    }

    /// Checks properties of the whole network.
    fn finish(mut self, graph: &Graph) -> Result<Self, TrainError> {
        let known = |tensor: usize| graph.tensors[tensor].layout;
        let (Some(input), Some(output)) = (known(self.input), known(self.logits)) else {
            return Err(TrainError::Unsupported {
                origin: self.origin.clone(),
                node: graph.name.clone(),
                reason: "its input or output is neither feature map nor vector".into(),
            });
        };
        (self.input_shape, self.outputs) = (input, output.len());
        self.move_behind_limits();
        let mut result = self.logits;
        for step in self.steps.iter().rev().filter(|s| matches!(s.kind, StepOperation::Same)) {
            if step.output == result && step.bounds == OPEN {
                result = step.inputs[0];
            }
        }
        for step in &self.steps {
            if let (StepOperation::Linear(layer), true) = (step.kind, step.output == result) {
                self.layers[layer].inner = false;
            }
        }
        Ok(self)
    }

    /// A limit that is the only reader of a layer's output is part of that layer on the hardware: its result is stored.
    fn move_behind_limits(&mut self) {
        for at in 0..self.steps.len() {
            if !self.steps[at].stored {
                continue;
            }
            let tensor = self.steps[at].output;
            let mut readers =
                (0..self.steps.len()).filter(|&s| self.steps[s].inputs.contains(&tensor));
            let (Some(next), None) = (readers.next(), readers.next()) else { continue };
            let limit = matches!(self.steps[next].kind, StepOperation::Same)
                && self.steps[next].bounds != OPEN;
            // Steps are in order of execution, so a chain of limits is followed to its end.
            if limit && tensor != self.logits {
                self.steps[at].stored = false;
                self.steps[next].stored = true;
            }
        }
    }

    /// Number of tensors that are in memory as integers, including the input (number 0).
    pub(super) fn stored(&self) -> usize {
        1 + self.steps.iter().filter(|step| step.stored).count()
    }

    /// Logits `[outputs][B]` of an input `[C][B][H][W]`.
    pub(super) fn forward(
        &self,
        input: Tensor,
        hooks: &mut dyn Hooks,
    ) -> Result<Tensor, TrainError> {
        let [_, batch, ..] = input.dims;
        let mut tensors: Vec<Option<Tensor>> = vec![None; self.tensors];
        tensors[self.input] = Some(hooks.limit(Some(0), OPEN, input));
        let mut stored = 0;
        for step in &self.steps {
            let inputs: Vec<&Tensor> =
                step.inputs.iter().filter_map(|&t| tensors[t].as_ref()).collect();
            let value = self.compute(step, &inputs, batch, hooks)?;
            stored += usize::from(step.stored);
            let number = step.stored.then_some(stored);
            tensors[step.output] = Some(hooks.limit(number, step.bounds, value));
        }
        match tensors.swap_remove(self.logits) {
            // `[C][B][H][W]` to `[C H W][B]`.
            Some(logits) => Ok(columns(&logits)),
            None => Err(self.broken("the output is not computed")),
        }
    }

    fn broken(&self, problem: &str) -> TrainError {
        TrainError::Engine(format!("{}: {problem}", self.origin))
    }

    fn compute(
        &self,
        step: &Step,
        inputs: &[&Tensor],
        batch: usize,
        hooks: &mut dyn Hooks,
    ) -> Result<Tensor, TrainError> {
        let Some(&first) = inputs.first() else {
            return Err(self.broken("a node reads what is not computed"));
        };
        Ok(match step.kind {
            StepOperation::Linear(layer) => {
                hooks.input(layer, first)?;
                let own = &self.layers[layer];
                let (weights, bias) = hooks.parameters(layer, own);
                let values = own.apply(first, &weights, bias.as_ref())?;
                hooks.output(layer, values)
            }
            StepOperation::MaxPool(window) => Maximum(geometry(first, window)?).apply(first),
            StepOperation::Average(window, divisor) => {
                let geometry = geometry(first, window)?;
                Mean { geometry, divisor: divisor as f32 }.apply(first)
            }
            StepOperation::Add => match inputs {
                [a, b] if a.dims == b.dims => sum(a, b),
                _ => return Err(self.broken("a sum is not one of two tensors of one shape")),
            },
            StepOperation::Concat => concat(inputs),
            StepOperation::Same => {
                let Shape { channels, height, width } = step.shape;
                match [channels, batch, height, width] {
                    dims if dims == first.dims => first.clone(),
                    dims => reshape(first, dims),
                }
            }
        })
    }
}
