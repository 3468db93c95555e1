//! The FuseSoC core file (CAPI2).

use std::fmt::Write as _;

use super::constraints::ToolFormat;
use super::{Context, TOP, Target};

impl Context<'_> {
    /// The core: filesets, a lint and a simulation target, and one target per constraints file.
    pub(super) fn fusesoc_core(&self, targets: &[Target]) -> String {
        let name = self.config.name().replace('-', "_");
        let mut text = format!(
            "CAPI=2:\n# {}. Generated: do not edit.\nname: ::pecan_{name}:{}\n\
             description: PE-array accelerator for convolutional networks\n\nfilesets:\n  rtl:\n    files:\n",
            self.identity(),
            env!("CARGO_PKG_VERSION"),
        );
        for path in &self.rtl {
            let _ = writeln!(text, "      - {path}");
        }
        text += "    file_type: verilogSource-2005\n  lint:\n    files:\n      - pecan.vlt\n    file_type: vlt\n\
                 \x20 tb:\n    files:\n      - tb/pecan_tb.v: {file_type: verilogSource-2005}\n\
                 \x20     - tb/in.hex: {file_type: user, copyto: in.hex}\n\
                 \x20     - tb/expected.hex: {file_type: user, copyto: expected.hex}\n\
                 \x20 software:\n    files:\n      - pecan.h: {file_type: user}\n      - registers.md: {file_type: user}\n";
        for target in targets {
            let (name, path, kind) = (&target.name, target.file_name(), target.format.file_type());
            let _ = write!(text, "  {name}:\n    files:\n      - {path}\n    file_type: {kind}\n");
        }
        let _ = write!(
            text,
            "\ntargets:\n  default:\n    filesets: [rtl]\n    toplevel: {TOP}\n\
             \x20 lint:\n    filesets: [rtl, lint]\n    toplevel: {TOP}\n    default_tool: verilator\n    tools:\n\
             \x20     verilator:\n        mode: lint-only\n        verilator_options: [-Wall]\n\
             \x20 sim:\n    filesets: [rtl, tb]\n    toplevel: pecan_tb\n    default_tool: icarus\n    tools:\n\
             \x20     icarus:\n        iverilog_options: [-g2005]\n"
        );
        for target in targets {
            let name = &target.name;
            let _ = write!(text, "  {name}:\n    filesets: [rtl, {name}]\n    toplevel: {TOP}\n");
            if let Some(tool) = default_tool(target.format) {
                let _ = writeln!(text, "    default_tool: {tool}");
            }
        }
        text
    }
}

/// The tool that FuseSoC runs for a format, where one is obvious.
fn default_tool(format: ToolFormat) -> Option<&'static str> {
    match format {
        // Read by every synthesis tool for chips.
        ToolFormat::Sdc => None,
        ToolFormat::Pcf => Some("icestorm"),
        ToolFormat::Lpf => Some("trellis"),
        ToolFormat::Xdc => Some("vivado"),
    }
}
