//! Arrays of values that remember what they were computed from, so that gradients can be traced back.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;

/// Sizes, row-major; those that an array does not have are 1.
pub(super) type Dims = [usize; 4];

/// An operator with gradients.
pub(super) trait Differentiable: Debug + Send + Sync {
    /// The values of the result and their dimensions.
    fn forward(&self, inputs: &[&Tensor]) -> (Vec<f32>, Dims);

    /// From the gradient at the `result`, those at the inputs; what stands for an input that is not
    /// [tracked](Tensor::tracked) is not looked at.
    fn backward(&self, inputs: &[Tensor], result: &Tensor, gradient: Vec<f32>) -> Vec<Vec<f32>>;
}

/// Values in row-major order. Copies share them.
#[derive(Clone, Debug)]
pub(super) struct Tensor(Arc<Node>);

#[derive(Debug)]
struct Node {
    values: Vec<f32>,
    dims: Dims,
    origin: Origin,
}

#[derive(Debug)]
enum Origin {
    Constant,
    /// Gradients are wanted here.
    Variable,
    /// A result that depends on variables.
    Computed(Box<dyn Differentiable>, Vec<Tensor>),
}

impl Tensor {
    fn of(values: Vec<f32>, dims: Dims, origin: Origin) -> Self {
        debug_assert_eq!(values.len(), dims.iter().product::<usize>());
        Self(Arc::new(Node { values, dims, origin }))
    }

    pub(super) fn new(values: Vec<f32>, dims: Dims) -> Self {
        Self::of(values, dims, Origin::Constant)
    }

    pub(super) fn variable(values: Vec<f32>, dims: Dims) -> Self {
        Self::of(values, dims, Origin::Variable)
    }

    pub(super) fn values(&self) -> &[f32] {
        &self.0.values
    }

    pub(super) fn dims(&self) -> Dims {
        self.0.dims
    }

    /// Whether it depends on a variable.
    pub(super) fn tracked(&self) -> bool {
        !matches!(self.0.origin, Origin::Constant)
    }

    /// Applies `op`; the result remembers that if an input depends on a variable.
    pub(super) fn apply(op: impl Differentiable + 'static, inputs: &[&Self]) -> Self {
        let (values, dims) = op.forward(inputs);
        let origin = match inputs.iter().any(|input| input.tracked()) {
            true => Origin::Computed(Box::new(op), inputs.iter().copied().cloned().collect()),
            false => Origin::Constant,
        };
        Self::of(values, dims, origin)
    }

    fn key(&self) -> *const Node {
        Arc::as_ptr(&self.0)
    }
}

/// Gradients at the variables.
#[derive(Debug, Default)]
pub(super) struct Gradients(HashMap<*const Node, Vec<f32>>);

impl Gradients {
    /// The gradient at `variable`, if what was differentiated depends on it.
    pub(super) fn get(&self, variable: &Tensor) -> Option<&[f32]> {
        self.0.get(&variable.key()).map(Vec::as_slice)
    }

    fn add(&mut self, tensor: &Tensor, share: Vec<f32>) {
        let sum = self.0.entry(tensor.key()).or_default();
        match sum.is_empty() {
            true => *sum = share,
            false => sum.iter_mut().zip(share).for_each(|(sum, share)| *sum += share),
        }
    }

    /// Traces the gradients at `roots` back to the variables. Where a tensor is read several times, its gradients are
    /// added in the reverse order of a walk from the roots in depth, inputs first.
    pub(super) fn back(roots: Vec<(&Tensor, Vec<f32>)>) -> Self {
        let (mut order, mut seen) = (Vec::new(), HashSet::new());
        roots.iter().for_each(|(root, _)| walk(root, &mut order, &mut seen));
        let mut gradients = Self::default();
        for (root, gradient) in roots {
            gradients.add(root, gradient);
        }
        for tensor in order.into_iter().rev() {
            let Origin::Computed(op, inputs) = &tensor.0.origin else { continue };
            let Some(gradient) = gradients.0.remove(&tensor.key()) else { continue };
            for (input, share) in inputs.iter().zip(op.backward(inputs, tensor, gradient)) {
                if input.tracked() {
                    gradients.add(input, share);
                }
            }
        }
        gradients
    }
}

/// Appends to `order` what `tensor` was computed from, and then itself.
fn walk<'a>(tensor: &'a Tensor, order: &mut Vec<&'a Tensor>, seen: &mut HashSet<*const Node>) {
    if tensor.tracked() && seen.insert(tensor.key()) {
        if let Origin::Computed(_, inputs) = &tensor.0.origin {
            inputs.iter().for_each(|input| walk(input, order, seen));
        }
        order.push(tensor);
    }
}
