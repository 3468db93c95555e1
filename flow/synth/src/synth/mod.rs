//! Synthesis of a configuration to a netlist of standard cells.

mod cache;
mod module;
mod report;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use pecan_config::Config;
use pecan_host::cache::{Entry, Slot};
use pecan_host::tools::Finder;
use pecan_rtl::emit::{Design, Kind, MemorySize};
use pecan_text::nearest;
use serde::{Deserialize, Serialize};

use self::cache::Input;
use self::module::{Made, Synthesizer, Unit};
pub use self::report::{CellCount, MemoryReport, ModuleReport, SynthReport};
use super::library::Library;
use super::process::{LibertySearch, Process};
use super::yosys::{Recipe, Yosys, chip_area, counts};
use super::{Result, ToolError};
use pecan_accelerator::elaborate::design;

/// Name of the top module.
pub(super) const TOP: &str = pecan_accelerator::elaborate::TOP;

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
    /// Search for the liberty files.
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

/// A synthesized configuration. Its files are in the user's cache.
#[derive(Clone, Debug)]
pub struct Synthesis {
    /// Hierarchical netlist in Yosys' JSON format; synchronous memories are black boxes.
    pub netlist: PathBuf,
    /// The same as Verilog.
    pub verilog: PathBuf,
    /// Cells and areas.
    pub report: SynthReport,
    /// Kind of each module.
    pub kinds: BTreeMap<String, Kind>,
    /// The cell library as one plain liberty file, in a list for functions that take several.
    pub liberty: Vec<PathBuf>,
    /// BLAKE3 of the liberty files of the process, in hexadecimal.
    pub liberty_hash: String,
    /// Clock period that was aimed at, in ns.
    pub period_ns: f64,
    /// Seconds that making it took.
    pub seconds: f64,
    /// Whether it was in the cache.
    pub cached: bool,
    /// Files that Yosys read besides the cell library (`cells.lib`), by file name: for every module `NAME.ys`, `NAME.v`
    /// and, where it instantiates modules, `NAME_ports.v`, then `join.ys`.
    pub inputs: Vec<(String, String)>,
}

/// Synthesizes a configuration for a process, or takes the result from the cache.
///
/// The hierarchy is kept, so that instances have the paths of the Verilog. Every module is mapped by itself and has the
/// same netlist in every design. `say` reports steps that take long or are left out.
///
/// # Errors
/// [`ToolError`]: a liberty file or Yosys is missing, Yosys fails or takes too long, or it leaves a cell that the
/// library cannot implement.
pub fn synthesize(
    config: &Config,
    process: &Process,
    options: &SynthOptions,
    finder: &Finder,
    say: &dyn Fn(&str),
) -> Result<Synthesis> {
    let design = design(config)?;
    let library = Library::read(&process.find_liberty(&options.liberty)?, &process.dont_use)?;
    check_cells(process, &library)?;
    let yosys = Yosys::locate(finder, options.offline, say)?;
    let plan = Plan::new(&design, process, options, &library, &yosys);
    let liberty = cache::store_liberty(&finder.cache, &library)?;
    let synthesizer = Synthesizer {
        cache: &finder.cache,
        yosys: &yosys,
        liberty: &liberty,
        key: &[&library.hash, &yosys.version],
        limit: options.timeout,
    };
    let missing = synthesizer.missing(&plan.units);
    if missing > 0 {
        let (all, name) = (plan.units.len(), config.name());
        let (process, tool) = (&process.name, &yosys.version);
        say(&format!(
            "synthesizing {missing} of {all} modules of {name} for {process} with {tool}"
        ));
    }
    let netlists = synthesizer.map_all(&plan.units)?;
    let joined = join(&plan, &synthesizer, &netlists, &library)?;
    Ok(Synthesis {
        netlist: joined.folder.join(cache::NETLIST),
        verilog: joined.folder.join(cache::VERILOG),
        report: joined.detail.report,
        kinds: design.modules.into_iter().map(|module| (module.name, module.kind)).collect(),
        liberty: vec![liberty],
        liberty_hash: library.hash,
        period_ns: plan.period_ns,
        seconds: joined.seconds + netlists.iter().map(|made| made.seconds).sum::<f64>(),
        cached: joined.cached && netlists.iter().all(|made| made.cached),
        inputs: plan.inputs(),
    })
}

