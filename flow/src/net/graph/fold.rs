//! Simplifications that do not change what the network computes (but for the rounding of tensors that the
//! file quantizes: their ranges are kept).

use super::Node;
use super::import::Draft;

impl Draft {
    /// Removes no-ops, then folds normalizations into the layer before them.
    pub(super) fn fold(&mut self) {
        for index in 0..self.nodes.len() {
            self.remove_identity(index);
        }
        for index in 0..self.nodes.len() {
            self.remove_quantization(index);
        }
        for index in 0..self.nodes.len() {
            self.fold_affine(index);
            self.fold_padding(index);
        }
    }

    fn remark(&mut self, node: &str, text: String) {
        if let Some(finding) = self.findings.iter_mut().find(|f| f.node == node) {
            finding.reason = text;
        }
    }

    fn remove_identity(&mut self, index: usize) {
        let Some(node) = self.nodes[index].take_if(|node| {
            node.problem.is_none()
                && node.inputs.len() == 1
                && node.op.as_ref().is_some_and(|op| op.is_identity())
        }) else {
            return;
        };
        self.bypass(node.output, node.inputs[0]);
        self.remark(&node.name, "no operation in inference".into());
    }

    /// Lets every reader of `tensor` read `source`.
    fn bypass(&mut self, tensor: usize, source: usize) {
        for reader in self.nodes.iter_mut().flatten() {
            for input in reader.inputs.iter_mut().filter(|i| **i == tensor) {
                *input = source;
            }
        }
        if self.output == tensor {
            self.output = source;
        }
    }

    /// The nodes that read `tensor`, each once.
    fn readers(&self, tensor: usize) -> Vec<usize> {
        let reads = |n: &Option<Node>| n.as_ref().is_some_and(|n| n.inputs.contains(&tensor));
        (0..self.nodes.len()).filter(|&at| reads(&self.nodes[at])).collect()
    }

    /// Replaces a quantization and the dequantizations that read it by the range of the tensor.
    fn remove_quantization(&mut self, index: usize) {
        let Some(node) = &self.nodes[index] else { return };
        let grid = node.op.as_ref().and_then(|op| op.grid()).copied();
        let (Some(grid), [source], output) = (grid, &node.inputs[..], node.output) else { return };
        let (source, readers) = (*source, self.readers(output));
        let undoes = |at: &usize| {
            self.nodes[*at].as_ref().is_some_and(|n| {
                n.op_type == "DequantizeLinear"
                    && n.problem.is_none()
                    && n.op.as_ref().and_then(|op| op.grid()) == Some(&grid)
            })
        };
        let pair = node.op_type == "QuantizeLinear" && node.problem.is_none();
        if !pair || self.output == output || readers.is_empty() || !readers.iter().all(undoes) {
            return;
        }
        let given = &mut self.tensors[source].given;
        *given = Some(given.map_or(grid.largest(), |other| other.max(grid.largest())));
        for at in readers.into_iter().chain([index]) {
            if let Some(node) = self.nodes[at].take() {
                self.bypass(node.output, source);
                self.remark(&node.name, "the range of a tensor".into());
            }
        }
    }

    /// Moves explicit zero padding into the one layer that reads it.
    fn fold_padding(&mut self, index: usize) {
        let Some(node) = &self.nodes[index] else { return };
        let pads = node.op.as_ref().and_then(|op| op.zero_padding());
        let (Some(pads), [source], output) = (pads, &node.inputs[..], node.output) else { return };
        let (source, ok) = (*source, node.problem.is_none() && self.output != output);
        let [reader] = self.readers(output)[..] else { return };
        let Some(layer) = self.nodes[reader].as_mut().filter(|l| ok && l.problem.is_none()) else {
            return;
        };
        if !layer.op.as_mut().is_some_and(|op| op.absorb_padding(pads)) {
            return;
        }
        layer.inputs = vec![source];
        let text = format!("folded into `{}`", layer.name);
        if let Some(node) = self.nodes[index].take() {
            self.remark(&node.name, text);
        }
    }

    fn fold_affine(&mut self, index: usize) {
        let Some(node) = &self.nodes[index] else { return };
        let Some((scale, shift)) = node.op.as_ref().and_then(|op| op.affine()) else { return };
        let [source] = node.inputs[..] else { return };
        if node.problem.is_some() || self.output == source {
            return;
        }
        let (scale, shift) = (scale.to_vec(), shift.to_vec());
        let readers = self.nodes.iter().flatten().flat_map(|n| &n.inputs).filter(|i| **i == source);
        if readers.count() != 1 {
            return;
        }
        let (output, name) = (node.output, node.name.clone());
        let layer = self.nodes.iter_mut().flatten().find(|n| n.output == source);
        let Some(layer) = layer.filter(|l| l.problem.is_none()) else { return };
        let linear = layer.op.as_mut().and_then(|op| op.linear_mut());
        if linear.is_none_or(|l| !l.scale_outputs(&scale, &shift)) {
            return;
        }
        layer.output = output;
        layer.folded.push(name);
        let text = format!("folded into `{}`", layer.name);
        if let Some(node) = self.nodes[index].take() {
            self.remark(&node.name, text);
        }
    }
}
