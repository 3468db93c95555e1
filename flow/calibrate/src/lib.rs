//! Calibration: derives a technology file from gate-level energies of many small programs.
//!
//! Every case is a complete program, executed from reset to its end three times: by the emulator, which counts events
//! and toggles; by the RTL, whose pins are recorded; and by the synthesized netlist, which receives the same inputs and
//! must produce the same outputs in every cycle. The model has to predict the energy of the netlist. The fit uses
//! designed layers on the configurations of the plan. Samples of real layers on other configurations are held out and
//! yield the published error.

mod bench;
mod crop;
mod error;
mod fit;
mod left_out;
mod pieces;
mod pins;
mod plan;
mod record;
mod sram;
mod stimulus;
mod summary;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pecan_config::Config;
use pecan_config::geometry::Geometry;
use pecan_host::tools::Finder;
use rayon::prelude::*;

pub use error::CalibrateError;
pub use left_out::LeftOut;
pub use plan::{NetworkSource, Plan, Point};
pub use record::Record;
pub use stimulus::Piece;
pub use summary::{Case, HeldOut};
pub use table::{csv, markdown};

use bench::{Bench, Origin};
use pecan_energy::EnergyError;
use pecan_energy::{Dram, FORMAT, Technology};
use pecan_synth::{Process, SynthOptions};

/// Inputs and folders of a calibration.
#[derive(Debug)]
pub struct Setup {
    /// The process.
    pub process: Process,
    /// How configurations are synthesized.
    pub synthesis: SynthOptions,
    /// Finder of the tools.
    pub finder: Finder,
    /// Configurations and layers to characterize.
    pub plan: Plan,
    /// Folder with the networks of the plan.
    pub networks: PathBuf,
    /// Folder of finished cases.
    pub cases: PathBuf,
}

/// A finished calibration.
#[derive(Debug)]
pub struct Calibration {
    /// The technology.
    pub technology: Technology,
    /// Held-out layers.
    pub held_out: Vec<HeldOut>,
    /// Errors of fitted configurations in a fit to the others.
    pub left_out: Option<LeftOut>,
}

/// Energy of DRAM per bit, and its source.
const DRAM: (f64, &str) = (
    8.0,
    "LPDDR4, 8 pJ/bit: figure of the DRAM table of Accelergy's CACTI plug-in (Wu, Emer, Sze, ICCAD 2019); cited, not measured",
);

/// Characterizes, fits and checks. `finished` is called with the number of cases and the name of each finished one.
///
/// # Errors
/// A tool, a network or a case fails; finished cases are kept.
pub fn calibrate(
    setup: &Setup,
    finished: &(dyn Fn(&str) + Sync),
) -> Result<Calibration, CalibrateError> {
    let (fitted, origin) = characterize(setup, &setup.plan.fit, false, finished)?;
    let Some(origin) = origin else {
        let problem = "there is no configuration to fit".to_owned();
        return Err(EnergyError::Plan { path: "plan".into(), problem }.into());
    };
    let mut technology = technology(setup, &origin, &fitted)?;
    let left_out = left_out::left_out(&fitted);
    let held_out = held_out(setup, &technology, finished)?;
    if !held_out.is_empty() {
        summary::conclude(&mut technology, &held_out);
    }
    Ok(Calibration { technology, held_out, left_out })
}

/// Measures the held-out layers of the setup's plan and predicts them with a technology.
///
/// # Errors
/// As [`calibrate()`].
pub fn held_out(
    setup: &Setup,
    technology: &Technology,
    finished: &(dyn Fn(&str) + Sync),
) -> Result<Vec<HeldOut>, CalibrateError> {
    let (cases, _) = characterize(setup, &setup.plan.held_out, true, finished)?;
    Ok(summary::held_out(technology, &cases)?)
}

/// Measures all cases of a list of configurations.
fn characterize(
    setup: &Setup,
    points: &[Point],
    held_out: bool,
    finished: &(dyn Fn(&str) + Sync),
) -> Result<(Vec<Case>, Option<Origin>), CalibrateError> {
    let (mut cases, mut origin) = (Vec::new(), None);
    for (number, point) in points.iter().enumerate() {
        let config = point.config()?;
        let bench = Bench::new(&point.name, &config, setup, held_out)?;
        let pieces = setup.pieces(point, &config, held_out, number)?;
        let measure = |piece: &Piece| {
            let record = bench.measure(piece, &setup.cases)?;
            finished(&format!("{} {}", point.name, piece.name));
            Ok(Case { config: config.clone(), record })
        };
        let measured: Vec<Case> =
            pieces.par_iter().map(measure).collect::<Result<_, CalibrateError>>()?;
        cases.extend(measured);
        origin = Some(bench.origin);
    }
    Ok((cases, origin))
}

