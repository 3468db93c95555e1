//! The test bench of one configuration: its netlist, its RTL model and its emulator.

use std::collections::BTreeMap;
use std::path::Path;

use pecan_config::Config;
use pecan_emulator as emulator;
use pecan_emulator::Emulator;
use pecan_gate::{Energies, GateDesign, GateOptions, Library, Mode, Wire};
use pecan_rtl::emit::Kind;
use pecan_verilator::Simulator;
use pecan_verilator::harness::{Job, Outcome, PinTrace, Settings};

use super::pins::pins;
use super::record::{Record, label};
use super::stimulus::Piece;
use super::{CalibrateError, Setup};
use pecan_energy::Events;
use pecan_energy::{Block, Class};
use pecan_map::{Compiled, Options, compile};
use pecan_simulate as simulate;
use pecan_synth::synthesize;

/// Version of the measurement method: part of the keys of cases.
const VERSION: u32 = 1;

/// Bench that measures a configuration.
pub(super) struct Bench {
    name: String,
    config: Config,
    simulator: Simulator,
    glitches: GateDesign,
    /// The same without delays; only where the difference is published.
    zero_delay: Option<GateDesign>,
    key: String,
    /// Kind of each module.
    kinds: BTreeMap<String, Kind>,
    /// Basis of the measurements.
    pub(super) origin: Origin,
}

/// Library and tools that measurements depend on.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// BLAKE3 of the cell library.
    pub liberty_hash: String,
    /// Supply voltage in V.
    pub voltage: f64,
    /// Version of Yosys.
    pub yosys: String,
}

