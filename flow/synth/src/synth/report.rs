//! Cells and areas of a netlist.

use std::collections::BTreeMap;

use pecan_rtl::emit::MemorySize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Sums, TOP};
use crate::library::{CellInfo, CellKind};
use crate::yosys::{ChipArea, Counts};
use crate::{Result, ToolError};

/// Result of a synthesis. Memories are black boxes and in no sum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SynthReport {
    /// Yosys with its version.
    pub tool: String,
    /// Whether clock gates were inserted.
    pub clock_gated: bool,
    /// Area of all cells in square micrometres.
    pub area_um2: f64,
    /// Area of flops, latches and clock gates among it.
    pub sequential_um2: f64,
    /// Number of cells.
    pub cells: u64,
    /// Number of flops among them.
    pub flops: u64,
    /// Number of clock gates among them.
    pub clock_gates: u64,
    /// Every module, by name.
    pub modules: Vec<ModuleReport>,
    /// Cells of the whole design by type.
    pub cells_by_type: Sums<CellCount>,
    /// The synchronous memories.
    pub memories: Vec<MemoryReport>,
}

/// One module definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModuleReport {
    /// Name.
    pub name: String,
    /// How many instances the design has.
    pub instances: u64,
    /// Cells of one instance, without the modules in it.
    pub cells: u64,
    /// Flops among them.
    pub flops: u64,
    /// Clock gates among them.
    pub clock_gates: u64,
    /// Area of one instance in square micrometres, without the modules in it.
    pub area_um2: f64,
    /// Area of one instance with everything in it except memories.
    pub area_with_submodules_um2: f64,
}

/// Cells of one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellCount {
    /// How many.
    pub count: u64,
    /// Area of all of them in square micrometres.
    pub area_um2: f64,
}

/// A kind of synchronous memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryReport {
    /// Module.
    pub name: String,
    /// Number of words.
    #[schemars(extend("unit" = "words"))]
    pub words: u64,
    /// Bits of each word.
    #[schemars(extend("unit" = "bits"))]
    pub bits: u64,
    /// How many instances the design has.
    pub instances: u64,
}

impl SynthReport {
    /// Compares the areas with those that Yosys has added up.
    ///
    /// # Errors
    /// [`ToolError::Report`] if they differ by more than rounding: then one of them has read the library wrongly.
    pub(super) fn agree(&self, other: &ChipArea) -> Result<()> {
        let same = |own: f64, its: f64| (own - its).abs() <= 1e-6 * its.abs() + 1e-3;
        let differs = |subject: &str, own: f64, its: f64| ToolError::Report {
            tool: "yosys",
            what: "area report",
            reason: format!("area of {subject} is {its}, the cells of the netlist have {own}"),
        };
        for module in &self.modules {
            // A module without cells has no line in the report.
            let its = other.modules.get(&module.name).copied().unwrap_or_default();
            // The line of the top module includes everything below it.
            if module.name != TOP && !same(module.area_um2, its) {
                return Err(differs(&module.name, module.area_um2, its));
            }
        }
        match same(self.area_um2, other.total) {
            true => Ok(()),
            false => Err(differs(TOP, self.area_um2, other.total)),
        }
    }
}

/// Adds up the cells of a netlist.
///
/// # Errors
/// [`ToolError::Unmapped`] with every cell that is neither module nor memory nor of the library.
pub(super) fn build(
    counts: &Counts,
    memories: &BTreeMap<String, MemorySize>,
    library: &BTreeMap<String, CellInfo>,
    tool: &str,
) -> Result<SynthReport> {
    let instances = instances(counts);
    let mut report = SynthReport {
        tool: tool.to_owned(),
        clock_gated: false,
        area_um2: 0.0,
        sequential_um2: 0.0,
        cells: 0,
        flops: 0,
        clock_gates: 0,
        modules: Vec::new(),
        cells_by_type: Sums::new(),
        memories: Vec::new(),
    };
    let mut unmapped = Vec::new();
    let mut memory_counts = Sums::<u64>::new();
    for (name, types) in counts {
        let times = instances.get(name).copied().unwrap_or_default();
        let mut module = ModuleReport {
            name: name.clone(),
            instances: times,
            cells: 0,
            flops: 0,
            clock_gates: 0,
            area_um2: 0.0,
            area_with_submodules_um2: area_below(name, counts, library),
        };
        for (kind, &count) in types {
            if let Some(info) = library.get(kind) {
                report.add(&mut module, kind, info, count, times);
            } else if memories.contains_key(kind) {
                *memory_counts.entry(kind.clone()).or_default() += count * times;
            } else if !counts.contains_key(kind) {
                unmapped.push(format!("{count} {kind} in {name}"));
            }
        }
        report.modules.push(module);
    }
    if !unmapped.is_empty() {
        return Err(ToolError::Unmapped { cells: unmapped.join(", ") });
    }
    let memory = |(name, &instances): (&String, &u64)| {
        let MemorySize { words, bits } = *memories.get(name)?;
        let (name, words, bits) = (name.clone(), words as u64, bits as u64);
        Some(MemoryReport { name, words, bits, instances })
    };
    report.memories = memory_counts.iter().filter_map(memory).collect();
    Ok(report)
}

