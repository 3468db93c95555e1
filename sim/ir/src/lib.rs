//! What a network is between quantization and hardware: the integer network, the program that runs it, the memory that
//! the program sees, and the reference that says what must come out.

pub mod error;
pub mod layer;
pub mod memory;
pub mod program;
pub mod reference;
