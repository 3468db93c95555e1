//! From a configuration to a netlist of standard cells.

mod cache;
mod report;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pecan_hdl::config::{Config, nearest};
use pecan_sim::tools::Finder;
use pecan_sim::verilator::VerilogFile;

pub use self::report::{CellCount, MemoryReport, ModuleReport, SynthReport};
use super::liberty::Library;
use super::process::{LibertySearch, Process};
use super::yosys::{Recipe, Source, Yosys, chip_area, counts};
use super::{Result, ToolError};
use crate::simulate::verilog;

/// Name of the top module.
pub(super) const TOP: &str = pecan_hdl::generate::TOP;

/// How to synthesize.
#[derive(Clone, Debug)]
pub struct SynthOptions {
    /// Insert clock gates, where the process has one and Yosys can.
    pub clock_gating: bool,
    /// Smallest number of flops with a common enable that gets a clock gate.
    pub gated_flops: usize,
    /// Booth's multipliers, where Yosys can build them.
    pub booth: bool,
    /// Clock period to aim at, in ns; that of the process if none.
    pub period_ns: Option<f64>,
    /// Where the liberty files are.
    pub liberty: LibertySearch,
    /// Stop Yosys after this time.
    pub timeout: Option<Duration>,
    /// Install nothing.
    pub offline: bool,
}

impl SynthOptions {
    /// Fewest flops with a common enable that get a clock gate, unless told otherwise.
    pub const GATED_FLOPS: usize = 3;
}

impl Default for SynthOptions {
    fn default() -> Self {
        Self {
            clock_gating: true,
            gated_flops: Self::GATED_FLOPS,
            booth: false,
            period_ns: None,
            liberty: LibertySearch::from_environment(),
            timeout: Some(Duration::from_secs(3600)),
            offline: false,
        }
    }
}

/// A synthesized configuration. Its files lie in the user's cache.
#[derive(Clone, Debug)]
pub struct Synthesis {
    /// Hierarchical netlist in Yosys' JSON format; synchronous memories are black boxes.
    pub netlist: PathBuf,
    /// The same as Verilog.
    pub verilog: PathBuf,
    /// Cells and areas.
    pub report: SynthReport,
    /// The cell library as one plain liberty file, in a list for what takes several.
    pub liberty: Vec<PathBuf>,
    /// BLAKE3 of the liberty files of the process, in hexadecimal.
    pub liberty_hash: String,
    /// Clock period that was aimed at, in ns.
    pub period_ns: f64,
    /// Seconds that it took when it was made.
    pub seconds: f64,
    /// Whether it was in the cache.
    pub cached: bool,
    /// The script that made it.
    pub script: String,
}

/// Synthesizes a configuration for a process, or takes the result from the cache.
///
/// The hierarchy is kept, so that instances have the paths of the Verilog. `say` is told what takes long or
/// is left out.
///
/// # Errors
/// [`ToolError`]: a liberty file or Yosys is missing, Yosys fails or takes too long, or it leaves something
/// that the library cannot implement.
pub fn synthesize(
    config: &Config,
    process: &Process,
    options: &SynthOptions,
    finder: &Finder,
    say: &dyn Fn(&str),
) -> Result<Synthesis> {
    let files = verilog(config)?;
    let library = Library::read(&process.find_liberty(&options.liberty)?, &process.dont_use)?;
    check_cells(process, &library)?;
    let yosys = Yosys::locate(finder, options.offline, say)?;
    let plan = Plan::new(&files, process, options, &library, &yosys);
    let liberty = cache::store_liberty(&finder.cache, &library)?;
    let inputs = cache::Inputs {
        files: &files,
        liberty: &liberty,
        extra: &[(CONSTRAINTS, plan.constraints.as_str())],
        script: &plan.script,
        key: &[&library.hash, &yosys.version],
    };
    let make = |folder: &Path| {
        say(&format!("synthesizing {} for {} with {}", config.name(), process.name, yosys.version));
        yosys.run(folder, cache::SCRIPT, options.timeout)?;
        let area_path = folder.join("area.txt");
        let area = fs::read_to_string(&area_path).map_err(ToolError::io("read", &area_path))?;
        let counts = counts(&folder.join(cache::NETLIST))?;
        let report = report::build(&counts, &plan.memories, &library.cells, &yosys.version)?;
        report.agree(&chip_area(&area)?)?;
        Ok(SynthReport { clock_gated: plan.clock_gated, ..report })
    };
    let entry = cache::obtain(&finder.cache, &inputs, make)?;
    Ok(Synthesis {
        netlist: entry.folder.join(cache::NETLIST),
        verilog: entry.folder.join(cache::VERILOG),
        report: entry.detail.report,
        liberty: vec![liberty],
        liberty_hash: library.hash,
        period_ns: plan.period_ns,
        seconds: entry.seconds,
        cached: entry.cached,
        script: plan.script,
    })
}

