//! Time to make the package of a preset; `large` should stay below two seconds.

use pecan_accelerator::generate::{GenerateError, Package};
use pecan_config::PRESETS;

fn main() {
    divan::main();
}

/// All files of a preset, from the configuration.
#[divan::bench(args = PRESETS.iter().map(|p| p.name))]
fn package(name: &str) -> Result<usize, GenerateError> {
    let config = pecan_config::preset(name).unwrap_or_default();
    Ok(Package::of(&config)?.files.len())
}
