//! The accelerator: configuration, command set and RTL.

pub mod isa;
