//! Simulated cycles per CPU second, compared with a loop that only toggles the clock of the same model with the same
//! pins: the cost of the harness (streams, memory, watchdog, snapshots). Aim: a ratio of at least 0.8.
//!
//! Also printed: the time of the simulator's build (`-` where it came from the cache).

use anyhow::Result;
use pecan_config::{Config, preset};
use pecan_map::{Options, compile};
use pecan_tests::bench::Bench;
use pecan_tests::{digits, random};
use pecan_verilator::harness::{Job, Settings};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn main() -> Result<()> {
    println!(
        "{:8} {:>10} {:>16} {:>16} {:>7} {:>8}",
        "preset", "cycles", "harness c/s", "bare c/s", "ratio", "build s"
    );
    for name in ["tiny", "edge", "large"] {
        row(name, &preset(name).unwrap_or_default())?;
    }
    Ok(())
}

fn row(name: &str, config: &Config) -> Result<()> {
    let network = digits::quantized()?.network;
    let bench = Bench::new(config)?;
    let compiled = compile(&network, config, &Options::default())?;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let input = compiled.encode_input(&random::input(&mut rng, network.tensors[0], config));
    let job = Job {
        program: &compiled.program,
        later: None,
        inputs: &[input],
        settings: Settings::default(),
    };
    let result = bench.simulator.bench(&job, 12)?;
    let best = |list: &[f64]| list.iter().copied().fold(0.0, f64::max);
    let build = if bench.simulator.cached {
        "-".into()
    } else {
        format!("{:.0}", bench.simulator.build_seconds)
    };
    println!(
        "{name:8} {:>10} {:>16.0} {:>16.0} {:>7.2} {build:>8}",
        result.cycles,
        best(&result.harness),
        best(&result.bare),
        result.efficiency(),
    );
    Ok(())
}
