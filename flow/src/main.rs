//! The pecan command.
fn main() {}
