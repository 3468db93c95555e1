//! The layer as a space to map: its loops, its sparse weight lists, and what divides among columns and output-channel tiles.

pub(crate) mod array_mapping;
pub(crate) mod balance;
pub(crate) mod channel_tiles;
pub(crate) mod density;
pub(crate) mod lists;
pub(crate) mod orders;
pub(crate) mod reduction;
pub(crate) mod workload;
