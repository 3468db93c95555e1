//! Text of users and for users: suggestions for misspelt names, names that a terminal may show, limits of TOML files.

pub mod escape;
mod spelling;
pub mod toml_limits;

pub use spelling::nearest;
