//! Tests with energies computed by hand, on a library of round numbers.

mod average;
mod energy;
mod errors;
mod random;

use std::path::PathBuf;

use super::{Energies, GateDesign, GateOptions, Library, Mode, Pins, Result, Signal, Wire};

/// Voltage 1 V, capacitances in fF (unit 1 ff), energies in fJ, delays in ps.
pub(super) const LIBRARY: &str = include_str!("round.lib");

pub(super) fn library() -> Library {
    Library::parse(LIBRARY).unwrap()
}

/// Pins or nets by name.
type Named = Vec<(String, String)>;

/// A module of a netlist: `ports` are (name, is input, bits), `cells` (name, type, pins).
pub(super) struct TestModule {
    name: String,
    ports: Vec<(String, bool, Vec<String>)>,
    cells: Vec<(String, String, Named)>,
    blackbox: bool,
}

impl TestModule {
    /// `ports`: `"name<bits"` for inputs, `"name>bits"` for outputs; bits are comma-separated net
    /// numbers or constants in quotes.
    pub(super) fn new(name: &str, ports: &[&str]) -> Self {
        let port = |text: &&str| {
            let at = text.find(['<', '>']).unwrap();
            let bits = text[at + 1..].split(',').map(String::from).collect();
            (text[..at].to_string(), text.as_bytes()[at] == b'<', bits)
        };
        let ports = ports.iter().map(port).collect();
        Self { name: name.into(), ports, cells: Vec::new(), blackbox: false }
    }

    pub(super) fn blackbox(mut self) -> Self {
        self.blackbox = true;
        self
    }

    /// `pins`: `"A=3 Y=4,5"`.
    pub(super) fn cell(mut self, of: &str, pins: &str) -> Self {
        let name = format!("u{}", self.cells.len());
        let pins = pins.split(' ').map(|p| p.split_once('=').unwrap());
        let pins = pins.map(|(pin, bits)| (pin.to_string(), bits.to_string())).collect();
        self.cells.push((name, of.into(), pins));
        self
    }

    fn json(&self, top: bool) -> String {
        let port = |(name, input, bits): &(String, bool, Vec<String>)| {
            let direction = if *input { "input" } else { "output" };
            format!(r#""{name}":{{"direction":"{direction}","bits":[{}]}}"#, bits.join(","))
        };
        let cell = |(name, of, pins): &(String, String, Named)| {
            let pins: Vec<String> = pins.iter().map(|(p, b)| format!(r#""{p}":[{b}]"#)).collect();
            format!(r#""{name}":{{"type":"{of}","connections":{{{}}}}}"#, pins.join(","))
        };
        let ports: Vec<String> = self.ports.iter().map(port).collect();
        let cells: Vec<String> = self.cells.iter().map(cell).collect();
        let names = self.ports.iter().map(|(name, _, bits)| {
            format!(r#""{name}":{{"hide_name":0,"bits":[{}]}}"#, bits.join(","))
        });
        let names: Vec<String> = names.collect();
        let attribute = match (top, self.blackbox) {
            (true, _) => r#""top":"1""#,
            (_, true) => r#""blackbox":"1""#,
            _ => "",
        };
        format!(
            r#""{}":{{"attributes":{{{attribute}}},"ports":{{{}}},"cells":{{{}}},"netnames":{{{}}}}}"#,
            self.name,
            ports.join(","),
            cells.join(","),
            names.join(",")
        )
    }
}

/// Loads a netlist whose first module is the top.
pub(super) fn load(modules: &[TestModule], options: &GateOptions) -> Result<GateDesign> {
    let json: Vec<String> = modules.iter().enumerate().map(|(i, m)| m.json(i == 0)).collect();
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("netlist.json");
    std::fs::write(&file, format!(r#"{{"modules":{{{}}}}}"#, json.join(","))).unwrap();
    GateDesign::load(&file, &library(), options)
}

/// Negligible leakage: period 1 ns; wires 2 fF + 3 fF per pin.
pub(super) fn options(mode: Mode) -> GateOptions {
    GateOptions {
        wire: Wire { fixed_ff: 2.0, per_fanout_ff: 3.0 },
        period_ns: 1.0,
        slew_ns: 0.01,
        mode,
        input_delay_ns: 0.01,
        memory_access_ns: 0.05,
        memory_pin_ff: 1.0,
        ..GateOptions::default()
    }
}

/// Pins of one-bit inputs named by `inputs`, a row of values per cycle.
pub(super) fn pins(inputs: &[&str], rows: &[&[u64]]) -> Pins {
    let signal = |name: &&str| Signal { name: (*name).into(), width: 1 };
    let mut pins = Pins::new(inputs.iter().map(signal).collect(), Vec::new());
    rows.iter().for_each(|row| pins.push(row, &[]).unwrap());
    pins
}

/// Asserts an energy in pJ given in fJ.
#[track_caller]
pub(super) fn assert_fj(found_pj: f64, expected_fj: f64) {
    assert!((found_pj * 1e3 - expected_fj).abs() < 1e-4, "{} fJ != {expected_fj}", found_pj * 1e3);
}

/// Switching, internal and clock energy in fJ.
#[track_caller]
pub(super) fn assert_energies(energies: &Energies, expected: [f64; 3]) {
    let total = energies.total();
    assert_fj(total.switching_pj, expected[0]);
    assert_fj(total.internal_pj, expected[1]);
    assert_fj(total.clock_pj, expected[2]);
}
