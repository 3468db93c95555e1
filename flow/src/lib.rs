//! Networks, mapping and the pecan command line.

pub mod cli;
