//! Compares the powers of single cells from OpenSTA, computed from the activity of their pins, with those of the
//! gate-level simulator, computed from events: every gate of the OSU018 library, between ports.
//!
//! The inputs of a cell make all transitions of one input in every state of the others, each equally often. So inputs
//! are independent and the averages that OpenSTA uses are exact.
//!
//! OpenSTA before 2.7 adds the energies of rise and fall for every toggle and does not weigh the related pins of an
//! output: there, switching and leakage are compared, and internal power (half of it) of cells with one input only.

#![allow(clippy::unwrap_used)] // helpers of tests fail like tests

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use pecan_gate::{Energies, GateDesign, GateOptions, Library, Mode, Pins, Signal, Wire};

const LIBERTY: &str = "/usr/share/qflow/tech/osu018/osu018_stdcells.lib";
/// Largest relative difference of a cell's power.
const TOLERANCE: f64 = 0.03;
/// Load of every output in fF.
const LOAD_FF: f64 = 30.0;
/// Rounds through all transitions of up to four inputs.
const WALKS: usize = 24;

/// Gates: name, inputs, outputs.
const CELLS: &[(&str, &[&str], &[&str])] = &[
    ("AND2X1", &["A", "B"], &["Y"]),
    ("AND2X2", &["A", "B"], &["Y"]),
    ("AOI21X1", &["A", "B", "C"], &["Y"]),
    ("AOI22X1", &["A", "B", "C", "D"], &["Y"]),
    ("BUFX2", &["A"], &["Y"]),
    ("BUFX4", &["A"], &["Y"]),
    ("FAX1", &["A", "B", "C"], &["YC", "YS"]),
    ("HAX1", &["A", "B"], &["YC", "YS"]),
    ("INVX1", &["A"], &["Y"]),
    ("INVX2", &["A"], &["Y"]),
    ("INVX4", &["A"], &["Y"]),
    ("INVX8", &["A"], &["Y"]),
    ("MUX2X1", &["A", "B", "S"], &["Y"]),
    ("NAND2X1", &["A", "B"], &["Y"]),
    ("NAND3X1", &["A", "B", "C"], &["Y"]),
    ("NOR2X1", &["A", "B"], &["Y"]),
    ("NOR3X1", &["A", "B", "C"], &["Y"]),
    ("OAI21X1", &["A", "B", "C"], &["Y"]),
    ("OAI22X1", &["A", "B", "C", "D"], &["Y"]),
    ("OR2X1", &["A", "B"], &["Y"]),
    ("OR2X2", &["A", "B"], &["Y"]),
    ("XNOR2X1", &["A", "B"], &["Y"]),
    ("XOR2X1", &["A", "B"], &["Y"]),
];

/// Gates with an exclusive or, whose output activity OpenSTA before 2.7 computes wrongly.
const EXCLUSIVE: &[&str] = &["FAX1", "HAX1", "XNOR2X1", "XOR2X1"];

/// Number of inputs of a gate.
fn inputs(cell: &str) -> usize {
    CELLS.iter().find(|(name, ..)| *name == cell).map_or(0, |(_, inputs, _)| inputs.len())
}

/// States of `inputs` inputs in a closed sequence that flips each input once in every state.
fn walk(inputs: usize) -> Vec<u64> {
    // Hierholzer's circuit: each transition out of a state is used once; states without a remaining one are appended.
    let mut ways: Vec<usize> = vec![inputs; 1 << inputs];
    let (mut stack, mut circuit) = (vec![0usize], Vec::new());
    while let Some(&state) = stack.last() {
        match ways[state].checked_sub(1) {
            Some(input) => {
                ways[state] = input;
                stack.push(state ^ 1 << input);
            }
            None => circuit.extend(stack.pop().map(|state| state as u64)),
        }
    }
    // The last state is the first one.
    circuit.pop();
    circuit
}

