//! Networks, data, mapping and the pecan command line.

pub mod cli;
pub mod data;
pub mod energy;
pub mod map;
pub mod net;
pub mod report;
pub mod simulate;
pub mod tools;
pub mod train;
