//! Energy of networks on the accelerator.

pub mod synthetic;