impl Setup {
    /// The layers that are measured on a configuration.
    ///
    /// # Errors
    /// A network cannot be read or does not quantize.
    pub fn pieces(
        &self,
        point: &Point,
        config: &Config,
        held_out: bool,
        number: usize,
    ) -> Result<Vec<Piece>, CalibrateError> {
        let cycles = point.cycles.unwrap_or(self.plan.cycles);
        if held_out {
            pieces::pieces(&self.plan, &self.networks, config, cycles, number as u64)
        } else {
            let seed = self.plan.seed.wrapping_add(1000 * number as u64);
            Ok(stimulus::designed(&Geometry::of(config), cycles, seed))
        }
    }

    /// Cases of the whole plan.
    #[must_use]
    pub fn case_count(&self) -> usize {
        let layers: usize = self.plan.network.iter().map(|network| network.layers).sum();
        self.plan.fit.len() * stimulus::count() + self.plan.held_out.len() * layers
    }
}

/// The technology file of fitted cases.
fn technology(
    setup: &Setup,
    origin: &Origin,
    cases: &[Case],
) -> Result<Technology, CalibrateError> {
    let process = &setup.process;
    let memories = sram::model(process, &setup.synthesis.liberty, origin.voltage)?;
    let mut tools = BTreeMap::new();
    tools.insert("pecan".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    // Without the build options of the tool.
    let yosys = origin.yosys.split(',').next().unwrap_or_default();
    tools.insert("yosys".to_owned(), yosys.replace('(', "").trim_end_matches(')').to_owned());
    let verilator = setup.finder.find("verilator")?;
    let version = verilator.version.map_or(verilator.version_text, |version| version.to_string());
    tools.insert("verilator".to_owned(), version);
    Ok(Technology {
        format: FORMAT,
        name: process.name.clone(),
        unit: "pJ".into(),
        origin: "calibrated".into(),
        source: process.description.clone(),
        period_ns: process.timing.period_ns,
        assumptions: assumptions(process),
        tools,
        liberty_hash: origin.liberty_hash.clone(),
        sram: memories,
        dram: Dram { per_bit: DRAM.0, source: DRAM.1.into() },
        ranges: ranges(cases),
        configurations: setup.plan.fit.iter().map(|point| point.name.clone()).collect(),
        fits: summary::fits(cases),
        held_out: None,
    })
}

fn assumptions(process: &Process) -> Vec<String> {
    vec![
        format!("wires before layout: {}", process.wire.reason),
        format!("input slew {} ns everywhere", process.timing.slew_ns),
        "clock tree: root and gated clock nets with the pins and wires that they drive; no buffers".into(),
        "glitches: one inertial delay per cell output, from the library's tables at the slew and load above".into(),
        "memories: macros side by side and in banks, of which an access wakes one; the selection of the bank and the wires to it are left out".into(),
        "no layout and no silicon stand behind these numbers".into(),
    ]
}

/// Smallest and largest value of every numeric key among the cases' configurations.
fn ranges(cases: &[Case]) -> BTreeMap<String, [f64; 2]> {
    let mut ranges: BTreeMap<String, [f64; 2]> = BTreeMap::new();
    for key in Config::keys().filter(|key| decides(&key.path())) {
        for case in cases {
            let Some(value) = key.get(&case.config).ordinal() else { continue };
            let range = ranges.entry(key.path()).or_insert([value, value]);
            *range = [range[0].min(value), range[1].max(value)];
        }
    }
    ranges
}

/// Whether the standard cells' energy depends on a key. Sizes of synchronous memories only set address widths; the SRAM
/// model, which has its own ranges, prices these memories. The simulated DRAM is not hardware.
fn decides(path: &str) -> bool {
    !path.starts_with("memory.")
        && !["buffers.global_kib", "buffers.weight_entries"].contains(&path)
}

/// Folder of finished cases below an output folder.
#[must_use]
pub fn case_folder(out: &Path, technology: &str) -> PathBuf {
    out.join("cases").join(technology)
}
