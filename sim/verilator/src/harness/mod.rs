//! Jobs for the Verilator model and their results.
//!
//! A job executes a [`Program`] once per input. The model is compiled together with a C++ harness (`harness/cpp/`) into
//! one executable that reads a job file and writes a result file, so that there is no call between languages per cycle.
//! The model is reset once at the start and after a failed run; otherwise runs follow each other directly, each on a
//! freshly restored DRAM image.

mod pins;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use pecan_ir::error::{Result, SimError};
use pecan_ir::memory::MemoryModel;
use pecan_ir::program::Program;

pub use pins::{PinCycle, PinTrace};
pub(crate) use wire::{Orderings, decode_bench, decode_runs, encode_job};

/// Source files of the harness, as (path below the build folder, text).
pub(crate) const SOURCES: [(&str, &str); 9] = [
    ("main.cpp", include_str!("cpp/main.cpp")),
    ("runner.h", include_str!("cpp/runner.h")),
    ("pins.h", include_str!("cpp/pins.h")),
    ("device.h", include_str!("cpp/device.h")),
    ("wire.h", include_str!("cpp/wire.h")),
    ("memory.h", include_str!("cpp/memory.h")),
    ("random.h", include_str!("cpp/random.h")),
    ("compat/lz4.h", include_str!("cpp/compat/lz4.h")),
    ("compat/zlib.h", include_str!("cpp/compat/zlib.h")),
];

/// Random back-pressure. A run's stalls depend on the seed and the run's number only, not on the distribution of the
/// runs to processes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stalls {
    /// Seed of the random numbers.
    pub seed: u64,
    /// Probability per cycle that `in_valid` is held low although data is available, 0 to below 1.
    pub input: f64,
    /// Probability per cycle that `out_ready` is held low although memory would accept, 0 to below 1.
    pub output: f64,
}

/// Settings of the execution.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Timing of the memory.
    pub memory: MemoryModel,
    /// Random back-pressure, none by default.
    pub stalls: Stalls,
    /// Cycles without a handshake and without an end of a layer after which a run counts as stuck. Must
    /// exceed the longest stretch of pure computation.
    pub watchdog: u64,
    /// Most cycles of one run.
    pub max_cycles: u64,
    /// Return the whole DRAM after each run, not only the output region.
    pub whole_dram: bool,
    /// Record the top-level pins of every cycle ([`RunResult::trace`]). All runs then share one process.
    pub pins: bool,
    /// Waveform file to write; needs a simulator built with [`BuildOptions::wave`].
    ///
    /// [`BuildOptions::wave`]: crate::BuildOptions::wave
    pub wave: Option<PathBuf>,
    /// Wall-clock limit of one simulator process.
    pub timeout: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            memory: MemoryModel::Ideal,
            stalls: Stalls::default(),
            watchdog: 1_000_000,
            max_cycles: u64::MAX,
            whole_dram: false,
            pins: false,
            wave: None,
            timeout: None,
        }
    }
}

/// A program, its inputs and how to run it.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    /// The program to execute.
    pub program: &'a Program,
    /// The program for all inputs after the first: it has the same regions and expects in the device the data that
    /// `program` loaded.
    pub later: Option<&'a Program>,
    /// One run each: the bytes of the program's input region.
    pub inputs: &'a [Vec<u8>],
    /// Settings of the execution.
    pub settings: Settings,
}

