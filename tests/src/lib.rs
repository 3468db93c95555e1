//! What the end-to-end tests share: random networks and a bench that holds RTL, emulator and integer
//! reference against each other.

pub mod bench;
pub mod random;
