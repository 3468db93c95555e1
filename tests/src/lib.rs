//! Shared parts of the tests: random networks, a bench that compares RTL, emulator and integer reference, and the
//! replay of single blocks under Verilator.

pub mod architecture;
pub mod bench;
pub mod digits;
pub mod equivalence;
pub mod judge;
pub mod mutation;
pub mod random;
pub mod shapes;
pub mod toggles;
