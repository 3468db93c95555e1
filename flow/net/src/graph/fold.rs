//! Simplifications that do not change the network's results (except for the rounding of tensors that the file
//! quantizes, whose ranges are kept).

use super::Node;
use super::draft::Draft;
use crate::limits::MOST_FOLDED;
use crate::op::{self, Grid, Lowering};

/// Readers and writers of the tensors of a draft.
struct Links {
    /// Nodes that read or once read each tensor.
    readers: Vec<Vec<usize>>,
    /// How often each tensor is read.
    uses: Vec<usize>,
    /// The node that writes each tensor.
    writers: Vec<Option<usize>>,
    /// Bounds of the values of each tensor, as far as the operators before it set them.
    bounds: Vec<[f32; 2]>,
}

impl Links {
    fn of(draft: &Draft) -> Self {
        let count = draft.tensors.len();
        let (readers, uses, writers) = (vec![Vec::new(); count], vec![0; count], vec![None; count]);
        let bounds = vec![[f32::NEG_INFINITY, f32::INFINITY]; count];
        let mut links = Self { readers, uses, writers, bounds };
        for (index, node) in draft.nodes.iter().enumerate() {
            let Some(node) = node else { continue };
            links.writers[node.output] = Some(index);
            node.inputs.iter().for_each(|&tensor| links.read(index, tensor));
        }
        links
    }

    fn read(&mut self, index: usize, tensor: usize) {
        self.uses[tensor] += 1;
        if self.readers[tensor].last() != Some(&index) {
            self.readers[tensor].push(index);
        }
    }
}

impl Draft {
    /// Removes no-ops, then folds normalizations into the layer before them.
    pub(super) fn fold(&mut self) {
        self.remove_identities();
        let mut links = Links::of(self);
        for index in 0..self.nodes.len() {
            self.remove_quantization(index, &mut links);
            self.bound(index, &mut links);
        }
        for index in 0..self.nodes.len() {
            self.fold_affine(index, &mut links);
            self.fold_padding(index, &mut links);
        }
    }

    fn remark(&mut self, node: &str, text: String) {
        // Of a node that consists of others, the last one has its name.
        if let Some(&at) = self.places.get(node)
            && self.findings[at].node == node
        {
            self.findings[at].reason = text;
        }
    }

    /// Connects the readers of no-ops to the inputs of these, in one pass: nodes come after those that they depend on.
    fn remove_identities(&mut self) {
        let mut sources: Vec<usize> = (0..self.tensors.len()).collect();
        for index in 0..self.nodes.len() {
            let Some(node) = &mut self.nodes[index] else { continue };
            node.inputs.iter_mut().for_each(|input| *input = sources[*input]);
            let identity = node.problem.is_none()
                && node.inputs.len() == 1
                && node.op.as_ref().is_some_and(|op| op.is_identity());
            if identity && let Some(node) = self.nodes[index].take() {
                sources[node.output] = node.inputs[0];
                self.remark(&node.name, "no operation in inference".into());
            }
        }
        self.output = sources[self.output];
    }

    /// Removes a node and connects its readers to `source` instead.
    fn bypass(&mut self, index: usize, source: usize, links: &mut Links) -> Option<Node> {
        let node = self.nodes[index].take()?;
        node.inputs.iter().for_each(|&tensor| links.uses[tensor] -= 1);
        links.uses[node.output] = 0;
        for reader in std::mem::take(&mut links.readers[node.output]) {
            let Some(inputs) = self.nodes[reader].as_mut().map(|reader| &mut reader.inputs) else {
                continue;
            };
            for input in inputs.iter_mut().filter(|input| **input == node.output) {
                *input = source;
                links.read(reader, source);
            }
        }
        if self.output == node.output {
            self.output = source;
        }
        Some(node)
    }

    /// The nodes that read `tensor`, each once.
    fn readers(&self, tensor: usize, links: &Links) -> Vec<usize> {
        let reads =
            |at: &usize| self.nodes[*at].as_ref().is_some_and(|n| n.inputs.contains(&tensor));
        let mut readers: Vec<usize> = links.readers[tensor].iter().copied().filter(reads).collect();
        readers.sort_unstable();
        readers.dedup();
        readers
    }

    /// Replaces a quantization and the dequantizations that read it by the range of the tensor.
    fn remove_quantization(&mut self, index: usize, links: &mut Links) {
        let Some(node) = &self.nodes[index] else { return };
        let pair = node.op_type == "QuantizeLinear" && node.problem.is_none();
        let grid = node.op.as_ref().and_then(|op| op.grid()).copied();
        let (Some(grid), [source], output) = (grid, &node.inputs[..], node.output) else { return };
        if !pair || self.output == output {
            return;
        }
        let (source, readers) = (*source, self.readers(output, links));
        let undoes = |at: &usize| {
            self.nodes[*at].as_ref().is_some_and(|n| {
                n.op_type == "DequantizeLinear"
                    && n.problem.is_none()
                    && n.op.as_ref().and_then(|op| op.grid()) == Some(&grid)
            })
        };
        if readers.is_empty() || !readers.iter().all(undoes) {
            return;
        }
        let limits = Self::saturates(source, &grid, links);
        let only = links.uses[source] == 1;
        if limits.is_none() || only {
            self.give(source, grid.largest());
        }
        let (kept, removed) = if limits.is_some() { (output, None) } else { (source, Some(index)) };
        for at in readers.into_iter().chain(removed) {
            if let Some(node) = self.bypass(at, kept, links) {
                self.remark(&node.name, "the range of a tensor".into());
            }
        }
        if let Some(limits) = limits {
            self.limit(index, source, limits);
            self.give(output, grid.largest());
        }
    }

