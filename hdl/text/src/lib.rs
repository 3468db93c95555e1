//! Text of users and for users: suggestions for misspelt names, names that a terminal may show, limits of TOML files,
//! numbers and tables.

pub mod diagnostic;
pub mod escape;
pub mod format;
mod spelling;
pub mod table;
pub mod toml_limits;

pub use spelling::nearest;