impl Bench {
    /// Synthesizes the configuration, builds its RTL model and loads its netlist.
    ///
    /// # Errors
    /// A tool is missing or fails, or the netlist does not match the library.
    pub(super) fn new(
        name: &str,
        config: &Config,
        setup: &Setup,
        zero_delay: bool,
    ) -> Result<Self, CalibrateError> {
        let say = |line: &str| tracing::info!("{line}");
        let process = &setup.process;
        let synthesis = synthesize(config, process, &setup.synthesis, &setup.finder, &say)?;
        let simulator = simulate::simulator(config, false, setup.synthesis.offline, &say)?;
        let library = Library::read(&synthesis.liberty)?;
        let sized = |(name, kind): (&String, &Kind)| Some((name.clone(), kind.memory?));
        let memories: BTreeMap<_, _> = synthesis.kinds.iter().filter_map(sized).collect();
        let load = |mode| {
            let wire =
                Wire { fixed_ff: process.wire.fixed_ff, per_fanout_ff: process.wire.per_fanout_ff };
            let options = GateOptions {
                wire,
                slew_ns: process.timing.slew_ns,
                period_ns: process.timing.period_ns,
                mode,
                memories: memories.clone(),
                ..GateOptions::default()
            };
            GateDesign::load(&synthesis.netlist, &library, &options)
        };
        let netlist = std::fs::read(&synthesis.netlist)
            .map_err(|source| CalibrateError::io("read", &synthesis.netlist, source))?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&VERSION.to_le_bytes()).update(&netlist);
        hasher.update(synthesis.liberty_hash.as_bytes());
        hasher.update(format!("{:?}{:?}", process.wire, process.timing).as_bytes());
        Ok(Self {
            name: name.to_owned(),
            config: config.clone(),
            glitches: load(Mode::Inertial)?,
            zero_delay: zero_delay.then(|| load(Mode::ZeroDelay)).transpose()?,
            key: hasher.finalize().to_hex().to_string(),
            origin: Origin {
                liberty_hash: synthesis.liberty_hash,
                voltage: library.voltage,
                yosys: synthesis.report.tool,
            },
            simulator,
            kinds: synthesis.kinds,
        })
    }

    /// Measures a layer, or takes the finished case from `folder`.
    ///
    /// # Errors
    /// The layer does not map, or RTL, emulator and netlist do not agree.
    pub(super) fn measure(&self, piece: &Piece, folder: &Path) -> Result<Record, CalibrateError> {
        let compiled = compile(&piece.network, &self.config, &Options::default())?;
        let mut program = compiled.program.clone();
        let input = compiled.encode_input(&piece.input);
        let range = program.input.range();
        program.dram[range].copy_from_slice(&input);
        let report = Emulator::observed(&self.config).run(&program)?;
        if report.outcome != emulator::Outcome::Done {
            return Err(
                self.disagree(piece, format!("the emulator ends with {:?}", report.outcome))
            );
        }
        let events = Record::keyed(&Events::measured(&report.counters, &report.toggles));
        let key = self.case_key(&program.dram, &compiled);
        let path = Record::path(folder, &self.name, &piece.name);
        if let Some(record) = Record::read(&path, &key) {
            // Events are cheap to compute and may be redefined; only energies are kept.
            let record = Record { key, events, ..record };
            record.write(&path)?;
            return Ok(record);
        }
        let trace = self.rtl(piece, &compiled, &input, &report.output)?;
        let pins = pins(&trace)?;
        let with_glitches = self.glitches.run(&pins)?;
        let without = self.zero_delay.as_ref().map(|design| design.run(&pins)).transpose()?;
        let record = Record {
            key,
            config: self.name.clone(),
            layer: piece.name.clone(),
            cycles: with_glitches.cycles,
            cells: self.glitches.cells() as u64,
            events,
            energy: self.by_block(&with_glitches)?,
            zero_delay: without
                .map(|energies| self.by_block(&energies))
                .transpose()?
                .unwrap_or_default(),
        };
        record.write(&path)?;
        Ok(record)
    }

    fn case_key(&self, dram: &[u8], compiled: &Compiled) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.key.as_bytes()).update(dram);
        hasher.update(format!("{:?}", compiled.program.transfers).as_bytes());
        hasher.finalize().to_hex().to_string()
    }

    /// Simulates the RTL and records its pins; its output must equal the emulator's.
    fn rtl(
        &self,
        piece: &Piece,
        compiled: &Compiled,
        input: &[u8],
        output: &[u8],
    ) -> Result<PinTrace, CalibrateError> {
        let inputs = [input.to_vec()];
        let settings = Settings { pins: true, ..Settings::default() };
        let job = Job { program: &compiled.program, later: None, inputs: &inputs, settings };
        let run = self.simulator.run(&job)?.pop();
        match run {
            Some(run) if run.outcome != Outcome::Done => {
                Err(self.disagree(piece, format!("the RTL ends with {:?}", run.outcome)))
            }
            Some(run) if run.output != output => {
                Err(self.disagree(piece, "outputs of RTL and emulator differ".into()))
            }
            Some(run) => Ok(run.trace),
            None => Err(self.disagree(piece, "the RTL gave no result".into())),
        }
    }

    /// Energies by block and class.
    fn by_block(&self, energies: &Energies) -> Result<BTreeMap<String, f64>, CalibrateError> {
        let mut table = BTreeMap::new();
        for block in Block::CELLS {
            for class in Class::ALL {
                table.insert(label(*block, *class), 0.0);
            }
        }
        for scope in &energies.scopes {
            let parts = [
                (Class::Data, scope.switching_pj + scope.internal_pj),
                (Class::Clock, scope.clock_pj),
                (Class::Leakage, scope.leakage_pj),
            ];
            if parts.iter().all(|(_, pj)| *pj == 0.0) {
                continue;
            }
            let block = self
                .kinds
                .get(&scope.module)
                .and_then(Block::of_module)
                .ok_or_else(|| CalibrateError::Module { module: scope.module.clone() })?;
            for (class, pj) in parts {
                *table.entry(label(block, class)).or_default() += pj;
            }
        }
        Ok(table)
    }

    fn disagree(&self, piece: &Piece, problem: String) -> CalibrateError {
        CalibrateError::Disagree { config: self.name.clone(), layer: piece.name.clone(), problem }
    }
}
