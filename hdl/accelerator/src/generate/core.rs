//! The FuseSoC core file (CAPI2).

use std::fmt::Write as _;

use super::constraints::ToolFormat;
use super::{Context, Target};

impl Context<'_> {
    /// The core: filesets and targets (lint, simulation and one per constraints file that names a device), each of
    /// which works where its tools are installed. The default target is the one that other cores depend on.
    pub(super) fn fusesoc_core(&self, targets: &[Target]) -> String {
        let (name, top) = (self.core_name(), self.prefix.top());
        let mut text = format!(
            "CAPI=2:\n# {}. Generated: do not edit.\nname: ::{name}:{}\n\
             description: PE-array accelerator for convolutional networks\n\nfilesets:\n  rtl:\n    files:\n",
            self.identity(),
            env!("CARGO_PKG_VERSION"),
        );
        for path in &self.rtl {
            let _ = writeln!(text, "      - {path}");
        }
        let _ = write!(
            text,
            "    file_type: verilogSource-2005\n  lint:\n    files:\n      - {top}.vlt\n    file_type: vlt\n\
             \x20 tb:\n    files:\n      - tb/{top}_tb.v: {{file_type: verilogSource-2005}}\n\
             \x20     - tb/in.hex: {{file_type: user, copyto: in.hex}}\n\
             \x20     - tb/expected.hex: {{file_type: user, copyto: expected.hex}}\n"
        );
        let built: Vec<(&Target, String)> =
            targets.iter().filter_map(|target| Some((target, flow(target)?))).collect();
        for (target, _) in &built {
            let (name, path, kind) = (&target.name, target.file_name(), target.format.file_type());
            let _ = write!(text, "  {name}:\n    files:\n      - {path}\n    file_type: {kind}\n");
        }
        let lint = "    flow: lint\n    flow_options:\n      tool: verilator\n      verilator_options: [-Wall]\n";
        let _ = write!(
            text,
            "\ntargets:\n  default:\n    filesets: [rtl]\n    toplevel: {top}\n{lint}\
             \x20 lint:\n    filesets: [rtl, lint]\n    toplevel: {top}\n{lint}\
             \x20 sim:\n    filesets: [rtl, tb]\n    toplevel: {top}_tb\n    flow: sim\n    flow_options:\n\
             \x20     tool: icarus\n      iverilog_options: [-g2005]\n"
        );
        for (target, flow) in &built {
            let name = &target.name;
            let _ =
                write!(text, "  {name}:\n    filesets: [rtl, {name}]\n    toplevel: {top}\n{flow}");
        }
        text
    }

    /// Name of the core: that of the configuration unless the user has chosen one.
    fn core_name(&self) -> String {
        if self.prefix.is_chosen(self.config) {
            return self.prefix.top().into();
        }
        format!("pecan_{}", self.config.name().replace('-', "_"))
    }
}

/// FuseSoC's flow of a target, if the target names a device.
fn flow(target: &Target) -> Option<String> {
    let (device, package) =
        (target.device.as_ref()?, target.package.as_deref().unwrap_or_default());
    let nextpnr = |flow: &str, unconstrained: &str| {
        format!(
            "    flow: {flow}\n    flow_options:\n      nextpnr_options: [--{device}, --package, {package}, {unconstrained}]\n"
        )
    };
    match target.format {
        ToolFormat::Sdc => None,
        ToolFormat::Pcf => Some(nextpnr("icestorm", "--pcf-allow-unconstrained")),
        ToolFormat::Lpf => Some(nextpnr("trellis", "--lpf-allow-unconstrained")),
        // The board decides the streams' pins, and a bitstream needs a place for each pin: synthesis only.
        ToolFormat::Xdc => Some(format!(
            "    flow: vivado\n    flow_options:\n      part: {device}\n      pnr: none\n"
        )),
    }
}
