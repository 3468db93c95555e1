//! The host system: child processes that end with this process, atomically written files, the cache of results, and the
//! external tools.

pub mod cache;
pub mod child;
pub mod error;
pub mod file;
pub mod housekeeping;
pub mod tools;
