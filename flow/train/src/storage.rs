//! Access to the values of tensors.
//!
//! All tensors of this module are `f32`, contiguous and in main memory; the operators in it work on slices.

use std::sync::RwLockReadGuard;

use candle_core::{CpuStorage, Device, Layout, Result, Storage, Tensor, bail};

/// The values of a contiguous tensor, as an operator gets them.
pub(super) fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("values of shape {:?} are not contiguous", layout.shape()),
    }
}

/// A tensor that is open for reading.
pub(super) struct Reader<'a> {
    storage: RwLockReadGuard<'a, Storage>,
    layout: &'a Layout,
}

impl<'a> Reader<'a> {
    pub(super) fn new(tensor: &'a Tensor) -> Self {
        let (storage, layout) = tensor.storage_and_layout();
        Self { storage, layout }
    }

    /// The values in row-major order; an error if they do not lie so.
    pub(super) fn values(&self) -> Result<&[f32]> {
        match &*self.storage {
            Storage::Cpu(storage) => values(storage, self.layout),
            _ => bail!("values are not in main memory"),
        }
    }
}

/// A tensor of `values` with the shape of `like`.
pub(super) fn shaped(values: Vec<f32>, like: &Tensor) -> Result<Tensor> {
    Tensor::from_vec(values, like.shape(), &Device::Cpu)
}
