//! Arrays of values that record their computation, so that gradients can be traced back.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::sync::Arc;

/// Sizes, row-major; unused dimensions are 1.
pub(super) type Dims = [usize; 4];

/// Computes the gradients at the inputs from a result and its gradient; arbitrary for inputs that are not tracked.
type Back = dyn Fn(&Node, Vec<f32>) -> Vec<Vec<f32>> + Send + Sync;

/// Values in row-major order. Copies share them.
#[derive(Clone)]
pub(super) struct Tensor(Arc<Node>);

pub(super) struct Node {
    pub(super) values: Vec<f32>,
    pub(super) dims: Dims,
    /// Whether it is a variable or depends on one.
    pub(super) tracked: bool,
    /// None for variables and for tensors that do not depend on any.
    pub(super) inputs: Vec<Tensor>,
    back: Box<Back>,
}

impl Deref for Tensor {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.0
    }
}

impl Tensor {
    pub(super) fn new(values: Vec<f32>, dims: Dims) -> Self {
        Self::computed(values, dims, &[], |_, _| Vec::new())
    }

    pub(super) fn variable(values: Vec<f32>, dims: Dims) -> Self {
        let (inputs, back) = (Vec::new(), Box::new(|_: &Node, _| Vec::new()));
        Self(Arc::new(Node { values, dims, tracked: true, inputs, back }))
    }

    /// A tensor computed from `inputs`, with its gradients.
    pub(super) fn computed(
        values: Vec<f32>,
        dims: Dims,
        inputs: &[&Self],
        back: impl Fn(&Node, Vec<f32>) -> Vec<Vec<f32>> + Send + Sync + 'static,
    ) -> Self {
        let tracked = inputs.iter().any(|input| input.tracked);
        let inputs = inputs.iter().filter(|_| tracked).map(|input| (*input).clone()).collect();
        Self(Arc::new(Node { values, dims, tracked, inputs, back: Box::new(back) }))
    }

    /// Its identity.
    pub(super) fn key(&self) -> *const Node {
        Arc::as_ptr(&self.0)
    }
}

/// Traces the gradients at `roots` back to the variables; result by [`Tensor::key`]. Where a tensor is read several times,
/// its gradients are added in the reverse order of a depth-first traversal from the roots, inputs first.
pub(super) fn trace(roots: Vec<(&Tensor, Vec<f32>)>) -> HashMap<*const Node, Vec<f32>> {
    let (mut order, mut seen) = (Vec::new(), HashSet::new());
    roots.iter().for_each(|(root, _)| walk(root, &mut order, &mut seen));
    let roots = roots.into_iter().map(|(root, gradient)| (root.key(), gradient));
    let mut gradients: HashMap<_, Vec<f32>> = roots.collect();
    for tensor in order.into_iter().rev().filter(|tensor| !tensor.inputs.is_empty()) {
        let Some(gradient) = gradients.remove(&tensor.key()) else { continue };
        let shares = tensor.inputs.iter().zip((tensor.back)(tensor, gradient));
        for (input, share) in shares.filter(|(input, _)| input.tracked) {
            match gradients.entry(input.key()) {
                Entry::Vacant(entry) => {
                    entry.insert(share);
                }
                Entry::Occupied(mut entry) => {
                    entry.get_mut().iter_mut().zip(share).for_each(|(sum, share)| *sum += share);
                }
            }
        }
    }
    gradients
}

/// Appends the tensors from which `tensor` was computed to `order`, and then itself.
fn walk<'a>(tensor: &'a Tensor, order: &mut Vec<&'a Tensor>, seen: &mut HashSet<*const Node>) {
    if tensor.tracked && seen.insert(tensor.key()) {
        tensor.inputs.iter().for_each(|input| walk(input, order, seen));
        order.push(tensor);
    }
}
