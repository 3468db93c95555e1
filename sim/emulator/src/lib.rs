//! Emulator of the device: executes the command stream of a program, bit-exact, and predicts every performance counter
//! and every cycle by the rules of `docs/command-stream.md`.
//!
//! It shares no structure with the RTL: a kernel is computed tile by tile on plain arrays, and its timing is a
//! recurrence over reduction tiles (`timing`). Only the store engine and the memory are stepped by cycles.

mod activity;
mod array;
mod background;
mod clock;
mod counts;
mod decode;
mod functional;
mod lists;
mod memories;
mod predictor;
mod registers;
mod shape;
mod store;
#[cfg(test)]
mod tests;
mod timing;
mod waiting;

use pecan_config::Config;
use pecan_config::geometry::Geometry;
use pecan_config::isa::ErrorCode;
use pecan_config::isa::counter::Counters;

use activity::{DeviceObserver, Observer};
use array::{Activity, Array};
use clock::Clock;
use decode::{Decoder, Walked};
use functional::{AddressFault, Execution};
use memories::Memories;
use pecan_ir::memory::MemoryModel;
use pecan_ir::program::{Ordering, Program, ProgramError};
use waiting::Waiting;

pub use activity::{TOGGLES, Toggle, Toggles};
pub use counts::kernel_counts;
pub use memories::{Entry, MAX_LANES, pack_word};
pub use predictor::{Load, Prediction, Predictor, Reading, Traffic, Waits};
pub use registers::Registers;
pub use shape::{ColumnShape, KernelShape, RowShape};
pub use timing::{KernelPlan, ListLengths, TileCycles, Timer, drain_cycles, kernel_cycles};

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `End` was executed.
    Done,
    /// The device halted with this code. The report ends there; a store that had begun still continues in the device.
    Error(ErrorCode),
    /// The device waits for input and the program has none left.
    Starved,
    /// The device and the memory wait for each other.
    Stalled,
}

/// The counters at a `Mark`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Cycle in which the layer output shows the new count.
    pub cycle: u64,
    /// Values of the counters in that cycle.
    pub counters: Counters,
    /// Bits toggled since the header; zeros where the emulator does not observe them. All toggles of a command's work
    /// count when the command is executed, so a store or a load that continues after the mark counts before it.
    pub toggles: Toggles,
}

/// Result of executing a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// Clock cycles from the first cycle of the program to the one that raised `done` (or ended it).
    pub cycles: u64,
    /// One snapshot per `Mark` since the last header.
    pub snapshots: Vec<Snapshot>,
    /// The counters at the end.
    pub counters: Counters,
    /// Bits toggled since the header; zeros where the emulator does not observe them.
    pub toggles: Toggles,
    /// DRAM at the end.
    pub dram: Vec<u8>,
    /// Bytes of the program's output region.
    pub output: Vec<u8>,
    /// Whether weights were loaded over a list that the running kernel still reads. Results and time of such a kernel
    /// are not defined by `docs/command-stream.md`.
    pub lists_overwritten: bool,
}

impl Report {
    /// Counters of each layer: differences of neighbouring snapshots.
    #[must_use]
    pub fn layers(&self, counter_bits: usize) -> Vec<Counters> {
        let mut before = Counters::default();
        let difference = |snapshot: &Snapshot| {
            let layer = snapshot.counters.since(&before, counter_bits);
            before = snapshot.counters;
            layer
        };
        self.snapshots.iter().map(difference).collect()
    }

    /// Bits toggled in each layer: differences of neighbouring snapshots.
    #[must_use]
    pub fn layer_toggles(&self) -> Vec<Toggles> {
        let mut before = Toggles::default();
        let difference = |snapshot: &Snapshot| {
            let layer = snapshot.toggles.since(&before);
            before = snapshot.toggles;
            layer
        };
        self.snapshots.iter().map(difference).collect()
    }
}

/// The array with accumulators as wide as needed.
#[derive(Clone, Debug)]
enum ArrayState {
    Narrow(Array<i32>),
    Wide(Array<i64>),
}

