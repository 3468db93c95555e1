//! Networks, data, mapping and everything above them.

pub mod data;
pub mod map;
pub mod net;
