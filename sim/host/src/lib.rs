//! The host system: child processes that end with us, files that are there as a whole, the cache of built things, and
//! the external tools.

pub mod cache;
pub mod child;
pub mod error;
pub mod file;
pub mod housekeeping;
pub mod tools;