impl ArrayState {
    fn new(geometry: &Geometry) -> Self {
        if geometry.accumulator_bits <= 32 {
            Self::Narrow(Array::new(geometry))
        } else {
            Self::Wide(Array::new(geometry))
        }
    }

    fn run(
        &mut self,
        geometry: &Geometry,
        timer: &Timer,
        memories: &mut Memories,
        observer: Option<&mut DeviceObserver>,
    ) -> Result<Activity, AddressFault> {
        let KernelPlan { shape, lists } = &**timer.plan();
        let (timer, waiting) = (observer.is_some().then(|| timer.clone()), Waiting::default());
        match self {
            Self::Narrow(array) => {
                Execution { geometry, shape, lists, array, memories, timer, waiting, observer }
                    .run()
            }
            Self::Wide(array) => {
                Execution { geometry, shape, lists, array, memories, timer, waiting, observer }
                    .run()
            }
        }
    }
}

/// The device. Memories, registers and partial sums keep their contents from program to program, as those of the
/// hardware do; initially they are zero.
#[derive(Clone, Debug)]
pub struct Emulator {
    geometry: Geometry,
    id: u32,
    memories: Memories,
    array: ArrayState,
    registers: Registers,
    observer: Option<Box<Observer>>,
}

impl Emulator {
    /// The device of a legal configuration, after reset.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let geometry = Geometry::of(config);
        Self {
            id: config.id(),
            memories: Memories::new(&geometry),
            array: ArrayState::new(&geometry),
            registers: Registers::new(&geometry),
            observer: None,
            geometry,
        }
    }

    /// As [`Self::new`], counting the bits that toggle ([`Report::toggles`]), which takes several times as long.
    #[must_use]
    pub fn observed(config: &Config) -> Self {
        let device = Self::new(config);
        Self { observer: Some(Box::new(Observer::new(&device.geometry))), ..device }
    }

    /// Executes a program with ideal memory.
    ///
    /// # Errors
    /// The program's transfers or regions are malformed. The outcome of its commands is in the [`Report`].
    pub fn run(&mut self, program: &Program) -> Result<Report, ProgramError> {
        self.run_with(program, &MemoryModel::Ideal)
    }

    /// Executes a program with the given memory behind the streams.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_with(
        &mut self,
        program: &Program,
        memory: &MemoryModel,
    ) -> Result<Report, ProgramError> {
        program.validate()?;
        let streams = u64::from(program.stream_bits) == self.geometry.stream_bits as u64;
        if !streams {
            return Err(ProgramError::Invalid {
                what: "stream_bits".into(),
                value: program.stream_bits.to_string(),
                allowed: self.geometry.stream_bits.to_string(),
            });
        }
        let ordering = Ordering::of(program);
        let (streams, observer) = match self.observer.as_deref_mut() {
            Some(Observer { streams, device }) => (Some(streams), Some(device)),
            None => (None, None),
        };
        let dram = program.dram.clone();
        let clock = Clock::new(&ordering, memory, &self.geometry, dram, streams);
        let mut decoder = Decoder {
            geometry: &self.geometry,
            id: self.id,
            memories: &mut self.memories,
            array: &mut self.array,
            registers: &mut self.registers,
            clock,
            observer,
            snapshots: Vec::new(),
            header: None,
            walked: vec![Walked::default(); self.geometry.cols],
            lists_overwritten: false,
        };
        let outcome = decoder.run();
        // `tick` has advanced to the cycle after the last command.
        decoder.clock.now -= u64::from(outcome == Outcome::Done);
        let (counters, toggles) = (decoder.counters(), decoder.toggles());
        let cycles = decoder.clock.now + 1;
        let lists_overwritten = decoder.lists_overwritten;
        let (snapshots, dram) = (decoder.snapshots, decoder.clock.dram);
        let output = dram[program.output.range()].to_vec();
        Ok(Report {
            outcome,
            cycles,
            snapshots,
            counters,
            toggles,
            dram,
            output,
            lists_overwritten,
        })
    }
}
