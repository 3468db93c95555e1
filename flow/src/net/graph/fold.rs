//! Simplifications that do not change what the network computes.

use super::import::Draft;

impl Draft {
    /// Removes no-ops, then folds normalizations into the layer before them.
    pub(super) fn fold(&mut self) {
        for index in 0..self.nodes.len() {
            self.remove_identity(index);
        }
        for index in 0..self.nodes.len() {
            self.fold_affine(index);
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
        let source = node.inputs[0];
        for reader in self.nodes.iter_mut().flatten() {
            for input in reader.inputs.iter_mut().filter(|i| **i == node.output) {
                *input = source;
            }
        }
        if self.output == node.output {
            self.output = source;
        }
        self.remark(&node.name, "no operation in inference".into());
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
        let output = node.output;
        let layer = self.nodes.iter_mut().flatten().find(|n| n.output == source);
        let Some(layer) = layer.filter(|l| l.problem.is_none()) else { return };
        let linear = layer.op.as_mut().and_then(|op| op.linear_mut());
        if linear.is_none_or(|l| !l.scale_outputs(&scale, &shift)) {
            return;
        }
        layer.output = output;
        let text = format!("folded into `{}`", layer.name);
        if let Some(node) = self.nodes[index].take() {
            self.remark(&node.name, text);
        }
    }
}
