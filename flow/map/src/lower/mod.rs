//! From a mapping to kernels of the compute engine and the transfers around them.

pub(crate) mod allocation;
pub(crate) mod buffer_mapping;
pub(crate) mod circular_buffer;
pub(crate) mod kernel;
pub(crate) mod layer;
pub(crate) mod placement;
pub(crate) mod prefetch;
