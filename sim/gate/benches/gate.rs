//! Speed of the gate-level simulator: toggles of nets per second on a random netlist.

#![allow(clippy::unwrap_used)] // a bench fails like a test

use std::fmt::Write;

use divan::{Bencher, counter::ItemsCount};
use pecan_gate::{GateDesign, GateOptions, Library, Mode, Pins, Signal};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const GATES: usize = 20_000;
const INPUTS: usize = 64;
const CYCLES: usize = 100;

fn main() {
    divan::main();
}

/// Gates that read from the 500 nets before them, so that the netlist is about as deep as a datapath.
fn netlist(random: &mut ChaCha8Rng) -> String {
    let bits =
        |range: std::ops::Range<usize>| range.map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let mut cells = String::new();
    for gate in 0..GATES {
        let y = 3 + INPUTS + gate;
        let mut pick = || random.random_range(y.saturating_sub(500).max(3)..y);
        let (a, b) = (pick(), pick());
        let of = if gate % 8 == 0 { "XOR2" } else { "NAND2" };
        let comma = if gate == 0 { "" } else { "," };
        write!(
            cells,
            r#"{comma}"g{gate}":{{"type":"{of}","connections":{{"A":[{a}],"B":[{b}],"Y":[{y}]}}}}"#
        )
        .unwrap();
    }
    let last = 3 + INPUTS + GATES;
    format!(
        r#"{{"modules":{{"top":{{"attributes":{{"top":"1"}},"ports":{{
        "clock":{{"direction":"input","bits":[2]}},
        "a":{{"direction":"input","bits":[{}]}},
        "y":{{"direction":"output","bits":[{}]}}}},"cells":{{{cells}}},"netnames":{{}}}}}}}}"#,
        bits(3..3 + INPUTS),
        bits(last - 32..last)
    )
}

#[divan::bench(args = [Mode::ZeroDelay, Mode::Inertial])]
fn random_netlist(bencher: Bencher<'_, '_>, mode: Mode) {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), netlist(&mut random)).unwrap();
    let library = Library::parse(include_str!("../src/tests/round.lib")).unwrap();
    let options = GateOptions { mode, ..GateOptions::default() };
    let design = GateDesign::load(file.path(), &library, &options).unwrap();
    let mut pins = Pins::new(vec![Signal { name: "a".into(), width: INPUTS as u32 }], Vec::new());
    (0..CYCLES).for_each(|_| pins.push(&[random.random()], &[]).unwrap());
    let events = design.run(&pins).unwrap().events;
    bencher.counter(ItemsCount::new(events)).bench(|| design.run(&pins).unwrap());
}