/// File with what gates are sized for.
const CONSTRAINTS: &str = "abc.constr";

/// Everything decided.
struct Plan {
    script: String,
    /// Text of [`CONSTRAINTS`]; empty if gates are not sized.
    constraints: String,
    memories: Vec<String>,
    clock_gated: bool,
    period_ns: f64,
}

impl Plan {
    fn new(
        files: &[VerilogFile],
        process: &Process,
        options: &SynthOptions,
        library: &Library,
        yosys: &Yosys,
    ) -> Self {
        let sources: Vec<Source> = files
            .iter()
            .map(|file| Source {
                path: format!("rtl/{}", file.name),
                black_box: is_memory(&file.name),
            })
            .collect();
        let gate = process.clock_gate.as_ref().filter(|_| options.clock_gating);
        if gate.is_some() && !yosys.clockgate {
            tracing::warn!(
                "{} has no command `clockgate`: clocks are not gated, and area and energy are larger than \
                 they need be (`pecan tools install pyosys` installs one that has it)",
                yosys.version
            );
        }
        let gate = gate.filter(|_| yosys.clockgate);
        let constraints = process.sizing.as_ref().map_or(String::new(), |sizing| {
            format!("set_driving_cell {}\nset_load {}\n", sizing.driver, sizing.load_ff)
        });
        let period_ns = options.period_ns.unwrap_or(process.timing.period_ns);
        let recipe = Recipe {
            sources: &sources,
            top: TOP,
            liberty: cache::LIBERTY,
            clock_gate: gate.map(|gate| (gate, options.gated_flops)),
            // Tie cells that the liberty was given without are left out with the others.
            tie: process.tie.as_ref().filter(|tie| library.cells.contains_key(&tie.high_cell)),
            booth: options.booth && yosys.booth,
            constraints: (!constraints.is_empty()).then_some(CONSTRAINTS),
            period_ns,
        };
        let memories = sources.iter().filter(|source| source.black_box);
        let name = |source: &Source| source.path[4..].trim_end_matches(".v").to_owned();
        Self {
            script: recipe.script(),
            memories: memories.map(name).collect(),
            clock_gated: gate.is_some(),
            constraints,
            period_ns,
        }
    }
}

/// Whether a module is a synchronous memory, to be made as a macro.
fn is_memory(name: &str) -> bool {
    ["global_buffer_", "weight_buffer_", "param_memory_"].iter().any(|kind| name.starts_with(kind))
}

/// Refuses a profile whose cells the library does not have.
fn check_cells(process: &Process, library: &Library) -> Result<()> {
    let gate = process.clock_gate.iter().map(|gate| ("clock_gate.cell", &gate.cell));
    let tie = process.tie.iter();
    let tie = tie.flat_map(|t| [("tie.high_cell", &t.high_cell), ("tie.low_cell", &t.low_cell)]);
    let driver = process.sizing.iter().map(|sizing| ("cells.driver", &sizing.driver));
    for (key, cell) in gate.chain(tie).chain(driver) {
        if !library.cells.contains_key(cell) {
            let near = nearest(cell, library.cells.keys().map(String::as_str));
            return Err(ToolError::NoSuchCell {
                process: process.name.clone(),
                key,
                cell: cell.clone(),
                near: near.map(|name| format!(" (did you mean {name:?}?)")).unwrap_or_default(),
            });
        }
    }
    Ok(())
}

/// Sums by name.
pub(super) type Sums<T> = BTreeMap<String, T>;