/// One instance `u_CELL` of a module of its own around every cell, so that energies are known cell by cell: as JSON of
/// Yosys and as Verilog.
fn netlists() -> (String, String) {
    let (mut modules, mut verilog) = (Vec::new(), String::new());
    let (mut ports, mut cells) =
        (vec![r#""clock":{"direction":"input","bits":[2]}"#.into()], Vec::new());
    let (mut heads, mut body) = (vec!["input clock".to_owned()], String::new());
    let mut net = 3;
    for (cell, inputs, outputs) in CELLS {
        let (mut inner, mut outer, mut pins, mut links) = (vec![], vec![], vec![], vec![]);
        let (mut own, mut bound) = (vec![], vec![]);
        let all = inputs
            .iter()
            .map(|pin| ("input", pin))
            .chain(outputs.iter().map(|pin| ("output", pin)));
        for (at, (direction, pin)) in all.enumerate() {
            inner.push(format!(r#""{pin}":{{"direction":"{direction}","bits":[{}]}}"#, at + 2));
            pins.push(format!(r#""{pin}":[{}]"#, at + 2));
            outer.push(format!(r#""{cell}_{pin}":{{"direction":"{direction}","bits":[{net}]}}"#));
            links.push(format!(r#""{pin}":[{net}]"#));
            own.push(format!("{direction} {pin}"));
            heads.push(format!("{direction} {cell}_{pin}"));
            bound.push(format!(".{pin}({cell}_{pin})"));
            net += 1;
        }
        modules.push(format!(
            r#""around_{cell}":{{"attributes":{{}},"ports":{{{}}},"netnames":{{}},"cells":{{"g":{{"type":"{cell}","connections":{{{}}}}}}}}}"#,
            inner.join(","),
            pins.join(",")
        ));
        cells.push(format!(
            r#""u_{cell}":{{"type":"around_{cell}","connections":{{{}}}}}"#,
            links.join(",")
        ));
        ports.extend(outer);
        let names: Vec<String> =
            own.iter().map(|p| p.split(' ').next_back().unwrap().to_owned()).collect();
        let ties: Vec<String> = names.iter().map(|pin| format!(".{pin}({pin})")).collect();
        writeln!(
            verilog,
            "module around_{cell} ({});\n{};\n{cell} g ({});\nendmodule",
            names.join(", "),
            own.join(";\n"),
            ties.join(", ")
        )
        .unwrap();
        writeln!(body, "around_{cell} u_{cell} ({});", bound.join(", ")).unwrap();
    }
    let names: Vec<&str> = heads.iter().map(|p| p.split(' ').next_back().unwrap()).collect();
    write!(
        verilog,
        "module top ({});\n{};\n{body}endmodule\n",
        names.join(", "),
        heads.join(";\n")
    )
    .unwrap();
    let top = format!(
        r#""top":{{"attributes":{{"top":"1"}},"ports":{{{}}},"netnames":{{}},"cells":{{{}}}}}"#,
        ports.join(","),
        cells.join(",")
    );
    (format!(r#"{{"modules":{{{top},{}}}}}"#, modules.join(",")), verilog)
}

/// Energies from events.
fn simulate(folder: &Path, options: &GateOptions) -> Energies {
    let library = Library::read(&[LIBERTY]).unwrap();
    let design = GateDesign::load(&folder.join("netlist.json"), &library, options).unwrap();
    let walks: BTreeMap<usize, Vec<u64>> = (1..=4).map(|inputs| (inputs, walk(inputs))).collect();
    let signals = CELLS.iter().flat_map(|(cell, inputs, _)| {
        inputs.iter().map(move |pin| Signal { name: format!("{cell}_{pin}"), width: 1 })
    });
    let mut pins = Pins::new(signals.collect(), Vec::new());
    // The lengths of the shorter sequences divide the product.
    for cycle in 0..WALKS * walks[&4].len() {
        let bits = |inputs: usize| {
            let walk = &walks[&inputs];
            (0..inputs).map(move |input| walk[cycle % walk.len()] >> input & 1)
        };
        let row: Vec<u64> = CELLS.iter().flat_map(|(_, inputs, _)| bits(inputs.len())).collect();
        pins.push(&row, &[]).unwrap();
    }
    design.run(&pins).unwrap()
}

/// Script for OpenSTA. Of `n` inputs that flip in turns, each toggles in every `n`th cycle.
fn script(period_ns: f64, slew_ns: f64) -> String {
    let mut text = format!(
        "read_liberty {LIBERTY}\nread_verilog netlist.v\nlink_design top\n\
         create_clock -name clock -period {period_ns} [get_ports clock]\n\
         set_input_delay 0 -clock clock [all_inputs]\nset_input_transition {slew_ns} [all_inputs]\nset_load {} [all_outputs]\n",
        LOAD_FF / 1e3
    );
    for (cell, inputs, _) in CELLS {
        let activity = 1.0 / inputs.len() as f64;
        for pin in *inputs {
            let port = format!("[get_ports {cell}_{pin}]");
            writeln!(text, "set_power_activity -input_ports {port} -activity {activity} -duty 0.5")
                .unwrap();
        }
    }
    for (cell, ..) in CELLS {
        writeln!(text, "report_power -digits 6 -instances [get_cells u_{cell}/g]").unwrap();
    }
    text + "exit\n"
}

/// Watts of each cell: internal, switching, leakage.
fn powers(text: &str) -> BTreeMap<String, [f64; 3]> {
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (name, numbers) = words.split_last()?;
        let cell = name.strip_prefix("u_")?.strip_suffix("/g")?;
        let numbers: Vec<f64> = numbers.iter().map_while(|word| word.parse().ok()).collect();
        Some((cell.to_owned(), [*numbers.first()?, *numbers.get(1)?, *numbers.get(2)?]))
    };
    text.lines().filter_map(row).collect()
}

/// Major and minor version of the OpenSTA on the search path.
fn version() -> Option<(u32, u32)> {
    let output = Command::new("sta").arg("-version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut parts = text.trim().split('.').map_while(|part| part.parse().ok());
    Some((parts.next()?, parts.next()?))
}

#[test]
fn powers_of_cells_are_those_of_opensta() {
    let Some(version) = version().filter(|_| Path::new(LIBERTY).is_file()) else {
        pecan_test_support::skip("needs sta and the OSU018 library");
        return;
    };
    let options = GateOptions {
        wire: Wire { fixed_ff: LOAD_FF, per_fanout_ff: 0.0 },
        mode: Mode::ZeroDelay,
        ..GateOptions::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let (json, verilog) = netlists();
    let script = script(options.period_ns, options.slew_ns);
    for (name, text) in [("netlist.json", json), ("netlist.v", verilog), ("power.tcl", script)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let energies = simulate(folder.path(), &options);
    let mut command = Command::new("sta");
    let said = command.current_dir(folder.path()).args(["-no_splash", "-exit", "power.tcl"]);
    let said = String::from_utf8(said.output().unwrap().stdout).unwrap();
    let powers = powers(&said);
    assert_eq!(powers.len(), CELLS.len(), "{said}");
    let whole = version >= (2, 7);
    let seconds = energies.cycles as f64 * options.period_ns * 1e-9;
    let mut wrong = Vec::new();
    for (cell, [internal, switching, leakage]) in powers {
        let own = energies.below(&format!("u_{cell}"));
        let own =
            [own.internal_pj, own.switching_pj, own.leakage_pj].map(|pj| pj * 1e-12 / seconds);
        let mut ratios = [own[0] / internal, own[1] / switching, own[2] / leakage];
        // For a cell with one input, the internal power of the older version is known: twice as much.
        if !whole && inputs(&cell) == 1 {
            ratios[0] *= 2.0;
        }
        println!(
            "{cell}: internal x{:.4}, switching x{:.4}, leakage x{:.4}",
            ratios[0], ratios[1], ratios[2]
        );
        let compared = match (whole, EXCLUSIVE.contains(&cell.as_str())) {
            (true, _) => 0..3,
            (false, false) => usize::from(inputs(&cell) > 1)..3,
            (false, true) => 2..3,
        };
        // A power of 0 on either side yields a ratio that is NaN, which passes no comparison.
        if !ratios[compared].iter().all(|ratio| (ratio - 1.0).abs() < TOLERANCE) {
            wrong.push(cell);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    if !whole {
        let (major, minor) = version;
        println!(
            "internal power of cells with one input only: OpenSTA {major}.{minor} is older than 2.7"
        );
    }
}

#[test]
fn walks_take_every_transition_once() {
    for inputs in 1..=4 {
        let walk = walk(inputs);
        let mut steps: Vec<(u64, u64)> =
            walk.iter().copied().zip(walk.iter().copied().cycle().skip(1)).collect();
        assert!(steps.iter().all(|(from, to)| (from ^ to).is_power_of_two()));
        steps.sort_unstable();
        steps.dedup();
        assert_eq!(steps.len(), inputs << inputs);
    }
}
