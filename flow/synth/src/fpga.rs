//! Resources of a configuration on an FPGA, mapped by Yosys.

use std::path::Path;

use pecan_config::Config;
use pecan_host::child::Scratch;
use pecan_host::tools::Finder;
use schemars::JsonSchema;
use serde::Serialize;

use super::synth::{SynthOptions, TOP};
use super::yosys::{Yosys, counts};
use super::{Result, ToolError};
use pecan_accelerator::elaborate::design;

/// Families of FPGAs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Lattice iCE40 UltraPlus.
    Ice40,
    /// Lattice ECP5.
    Ecp5,
}

/// Device that results are compared with: logic cells, block memories, multipliers. Figures of Lattice's data sheets
/// FPGA-DS-02008 (iCE40 UltraPlus, UP5K) and FPGA-DS-02012 (ECP5, LFE5U-85F).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Device {
    /// Name.
    pub name: &'static str,
    /// Look-up tables with four inputs.
    pub luts: u64,
    /// Block memories.
    pub block_rams: u64,
    /// Multipliers.
    pub multipliers: u64,
}

/// Resources of one configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FpgaReport {
    /// Yosys with its version.
    pub tool: String,
    /// Family that was mapped to.
    pub family: Family,
    /// Device to compare with.
    pub device: Device,
    /// Look-up tables.
    pub luts: u64,
    /// Flip-flops.
    pub flops: u64,
    /// Block memories.
    pub block_rams: u64,
    /// Multipliers.
    pub multipliers: u64,
    /// Every cell of the netlist by its type.
    pub cells_by_type: std::collections::BTreeMap<String, u64>,
}

impl Family {
    /// The device of the family that results are compared with.
    #[must_use]
    pub fn device(self) -> Device {
        match self {
            Self::Ice40 => {
                Device { name: "iCE40 UP5K", luts: 5280, block_rams: 30, multipliers: 8 }
            }
            Self::Ecp5 => {
                Device { name: "ECP5 85F", luts: 83_640, block_rams: 208, multipliers: 156 }
            }
        }
    }

    fn command(self) -> &'static str {
        match self {
            Self::Ice40 => "synth_ice40 -dsp",
            Self::Ecp5 => "synth_ecp5",
        }
    }
}

impl FpgaReport {
    /// Whether the device has enough of every resource.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.luts <= self.device.luts
            && self.block_rams <= self.device.block_rams
            && self.multipliers <= self.device.multipliers
    }

    fn of(
        family: Family,
        tool: &str,
        cells_by_type: std::collections::BTreeMap<String, u64>,
    ) -> Self {
        let sum = |matches: &dyn Fn(&str) -> bool| {
            cells_by_type.iter().filter(|(name, _)| matches(name)).map(|(_, count)| count).sum()
        };
        let (luts, flops, block_rams, multipliers) = match family {
            Family::Ice40 => (
                sum(&|name| name == "SB_LUT4"),
                sum(&|name| name.starts_with("SB_DFF")),
                sum(&|name| name.starts_with("SB_RAM40_4K")),
                sum(&|name| name == "SB_MAC16"),
            ),
            // A carry cell or a distributed memory occupies two or more look-up tables.
            Family::Ecp5 => (
                sum(&|name| name == "LUT4")
                    + 2 * sum(&|name| name == "CCU2C")
                    + 4 * sum(&|name| name == "TRELLIS_DPR16X4"),
                sum(&|name| name == "TRELLIS_FF"),
                sum(&|name| name == "DP16KD"),
                sum(&|name| name == "MULT18X18D"),
            ),
        };
        Self {
            tool: tool.to_owned(),
            family,
            device: family.device(),
            luts,
            flops,
            block_rams,
            multipliers,
            cells_by_type,
        }
    }
}

/// Maps a configuration, with its memories, to an FPGA. Nothing is placed. Of `options` only those that are not of
/// standard cells matter: the time limit, and whether Yosys may be installed.
///
/// # Errors
/// [`ToolError`]: Yosys is missing, fails or takes longer than it may.
pub fn map_to_fpga(
    config: &Config,
    family: Family,
    finder: &Finder,
    options: &SynthOptions,
    say: &dyn Fn(&str),
) -> Result<FpgaReport> {
    let yosys = Yosys::locate(finder, options.offline, say)?;
    let folder = Scratch::new()?;
    let modules = design(config)?.modules;
    let names: Vec<String> = modules.iter().map(|module| format!("{}.v", module.name)).collect();
    for (name, module) in names.iter().zip(&modules) {
        write(&folder.path().join(name), &module.text)?;
    }
    write(&folder.path().join("fpga.ys"), &script(&names, family))?;
    say(&format!("mapping {} to {} with {}", config.name(), family.device().name, yosys.version));
    yosys.run(folder.path(), "fpga.ys", options.timeout)?;
    let mut modules = counts(&folder.path().join("netlist.json"))?;
    let mut cells = modules.remove(TOP).ok_or_else(|| ToolError::Report {
        tool: "yosys",
        what: "netlist",
        reason: format!("there is no module {TOP}"),
    })?;
    // Notes on flattened modules, no hardware.
    cells.remove("$scopeinfo");
    Ok(FpgaReport::of(family, &yosys.version, cells))
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(ToolError::io("write", path))
}

fn script(files: &[String], family: Family) -> String {
    let mut text: String = files.iter().map(|file| format!("read_verilog {file}\n")).collect();
    text += &format!("{} -top {TOP}\nwrite_json netlist.json\n", family.command());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_counted_by_type() {
        let cells = [("SB_LUT4", 9681), ("SB_DFFE", 3109), ("SB_DFF", 176), ("SB_RAM40_4K", 41)];
        let cells = cells.map(|(name, count)| (name.to_owned(), count)).into();
        let report = FpgaReport::of(Family::Ice40, "Yosys", cells);
        assert_eq!((report.luts, report.flops, report.block_rams), (9681, 3285, 41));
        assert!(!report.fits());
        let cells =
            [("LUT4", 10), ("CCU2C", 3), ("TRELLIS_FF", 7), ("DP16KD", 2), ("MULT18X18D", 4)];
        let cells = cells.map(|(name, count)| (name.to_owned(), count)).into();
        let report = FpgaReport::of(Family::Ecp5, "Yosys", cells);
        assert_eq!((report.luts, report.flops, report.multipliers), (16, 7, 4));
        assert!(report.fits());
    }

    #[test]
    fn scripts_name_the_family() {
        let text = script(&["a.v".into(), "pecan.v".into()], Family::Ice40);
        assert_eq!(
            text,
            "read_verilog a.v\nread_verilog pecan.v\nsynth_ice40 -dsp -top pecan\nwrite_json netlist.json\n"
        );
    }
}
