//! Text from and for users: suggestions for misspelt names, escapes for terminals, limits of TOML files, numbers and
//! tables.

pub mod diagnostic;
pub mod escape;
pub mod format;
mod spelling;
pub mod table;
pub mod toml_limits;

pub use spelling::nearest;
