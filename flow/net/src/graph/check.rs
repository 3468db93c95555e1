//! Determines the nodes of a model that the hardware can execute.

use super::{Finding, Graph, Node};
use crate::onnx::Model;
use crate::op::Lowering;

/// One finding for every node of the model, in the file's order, after one for the operator `Graph` for each thing that
/// is wrong with the graph as a whole.
pub fn check(model: &Model) -> Vec<Finding> {
    let (nodes, problems) = match Graph::import_any(model) {
        Ok((graph, problems)) => (graph.check(), problems),
        Err(problem) => (Vec::new(), vec![problem]),
    };
    let name = model.proto.graph.as_ref().and_then(|g| g.name.clone()).unwrap_or_default();
    let broken =
        |reason| Finding { node: name.clone(), op: "Graph".into(), supported: false, reason };
    problems.into_iter().map(broken).chain(nodes).collect()
}

impl Graph {
    /// One finding for every node of the file: whether the hardware can execute it, and the reason if not.
    pub fn check(&self) -> Vec<Finding> {
        let ends = self.ends_on_host();
        let mut findings = self.remarks().to_vec();
        for node in self.iter() {
            let Some(place) = self.place(&node.name) else { continue };
            let finding = &mut findings[place];
            match self.verdict(node, &ends) {
                Ok(remark) if finding.supported && finding.reason.is_empty() => {
                    finding.reason = remark;
                }
                // Of a node that consists of others, the first problem.
                Err(reason) if finding.supported => {
                    finding.supported = false;
                    finding.reason = reason;
                }
                _ => {}
            }
        }
        findings
    }

    /// A remark on a node that the hardware can execute, or the reason why it cannot.
    fn verdict(&self, node: &Node, ends: &[bool]) -> Result<String, String> {
        if let Some(problem) = &node.problem {
            return Err(problem.clone());
        }
        let waits = || "shape not checked: it depends on an unsupported node".to_owned();
        let Some(op) = &node.op else { return Ok(waits()) };
        let layouts: Option<Vec<_>> = node.inputs.iter().map(|&t| self.tensors[t].layout).collect();
        let Some(layouts) = layouts else {
            let unshaped = node.inputs.iter().any(|&t| self.tensors[t].shape.is_none());
            return if unshaped {
                Ok(waits())
            } else {
                Err("input is no feature map [N, C, H, W] and no vector [N, K]".into())
            };
        };
        match op.lower(&layouts) {
            Lowering::Unsupported(reason) => Err(reason),
            Lowering::Host(_) if !ends[node.output] => {
                Err("supported: as the last node only (computed by the host)".into())
            }
            Lowering::Host(_) => Ok("computed by the host".into()),
            Lowering::Alias if self.tensors[node.output].layout.is_none() => Err(format!(
                "the new shape {:?} moves values that lie as {layouts:?}; supported: flattening, the same \
                 feature map, and any shape directly at the network's input",
                self.tensors[node.output].shape.as_deref().unwrap_or_default()
            )),
            _ => Ok(String::new()),
        }
    }

    /// For every tensor, whether only operations of the host follow it; computed from the last node to the first.
    fn ends_on_host(&self) -> Vec<bool> {
        let mut ends = vec![true; self.tensors.len()];
        for node in self.order.iter().rev().map(|&index| &self.nodes[index]) {
            let host = matches!(node.op.as_ref().map(|op| op.lower(&[])), Some(Lowering::Host(_)));
            if !(host && ends[node.output]) {
                node.inputs.iter().for_each(|&tensor| ends[tensor] = false);
            }
        }
        ends
    }
}
