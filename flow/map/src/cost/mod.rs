//! Cost of a mapping, and the search for the cheapest.

pub(crate) mod bound;
pub(crate) mod cache;
pub(crate) mod counts;
pub(crate) mod objective;
pub(crate) mod search;