impl SynthReport {
    /// Adds `count` cells of a type in one of `times` instances of a module.
    fn add(
        &mut self,
        module: &mut ModuleReport,
        kind: &str,
        info: &CellInfo,
        count: u64,
        times: u64,
    ) {
        let area = info.area_um2 * count as f64;
        let all = area * times as f64;
        module.cells += count;
        module.area_um2 += area;
        self.cells += count * times;
        self.area_um2 += all;
        if info.kind.sequential() {
            self.sequential_um2 += all;
        }
        match info.kind {
            CellKind::Flop => {
                module.flops += count;
                self.flops += count * times;
            }
            CellKind::ClockGate => {
                module.clock_gates += count;
                self.clock_gates += count * times;
            }
            CellKind::Combinational | CellKind::Latch => {}
        }
        let entry = self.cells_by_type.entry(kind.to_owned()).or_default();
        entry.count += count * times;
        entry.area_um2 += all;
    }
}

/// How often each module is instantiated below the top, the top once.
fn instances(counts: &Counts) -> Sums<u64> {
    fn visit(name: &str, times: u64, counts: &Counts, sums: &mut Sums<u64>) {
        *sums.entry(name.to_owned()).or_default() += times;
        for (kind, count) in counts.get(name).into_iter().flatten() {
            if counts.contains_key(kind) {
                visit(kind, times * count, counts, sums);
            }
        }
    }
    let mut sums = Sums::new();
    visit(TOP, 1, counts, &mut sums);
    sums
}

fn area_below(name: &str, counts: &Counts, library: &BTreeMap<String, CellInfo>) -> f64 {
    let types = counts.get(name).into_iter().flatten();
    let area = |(kind, &count): (&String, &u64)| {
        let one = match library.get(kind) {
            Some(info) => info.area_um2,
            None => area_below(kind, counts, library),
        };
        one * count as f64
    };
    types.map(area).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library() -> BTreeMap<String, CellInfo> {
        let cell = |area_um2, kind| CellInfo { area_um2, kind };
        BTreeMap::from([
            ("INV".into(), cell(1.5, CellKind::Combinational)),
            ("DFF".into(), cell(6.0, CellKind::Flop)),
            ("ICG".into(), cell(4.0, CellKind::ClockGate)),
        ])
    }

    fn netlist(pe: &[(&str, u64)]) -> Counts {
        let module =
            |cells: &[(&str, u64)]| cells.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect();
        Counts::from([
            ("pecan".into(), module(&[("row", 3), ("INV", 2), ("global_buffer_16x8", 1)])),
            ("row".into(), module(&[("pe", 2), ("DFF", 1), ("param_memory_4x5", 2)])),
            ("pe".into(), module(pe)),
        ])
    }

    #[test]
    fn sums_follow_the_hierarchy() {
        let memories = BTreeMap::from([
            ("global_buffer_16x8".to_owned(), MemorySize { words: 16, bits: 8 }),
            ("param_memory_4x5".to_owned(), MemorySize { words: 4, bits: 5 }),
        ]);
        let counts = netlist(&[("DFF", 4), ("ICG", 1), ("INV", 1)]);
        let report = build(&counts, &memories, &library(), "Yosys 1").unwrap();
        assert_eq!((report.cells, report.flops, report.clock_gates), (2 + 3 + 36, 3 + 24, 6));
        assert_eq!(report.area_um2, 3.0 + 3.0 * (6.0 + 2.0 * 29.5));
        assert_eq!(report.sequential_um2, 18.0 + 6.0 * 28.0);
        let pe = report.modules.iter().find(|module| module.name == "pe").unwrap();
        assert_eq!((pe.instances, pe.cells, pe.flops, pe.area_um2), (6, 6, 4, 29.5));
        let row = report.modules.iter().find(|module| module.name == "row").unwrap();
        assert_eq!((row.area_um2, row.area_with_submodules_um2), (6.0, 65.0));
        let param =
            MemoryReport { name: "param_memory_4x5".into(), words: 4, bits: 5, instances: 6 };
        assert_eq!(report.memories[1], param);
        assert_eq!(report.cells_by_type["INV"], CellCount { count: 8, area_um2: 12.0 });

        let modules = BTreeMap::from([("row".into(), 6.0), ("pe".into(), 29.5)]);
        report.agree(&ChipArea { total: 198.0, modules: modules.clone() }).unwrap();
        let error = report.agree(&ChipArea { total: 199.0, modules }).unwrap_err();
        assert!(error.to_string().contains("area of pecan is 199"), "{error}");
    }

    #[test]
    fn every_unmapped_cell_is_listed() {
        let counts = netlist(&[("$_DFF_P_", 4), ("$mul", 1)]);
        let known = [("global_buffer_16x8".into(), MemorySize { words: 16, bits: 8 })].into();
        let error = build(&counts, &known, &library(), "").unwrap_err();
        let text = error.to_string();
        for part in ["4 $_DFF_P_ in pe", "1 $mul in pe", "2 param_memory_4x5 in row"] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(error.exit_code(), 5);
    }
}
