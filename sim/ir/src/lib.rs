//! Representation of a network between quantization and hardware: the integer network, the program that executes it,
//! the memory that the program sees, and the reference for the results.

pub mod error;
pub mod layer;
pub mod memory;
pub mod program;
pub mod reference;