    /// Takes a range of the file for a tensor; of several, the largest.
    fn give(&mut self, tensor: usize, largest: f64) {
        let given = &mut self.tensors[tensor].given;
        *given = Some(given.map_or(largest, |other| other.max(largest)));
    }

    /// Makes a quantization of `source` the limits of its grid, without its rounding.
    fn limit(&mut self, index: usize, source: usize, limits: [f32; 2]) {
        let Some(node) = &mut self.nodes[index] else { return };
        node.op = Some(op::clip(limits));
        node.op_type = "Clip".into();
        let (name, output) = (node.name.clone(), node.output);
        self.tensors[output].layout = self.tensors[source].layout;
        let [low, high] = limits;
        self.remark(&name, format!("the range of a tensor, limits {low} to {high}"));
    }

    /// The limits of a grid, where they cut off values of `tensor` that the symmetric integers of its range represent:
    /// a quantization then is a limit too. ONNX Runtime, for one, deletes a ReLU in front of a grid that starts at 0.
    fn saturates(tensor: usize, grid: &Grid, links: &Links) -> Option<[f32; 2]> {
        let (limits, largest) = (grid.limits(), grid.largest() as f32);
        // Differences below a hundredth of a unit are those of the file's decimal numbers.
        let slack = 0.01 * grid.scale;
        let ([low, high], [least, most]) = (limits, links.bounds[tensor]);
        let cuts_low = low > slack - largest && least < low - slack;
        let cuts_high = high < largest - slack && most > high + slack;
        (cuts_low || cuts_high).then_some(limits)
    }

    /// Notes the bounds of a node's output, given those of its input.
    fn bound(&self, index: usize, links: &mut Links) {
        let Some(node) = &self.nodes[index] else { return };
        let ([input], Some(op), None) = (&node.inputs[..], &node.op, &node.problem) else { return };
        let bounds = links.bounds[*input];
        links.bounds[node.output] = match op.lower(self.tensors[*input].layout.as_slice()) {
            Lowering::Clamp([low, high]) => bounds.map(|v| v.max(low).min(high)),
            // Neither yields a value that its input does not have.
            Lowering::Alias | Lowering::MaxPool(_) => bounds,
            _ => return,
        };
    }

    /// Moves explicit zero padding into the one layer that reads it.
    fn fold_padding(&mut self, index: usize, links: &mut Links) {
        let Some(node) = &self.nodes[index] else { return };
        let pads = node.op.as_ref().and_then(|op| op.zero_padding());
        let (Some(pads), [source], output) = (pads, &node.inputs[..], node.output) else { return };
        let (source, ok) = (*source, node.problem.is_none() && self.output != output);
        let [reader] = self.readers(output, links)[..] else { return };
        let Some(layer) = self.nodes[reader].as_mut().filter(|l| ok && l.problem.is_none()) else {
            return;
        };
        if !layer.op.as_mut().is_some_and(|op| op.absorb_padding(pads)) {
            return;
        }
        let text = format!("folded into `{}`", layer.name);
        if let Some(node) = self.bypass(index, source, links) {
            self.remark(&node.name, text);
        }
    }

    fn fold_affine(&mut self, index: usize, links: &mut Links) {
        let Some(node) = &self.nodes[index] else { return };
        let Some((scale, shift)) = node.op.as_ref().and_then(|op| op.affine()) else { return };
        let [source] = node.inputs[..] else { return };
        if node.problem.is_some() || self.output == source || links.uses[source] != 1 {
            return;
        }
        let (scale, shift) = (scale.to_vec(), shift.to_vec());
        let (output, name) = (node.output, node.name.clone());
        let Some(writer) = links.writers[source] else { return };
        let layer = self.nodes[writer].as_mut();
        let Some(layer) = layer.filter(|l| l.problem.is_none() && l.folded.len() < MOST_FOLDED)
        else {
            return;
        };
        let linear = layer.op.as_mut().and_then(|op| op.linear_mut());
        if linear.is_none_or(|l| !l.scale_outputs(&scale, &shift)) {
            return;
        }
        layer.output = output;
        layer.folded.push(name);
        links.writers[output] = Some(writer);
        let text = format!("folded into `{}`", layer.name);
        if let Some(node) = self.nodes[index].take() {
            links.uses[source] -= 1;
            self.remark(&node.name, text);
        }
    }
}
