//! The scripts of a synthesis, as text.

use std::fmt::Write as _;

use crate::process::{ClockGate, Tie};

/// Inputs of a synthesis for standard cells. Every file is named relative to the folder of the run, so that the scripts
/// do not depend on the machine.
#[derive(Clone, Debug)]
pub(crate) struct Recipe<'a> {
    /// File of the cell library.
    pub(crate) liberty: &'a str,
    /// Clock gate and the smallest number of flops that get one.
    pub(crate) clock_gate: Option<(&'a ClockGate, usize)>,
    pub(crate) tie: Option<&'a Tie>,
    /// Booth's multipliers instead of plain arrays.
    pub(crate) booth: bool,
    /// File with the cell that drives inputs and the load of outputs: then gates are sized and buffered.
    pub(crate) constraints: Option<&'a str>,
    pub(crate) period_ns: f64,
}

impl Recipe<'_> {
    /// Maps the module in `NAME.v`; `ports` is the file with the ports of its submodules. Writes `NAME.json`.
    pub(crate) fn map(&self, module: &str, ports: Option<&str>) -> String {
        let liberty = self.liberty;
        let mut text = String::new();
        // Writing to a String cannot fail.
        if let Some(file) = ports {
            let _ = writeln!(text, "read_verilog -lib {file}");
        }
        let booth = if self.booth { " -booth" } else { "" };
        let _ = writeln!(
            text,
            "read_verilog {module}.v\nhierarchy -check -top {module}\nsynth -top {module}{booth}"
        );
        if let Some((gate, bits)) = self.clock_gate {
            let ClockGate { cell, enable, clock, output, tie_low } = gate;
            let _ = write!(text, "clockgate -pos {cell} {enable}:{clock}:{output}");
            tie_low.iter().for_each(|pin| {
                let _ = write!(text, " -tie_lo {pin}");
            });
            let _ = writeln!(text, " -min_net_size {bits}");
        }
        let delay = (self.period_ns * 1000.0).round();
        let _ = writeln!(text, "dfflibmap -liberty {liberty}\nopt");
        let _ = write!(text, "abc -liberty {liberty} -D {delay}");
        if let Some(file) = self.constraints {
            let _ = write!(text, " -constr {file}");
        }
        text.push('\n');
        if let Some(Tie { high_cell, high_pin, low_cell, low_pin }) = self.tie {
            // One cell for each module and level: a tie cell drives many pins.
            let _ = writeln!(
                text,
                "hilomap -singleton -hicell {high_cell} {high_pin} -locell {low_cell} {low_pin}"
            );
        }
        // Black boxes have an empty module, which would hide the real one.
        let _ = write!(text, "opt_clean -purge\ndelete =A:blackbox\nwrite_json {module}.json\n");
        text
    }

    /// Joins the netlists in `NAME.json` of the modules below `top`, and checks that every cell is of the
    /// library, a module or a memory, and has their ports. `memories` has the ports of the memories. Writes
    /// `netlist.json`, `netlist.v` and `area.txt`.
    pub(crate) fn join(&self, top: &str, modules: &[&str], memories: &str) -> String {
        let liberty = self.liberty;
        let mut text = format!("read_liberty -lib {liberty}\nread_verilog -lib {memories}\n");
        for module in modules {
            let _ = writeln!(text, "read_json {module}.json");
        }
        let _ = write!(
            text,
            "hierarchy -check -top {top}\n\
             delete =A:blackbox\nread_verilog -lib {memories}\n\
             tee -q -o area.txt stat -liberty {liberty}\n\
             write_json netlist.json\nwrite_verilog -noattr -noexpr -simple-lhs netlist.v\n"
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_say_everything_in_order() {
        let gate = ClockGate {
            cell: "ICG".into(),
            enable: "EN".into(),
            clock: "CK".into(),
            output: "GCK".into(),
            tie_low: vec!["SE".into()],
        };
        let tie = Tie {
            high_cell: "TIEH".into(),
            high_pin: "H".into(),
            low_cell: "TIEL".into(),
            low_pin: "L".into(),
        };
        let full = Recipe {
            liberty: "cells.lib",
            clock_gate: Some((&gate, 3)),
            tie: Some(&tie),
            booth: true,
            constraints: Some("abc.constr"),
            period_ns: 2.5,
        };
        insta::assert_snapshot!("script_full", full.map("pe", Some("pe_ports.v")));
        let plain =
            Recipe { clock_gate: None, tie: None, booth: false, constraints: None, ..full.clone() };
        insta::assert_snapshot!("script_plain", plain.map("mac", None));
        insta::assert_snapshot!(
            "script_join",
            plain.join("pecan", &["mac", "pe", "pecan"], "memories.v")
        );
    }
}
