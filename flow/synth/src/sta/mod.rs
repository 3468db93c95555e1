//! Static timing of a netlist with OpenSTA.
//!
//! Timing is before layout: wires have no delay, the clock is ideal, and paths into and out of memories, which are
//! black boxes, are not timed. [`TimingReport::notes`] says so.

mod parse;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use pecan_host::child;
use pecan_host::child::{Scratch, tcl_word};
use pecan_host::error::HostError;
use pecan_host::tools::Finder;
use schemars::JsonSchema;
use serde::Serialize;

use super::synth::{Synthesis, TOP};
use super::{Result, ToolError};

/// The timing of the worst path.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TimingReport {
    /// OpenSTA with its version.
    pub tool: String,
    /// Requested clock period, in ns.
    pub period_ns: f64,
    /// Slack of the worst path, in ns; negative if it is too slow.
    pub slack_ns: f64,
    /// Sum of the negative slacks of all end points, in ns.
    pub total_negative_slack_ns: f64,
    /// Clock frequency at which the worst path just fits, in MHz.
    pub fmax_mhz: f64,
    /// Start of the path: an instance with its path in the hierarchy, or a port.
    pub start: String,
    /// End of the path.
    pub end: String,
    /// Number of cells on the path.
    pub levels: usize,
    /// Modules that were black boxes, without timing.
    pub untimed: Vec<String>,
    /// Contributions that the figures leave out.
    pub notes: Vec<String>,
}

/// Times the netlist at the clock period that it was synthesized for.
///
/// # Errors
/// [`ToolError::Run`] if OpenSTA is missing, fails or takes longer than `limit`; [`ToolError::Report`] if it
/// complains about its input or its report lacks a field.
pub fn timing(
    synthesis: &Synthesis,
    finder: &Finder,
    limit: Option<Duration>,
) -> Result<TimingReport> {
    let sta = finder.find("sta")?;
    let folder = Scratch::new()?;
    let netlist = &synthesis.verilog;
    let verilog = fs::read_to_string(netlist).map_err(ToolError::io("read", netlist))?;
    write(&folder.path().join("netlist.v"), &without_signs(&verilog))?;
    let liberty = synthesis.liberty.iter().map(|path| path.display().to_string());
    let script = script(&liberty.collect::<Vec<_>>(), synthesis.period_ns);
    write(&folder.path().join("timing.tcl"), &script)?;
    let mut command = Command::new(&sta.path);
    command.current_dir(folder.path()).args(["-no_splash", "-exit", "timing.tcl"]);
    let said = child::run("sta", &mut command, limit)?;
    let text = said.stdout + &said.stderr;
    // OpenSTA continues after errors, and its exit status does not show them.
    let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("Error")).collect();
    if !errors.is_empty() {
        return Err(HostError::ToolFailed {
            tool: "sta".into(),
            args: "timing.tcl".into(),
            status: "errors in its output".into(),
            stderr: errors[..errors.len().min(20)].join("\n"),
        }
        .into());
    }
    let mut report = parse::parse(&text, synthesis.period_ns)?;
    report.tool = format!("OpenSTA {}", sta.version_text);
    Ok(report)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(ToolError::io("write", path))
}

/// The Tcl script; `liberty` are paths.
fn script(liberty: &[String], period_ns: f64) -> String {
    let mut text = String::new();
    for file in liberty {
        text += &format!("read_liberty {}\n", tcl_word(file));
    }
    text += &format!(
        "set_cmd_units -time ns -capacitance pF\n\
         read_verilog netlist.v\n\
         link_design {TOP}\n\
         create_clock -name clock -period {period_ns} [get_ports clock]\n\
         foreach port [all_inputs] {{\n\
         \x20   if {{[get_property $port full_name] ne \"clock\"}} {{\n\
         \x20       set_input_delay 0 -clock clock $port\n    }}\n}}\n\
         set_output_delay 0 -clock clock [all_outputs]\n\
         report_checks -path_delay max -format full -digits 4\n\
         report_tns\n\
         exit\n"
    );
    text
}

/// Declarations without `signed`, which OpenSTA's reader does not support and a netlist does not need.
fn without_signs(verilog: &str) -> String {
    let mut text = String::with_capacity(verilog.len());
    for line in verilog.lines() {
        let declared = line.trim_start();
        let plain = ["input signed ", "output signed ", "wire signed "]
            .iter()
            .find_map(|words| Some((words.split(' ').next()?, declared.strip_prefix(words)?)));
        match plain {
            Some((kind, rest)) => text.extend([kind, " ", rest, "\n"]),
            None => text.extend([line, "\n"]),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_plain() {
        insta::assert_snapshot!(script(&["/a b/$(c)/cells.lib".into()], 2.5));
    }

    #[test]
    fn signs_are_removed_from_declarations_only() {
        let text = "  input signed [7:0] a;\n  wire b;\n  wire signed [3:0] c;\n";
        assert_eq!(without_signs(text), "input [7:0] a;\n  wire b;\nwire [3:0] c;\n");
    }
}
