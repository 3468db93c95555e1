//! Part of pecan.
