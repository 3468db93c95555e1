//! Networks, mapping and the command line.

pub mod map;
