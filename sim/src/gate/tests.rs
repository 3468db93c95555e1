//! Tests with hand-computed energies.
