//! Commands, weight streams and the DRAM image of a program.

pub(crate) mod backend;
pub(crate) mod pack;
pub(crate) mod stream;
