//! Mapping space of a layer: its loops, its sparse weight lists, and their division among columns and channel tiles.

pub(crate) mod array_mapping;
pub(crate) mod balance;
pub(crate) mod channel_tiles;
pub(crate) mod density;
pub(crate) mod lists;
pub(crate) mod orders;
pub(crate) mod reduction;
pub(crate) mod workload;