/// Recorded details of a synthesized design.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Detail {
    /// Cells and areas.
    report: SynthReport,
}

/// Joins the netlists of the modules, and counts.
fn join(
    plan: &Plan,
    synthesizer: &Synthesizer<'_>,
    netlists: &[Made],
    library: &Library,
) -> Result<Entry<Detail>> {
    let base = synthesizer.cache.join("synthesis");
    let key = cache::key(&plan.inputs(), synthesizer.key.iter().copied());
    let files = &[cache::NETLIST, cache::VERILOG];
    Slot { base: &base, key: &key, what: "netlist", files }.obtain(|folder| {
        cache::write(folder, &plan.join, synthesizer.liberty)?;
        for (unit, made) in plan.units.iter().zip(netlists) {
            cache::link(&made.netlist, &folder.join(unit.netlist()))?;
        }
        synthesizer.yosys.run(folder, JOIN, synthesizer.limit)?;
        let area_path = folder.join("area.txt");
        let area = fs::read_to_string(&area_path).map_err(ToolError::io("read", &area_path))?;
        let counts = counts(&folder.join(cache::NETLIST))?;
        let report =
            report::build(&counts, &plan.memories, &library.cells, &synthesizer.yosys.version)?;
        report.agree(&chip_area(&area)?)?;
        Ok(Detail { report: SynthReport { clock_gated: plan.clock_gated, ..report } })
    })
}

/// File with driver and load that gates are sized for.
const CONSTRAINTS: &str = "abc.constr";
/// File with the ports of the memories.
const MEMORIES: &str = "memories.v";
/// Script that joins the modules.
const JOIN: &str = "join.ys";

/// The resolved inputs of a synthesis.
struct Plan {
    units: Vec<Unit>,
    /// Script and ports of the memories.
    join: Vec<Input>,
    memories: BTreeMap<String, MemorySize>,
    clock_gated: bool,
    period_ns: f64,
}

impl Plan {
    fn new(
        design: &Design,
        process: &Process,
        options: &SynthOptions,
        library: &Library,
        yosys: &Yosys,
    ) -> Self {
        let gate = process.clock_gate.as_ref().filter(|_| options.clock_gating);
        if gate.is_some() && !yosys.clockgate {
            tracing::warn!(
                "{} has no command `clockgate`: clocks are not gated, and area and energy are larger than \
                 they need be (`pecan tools install pyosys` installs one that has it)",
                yosys.version
            );
        }
        let gate = gate.filter(|_| yosys.clockgate);
        let sized = process.sizing.as_ref().map(|sizing| {
            let text = format!("set_driving_cell {}\nset_load {}\n", sizing.driver, sizing.load_ff);
            (CONSTRAINTS.to_owned(), text)
        });
        let period_ns = options.period_ns.unwrap_or(process.timing.period_ns);
        let recipe = Recipe {
            liberty: cache::LIBERTY,
            clock_gate: gate.map(|gate| (gate, options.gated_flops)),
            // Tie cells that the given liberty files lack are left out with the others.
            tie: process.tie.as_ref().filter(|tie| library.cells.contains_key(&tie.high_cell)),
            booth: options.booth && yosys.booth,
            constraints: sized.as_ref().map(|_| CONSTRAINTS),
            period_ns,
        };
        let common = Vec::from_iter(sized);
        let (memories, logic): (Vec<_>, Vec<_>) =
            design.modules.iter().partition(|module| module.kind.memory.is_some());
        let names: Vec<&str> = logic.iter().map(|module| module.name.as_str()).collect();
        let ports = memories.iter().map(|module| module.ports()).collect();
        Self {
            units: logic.iter().map(|m| Unit::new(m, design, &recipe, &common)).collect(),
            join: vec![(JOIN.into(), recipe.join(TOP, &names, MEMORIES)), (MEMORIES.into(), ports)],
            memories: design
                .modules
                .iter()
                .filter_map(|module| Some((module.name.clone(), module.kind.memory?)))
                .collect(),
            clock_gated: gate.is_some(),
            period_ns,
        }
    }

    /// All files that Yosys reads, except the cell library; each file once.
    fn inputs(&self) -> Vec<Input> {
        let units = self.units.iter().flat_map(|unit| &unit.files);
        let files: BTreeMap<_, _> = units.chain(&self.join).cloned().collect();
        files.into_iter().collect()
    }
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