impl Job<'_> {
    /// Checks the program, the sizes of the inputs and the settings.
    ///
    /// # Errors
    /// [`SimError::Program`] or [`SimError::InvalidJob`] naming the first error.
    pub fn validate(&self) -> Result<()> {
        self.program.validate()?;
        if let Some(later) = self.later {
            later.validate()?;
            let regions = |p: &Program| (p.id(), p.stream_bits, p.input, p.output);
            if regions(later) != regions(self.program) {
                return Err(SimError::InvalidJob {
                    key: "later",
                    value: format!("{:?}", regions(later)),
                    allowed: format!(
                        "hardware and regions of the first: {:?}",
                        regions(self.program)
                    ),
                });
            }
        }
        let settings = &self.settings;
        settings.memory.validate()?;
        for (key, value) in
            [("stalls.input", settings.stalls.input), ("stalls.output", settings.stalls.output)]
        {
            if !(0.0..1.0).contains(&value) {
                let allowed = "0 to below 1".into();
                return Err(SimError::InvalidJob { key, value: value.to_string(), allowed });
            }
        }
        for (key, value) in [("watchdog", settings.watchdog), ("max_cycles", settings.max_cycles)] {
            if value == 0 {
                let allowed = "at least 1 cycle".into();
                return Err(SimError::InvalidJob { key, value: value.to_string(), allowed });
            }
        }
        let bytes = self.program.input.bytes;
        match self.inputs.iter().position(|input| input.len() as u64 != bytes) {
            None => Ok(()),
            Some(run) => Err(SimError::InvalidJob {
                key: "input size",
                value: format!("{} bytes (run {run})", self.inputs[run].len()),
                allowed: format!("the {bytes} bytes of the program's input region"),
            }),
        }
    }
}

/// The stream pins in the last cycle of a run, which explain why it is stuck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// The memory offers a beat.
    pub in_valid: bool,
    /// The device accepts a beat.
    pub in_ready: bool,
    /// The device offers a beat.
    pub out_valid: bool,
    /// The memory accepts a beat.
    pub out_ready: bool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `done` rose and every transfer was complete.
    Done,
    /// The device raised its error flag. The run ends there, whatever a store still has to deliver.
    Error {
        /// Code from status register 1.
        code: u8,
    },
    /// The watchdog fired while the device waits for input and the program has none left.
    Starved,
    /// The watchdog fired for any other reason.
    Stalled(Pins),
    /// [`Settings::max_cycles`] was reached.
    CycleLimit,
    /// `done` rose although transfers were not finished: the program does not match its commands.
    Incomplete,
}

/// The state at the end of a layer (a MARK command).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerSnapshot {
    /// The device's count of MARK commands.
    pub layer: u16,
    /// Cycles since the start of the run.
    pub cycle: u64,
    /// Raw performance counters.
    pub counters: Vec<u64>,
}

/// Result of one execution of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunResult {
    /// How it ended.
    pub outcome: Outcome,
    /// Clock cycles from the first cycle of the run to the one that raised `done` (or ended the run).
    pub cycles: u64,
    /// Bytes that the device accepted.
    pub sent_bytes: u64,
    /// Bytes that the device delivered.
    pub received_bytes: u64,
    /// Raw performance counters before the first cycle (values of the previous run).
    pub start_counters: Vec<u64>,
    /// One entry per increment of the device's layer count.
    pub layers: Vec<LayerSnapshot>,
    /// Raw performance counters at the end.
    pub counters: Vec<u64>,
    /// Contents of the program's output region.
    pub output: Vec<u8>,
    /// Contents of DRAM where [`Settings::whole_dram`] asked for it, else empty.
    pub dram: Vec<u8>,
    /// The top-level pins of every cycle since the end of the previous run (of the first run: since power-up, with the
    /// cycles of the reset) if [`Settings::pins`] asks for them, else empty. The traces of all runs of a job together
    /// contain all inputs of the device.
    pub trace: PinTrace,
}

/// Simulation speed with and without the harness, from processor time.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchResult {
    /// Cycles of the measured run.
    pub cycles: u64,
    /// Cycles per second of each repetition of the complete harness.
    pub harness: Vec<f64>,
    /// Cycles per second of each replay of the same pins by a loop that does nothing else.
    pub bare: Vec<f64>,
}

impl BenchResult {
    /// Harness speed as a share of the bare loop's, comparing the fastest repetition of each.
    pub fn efficiency(&self) -> f64 {
        let best = |list: &[f64]| list.iter().copied().fold(0.0, f64::max);
        best(&self.harness) / best(&self.bare)
    }
}
