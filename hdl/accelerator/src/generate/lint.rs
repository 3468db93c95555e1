//! Lint waivers for Verilator.

/// A rule of Verilator that the emitted Verilog breaks on purpose: rule, file pattern, why.
const WAIVERS: &[(&str, &str, &str)] = &[];

/// The Verilator configuration file with one explained line per waiver.
pub(super) fn waivers() -> String {
    let mut text = String::from("`verilator_config\n");
    if WAIVERS.is_empty() {
        text +=
            "// Nothing is waived: `verilator --lint-only -Wall -F filelist.f` has no warnings.\n";
    }
    for (rule, files, reason) in WAIVERS {
        text += &format!("// {reason}\nlint_off -rule {rule} -file \"{files}\"\n");
    }
    text
}
